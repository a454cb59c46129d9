"""One number of a result tree: where it belongs, what is stored, and what our rules make of the replies beside it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from evaluators.mmdt.data import open_data
from evaluators.mmdt.official import BESIDE, I2T, Task

EXACT = 1e-9
"""How far two numbers may be apart that are one, relative to their size."""
PERCENT = 0.005
"""How far they may be apart where a percentage with two places is stored."""

IN_THE_DATA = "what is right is in the data, not in the tree: name it with --data"


@dataclass(frozen=True, slots=True)
class Again:
    """What our `reference` rules make of stored replies. rows: the value of each, by its name, as far as it is told. why: why there is no value."""

    value: float | None = None
    rows: Mapping[str, float] = field(default_factory=dict)
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A stored number. found: the model's name as it stands there. metric: ours; scale: what ours is multiplied with to be theirs.

    again: counts anew, only when it is called.
    """

    found: str
    perspective: str
    modality: str
    scenario: str
    task: str
    metric: str
    stored: float | None
    where: Path
    again: Callable[[], Again]
    scale: float = 1.0
    within: float = 0.0
    unit: str = "share"
    higher_is_better: bool = True

    @property
    def label(self) -> str:
        """The task as a suite of ours calls it."""
        return "/".join(filter(None, (f"mmdt.{self.perspective}.{self.modality}", self.scenario.lower(), self.task.lower())))

    def agrees(self, ours: float | None) -> bool | None:
        """Whether it is what we make of the replies; `None` where one of the two is missing."""
        if ours is None or self.stored is None:
            return None
        if math.isnan(ours) or math.isnan(self.stored):
            return math.isnan(ours) and math.isnan(self.stored)
        return math.isclose(ours, self.stored, rel_tol=EXACT, abs_tol=max(self.within, 1e-12))


@dataclass(frozen=True, slots=True)
class Known:
    """What the benchmark's data tells beside a tree, where it is here. data: its folder, or empty."""

    data: str = ""

    def right(self, modality: str, config: str, split: str, task: str, key: str = "id") -> dict[str, Mapping[str, Any]] | None:
        """The rows of a task by their ids; `None` without data. Raises `InvalidSpec` where the split is not here."""
        return {str(row.fields.get(key)): row.fields for row in open_data(self.data).rows(modality, config, split, task)} if self.data else None

    def number(self, task: Task) -> int | None:
        """How many rows a task has, counted where the data is here. Raises `InvalidSpec` where it is not whole."""
        return sum(map(open_data(self.data).count, task.sources)) if self.data else task.rows

    def places(self) -> dict[int, Mapping[str, Any]] | None:
        """Where street views are, by their numbers; `None` without data. Raises `InvalidSpec` where that is not told."""
        if not self.data:
            return None
        rows = open_data(self.data).rows(I2T, "privacy", "label_sum", repository=BESIDE)
        return {int(row.fields["image_index"]): row.fields for row in rows}


def counted(rows: Mapping[str, float]) -> Again:
    """The mean of rows."""
    return Again(sum(rows.values()) / len(rows), rows) if rows else Again(why="there are no rows")


def without(why: str) -> Callable[[], Again]:
    """For what cannot be counted anew."""
    return lambda: Again(why=why)


def reference(perspective: str, task: str, metric: str, given: Any) -> Any:
    """What the perspective's rules answer in `reference` mode. Raises `Ends` where the public code ends in an error."""
    answer = import_module(f"evaluators.mmdt.{perspective}.answers").ANSWERS[task, metric](given)
    if isinstance(answer, dict) and answer.keys() == {"error"}:
        raise Ends(answer["error"])
    return answer


class Ends(Exception):
    """The public code ends in this error over what is stored, so that our rules have no number either."""
