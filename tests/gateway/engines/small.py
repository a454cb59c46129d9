"""A network of a few numbers with everything that real ones have: two axes, a mask, whole numbers, two outputs."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from gateway.engines.export import export, versions
from gateway.engines.graph import Axis, Graph, Input, below, masked
from gateway.engines.manifest import Manifest

WORDS, WIDTH = 7, 4


class Pooling(nn.Module):
    """The mean of the words that are not filled up, and all of them."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.words, self.last = nn.Embedding(WORDS, WIDTH), nn.Linear(WIDTH, 3)

    def forward(self, tokens: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        states = self.last(self.words(tokens))
        kept = mask.to(states.dtype)[..., None]
        return (states * kept).sum(1) / kept.sum(1), states


def small(network: nn.Module | None = None, **more) -> Graph:
    return Graph(
        name="small",
        network=network or Pooling(),
        inputs=(Input("tokens", ("batch", "length"), below(WORDS)), Input("mask", ("batch", "length"), masked("right"))),
        outputs={"pooled": ("batch", 3), "states": ("batch", "length", 3)},
        axes={"batch": Axis(1, 4, 8), "length": Axis(1, 16, 32)},
        **more,
    )


def exported(folder: Path) -> Path:
    """A folder of graphs, as `assay engines export` leaves it."""
    folder.mkdir(parents=True)
    Manifest(model=folder.name, made_with=versions(), graphs={"small": export(small(), folder)}).write(folder)
    return folder
