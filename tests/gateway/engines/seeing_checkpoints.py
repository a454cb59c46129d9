"""Tiny checkpoints of models that see, only the networks: a graph needs neither tokenizer nor template."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import transformers as hub

from tests.model_repository.tiny_checkpoints import TEXT, WIDTH
from tests.model_repository.tiny_instruments import random, saved

WORDS = {"vocab_size": 64, "pad_token_id": 0}
EYE = {"hidden_size": WIDTH, "num_attention_heads": 4, "num_hidden_layers": 2, "intermediate_size": 48, "image_size": 32, "patch_size": 8}


def qwen2_5_vl(folder: Path) -> Path:
    """As Qwen/Qwen2.5-VL-3B-Instruct: three layers of which one looks at whole frames, the others at windows of two by two places."""
    turning = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10_000.0}
    eye = {"depth": 3, "hidden_size": WIDTH, "num_heads": 4, "intermediate_size": 48, "out_hidden_size": WIDTH}
    cut = {"patch_size": 8, "window_size": 32, "fullatt_block_indexes": [1]}
    return _made("Qwen2_5_VL", folder, {**eye, **cut}, rope_parameters=turning)


def smolvlm(folder: Path) -> Path:
    """As HuggingFaceTB/SmolVLM2-2.2B-Instruct."""
    return _made("SmolVLM", folder, EYE, model_type="llama", scale_factor=2)


def _made(name: str, folder: Path, eye: dict[str, Any], scale_factor: int | None = None, **words: Any) -> Path:
    more = {} if scale_factor is None else {"scale_factor": scale_factor}
    config = getattr(hub, f"{name}Config")(text_config={**TEXT, **WORDS, **words}, vision_config=eye, **more)
    return saved(folder, random(getattr(hub, f"{name}ForConditionalGeneration"), config))
