"""Which rows are kept: those on which surrogate models err most, or, where none was asked, some drawn by lot."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from statistics import fmean

from kernel.errors import InvalidSpec

Accuracies = Mapping[str, Sequence[float]]


def read_accuracies(path: Path) -> Accuracies:
    """What surrogates scored: a JSON object, for every row's id a list of accuracies, at least two. Raises `InvalidSpec`."""
    try:
        told: dict[str, list[float]] = json.loads(path.read_bytes())
        faults = [f"{row}: {len(scores)} accuracies; expected those of at least two models" for row, scores in told.items() if len(scores) < 2]
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise InvalidSpec(str(path), [f"no JSON object of row ids to lists of accuracies: {error}"]) from None
    if faults:
        raise InvalidSpec(str(path), faults[:10])
    return told


def kept(ids: Sequence[str], number: int | None, chance: Random, accuracies: Accuracies | None = None) -> tuple[list[int], str]:
    """Places of the rows that are kept, in their order, and how they were chosen.

    Args:
        ids: The rows, in order.
        number: How many are kept; `None` keeps all.
        chance: Draws where there are no accuracies.
        accuracies: Of the surrogates, by row. The lowest means are kept, of equal ones the earlier.
    """
    if number is None:
        return list(range(len(ids))), "all"
    if accuracies is None:
        return sorted(chance.sample(range(len(ids)), min(number, len(ids)))), "at random"
    if missing := [row for row in ids if row not in accuracies]:
        raise InvalidSpec("accuracies", [f"row {row!r} has none; ask the surrogates about every row" for row in missing[:10]])
    hardest = sorted(range(len(ids)), key=lambda at: (fmean(accuracies[ids[at]]), at))
    return sorted(hardest[:number]), "hardest"
