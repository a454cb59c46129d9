"""What is to be known of a graph: the network, its inputs and outputs with named axes, and how far these may reach."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import nn

Dim: TypeAlias = int | str
"""A size, the name of an axis, or a sum of axes such as "past+length"."""
Dims: TypeAlias = tuple[Dim, ...]
Sizes: TypeAlias = Mapping[str, int]
Fill: TypeAlias = Callable[[tuple[int, ...], torch.Generator], torch.Tensor]
TOLERANCE = 1e-4


@dataclass(frozen=True, slots=True)
class Axis:
    """How long an axis may be: at least, usually, at most. It becomes the optimisation profile of a plan."""

    least: int
    usual: int
    most: int

    def near(self, size: int) -> int:
        """The allowed size that is nearest."""
        return max(self.least, min(self.most, size))


def normal(shape: tuple[int, ...], chance: torch.Generator) -> torch.Tensor:
    """Normal noise: pictures, latents, states."""
    return torch.randn(shape, generator=chance)


def whole() -> Fill:
    """A mask in which nothing is left out."""
    return lambda shape, _: torch.ones(shape, dtype=torch.int64)


def below(limit: int, least: int = 0) -> Fill:
    """Whole numbers under a limit: tokens, positions."""
    return lambda shape, chance: torch.randint(least, limit, shape, generator=chance)


def ordered(shape: tuple[int, ...], chance: torch.Generator) -> torch.Tensor:
    """Rows of the numbers from 0, each in an order of its own."""
    return torch.rand(shape, generator=chance).argsort(-1)


def steps(limit: float = 1000.0) -> Fill:
    """Timesteps of a diffusion as floats."""
    return lambda shape, chance: torch.rand(shape, generator=chance) * limit


def masked(side: Literal["left", "right"]) -> Fill:
    """An attention mask in which every second row has a third of its places filled up."""

    def fill(shape: tuple[int, ...], _: torch.Generator) -> torch.Tensor:
        mask = torch.ones(shape, dtype=torch.int64)
        empty = shape[-1] // 3
        places = slice(0, empty) if side == "left" else slice(shape[-1] - empty, shape[-1])
        mask[1::2, places] = 0
        return mask

    return fill


@dataclass(frozen=True, slots=True)
class Input:
    """A tensor that goes in. fill: what is put into it when the graph is exported and checked."""

    name: str
    dims: Dims
    fill: Fill = normal

    def tensor(self, sizes: Sizes, chance: torch.Generator) -> torch.Tensor:
        """An example of these sizes."""
        return self.fill(shape(self.dims, sizes), chance)


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """A network that takes its inputs by position and gives one tensor, or a tuple of them.

    tolerance: the largest error against torch, absolute where values are small and relative where they are above 1.
    streamed: what one call gives out, another one takes in, so that a server cannot batch the calls.
    """

    name: str
    network: nn.Module
    inputs: tuple[Input, ...]
    outputs: Mapping[str, Dims]
    axes: Mapping[str, Axis]
    tolerance: float = TOLERANCE
    streamed: bool = False

    def example(self) -> Sizes:
        """The sizes it is exported with: above 1 and each another, because the exporter takes sizes that agree for one axis."""
        return {name: axis.near(3 + 2 * index) for index, (name, axis) in enumerate(self.axes.items())}

    def trials(self) -> Iterator[Sizes]:
        """Sizes that it is checked at, none of them the example's: a middling one first, the least of all, the last axis at its least."""
        middling = {name: axis.near(self.example()[name] + 1) for name, axis in self.axes.items()}
        least = {name: axis.least for name, axis in self.axes.items()}
        larger = {name: axis.near(middling[name] + 2) for name, axis in self.axes.items()}
        last = list(self.axes)[-1]
        tried: list[Sizes] = [self.example()]
        for sizes in (middling, least, {**larger, last: least[last]}):
            if sizes not in tried:
                tried.append(sizes)
                yield sizes

    def tensors(self, sizes: Sizes, seed: int = 0) -> tuple[torch.Tensor, ...]:
        """An example for every input."""
        chance = torch.Generator().manual_seed(seed)
        return tuple(each.tensor(sizes, chance) for each in self.inputs)

    @torch.no_grad()
    def answer(self, tensors: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        """What torch gives for these inputs."""
        found = self.network(*tensors)
        return (found,) if isinstance(found, torch.Tensor) else tuple(found)


def shape(dims: Dims, sizes: Sizes) -> tuple[int, ...]:
    """Dims as numbers."""
    return tuple(dim if isinstance(dim, int) else sum(sizes[part] for part in dim.split("+")) for dim in dims)
