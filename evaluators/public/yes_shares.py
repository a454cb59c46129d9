"""Precision, recall, F1 and the share of yes, of yes-or-no answers; yes is the positive one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

NAMES = ("precision", "recall", "f1", "yes_share")

Said = Iterable[tuple[bool, bool | None]]
"""What is right, and what was said; `None` where that was neither yes nor no."""


def shares(said: Said) -> dict[str, float | None]:
    """Every number of `NAMES`; what would divide by nothing is `None`. Who says neither misses a yes, and a no is not a false yes then."""
    counts = Counter(said)
    hits, false, wanted = counts[True, True], counts[False, True], sum(number for (right, _), number in counts.items() if right)
    return {
        "precision": _share(hits, hits + false),
        "recall": _share(hits, wanted),
        "f1": _share(2 * hits, wanted + hits + false),
        "yes_share": _share(hits + false, counts.total()),
    }


def shares_as_published(said: Said) -> dict[str, float | None]:
    """The same from POPE's public code, which ends in an error, and has none of them, where nobody says yes or every yes is wrong."""
    found = shares(said)
    return found if found["precision"] and found["recall"] else dict.fromkeys(NAMES)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
