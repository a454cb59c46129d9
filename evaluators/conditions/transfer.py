"""Pictures changed a little so that networks nobody attacked err too: a spectrum simulation attack on the common weakness of several networks.

Long and others (2022) look at each picture through a randomly weighted cosine transform; Chen and others (2024) climb the networks one
after the other and follow the way that they went together. MultiTrust's attacked pictures are made with both. Here is everything but
the networks: each is known by the slope of what is to be climbed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

Array = NDArray[np.float32]
Slope = Callable[[Array], Array]
"""Of pictures (number, channel, row, column) with values from 0 to 1, for each how the objective rises with its values."""
PLANE = (-2, -1)
NEARLY_NOTHING = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferAttack:
    """The attack, with the settings of MultiTrust.

    bound: the largest change of a value. steps and step: how often and how far the picture is moved. stride: how far one network moves it within a
    step. momentum: of both. draws: how many looks a slope is the mean of; deviation of the grain and spread of the weights in each look.
    """

    bound: float = 16 / 255
    steps: int = 50
    step: float = 16 / 255 / 5
    stride: float = 250.0
    momentum: float = 1.0
    draws: int = 20
    deviation: float = 16 / 255
    spread: float = 0.5

    def run(self, clean: Array, slopes: Sequence[Slope], seed: int = 0) -> Array:
        """One picture (channel, row, column), attacked: no value is further than `bound` from the clean one, or outside 0 to 1."""
        chance = np.random.default_rng(seed)
        changed = clean
        inner, outer = np.zeros_like(clean), np.zeros_like(clean)
        for _ in range(self.steps):
            now = changed
            for slope in slopes:
                inner = self.momentum * inner + unit(slope(self.looks(now, chance)).mean(axis=0))
                now = within(now + self.stride * inner, clean, self.bound)
            changed, outer = followed(now, changed, outer, self.momentum, self.step)
            changed = within(changed, clean, self.bound)
        return changed

    def looks(self, picture: Array, chance: np.random.Generator) -> Array:
        """The picture as it is looked at: with grain, and every frequency a little stronger or weaker."""
        shape = (self.draws, *picture.shape)
        grain = self.deviation * chance.standard_normal(shape, dtype=np.float32)
        weights = 1 + self.spread * (2 * chance.random(shape, dtype=np.float32) - 1)
        return np.asarray(fft.idctn(weights * fft.dctn(picture + grain, axes=PLANE), axes=PLANE), dtype=picture.dtype)


def unit(slope: Array) -> Array:
    """The slope at a length of one; next to none stays next to none."""
    return np.asarray(slope / (np.linalg.norm(slope) + NEARLY_NOTHING), dtype=slope.dtype)


def followed(now: Array, before: Array, momentum: Array, keep: float, step: float) -> tuple[Array, Array]:
    """The picture one step further on the way from `before` to `now` and those that came earlier, and that way. Who stood still goes on as before."""
    way = now - before
    length = np.abs(way).sum()
    momentum = np.asarray(keep * momentum + (way / length if length else way), dtype=now.dtype)
    return np.asarray(np.clip(before + step * np.sign(momentum), 0, 1), dtype=now.dtype), momentum


def within(picture: Array, clean: Array, bound: float) -> Array:
    """The picture, no value further than `bound` from the clean one, or outside 0 to 1."""
    near: Array = np.clip(np.clip(picture, 0, 1), clean - bound, clean + bound).astype(clean.dtype)
    return near
