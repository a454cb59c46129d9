"""The order of a request's parts, for where the tensors alone cannot tell it.

Texts and pictures travel in tensors of their own. Whatever is not the plain "texts, then pictures" is told by a request
parameter: the parts from left to right, a number (the length) for a text and `p` for a picture. Servers that do not know it
ignore it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kernel.contract import Part, Picture, Text
from kernel.errors import InvalidRequest

PARAMETER = "assay_parts"
_JOIN = "\n"


def describe(parts: Sequence[Part]) -> str:
    """The parameter."""
    return ",".join(str(len(part.text)) if isinstance(part, Text) else "p" for part in parts)


def split(text: str, described: str) -> Iterator[str]:
    """The texts that were joined by a newline. Raises `InvalidRequest`."""
    lengths = [int(word) for word in _words(described) if word != "p"]
    if sum(lengths) + len(_JOIN) * max(0, len(lengths) - 1) != len(text):
        raise InvalidRequest(f"{PARAMETER} {described[:80]!r} does not fit a text of {len(text)} characters")
    at = 0
    for length in lengths:
        yield text[at : at + length]
        at += length + len(_JOIN)


def arrange(texts: Sequence[str], pictures: Sequence[bytes], described: str) -> tuple[Part, ...]:
    """The parts in their order. Raises `InvalidRequest`."""
    words = _words(described)
    if words.count("p") != len(pictures) or len(words) != len(texts) + len(pictures):
        found = f"{len(texts)} texts and {len(pictures)} pictures"
        raise InvalidRequest(f"{PARAMETER} {described[:80]!r} does not fit {found}")
    text, picture = iter(texts), iter(pictures)
    return tuple(Picture(next(picture)) if word == "p" else Text(next(text)) for word in words)


def _words(described: str) -> list[str]:
    words = described.split(",") if described else []
    if not all(word == "p" or (word.isascii() and word.isdigit() and len(word) < 10) for word in words):
        raise InvalidRequest(f"{PARAMETER} is {described[:80]!r}; expected numbers and p, with commas between")
    return words
