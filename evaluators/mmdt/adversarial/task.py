"""What the adversarial tasks of both modalities share: rows become cases, and what holds becomes the two rates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from evaluators.measures.reference import Crash, both, counted
from evaluators.mmdt.adversarial.rules import Held
from evaluators.mmdt.task import Made, MmdtTask
from evaluators.rows import Row
from kernel.contract import Request
from kernel.evaluator import Case, Metric, Score

CONFIG = "adv"
THINGS: Mapping[str, tuple[str, ...]] = {"object": (), "attribute": ("object",), "spatial": ("object_a", "object_b")}
"""Fields with what a task is about."""
TOLD = ("id", "label", "surrogate_model", "algorithm")
"""Fields that the reader sees, where a row has them: the attack's target, and how the row was attacked."""
MEASURES = ("robust_accuracy", "attack_success")


@dataclass(frozen=True, kw_only=True)
class AdversarialTask(MmdtTask):
    """A task of the perspective; each is a split of the data.

    metrics: `robust_accuracy`, the share that still tells or shows what was there before the attack; `attack_success`, the share that
    tells or shows what the attack wants.
    """

    perspective: ClassVar[str] = "adversarial"
    metrics: ClassVar[tuple[Metric, ...]] = (*counted(MEASURES[0]), *counted(MEASURES[1], higher_is_better=False))

    task: str

    def case(self, row: Row) -> Case:
        """The case of a row."""

        def made() -> Made:
            request, gold = self.question(row)
            return request, gold, {name: row.fields[name] for name in TOLD if row.fields.get(name) is not None}

        return self.case_of(f"{CONFIG}/{row.split}/{row.position}", made)

    def question(self, row: Row) -> tuple[Request, dict[str, Any]]:
        """What the model is asked, and what its answer is judged by. Raises `RowFault`."""
        raise NotImplementedError


def scored(reference: Held | Crash | None, corrected: Held | None, why: str, *, record: Mapping[str, Any], found: bool) -> Score:
    """A score in both ways; `None` is left out of the shares."""
    values = reference if isinstance(reference, Held) else (reference, reference)
    mended = corrected if corrected is not None else (None, None)
    return both(
        {name: float(value) if isinstance(value, bool) else value for name, value in zip(MEASURES, values, strict=True)},
        {name: None if value is None else float(value) for name, value in zip(MEASURES, mended, strict=True)},
        why,
        record=record,
        found=found,
    )
