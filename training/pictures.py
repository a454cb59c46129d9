"""Pictures for training: drawn on the fly, lightly spoilt, with what stands on every patch of them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image, ImageFilter

from evaluators.scenes import COLOURS, MOST_THINGS, SHAPES, SIZES, WORD_BOX, WORDS, Scene, Thing, draw, sample

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

PIXELS = 64
PATCH = 8
GRID = PIXELS // PATCH
NOTHING = -100
"""The label that a loss passes over."""
HEADS = {"shape": len(SHAPES) + 2, "colour": len(COLOURS), "size": len(SIZES), "word": len(WORDS), "centre": 2}
"""What is told of each patch, with the number of classes; the last two shapes are "bare" and "print"."""
COUNTS = (10, 24, 16, 16, 17, 17)
"""How often 1 to 6 things stand in a training scene, in percent."""
ALIKE = 0.35
"""Share of scenes in which most things have one shape."""
BARE, PRINT = len(SHAPES), len(SHAPES) + 1


def scenes(rng: random.Random, number: int) -> list[Scene]:
    """Draw training scenes by lot: a third with a word, a sixth with things that may share a name, a third mostly of one shape.

    Two things stand in more scenes than six do: with two, half of a spatial relation can be told from the picture alone,
    which is the step by which the other half is learned.
    """
    counts = rng.choices(range(1, MOST_THINGS + 1), COUNTS, k=number)
    drawn = [sample(rng, count=count, word=rng.random() < 0.35, distinct=rng.random() < 0.85) for count in counts]
    return [_alike(scene, rng) if rng.random() < ALIKE else scene for scene in drawn]


def _alike(scene: Scene, rng: random.Random) -> Scene:
    """The scene with one shape for most of its things, so that there is something to count."""
    shape = rng.choice(SHAPES)
    return replace(scene, things=tuple(replace(thing, shape=shape) if rng.random() < 0.75 else thing for thing in scene.things))


def pixels(batch: Sequence[Scene], rng: random.Random) -> torch.Tensor:
    """Paint scenes as a batch of values in -1..1, half of them spoilt a little."""
    return normalise(np.stack([np.asarray(spoil(paint(scene, rng), rng)) for scene in batch]))


def normalise(pictures: np.ndarray) -> torch.Tensor:
    """Turn bytes [n, height, width, 3] into values [n, 3, height, width] in -1..1."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float().div_(127.5).sub_(1.0)


def paint(scene: Scene, rng: random.Random) -> Image.Image:
    """Paint at the network's own size, or at another one and resized as serving does."""
    if rng.random() < 0.7:
        return draw(scene, PIXELS)
    return draw(scene, rng.randint(48, 160)).resize((PIXELS, PIXELS), Image.Resampling.BICUBIC)


def spoil(picture: Image.Image, rng: random.Random) -> Image.Image:
    """Leave half of the pictures alone; dim, fade, blur or grain the others."""
    if rng.random() < 0.5:
        return picture
    if rng.random() < 0.3:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 1.0)))
    values = np.asarray(picture, dtype=np.float32)
    values = (values - 128) * rng.uniform(0.75, 1.1) + 128 + rng.uniform(-25, 25)
    if rng.random() < 0.6:
        grain = np.random.default_rng(rng.getrandbits(64))
        values = values + grain.standard_normal(values.shape, dtype=np.float32) * rng.uniform(2, 18)
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


def labels(batch: Sequence[Scene]) -> dict[str, torch.Tensor]:
    """Say for each patch what stands on it: one [n, patches] tensor of classes per head."""
    tables = {head: np.full((len(batch), GRID, GRID), NOTHING, dtype=np.int64) for head in HEADS}
    tables["shape"][:] = BARE
    tables["centre"][:] = 0
    for index, scene in enumerate(batch):
        _label_word(scene, {head: table[index] for head, table in tables.items()})
        _label_things(scene, {head: table[index] for head, table in tables.items()})
    return {head: torch.from_numpy(table).flatten(1) for head, table in tables.items()}


def _label_word(scene: Scene, tables: dict[str, np.ndarray]) -> None:
    if scene.word is None or scene.word_at is None:
        return
    x, y = scene.word_at
    half_width, half_height = WORD_BOX[0] * 0.75, WORD_BOX[1] * 0.6
    for row in range(GRID):
        for column in range(GRID):
            across, down = abs((column + 0.5) / GRID - x), abs((row + 0.5) / GRID - y)
            if across < half_width and down < half_height + 0.25 / GRID:
                tables["shape"][row, column] = PRINT
                tables["word"][row, column] = WORDS.index(scene.word)


def _label_things(scene: Scene, tables: dict[str, np.ndarray]) -> None:
    for row in range(GRID):
        for column in range(GRID):
            middle = ((column + 0.5) / GRID, (row + 0.5) / GRID)
            nearest = min(scene.things, key=lambda thing: math.dist(middle, (thing.x, thing.y)) / thing.radius)
            central = (int(nearest.x * GRID), int(nearest.y * GRID)) == (column, row)
            if central or math.dist(middle, (nearest.x, nearest.y)) < nearest.radius:
                _label(nearest, row, column, tables, central=central)


def _label(thing: Thing, row: int, column: int, tables: dict[str, np.ndarray], *, central: bool) -> None:
    tables["shape"][row, column] = SHAPES.index(thing.shape)
    tables["colour"][row, column] = list(COLOURS).index(thing.colour)
    tables["size"][row, column] = list(SIZES).index(thing.size)
    tables["centre"][row, column] = int(central)
