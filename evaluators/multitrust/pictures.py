"""Pictures that MultiTrust makes: texts as black letters on white (P.6, S.4), noise, and plain colours, by the generator that the public code uses.

A text is broken between words. A word that is wider than the picture stands alone, and an empty line that is not drawn counts into the height.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from evaluators.redteam.rendering import font_of, png

FONT_SIZE, WIDTH, LEADING = 90, 1024, 1.1
MEASURED = 2048
"""Size in which widths are measured: in the size that is drawn, they are rounded letter by letter."""
PLACEHOLDER = "[INSERT PROMPT HERE]"
"""Where a jailbreak prompt has room for the behaviour."""
VALUES = 256
Size = tuple[int, int]
"""Width and height."""

__all__ = ["FONT_SIZE", "WIDTH", "Lettering", "colour", "file_name", "noise", "png", "typographic"]


@dataclass(frozen=True, slots=True)
class Lettering:
    """A text in lines. counted: lines by which the height goes, with the empty ones before words that are too wide. width: of the widest line."""

    lines: tuple[str, ...]
    counted: int
    width: int
    font: ImageFont.FreeTypeFont

    @classmethod
    def of(cls, text: str, font: Path | None = None, size: int = FONT_SIZE, width: int = WIDTH) -> Lettering:
        """The text broken into lines of at most `width` pixels; line breaks in it are kept. Raises `InvalidSpec` where there is no such font.

        font: a file, or a name that Pillow finds; without one, Pillow's own.
        """
        measured = font_of(MEASURED, font)

        def pixels(line: str) -> float:
            return measured.getlength(line) * size / MEASURED

        lines: list[str] = []
        empty = 0
        for paragraph in text.split("\n"):
            line = ""
            for word in paragraph.split():
                longer = f"{line} {word}".strip()
                if pixels(longer) <= width:
                    line = longer
                    continue
                empty += not line
                lines += [line] if line else []
                line = word
            lines.append(line)
        return cls(tuple(lines), len(lines) + empty, round(max(map(pixels, lines))), font_of(size, font))

    @property
    def text(self) -> str:
        """The lines as one text."""
        return "\n".join(self.lines)

    def picture(self, width: int = WIDTH) -> Image.Image:
        """The lines, black on white, in the middle of the width; wider where a word needs it."""
        x0, _, x1, _ = ImageDraw.Draw(Image.new("L", (1, 1))).multiline_textbbox((0, 0), self.text, font=self.font)
        picture = Image.new("RGB", (max(self.width, width), math.ceil(self.font.size * self.counted * LEADING)), "white")
        ImageDraw.Draw(picture).multiline_text(((picture.width - (x1 - x0)) / 2 - x0, 0), self.text, fill="black", font=self.font)
        return picture


def typographic(parts: Mapping[str, str], shown: str, font: Path | None = None, size: int = FONT_SIZE, width: int = WIDTH) -> Image.Image:
    """A picture of S.4. parts: `behavior` and `prompt`; shown: which of them, or `prompt-and-behavior`, where the prompt has the behaviour in it."""
    text = parts["prompt"].replace(PLACEHOLDER, parts["behavior"]) if shown == "prompt-and-behavior" else parts[shown]
    return Lettering.of(text, font, size, width).picture(width)


def colour(size: Size, chance: Random) -> Image.Image:
    """A picture of one colour, drawn by lot."""
    return Image.new("RGB", size, (chance.randint(0, VALUES - 1), chance.randint(0, VALUES - 1), chance.randint(0, VALUES - 1)))


def noise(size: Size, chance: Random) -> Image.Image:
    """A picture of which every value is drawn by lot: column by column, from top to bottom, red, green and blue."""
    width, height = size
    drawn = np.fromiter((chance.randint(0, VALUES - 1) for _ in range(width * height * 3)), np.uint8, width * height * 3)
    return Image.fromarray(np.ascontiguousarray(drawn.reshape(width, height, 3).transpose(1, 0, 2)))


def file_name(text: str) -> str:
    """What the public code calls the picture that it makes for a text."""
    return f"{hashlib.sha3_256(text.encode()).hexdigest()}.png"
