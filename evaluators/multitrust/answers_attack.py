"""What the steps of the public code's transfer attack made of recorded inputs."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from math import prod
from typing import Any

import numpy as np
from scipy import fft

from evaluators.conditions.transfer import NEARLY_NOTHING, PLANE, Array, TransferAttack, followed, within


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


def _attack(given: Any) -> list[Any]:
    """The picture attacked over networks whose slopes are their weights, without chance; no case of it was recorded."""
    picture = np.array(given["x"], dtype=np.float32)
    slopes = [np.array(weights, dtype=np.float32) for weights in given["weights"]]
    attack = TransferAttack(
        bound=_number(given["eps"]),
        steps=int(given["total_step"]),
        stride=float(given["inner_step_size"]),
        momentum=float(given["mu"]),
        draws=1,
        deviation=0,
        spread=0,
    )
    told: list[Any] = attack.run(picture, [partial(_linear, slope) for slope in slopes]).tolist()
    return told


def _linear(slope: Array, pictures: Array) -> Array:
    return np.broadcast_to(slope, pictures.shape)


def _near(given: Any) -> list[Any]:
    """No value further from the clean one than the bound, or outside 0 to 1."""
    picture, clean = (np.array(given[name], dtype=np.float32) for name in ("x", "x0"))
    told: list[Any] = within(picture, clean, _number(given["eps"])).tolist()
    return told


def _ball(given: Any) -> list[Any]:
    """The change of each picture (the first axis, where there are several) cut to the bound's length, and values to 0 to 1."""
    picture, clean = (np.array(given[name], dtype=np.float64) for name in ("x", "x0"))
    bound = _number(given["eps"])
    change = (picture - clean).reshape(len(picture), -1) if picture.ndim > 1 else (picture - clean)[None]
    length = np.linalg.norm(change, axis=1, keepdims=True)
    scaled = change * np.where(length > bound, bound / np.maximum(length, NEARLY_NOTHING), 1)
    told: list[Any] = np.clip(clean + scaled.reshape(picture.shape), 0, 1).tolist()
    return told


def _number(told: Any) -> float:
    """A number, or a quotient such as 16/255/5."""
    first, *divisors = str(told).split("/")
    return float(Fraction(first) / prod(map(Fraction, divisors), start=Fraction(1)))


ANSWERS: dict[tuple[str, str], Callable[[Any], Any]] = {
    ("R.4/R.5", "CWA outer step"): _outer_step,
    ("R.4/R.5", "SSA-CWA attack, two linear surrogates, randomness removed"): _attack,
    ("R.4/R.5", "SSA.dct"): _spectrum,
    ("R.4/R.5", "projection L2"): _ball,
    ("R.4/R.5", "projection Linf"): _near,
}
"""By the names of task and metric in the recordings."""
