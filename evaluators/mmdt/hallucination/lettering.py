"""What a made picture is worth by the print that was read in it: text to image in the scenario ocr."""

from __future__ import annotations

from collections.abc import Iterable

from evaluators.measures.words import pieces, plain
from evaluators.mmdt.hallucination.worth import Worth


def read(lines: Iterable[str]) -> str:
    """What was read, as one text in small letters."""
    return " ".join(lines).lower()


def legible(keyword: str, print_: str) -> bool:
    """The public code: whether the keyword stands in the print, or the print in the keyword, as no print at all does."""
    return keyword.lower() in print_ or print_ in keyword.lower()


def legible_in_words(keyword: str, print_: str) -> bool:
    """Whether all words of the keyword stand in the print side by side; a part of them is not enough."""
    wanted, found = (f" {' '.join(pieces(plain(text)))} " for text in (keyword, print_))
    return wanted in found


def worth(keyword: str, print_: str) -> Worth:
    """Both ways."""
    return Worth(float(legible(keyword, print_)), float(legible_in_words(keyword, print_)), f"reads {print_!r:.120}, wanted {keyword!r}")
