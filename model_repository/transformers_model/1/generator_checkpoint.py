"""Finds a checkpoint, refuses what cannot or may not be loaded, and loads the rest: the network and what reads and writes its tokens.

Weights come from safetensors alone: nothing is ever unpickled.
"""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import snapshot_download
from transformers import AutoConfig, AutoImageProcessor, AutoModelForCausalLM, AutoModelForImageTextToText, AutoProcessor, AutoTokenizer, BitsAndBytesConfig
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES, MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES
from transformers.models.auto.processing_auto import PROCESSOR_MAPPING
from transformers.utils import is_torchvision_available
from transformers.utils.logging import disable_progress_bar

from gateway.loading import name_of
from kernel.errors import InvalidSpec

CONFIG, WEIGHTS, INDEX = "config.json", "model.safetensors", "model.safetensors.index.json"
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
FETCHED = ("*.json", "*.safetensors", "*.txt", "*.model", "*.jinja", "*.tiktoken")
NOT_FETCHED = ("original/*", "consolidated*")
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
SEEING, WRITING = "AutoModelForImageTextToText", "AutoModelForCausalLM"
CLASSES = {SEEING: AutoModelForImageTextToText, WRITING: AutoModelForCausalLM}
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


def load(
    checkpoint: str,
    *,
    revision: str | None = None,
    device: str | None = None,
    dtype: str | None = None,
    remote_code: bool | None = None,
    quantize: str | None = None,
) -> Checkpoint:
    """The checkpoint of a local folder, or of the hub. Raises `InvalidSpec`."""
    disable_progress_bar()
    folder = _folder(checkpoint, revision, remote=bool(remote_code))
    _check_files(checkpoint, folder)
    place = _device(checkpoint, device)
    how = _precision(checkpoint, place, dtype, quantize)
    given = {"local_files_only": True, "trust_remote_code": bool(remote_code)}
    try:
        config = AutoConfig.from_pretrained(folder, **given)
        kind = _kind(checkpoint, config, remote=bool(remote_code))
        processor = _processor(folder, config, given)
        network, told = CLASSES[kind].from_pretrained(folder, config=config, use_safetensors=True, output_loading_info=True, **how, **given)
    except InvalidSpec:
        raise
    except Exception as error:
        own = "; where you trust it, say remote_code: true" if "trust_remote_code" in str(error) else ""
        raise InvalidSpec(checkpoint, [f"cannot be loaded: {type(error).__name__}: {' '.join(str(error).split())[:600]}{own}"]) from error
    tokenizer = getattr(processor, "tokenizer", processor)
    sees = hasattr(processor, "image_processor")
    faults = [f"{WEIGHTS} has no {name}; the weights of another architecture, or a part" for name in sorted(told["missing_keys"])[:5]]
    if config.is_encoder_decoder:
        faults.append(f"{type(network).__name__} has an encoder and a decoder of its own; expected one network that goes on writing where the prompt ends")
    if not hasattr(tokenizer, "added_tokens_decoder"):
        faults.append("has no tokenizer; expected tokenizer.json or its like beside the weights")
    if kind == SEEING and not sees:
        faults.append("has no image processor; expected processor_config.json or preprocessor_config.json beside the weights")
    if faults:
        raise InvalidSpec(checkpoint, faults)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    tokenizer.padding_side = "left"
    about = {"model": checkpoint if _is_of_the_hub(checkpoint) else name_of(folder)}
    return Checkpoint(
        network=_settled(network, place, quantize),
        processor=processor,
        tokenizer=tokenizer,
        sees=sees,
        context=_context(config, tokenizer),
        template=_template(processor) or _template(tokenizer),
        about={**about, "revision": folder.name} if _is_of_the_hub(checkpoint) else about,
    )


def _is_of_the_hub(checkpoint: str) -> bool:
    return not Path(checkpoint).expanduser().is_dir()


def _folder(checkpoint: str, revision: str | None, *, remote: bool) -> Path:
    if not _is_of_the_hub(checkpoint):
        if revision:
            raise InvalidSpec(checkpoint, [f"revision {revision!r}: a folder has none; leave it out"])
        return Path(checkpoint).expanduser()
    if checkpoint.startswith(("/", ".", "~")) or checkpoint.count("/") > 1:
        raise InvalidSpec(checkpoint, ["no such folder; expected one with config.json and model.safetensors, or the name of a checkpoint on the hub"])
    patterns = [*FETCHED, "*.py"] if remote else [*FETCHED]
    try:
        return Path(snapshot_download(checkpoint, revision=revision, allow_patterns=patterns, ignore_patterns=[*NOT_FETCHED]))
    except Exception as error:
        why = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        raise InvalidSpec(checkpoint, [f"no such folder here, and from the hub it cannot be fetched: {why}"]) from error


def _check_files(checkpoint: str, folder: Path) -> None:
    """That configuration and weights are there, and that the weights are no pickle."""
    faults = [] if (folder / CONFIG).is_file() else [f"{CONFIG} is missing; expected a checkpoint as transformers saves it"]
    if (folder / INDEX).is_file():
        try:
            names = set(json.loads((folder / INDEX).read_bytes())["weight_map"].values())
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise InvalidSpec(checkpoint, [f"{INDEX} cannot be read: {error!r}; fetch the checkpoint again"]) from None
        faults += [f"{name} is missing; {INDEX} names it, fetch it again" for name in sorted(names) if not (folder / name).is_file()]
    elif not (folder / WEIGHTS).is_file():
        pickles = sorted(path.name for pattern in PICKLES for path in folder.glob(pattern))
        held = f"; {', '.join(pickles)} may run code when loaded and is not read: convert it with save_pretrained" if pickles else ""
        faults.append(f"{WEIGHTS} is missing{held}")
    if faults:
        raise InvalidSpec(checkpoint, faults)


def _device(checkpoint: str, device: str | None) -> torch.device:
    there = torch.cuda.is_available()
    try:
        place = torch.device(("cuda" if there else "cpu") if device in (None, "auto") else device)
    except RuntimeError:
        raise InvalidSpec(checkpoint, [f"device is {device!r}; expected auto, cpu, cuda or cuda:N"]) from None
    if place.type == "cuda" and (place.index or 0) >= torch.cuda.device_count():
        raise InvalidSpec(checkpoint, [f"device is {device!r}, and torch finds {torch.cuda.device_count()} GPUs here; use auto or cpu"])
    return place


def _precision(checkpoint: str, place: torch.device, dtype: str | None, quantize: str | None) -> dict[str, Any]:
    """How the weights are held, as `from_pretrained` is told. A processor computes in 32 bits unless told otherwise: in less it is slow."""
    dtype = dtype or "auto"
    if dtype != "auto" and dtype not in DTYPES:
        raise InvalidSpec(checkpoint, [f"dtype is {dtype!r}; expected auto, {', '.join(DTYPES)}"])
    if quantize not in (None, "int8"):
        raise InvalidSpec(checkpoint, [f"quantize is {quantize!r}; expected int8, or nothing"])
    on_gpu = place.type != "cpu"
    if quantize and on_gpu:
        absent = [name for name in ("bitsandbytes", "accelerate") if find_spec(name) is None]
        if absent:
            raise InvalidSpec(checkpoint, [f"quantize int8 on a GPU needs {' and '.join(absent)}; pip install {' '.join(absent)}, or leave quantize out"])
        return {"quantization_config": BitsAndBytesConfig(load_in_8bit=True), "device_map": {"": place}, "dtype": DTYPES.get(dtype, "auto")}
    if quantize and find_spec("torch.ao.quantization") is None:
        raise InvalidSpec(checkpoint, [f"quantize int8 on the processor needs torch.ao.quantization, and torch {torch.__version__} has none; leave it out"])
    if quantize and dtype not in ("auto", "float32"):
        raise InvalidSpec(checkpoint, [f"quantize int8 on the processor starts from float32, and dtype is {dtype}; leave dtype out"])
    return {"dtype": DTYPES.get(dtype, "auto" if on_gpu else torch.float32)}


def _kind(checkpoint: str, config: Any, *, remote: bool) -> str:
    """Which of the Auto classes makes the network."""
    named = list(config.architectures or [])
    own = getattr(config, "auto_map", None) or {}
    for kind, names in ((SEEING, MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES), (WRITING, MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)):
        if (remote and kind in own) or (config.model_type in names and (not named or names[config.model_type] in named)):
            return kind
    number = len({*MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES.values(), *MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.values()})
    what = f"{CONFIG}: the architecture {', '.join(named) or config.model_type!r} ({config.model_type}) writes no text after a prompt"
    more = "; its own code could be run with remote_code: true" if own else ""
    raise InvalidSpec(checkpoint, [f"{what}; expected one of the {number} of transformers' {SEEING} and {WRITING}, such as {_some()}{more}"])


def _some() -> str:
    return ", ".join(MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES[name] for name in ("llava", "qwen2_vl", "idefics3", "gemma3")) + ", LlamaForCausalLM"


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


def _settled(network: Any, place: torch.device, quantize: str | None) -> Any:
    network.eval()
    if quantize and place.type == "cpu":
        return _in_eight_bits(network)
    return network if quantize else network.to(place)


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
