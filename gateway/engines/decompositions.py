"""Operators that torch's exporter has no ONNX for, made of ones it has. All are over the few tokens of a text, so squares of them are cheap."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch


def isin(elements: torch.Tensor, tests: torch.Tensor, **_: Any) -> torch.Tensor:
    """Whether each is among the others."""
    return (elements[..., None] == tests.flatten()).any(-1)


def is_all_true(values: torch.Tensor) -> torch.Tensor:
    """Whether everything is."""
    return values.all()


def cummax(values: torch.Tensor, axis: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The largest so far; where it stood is not told."""
    found = _so_far(values, axis, torch.iinfo(torch.int32).min).amax(-1).movedim(-1, axis)
    return found, torch.zeros_like(found)


def cummin(values: torch.Tensor, axis: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The least so far; where it stood is not told."""
    found = _so_far(values, axis, torch.iinfo(torch.int32).max).amin(-1).movedim(-1, axis)
    return found, torch.zeros_like(found)


def _so_far(values: torch.Tensor, axis: int, filler: int) -> torch.Tensor:
    places = torch.arange(values.shape[axis])
    return torch.where(places[None, :] <= places[:, None], values.movedim(axis, -1)[..., None, :], filler)


TABLE: Mapping[Any, Callable[..., Any]] = {
    torch.ops.aten.isin.Tensor_Tensor: isin,
    torch.ops.aten._is_all_true.default: is_all_true,  # noqa: SLF001 - an operator like the others
    torch.ops.aten.cummax.default: cummax,
    torch.ops.aten.cummin.default: cummin,
}
