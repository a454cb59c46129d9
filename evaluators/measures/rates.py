"""What answers with yes or no come to, yes being the positive one; what would divide by nothing is no number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple


class Rates(NamedTuple):
    """Of answers with yes or no; `None` where there is nothing to take a share of.

    yes_side, no_side: accuracy where yes, and where no, is right. yes_share: how many say yes.
    """

    accuracy: float | None
    precision: float | None
    recall: float | None
    f1: float | None
    yes_side: float | None
    no_side: float | None
    yes_share: float | None


def rates(truths: Sequence[bool], answers: Sequence[bool | None]) -> Rates:
    """The rates of answers, `None` for one that says neither, which is neither right nor a yes."""
    counts = Counter(zip(truths, answers, strict=True))
    hits, rejected = counts[True, True], counts[False, False]
    yes, said, number = sum(truths), hits + counts[False, True], len(truths)
    return Rates(
        accuracy=_share(hits + rejected, number),
        precision=_share(hits, said),
        recall=_share(hits, yes),
        f1=_share(2 * hits, yes + said),
        yes_side=_share(hits, yes),
        no_side=_share(rejected, number - yes),
        yes_share=_share(said, number),
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
