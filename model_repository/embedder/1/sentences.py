"""What a checkpoint of sentence-transformers says of how words become one vector; read from its files, without that library."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from kernel.errors import InvalidSpec

MODULES = "modules.json"
SETTINGS = ("sentence_bert_config.json", "sentence_roberta_config.json", "sentence_distilbert_config.json", "sentence_mpnet_config.json")
MODES = ("mean", "cls")
OLD_MODES = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}


@dataclass(frozen=True)
class Sentences:
    """How a text is read and made one vector. folder: where the network is. longest: tokens that are read, if that is said."""

    folder: Path
    pooling: str = "mean"
    normalize: bool = False
    longest: int | None = None
    lower: bool = False


def sentences(checkpoint: str, folder: Path) -> Sentences:
    """Read the checkpoint's modules; without any it is a plain encoder, whose words are averaged. Raises `InvalidSpec`."""
    if not (folder / MODULES).is_file():
        return Sentences(folder)
    modules = [(module["type"].rsplit(".", 1)[-1], folder / module["path"]) for module in json.loads((folder / MODULES).read_text(encoding="utf-8"))]
    names = [name for name, _ in modules]
    if names not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        raise InvalidSpec(checkpoint, [f"{MODULES} has {', '.join(names)}; expected Transformer, Pooling and perhaps Normalize"])
    network = modules[0][1]
    told = next((_json(network / name) for name in SETTINGS if (network / name).is_file()), {})
    return Sentences(
        folder=network,
        pooling=_pooling(checkpoint, modules[1][1] / "config.json"),
        normalize="Normalize" in names,
        longest=told.get("max_seq_length"),
        lower=bool(told.get("do_lower_case")),
    )


def _pooling(checkpoint: str, path: Path) -> str:
    if not path.is_file():
        raise InvalidSpec(checkpoint, [f"{path} is missing; {MODULES} names it"])
    told = _json(path)
    said = told.get("pooling_mode", [mode for name, mode in OLD_MODES.items() if told.get(name)] or ["mean"])
    modes = [said] if isinstance(said, str) else list(said)
    if len(modes) != 1 or modes[0] not in MODES:
        raise InvalidSpec(checkpoint, [f"{path} wants the pooling {' and '.join(modes)}; expected one of {', '.join(MODES)}"])
    return str(modes[0])


def _json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


def pooled(states: torch.Tensor, mask: torch.Tensor, mode: str) -> torch.Tensor:
    """One vector for each text, of the states of its words; what is padding counts for nothing."""
    if mode == "cls":
        return states[torch.arange(len(states), device=states.device), mask.int().argmax(dim=1)]
    weights = mask.unsqueeze(-1).float()
    return (states.float() * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1e-9)
