"""Graphs in ONNX Runtime: what it makes of one on the CPU, and how far that is from what it should be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import onnxruntime

Arrays: TypeAlias = Mapping[str, np.ndarray[Any, Any]]


def session(path: Path, providers: Sequence[str]) -> Any:
    """A graph, loaded."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=list(providers))


def offers(provider: str) -> bool:
    """Whether this ONNX Runtime was built with it."""
    return provider in onnxruntime.get_available_providers()


class Runtime:
    """A graph in ONNX Runtime on the CPU."""

    def __init__(self, path: Path) -> None:
        self._session = session(path, ["CPUExecutionProvider"])
        self.inputs = {each.name: (each.type, tuple(each.shape)) for each in self._session.get_inputs()}
        self.outputs = {each.name: (each.type, tuple(each.shape)) for each in self._session.get_outputs()}

    def answer(self, inputs: Arrays) -> Arrays:
        """The outputs, by their names."""
        return dict(zip(self.outputs, self._session.run(None, dict(inputs)), strict=True))


class Difference(NamedTuple):
    """The largest difference, as it is; and relative to the largest value, where that is above 1."""

    absolute: float
    relative: float


def difference(wanted: Sequence[np.ndarray[Any, Any]], found: Sequence[np.ndarray[Any, Any]]) -> Difference:
    """Over all outputs; infinite where shapes differ or what is found is no number."""
    pairs = [_difference(*pair) for pair in zip(wanted, found, strict=True)]
    return Difference(*(max(column) for column in zip(*pairs, strict=True)))


def _difference(wanted: np.ndarray[Any, Any], found: np.ndarray[Any, Any]) -> Difference:
    nothing = Difference(float("inf"), float("inf"))
    if wanted.shape != found.shape:
        return nothing
    apart = wanted != found  # a logit of minus infinity is what it should be where the other one has it too
    wanted, found = wanted[apart].astype(np.float64), found[apart]
    if not (np.isfinite(found).all() and np.isfinite(wanted).all()):
        return nothing
    absolute = float(np.abs(wanted - found).max(initial=0.0))
    return Difference(absolute, absolute / max(1.0, float(np.abs(wanted).max(initial=0.0))))
