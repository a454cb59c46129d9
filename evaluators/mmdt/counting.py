"""How many of each object a judge wrote down, as the public code of MMDT reads it and as it is meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from evaluators.measures import numbers
from evaluators.measures.words import pieces, plain

PAIR = re.compile(r"(?<![a-zA-Z\s])([a-zA-Z\s]+): (-?\d+)")
"""A name of letters and white space, from where they begin, a colon, one space, digits."""
NOT_COUNTED = -1
PARTS = re.compile(r"[\n,;]")
SIGNS = frozenset(".,;:!?()-\n")


def as_published(text: str, objects: Iterable[str]) -> list[int]:
    """The count of each object, -1 where none is read. Of two counts of a name the last one holds.

    A name is cut at a digit, hyphen or quote, and a line above it without a mark at its end is glued to it.
    """
    read = {name.strip().lower(): int(number) for name, number in PAIR.findall(text)}
    return [read.get(name.lower(), NOT_COUNTED) for name in objects]


def as_meant(text: str, objects: Iterable[str]) -> list[int | None]:
    """The count of each object by whole names, in digits or words; `None` where none is read."""
    read: dict[tuple[str, ...], int | None] = {}
    for part in PARTS.split(text):
        name, _, number = part.rpartition(":")
        read[_words(name)] = numbers.count(number).answer
    return [read.get(_words(name)) for name in objects]


def share(answer: Mapping[str, int], read: Sequence[int | None]) -> float:
    """The share of the objects that have the right count; 0 without objects."""
    return sum(number == right for number, right in zip(read, answer.values(), strict=True)) / len(answer) if answer else 0.0


def _words(name: str) -> tuple[str, ...]:
    return tuple(word for word in pieces(plain(name)) if word not in SIGNS)
