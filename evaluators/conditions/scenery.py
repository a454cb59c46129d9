"""Landscapes by rule: a sky, hills behind hills, and a meadow, a lake, a forest, a desert or snow before them.

Chance comes from `random.Random`, and nothing but sums and products is made of it, so that pixels are the same on every machine.
"""

from __future__ import annotations

from random import Random

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Field = NDArray[np.float64]
Rgb = tuple[int, int, int]
Ground = tuple[Rgb, Rgb, str]
SKIES: tuple[tuple[Rgb, Rgb], ...] = (
    ((70, 130, 205), (190, 220, 240)),
    ((110, 160, 215), (245, 225, 200)),
    ((60, 70, 130), (250, 165, 110)),
    ((120, 140, 160), (215, 220, 222)),
)
"""Above and at the horizon: by day, in the morning, in the evening, under clouds."""
GROUNDS: tuple[Ground, ...] = (
    ((92, 140, 60), (60, 92, 58), "meadow"),
    ((60, 100, 120), (52, 84, 62), "lake"),
    ((52, 84, 44), (38, 66, 44), "forest"),
    ((206, 160, 100), (176, 112, 72), "desert"),
    ((232, 238, 244), (110, 126, 146), "snow"),
)
"""Of what lies before, of the hills, and what it is."""
OCTAVES = 5


def landscape(chance: Random, side: int, ground: Ground) -> Image.Image:
    """A landscape on that ground, all else by lot, as high as it is wide."""
    above, horizon = chance.choice(SKIES)
    near, hills, what = ground
    level = chance.uniform(0.52, 0.66)
    down = _down(side)
    values = _sky(chance, side, above, horizon, level)
    ranges = chance.randint(2, 4)
    for each in range(ranges):
        nearness = (each + 1) / ranges
        height = level - 0.30 * (1 - 0.72 * nearness) * _ridge(chance, side, 2 + each, 0.45)
        shade = _mixed(_rgb(horizon), _rgb(hills), 0.25 + 0.7 * nearness) * (0.86 + 0.28 * _rough(chance, side, 12, 12)[..., None])
        values = _over(values, shade, down - height[None, :], side)
    if what == "lake":
        values = _over(values, _lake(chance, values, near, level), down - level, side)
    else:
        values = _over(values, _land(chance, side, near, level), down - level - 0.03 * _ridge(chance, side, 3, 0.5)[None, :], side)
    if what in {"meadow", "forest", "snow"}:
        values = _trees(chance, side, values, _rgb(hills) * 0.55, level, 60 if what == "forest" else 14)
    return Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))


def _sky(chance: Random, side: int, above: Rgb, horizon: Rgb, level: float) -> Field:
    """From one colour to the other, with a sun that may stand in it, and clouds that are flatter than wide."""
    share = np.clip(_down(side) / level, 0, 1)[..., None]
    values = np.broadcast_to(_mixed(_rgb(above), _rgb(horizon), share), (side, side, 3))
    away = (_across(side) - chance.uniform(0.1, 0.9)) ** 2 + (_down(side) - chance.uniform(0.1, 0.4)) ** 2
    glow = np.clip(1 - away / 0.02, 0, 1) ** 2 + np.clip(1.3 - away / 0.0016, 0, 1)
    values = _mixed(values, _rgb((255, 244, 214)), np.clip(0.8 * glow, 0, 1)[..., None])
    clouds = np.clip((_rough(chance, side, 3, 8) - chance.uniform(0.45, 0.62)) * 4, 0, 1)
    return _mixed(values, _rgb((250, 250, 250)), 0.75 * clouds[..., None])


def _land(chance: Random, side: int, near: Rgb, level: float) -> Field:
    """Ground that gets rougher and darker towards the one who looks."""
    close = np.clip((_down(side) - level) / (1 - level), 0, 1)
    grain = _rough(chance, side, 4, 10) - 0.5
    fine = _rough(chance, side, 48, 60) - 0.5
    return _rgb(near) * (1.12 - 0.3 * close + 0.5 * grain + 0.55 * close * fine)[..., None]


def _lake(chance: Random, values: Field, near: Rgb, level: float) -> Field:
    """What stands above the shore upside down, moved a little by waves, in the water's colour."""
    side = len(values)
    shore = round(level * side)
    rows = np.arange(side)
    waves = np.rint(10 * (_rough(chance, side, 40, 3) - 0.5)).astype(int)
    mirrored = np.clip(2 * shore - 1 - rows[:, None] + waves, 0, shore - 1)
    return _mixed(values[mirrored, rows[None, :]], _rgb(near), 0.45)


def _trees(chance: Random, side: int, values: Field, colour: Field, level: float, number: int) -> Field:
    """Firs, the far ones first and smaller, each three triangles on one another."""
    for foot in sorted(chance.uniform(level + 0.02, 0.97) for _ in range(number)):
        height = 0.06 + 0.42 * (foot - level)
        middle, shade = chance.random(), colour * chance.uniform(0.8, 1.25)
        up = (foot - _down(side)) / height
        width = 0.3 * height * (1 - up) * (0.62 + 0.38 * (1 - (3 * up) % 1))
        inside = np.where((up > 0) & (up < 1), abs(_across(side) - middle) - width, 1.0)
        values = _over(values, shade, -inside, side)
    return values


def _over(values: Field, shade: Field, depth: Field, side: int) -> Field:
    """The shade over the values where the depth is above nought; edges are a pixel wide."""
    return _mixed(values, shade, np.clip(depth * side + 0.5, 0, 1)[..., None])


def _ridge(chance: Random, side: int, cells: int, fading: float) -> Field:
    """A line of hills between nought and one, rougher with every octave."""
    line: Field = _octaves(chance, (1, side), (1, cells), fading)[0]
    return line


def _rough(chance: Random, side: int, across: int, down: int) -> Field:
    """A field between nought and one, with so many cells at its coarsest."""
    return _octaves(chance, (side, side), (down, across), 0.5)


def _octaves(chance: Random, size: tuple[int, int], cells: tuple[int, int], fading: float) -> Field:
    total = np.zeros(size)
    weight = 1.0
    for octave in range(OCTAVES):
        finer = (min(cells[0] << octave, size[0]), min(cells[1] << octave, size[1] // 2))
        total += weight * _smooth(chance, size, finer)
        weight *= fading
    least, most = total.min(), total.max()
    return np.asarray((total - least) / (most - least))


def _smooth(chance: Random, size: tuple[int, int], cells: tuple[int, int]) -> Field:
    """Values by lot at the corners of cells, and between them smoothly."""
    shape = (cells[0] + 1, cells[1] + 1)
    corners = np.frombuffer(chance.randbytes(2 * shape[0] * shape[1]), "<u2").reshape(shape) / 65_535
    (top, low, down), (left, right, across) = (_between(count, number) for count, number in zip(size, cells, strict=True))
    upper = corners[np.ix_(top, left)] * (1 - across) + corners[np.ix_(top, right)] * across
    lower = corners[np.ix_(low, left)] * (1 - across) + corners[np.ix_(low, right)] * across
    return np.asarray(upper * (1 - down[:, None]) + lower * down[:, None])


def _between(count: int, cells: int) -> tuple[NDArray[np.int64], NDArray[np.int64], Field]:
    """For each pixel the corner before it, the one behind it, and how near it is to that, eased."""
    at = np.arange(count) * (cells / count)
    before = np.minimum(at.astype(np.int64), cells - 1)
    share = at - before
    return before, before + 1, share * share * (3 - 2 * share)


def _mixed(first: Field, second: Field, share: Field | float) -> Field:
    return np.asarray(first * (1 - share) + second * share)


def _rgb(colour: Rgb) -> Field:
    return np.array(colour, dtype=np.float64)


def _down(side: int) -> Field:
    return np.arange(side)[:, None] / side


def _across(side: int) -> Field:
    return np.arange(side)[None, :] / side
