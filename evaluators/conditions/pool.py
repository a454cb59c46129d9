"""Pools of pictures that have nothing to do with any text: made by rule, or somebody's own in a folder."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Literal

from PIL import Image

from evaluators.conditions.scenery import GROUNDS, landscape
from evaluators.redteam.rendering import png
from evaluators.rows import FORMATS
from kernel.contract import Picture
from kernel.errors import InvalidSpec

Drawable = Literal["color", "noise", "nature"]
SIDE = 336
"""Of pictures that are made, all three kinds alike, so that they differ in nothing but what they show."""
MADE = 10


@dataclass(frozen=True, slots=True)
class Pooled:
    """One picture of a pool. name: its file's, or the kind and its number, from 1."""

    name: str
    picture: Picture


def pool_of(kind: Drawable, seed: int = 0, folder: str = "") -> tuple[Pooled, ...]:
    """All pictures of that kind, in the order of their numbers. Raises `InvalidSpec` for a folder that has none, or has one that cannot be read."""
    return _own(kind, Path(folder)) if folder else _made(kind, seed)


@lru_cache(maxsize=16)
def _made(kind: Drawable, seed: int) -> tuple[Pooled, ...]:
    return tuple(Pooled(f"{kind}_{number}", Picture(png(make(kind, seed, number)))) for number in range(1, MADE + 1))


def make(kind: Drawable, seed: int, number: int, side: int = SIDE) -> Image.Image:
    """One picture; the same kind, seed, number and side give the same pixels on every machine."""
    chance = Random(f"{seed}|{kind}|{number}")
    match kind:
        case "color":
            return Image.new("RGB", (side, side), tuple(chance.randbytes(3)))
        case "noise":
            return Image.frombytes("RGB", (side, side), chance.randbytes(3 * side * side))
        case "nature":
            return landscape(chance, side, GROUNDS[number % len(GROUNDS)])


@lru_cache(maxsize=16)
def _own(kind: Drawable, folder: Path) -> tuple[Pooled, ...]:
    found = sorted((path for path in folder.glob("*") if kind in path.name.casefold() and path.is_file()), key=_numbered)
    if not found:
        raise InvalidSpec(f"pool {folder}", [f"has no picture of {kind}; expected files such as {kind}_1.png, {kind}_2.png"])
    faults = [told for path in found if (told := _fault(path))]
    if faults:
        raise InvalidSpec(f"pool {folder}", faults)
    return tuple(Pooled(path.name, Picture(path.read_bytes())) for path in found)


def _numbered(path: Path) -> list[tuple[int, str]]:
    """The name as it sorts by number: nature_2 before nature_10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", path.name.casefold())]


def _fault(path: Path) -> str:
    try:
        with Image.open(path, formats=FORMATS) as picture:
            picture.load()
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        return f"{path.name} is no picture that can be read ({error}); expected one of {', '.join(FORMATS)}"
    return ""
