"""Precision, recall, F1 and the share of yes, of yes-or-no answers; yes is the positive one."""

from __future__ import annotations

from collections.abc import Iterable

from evaluators.measures.rates import rates

NAMES = ("precision", "recall", "f1", "yes_share")

Said = Iterable[tuple[bool, bool | None]]
"""What is right, and what was said; `None` where that was neither yes nor no."""


def shares(said: Said) -> dict[str, float | None]:
    """Every number of `NAMES`; what would divide by nothing is `None`. Who says neither misses a yes, and a no is not a false yes then."""
    pairs = list(said)
    found = rates([right for right, _ in pairs], [told for _, told in pairs])
    return {name: getattr(found, name) for name in NAMES}


def shares_as_published(said: Said) -> dict[str, float | None]:
    """The same from POPE's public code, which ends in an error, and has none of them, where nobody says yes or every yes is wrong."""
    found = shares(said)
    return found if found["precision"] and found["recall"] else dict.fromkeys(NAMES)
