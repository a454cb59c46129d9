"""Things as English names them: the shapes, colours, sizes and numbers that a query, a caption or a question speaks of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from num2words import num2words  # type: ignore[import-untyped]  # it comes without types
from outlines import OUTLINES
from shapes_finder import COLOURS, SIZES

WORD = re.compile(r"(?:twen|thir|for|fif|six|seven|eigh|nine)ty-\w+|\w+")
DIGITS = re.compile(r"[0-9]{1,9}")
NUMBERS: dict[str, int] = {num2words(number): number for number in range(100)}
BREAKS = frozenset(("above", "and", "are", "at", "below", "beside", "by", "from", "in", "is", "of", "on", "or", "there", "to", "with"))
"""Words across which an adjective does not reach: "red and a circle" is no red circle."""


def forms(word: str) -> tuple[str, ...]:
    """The word and its plurals."""
    return word, f"{word}s", f"{word}es"


_SHAPES = {form: shape for shape in OUTLINES for form in forms(shape)}


@dataclass(frozen=True, slots=True)
class Named:
    """A thing of which a text speaks; what the text leaves open is empty. number: how many, where a number is said."""

    shape: str
    colour: str = ""
    size: str = ""
    number: int | None = None

    def fits(self, thing: Mapping[str, Any]) -> bool:
        """Whether a thing that was found is such a one."""
        said = (("shape", self.shape), ("colour", self.colour), ("size", self.size))
        return all(word in ("", thing[aspect]) for aspect, word in said)


def words(text: str) -> list[str]:
    """The words of a text in lower case, in order; "twenty-one" is one word."""
    return WORD.findall(text.lower())


def number_of(word: str) -> int | None:
    """What a number word or digits say."""
    return int(word) if DIGITS.fullmatch(word) else NUMBERS.get(word)


def named(text: str) -> list[Named]:
    """The things that a text speaks of; adjectives at its end belong to all that have none: "is the circle red"."""
    things: list[Named] = []
    said: dict[str, Any] = {}
    for word in words(text):
        if word in _SHAPES:
            things.append(Named(_SHAPES[word], **said))
            said = {}
        elif word in BREAKS:
            said = {}
        else:
            said |= _adjective(word)
    return [replace(thing, **{name: value for name, value in said.items() if not getattr(thing, name)}) for thing in things]


def _adjective(word: str) -> dict[str, Any]:
    if word in COLOURS:
        return {"colour": word}
    if word in SIZES:
        return {"size": word}
    number = number_of(word)
    return {} if number is None else {"number": number}
