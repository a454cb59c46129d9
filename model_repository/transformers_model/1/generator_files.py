"""What a checkpoint's files tell of it before any weight is loaded: whether it can be served here, and by which class of transformers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES, MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES

from gateway.loading import checked, part
from gateway.weights import CONFIG
from kernel.errors import InvalidSpec

SEEING, WRITING = "AutoModelForImageTextToText", "AutoModelForCausalLM"
CLASSES = {SEEING: AutoModelForImageTextToText, WRITING: AutoModelForCausalLM}


def look(checkpoint: str, folder: Path, settings: Mapping[str, Any], *, weighed: bool = True) -> None:
    """See that the checkpoint can be served. Raises `InvalidSpec`. weighed: whether its weights are in the folder too."""
    if weighed:
        checked(checkpoint, folder)
    remote = bool(settings.get("remote_code"))
    kind_of(checkpoint, part(checkpoint, AutoConfig, folder, remote_code=remote), remote=remote)


def kind_of(checkpoint: str, config: Any, *, remote: bool) -> str:
    """Which of the Auto classes makes the network. Raises `InvalidSpec` where none does."""
    named = list(config.architectures or [])
    own = getattr(config, "auto_map", None) or {}
    for kind, names in ((SEEING, MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES), (WRITING, MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)):
        if (remote and kind in own) or (config.model_type in names and (not named or names[config.model_type] in named)):
            if config.is_encoder_decoder:
                what = f"{names.get(config.model_type, config.model_type)} has an encoder and a decoder of its own"
                raise InvalidSpec(checkpoint, [f"{what}; expected one network that goes on writing where the prompt ends"])
            return kind
    number = len({*MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES.values(), *MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.values()})
    what = f"{CONFIG}: the architecture {', '.join(named) or config.model_type!r} ({config.model_type}) writes no text after a prompt"
    more = "; its own code could be run with remote_code: true" if own else ""
    raise InvalidSpec(checkpoint, [f"{what}; expected one of the {number} of transformers' {SEEING} and {WRITING}, such as {_some()}{more}"])


def _some() -> str:
    return ", ".join(MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES[name] for name in ("llava", "qwen2_vl", "idefics3", "gemma3")) + ", LlamaForCausalLM"
