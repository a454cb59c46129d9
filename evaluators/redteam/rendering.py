"""Words as pictures: black on white as large as they fit, on sheets and signs, plain or distorted.

The font is Aileron (CC0), which comes with Pillow and has the letters of ASCII; for others a font of one's own is named.
"""

from __future__ import annotations

import io
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from kernel.errors import InvalidSpec

SIDE = 512
FILLED = 0.8
"""Share of the side that words take."""
LARGEST, SMALLEST = 160, 12
STRAIGHT = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "\u00a0": " "})
Colour = str | tuple[int, int, int]


def png(picture: Image.Image) -> bytes:
    """The picture as a PNG file without any metadata."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


@lru_cache(maxsize=256)
def font_of(size: int, path: Path | None = None) -> ImageFont.FreeTypeFont:
    """The font in that size, laid out the same wherever it runs. Raises `InvalidSpec` where the file is none."""
    try:
        found = ImageFont.truetype(path, size) if path else ImageFont.load_default(size)
    except OSError as error:
        raise InvalidSpec(f"font {path}", [f"cannot be read: {error}; expected a TrueType or OpenType file"]) from None
    return found.font_variant(size=size, layout_engine=ImageFont.Layout.BASIC)  # type: ignore[union-attr]  # with a size it is never the bitmap font


def legible(text: str, font: Path | None = None) -> str:
    """The text with straight quotes and dashes. Raises `InvalidSpec` for letters that the default font has not."""
    straight = text.translate(STRAIGHT)
    if font is None and (strange := sorted({letter for letter in straight if not letter.isascii()})):
        raise InvalidSpec(f"text {text!r:.60}", [f"Pillow's font has no {' '.join(strange)}; name a font that does, as `font`"])
    return straight


def wrapped(text: str, size: int, width: float, font: Path | None = None) -> str:
    """The text in lines of at most `width` pixels, broken between words; one word that is longer stays whole."""
    face = font_of(size, font)
    lines: list[str] = []
    for paragraph in text.splitlines():
        line = ""
        for word in paragraph.split():
            longer = f"{line} {word}".strip()
            if line and face.getlength(longer) > width:
                lines.append(line)
                line = word
            else:
                line = longer
        lines.append(line)
    return "\n".join(lines)


def fitted(text: str, width: float, height: float, font: Path | None = None) -> tuple[str, int]:
    """The text in lines, and the largest size in which it fits. Raises `InvalidSpec` where it fits in none."""
    draw = ImageDraw.Draw(Image.new("L", (1, 1)))

    def fits(size: int) -> bool:
        lines = wrapped(text, size, width, font)
        x0, y0, x1, y1 = draw.multiline_textbbox((0, 0), lines, font=font_of(size, font))
        return bool(x1 - x0 <= width and y1 - y0 <= height)

    number = bisect_left(range(SMALLEST, LARGEST + 1), True, key=lambda size: not fits(size))
    if not number:
        raise InvalidSpec(f"text {text!r:.60}", [f"{len(text)} letters do not fit into {width:.0f} × {height:.0f} pixels; shorten it"])
    size = SMALLEST + number - 1
    return wrapped(text, size, width, font), size


def put(picture: Image.Image, text: str, box: Sequence[float], *, fill: Colour = "black", font: Path | None = None) -> None:
    """Write the text into a box of a picture, in its middle, as large as it fits."""
    x0, y0, x1, y1 = box
    lines, size = fitted(legible(text, font), x1 - x0, y1 - y0, font)
    middle = ((x0 + x1) / 2, (y0 + y1) / 2)
    ImageDraw.Draw(picture).multiline_text(middle, lines, fill=fill, font=font_of(size, font), anchor="mm", align="center")


def typography(text: str, font: Path | None = None) -> Image.Image:
    """The text, black on white, filling four fifths of a square."""
    picture = Image.new("RGB", (SIDE, SIDE), "white")
    edge = SIDE * (1 - FILLED) / 2
    put(picture, text, (edge, edge, SIDE - edge, SIDE - edge), font=font)
    return picture


def sheet(lines: Sequence[str], font: Path | None = None) -> Image.Image:
    """A page with a line of text below the other."""
    picture = Image.new("RGB", (SIDE, SIDE), (246, 244, 238))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((40, 20, SIDE - 40, SIDE - 20), fill="white", outline=(190, 190, 190))
    step = min(56, (SIDE - 80) / len(lines))
    size = min(fitted(legible(line, font), SIDE - 140, step * 0.8, font)[1] for line in lines)
    for at, line in enumerate(lines):
        draw.text((70, 48 + at * step), legible(line, font), fill=(30, 30, 30), font=font_of(size, font))
    return picture


def sign(text: str, font: Path | None = None) -> Image.Image:
    """A board on two posts, before sky and grass, with the text on it."""
    picture = Image.new("RGB", (SIDE, SIDE), (168, 204, 232))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 360, SIDE, SIDE), fill=(118, 158, 92))
    for x in (120, 380):
        draw.rectangle((x, 250, x + 14, 440), fill=(120, 86, 58))
    draw.rounded_rectangle((56, 100, SIDE - 56, 290), radius=16, fill=(250, 244, 214), outline=(84, 60, 40), width=6)
    put(picture, text, (80, 120, SIDE - 80, 270), fill=(40, 30, 24), font=font)
    return picture


def labelled(picture: Image.Image, text: str, box: Sequence[float] | None = None, font: Path | None = None) -> Image.Image:
    """The picture with the text on a white patch: in the box, or, without one, along its lower edge."""
    made = picture.copy()
    width, height = made.size
    x0, y0, x1, y1 = box or (width * 0.1, height * 0.8, width * 0.9, height * 0.97)
    ImageDraw.Draw(made).rectangle((x0, y0, x1, y1), fill="white", outline="black")
    inset = min(x1 - x0, y1 - y0) * 0.1
    put(made, text, (x0 + inset, y0 + inset, x1 - inset, y1 - inset), font=font)
    return made
