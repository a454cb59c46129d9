"""Drawn scenes of the sample: four sets of three things that differ in shape and colour, and where they stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from PIL import Image

from evaluators.scenes import WORDS, Point, Scene, Thing, draw, png

PIXELS = 96
SETS = (
    ("red circle", "blue square", "green star"),
    ("yellow triangle", "purple cross", "cyan diamond"),
    ("orange star", "green circle", "pink square"),
    ("blue diamond", "red triangle", "yellow cross"),
)
APART: tuple[Point, ...] = ((0.24, 0.26), (0.76, 0.26), (0.5, 0.74))
ACROSS: tuple[Point, ...] = ((0.2, 0.5), (0.5, 0.5), (0.8, 0.5))
DOWN: tuple[Point, ...] = ((0.5, 0.2), (0.5, 0.5), (0.5, 0.8))
LINES = (ACROSS, DOWN, ACROSS[::-1], DOWN[::-1])
"""Where three things stand in the four rows of a task about places."""
STEPS = ("left", "above", "right", "below")
"""Where the first is as seen from the second there, and the second from the third; the third is opposite to that as seen from the first."""
OPPOSITE = {"left": "right", "right": "left", "above": "below", "below": "above"}
IN_WORDS = {"left": "left of", "right": "right of", "above": "above", "below": "below"}
NUMBERS = ((2, 1), (1, 2), (3, 1), (2, 3))
"""How many of the first and second thing there are in the four rows of a task about numbers."""
PRINTS = tuple(word for word in WORDS if word != "HELP")
"""Words to print; refusals have "help" in them."""
WORDED = ("no", "one", "two", "three", "four", "five")


@lru_cache(maxsize=512)
def picture(*things: Thing, word: str | None = None) -> bytes:
    """The things on white, with a word below them."""
    return png(Scene(things, word, (0.5, 0.82) if word else None), PIXELS)


def at(names: Iterable[str], places: Sequence[Point], size: str = "small") -> list[Thing]:
    """Things such as "red circle", each at its place."""
    parted = (name.split() for name in names)
    return [Thing(shape, colour, size, x, y) for (colour, shape), (x, y) in zip(parted, places, strict=False)]


def several(first: str, number: int, second: str, other: int) -> list[Thing]:
    """So many of the one in the upper half, and of the other in the lower."""
    places = [(0.2, 0.3), (0.5, 0.3), (0.8, 0.3)][:number] + [(0.2, 0.7), (0.5, 0.7), (0.8, 0.7)][:other]
    return at([first] * number + [second] * other, places)


def how_many(number: int, name: str) -> str:
    """A number of things in words: "two red circles"."""
    return f"{WORDED[number]} {name if number == 1 else plural(name)}"


def plural(name: str) -> str:
    """Of a shape, whatever stands before it."""
    return f"{name}es" if name.endswith("ss") else f"{name}s"


def image(*things: Thing) -> Image.Image:
    """The same as pixels, to draw on."""
    return draw(Scene(things), PIXELS)
