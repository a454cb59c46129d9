"""Puts texts and drawn scenes into one space by rule: what is in a picture, and what a text says is in it, lie on the same axes.

No learning and no chance: the same text or picture gives the same row, of length 1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any

import numpy as np
from outlines import OUTLINES
from PIL import Image
from shape_names import BREAKS, NUMBERS, Named, forms, named, number_of, words
from shapes_finder import COLOURS, SIZES, find

from gateway.pictures import decode
from kernel.contract import Reply, Request, Text
from kernel.errors import ModelError

LOOKS = list(product(COLOURS, OUTLINES))
MOST_THINGS = 7
"""More are counted as so many."""
HASHED = 32
CELLS = 4
"""A side of the grid on which a picture's mean colours are taken."""
PRINT = 8
WEIGHTS = {"looks": 1.0, "colours": 0.5, "shapes": 0.5, "counts": 0.25, "other words": 0.5, "mean colours": 0.25, "print": 0.01, "gap": 1.6}
"""How much each part of the space counts: the length of its vector. Texts have an axis of their own, and pictures another one, at the end:
this gap lets a text and its picture come as near as CLIP's, to about 0.4."""
FILLERS = BREAKS | {"a", "an", "the", "photo", "picture", "image", "depicts", "shows", *SIZES, *NUMBERS}

Array = np.ndarray[Any, Any]

NOTHING: dict[str, Array] = {"other words": np.zeros(HASHED), "mean colours": np.zeros(3 * CELLS**2), "print": np.zeros(PRINT)}
"""Of what only a text or only a picture has."""


class ShapesEmbedder:
    """A model for `gateway.batched`."""

    def answer(self, requests: Sequence[Request]) -> list[Reply | ModelError]:
        """A row for each text or picture; a picture that cannot be read costs its own request alone."""
        return [self._one(request) for request in requests]

    def _one(self, request: Request) -> Reply | ModelError:
        try:
            rows = [of_text(part.text) if isinstance(part, Text) else of_picture(decode(part.data)) for part in request.parts]
        except ModelError as error:
            return error
        return Reply(rows=tuple(tuple(row.tolist()) for row in rows))


def of_text(text: str) -> Array:
    """What the text speaks of, and a little of every word that says nothing about shapes."""
    things = named(text)
    known = FILLERS | COLOURS.keys() | {form for shape in OUTLINES for form in forms(shape)}
    others = [word for word in words(text) if word not in known and number_of(word) is None]
    hashed = sum((_hashed(word.encode(), HASHED) for word in others), np.zeros(HASHED))
    if not things and not others:
        hashed = _hashed(text.encode(), HASHED)
    contents = _contents((thing, thing.number or 1) for thing in things)
    return _joined({**contents, **NOTHING, "other words": _unit(hashed), "gap": np.array([1.0, 0.0])})


def of_picture(picture: Image.Image) -> Array:
    """What is found in the picture, its mean colours on a grid, and a trace of its every pixel: no two pictures have the same row."""
    small = np.asarray(picture.resize((CELLS, CELLS), Image.Resampling.BOX)) / 255
    pixels = f"{picture.size}".encode() + picture.tobytes()
    contents = _contents((Named(thing["shape"], thing["colour"]), 1) for thing in find(picture))
    seen = {"mean colours": small.ravel() / small.size**0.5, "print": _unit(_hashed(pixels, PRINT)), "gap": np.array([0.0, 1.0])}
    return _joined({**contents, **NOTHING, **seen})


def _contents(things: Iterable[tuple[Named, int]]) -> dict[str, Array]:
    """Which looks, colours and shapes there are, and how many things. A circle of no named colour is a little of every circle."""
    looks, colours, shapes, counts = np.zeros(len(LOOKS)), np.zeros(len(COLOURS)), np.zeros(len(OUTLINES)), np.zeros(MOST_THINGS)
    number = 0
    for thing, times in things:
        fitting = [index for index, (colour, shape) in enumerate(LOOKS) if shape == thing.shape and thing.colour in ("", colour)]
        looks[fitting] += times / len(fitting) ** 0.5
        shapes[list(OUTLINES).index(thing.shape)] += times
        if thing.colour:
            colours[list(COLOURS).index(thing.colour)] += times
        number += times
    if number:
        counts[min(number, MOST_THINGS) - 1] = 1
    return {"looks": _unit(looks), "colours": _unit(colours), "shapes": _unit(shapes), "counts": counts}


def _joined(parts: dict[str, Array]) -> Array:
    return _unit(np.concatenate([vector * WEIGHTS[name] for name, vector in parts.items()]))


def _hashed(data: bytes, size: int) -> Array:
    """Numbers that depend on every byte, around nought and never all of them nought."""
    return np.frombuffer(hashlib.sha256(data).digest()[:size], np.uint8) - 127.5


def _unit(vector: Array) -> Array:
    """At length 1; what is nought stays so."""
    length = np.linalg.norm(vector)
    return vector / length if length else vector
