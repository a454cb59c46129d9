"""Requests made of one that a model can answer: with other texts, with pictures large, different or damaged."""

from __future__ import annotations

import io
import math
import random
from collections.abc import Iterable
from dataclasses import replace

from PIL import Image, ImageDraw

from gateway.canary import PICTURE
from kernel.contract import Part, Picture, Request, Text

UNICODE = "né Straße λόγος мир עברית عربى हिन्दी 漢字 かな 한국어 👩\u200d👩\u200d👧 𝄞 e\u0301 “q” \\n %s"
"""One to four bytes a character, both directions of writing, marks that combine, and what looks like an escape."""
NO_PICTURE = Picture(b"This is a text and no picture. " * 8)
DAMAGED = Picture(PICTURE.data[:41] + bytes(len(PICTURE.data) - 41))
"""A PNG that is whole up to the length of its pixels, which are all gone."""

_SIDE = 64
_COLOURS = ("red", "blue", "green", "yellow")


def has_text(request: Request) -> bool:
    """Whether the request has a text."""
    return any(isinstance(part, Text) for part in request.parts)


def with_text(request: Request, more: str) -> Request:
    """The request with something after its first text."""
    first = next(at for at, part in enumerate(request.parts) if isinstance(part, Text))
    parts: list[Part] = list(request.parts)
    parts[first] = Text(f"{request.parts[first].text} {more}")  # type: ignore[union-attr]  # it is the text that was found
    return replace(request, parts=tuple(parts))


def with_pictures(request: Request, pictures: Iterable[Picture]) -> Request:
    """The request with these pictures where it has its own."""
    texts = [part for part in request.parts if isinstance(part, Text)]
    return replace(request, parts=(*texts, *pictures))


def different(request: Request, count: int) -> list[Request]:
    """So many requests, no two of them alike: other numbers behind the text, and other pictures."""
    made = []
    for number in range(count):
        one = with_text(request, str(number)) if has_text(request) else request
        made.append(with_pictures(one, [drawn(number)]) if request.pictures else one)
    return made


def drawn(number: int) -> Picture:
    """A picture of its own for every number below sixteen: a square of one of four colours in one of four corners."""
    image = Image.new("RGB", (_SIDE, _SIDE), "white")
    x, y = (4 + 32 * (number // 4 % 2), 4 + 32 * (number // 8 % 2))
    ImageDraw.Draw(image).rectangle((x, y, x + 23, y + 23), fill=_COLOURS[number % 4])
    return _png(image)


def noise(size: int) -> Picture:
    """A picture of about so many bytes, and never more, which no compression makes smaller."""
    side = math.isqrt(int(size * 0.995) // 3)
    return _png(Image.frombytes("RGB", (side, side), random.Random(0).randbytes(side * side * 3)))


def _png(image: Image.Image) -> Picture:
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=0 if image.width > _SIDE else 6)
    return Picture(file.getvalue())
