"""A classifier's row of scores by the names of its classes, which stand in the reply's report."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple


class Scored(NamedTuple):
    """A class and its score."""

    label: str
    score: float


def by_label(row: Sequence[float], classes: Sequence[str]) -> dict[str, float]:
    """Scores by class. Raises `ValueError` where they do not fit together."""
    if len(row) != len(classes) or len(set(classes)) != len(classes):
        raise ValueError(f"{len(row)} scores for {len(set(classes))} different classes of {len(classes)}; expected a score for each class")
    return dict(zip(classes, row, strict=True))


def highest(row: Sequence[float], classes: Sequence[str], among: Collection[str] | None = None) -> Scored:
    """The class with the highest score, the first of several; among these, or all. Raises `ValueError` where one of them is not scored."""
    scores = by_label(row, classes)
    wanted = classes if among is None else among
    if missing := [label for label in wanted if label not in scores]:
        raise ValueError(f"no score for {', '.join(missing)}; the model scores {', '.join(classes)}")
    label = max((label for label in classes if label in wanted), key=scores.__getitem__)
    return Scored(label, scores[label])
