"""What the steps of the public code's transfer attack made of recorded inputs."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
from scipy import fft

from evaluators.conditions.transfer import PLANE, followed


def _spectrum(given: Any) -> dict[str, Any]:
    """Cosine transforms of the rows, and of the whole, there and back."""
    x = np.array(given["x"], dtype=float)
    whole = fft.dctn(x, axes=PLANE)
    made = {"dct": fft.dct(x), "dct_ortho": fft.dct(x, norm="ortho"), "dct_2d": whole, "idct_2d(dct_2d(x))": fft.idctn(whole, axes=PLANE)}
    return {name: values.tolist() for name, values in made.items()}


def _outer_step(given: Any) -> dict[str, Any]:
    """The picture one step further, and the way that is followed."""
    now, before, momentum = (np.array(given[name], dtype=np.float32) for name in ("now", "original", "outer_momentum"))
    patch, way = followed(now, before, momentum, float(given["mu"]), _number(given["ksi"]))
    return {"patch": patch.tolist(), "outer_momentum": way.tolist()}


def _number(told: Any) -> float:
    """A number, or a quotient such as 16/255/5."""
    first, *divisors = str(told).split("/")
    return float(Fraction(first) / prod(map(Fraction, divisors), start=Fraction(1)))


ANSWERS: dict[tuple[str, str], Callable[[Any], Any]] = {("R.4/R.5", "CWA outer step"): _outer_step, ("R.4/R.5", "SSA.dct"): _spectrum}
"""By the names of task and metric in the recordings."""
