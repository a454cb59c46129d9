"""Loads a checkpoint: the network, and what reads and writes its tokens. What cannot or may not be loaded is refused."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from generator_files import CLASSES, SEEING, kind_of
from transformers import AutoConfig, AutoImageProcessor, AutoProcessor, AutoTokenizer, BitsAndBytesConfig
from transformers.models.auto.processing_auto import PROCESSOR_MAPPING
from transformers.utils import is_torchvision_available
from transformers.utils.logging import disable_progress_bar

from gateway.loading import AUTO, checked, folder_of, line, loaded, name_of, part, placed
from kernel.errors import InvalidSpec

QUANTIZED = {"int8": {"load_in_8bit": True}, "int4": {"load_in_4bit": True}}
"""What bitsandbytes is told of each."""
ENDLESS = 10**9
"""Tokenizers without a limit say a far larger one."""


@dataclass(frozen=True)
class Checkpoint:
    """What was loaded. context: tokens of prompt and answer together. template: the chat template. about: stands in every report."""

    network: Any
    processor: Any
    tokenizer: Any
    sees: bool
    context: int | None
    template: str | None
    about: dict[str, Any]


def load(checkpoint: str, *, device: str | None = None, dtype: str | None = None, remote_code: bool | None = None, quantize: str | None = None) -> Checkpoint:
    """The checkpoint in a folder. Raises `InvalidSpec`."""
    disable_progress_bar()
    folder = folder_of(checkpoint)
    checked(checkpoint, folder)
    where, _ = placed(checkpoint, device or AUTO, dtype or AUTO)
    quantized = _quantized(checkpoint, where, dtype or AUTO, quantize)
    remote = bool(remote_code)
    config = part(checkpoint, AutoConfig, folder, remote_code=remote)
    kind = kind_of(checkpoint, config, remote=remote)
    try:
        processor = _processor(folder, config, {"local_files_only": True, "trust_remote_code": remote})
    except Exception as error:
        raise InvalidSpec(checkpoint, [f"its processor cannot be loaded: {type(error).__name__}: {line(error)}"]) from error
    tokenizer = getattr(processor, "tokenizer", processor)
    sees = hasattr(processor, "image_processor")
    faults = []
    if not hasattr(tokenizer, "added_tokens_decoder"):
        faults.append("has no tokenizer; expected tokenizer.json or its like beside the weights")
    if kind == SEEING and not sees:
        faults.append("has no image processor; expected processor_config.json or preprocessor_config.json beside the weights")
    if faults:
        raise InvalidSpec(checkpoint, faults)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    tokenizer.padding_side = "left"
    network = loaded(checkpoint, CLASSES[kind], folder, device=where, dtype=dtype or AUTO, remote_code=remote, quantized=quantized, config=config)
    return Checkpoint(
        network=_in_eight_bits(network) if quantize and quantized is None else network,
        processor=processor,
        tokenizer=tokenizer,
        sees=sees,
        context=_context(config, tokenizer),
        template=_template(processor) or _template(tokenizer),
        about={"model": name_of(folder)},
    )


def _quantized(checkpoint: str, where: str, dtype: str, quantize: str | None) -> Any:
    """What the library is told of fewer bits: on a processor nothing, where they are made after loading. Raises `InvalidSpec`."""
    if quantize is None:
        return None
    if quantize not in QUANTIZED:
        raise InvalidSpec(checkpoint, [f"quantize is {quantize!r}; expected {' or '.join(QUANTIZED)}, or nothing"])
    if where != "cpu":
        if absent := [name for name in ("bitsandbytes", "accelerate") if find_spec(name) is None]:
            raise InvalidSpec(checkpoint, [f"quantize {quantize} on a GPU needs {' and '.join(absent)}; pip install {' '.join(absent)}, or leave quantize out"])
        return BitsAndBytesConfig(**QUANTIZED[quantize])
    if quantize != "int8":
        raise InvalidSpec(checkpoint, [f"quantize {quantize} needs a GPU, and device is cpu; expected int8 on a processor, or nothing"])
    if find_spec("torch.ao.quantization") is None:
        raise InvalidSpec(checkpoint, [f"quantize int8 on the processor needs torch.ao.quantization, and torch {torch.__version__} has none; leave it out"])
    if dtype not in (AUTO, "float32"):
        raise InvalidSpec(checkpoint, [f"quantize int8 on the processor starts from float32, and dtype is {dtype}; leave dtype out"])
    return None


def _processor(folder: Path, config: Any, given: dict[str, Any]) -> Any:
    """What reads texts and pictures. Without torchvision there are no videos, and a processor for them is done without."""
    try:
        return AutoProcessor.from_pretrained(folder, **given)
    except (ImportError, ValueError):
        if is_torchvision_available() or "video_processor" not in PROCESSOR_MAPPING.get(type(config), _Unknown).get_attributes():
            raise
    still = _for_still_pictures(PROCESSOR_MAPPING[type(config)])
    makers = {"tokenizer": AutoTokenizer, "image_processor": AutoImageProcessor}
    parts = [makers[name].from_pretrained(folder, **given) if name in makers else _NoVideos() for name in still.get_attributes()]
    return still.from_args_and_dict(parts, still.get_processor_dict(folder, local_files_only=True)[0])


class _Unknown:
    """Stands for the processor of an architecture that has none."""

    @staticmethod
    def get_attributes() -> list[str]:
        return []


class _NoVideos(dict[str, Any]):
    """Stands where a processor has one for videos, which no request has; a dict, since processors write themselves down as JSON."""

    num_frames = fps = None


def _for_still_pictures(whole: type) -> Any:
    def check(self: Any, name: str, part: Any) -> Any:
        return None if name == "video_processor" else whole.check_argument_for_proper_class(self, name, part)

    return type(whole.__name__, (whole,), {"check_argument_for_proper_class": check})


def _in_eight_bits(network: Any) -> Any:
    """The matrices of the decoder in eight bits; the eye stays as it is."""
    with warnings.catch_warnings():
        # Its successor, torchao, is a package of its own.
        warnings.simplefilter("ignore")
        torch.ao.quantization.quantize_dynamic(network.get_decoder(), {torch.nn.Linear}, dtype=torch.qint8, inplace=True)
    return network


def _context(config: Any, tokenizer: Any) -> int | None:
    told = getattr(config.get_text_config(), "max_position_embeddings", None) or getattr(config, "max_position_embeddings", None)
    return told or (tokenizer.model_max_length if tokenizer.model_max_length < ENDLESS else None)


def _template(reader: Any) -> str | None:
    template = getattr(reader, "chat_template", None)
    return template.get("default") if isinstance(template, dict) else template
