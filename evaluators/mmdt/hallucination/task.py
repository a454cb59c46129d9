"""What the tasks of both modalities share: rows become cases, and what the cases are worth becomes the task's score."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, ClassVar

from evaluators.measures.reference import both, counted
from evaluators.mmdt import official
from evaluators.mmdt.hallucination.cooccurrence import SPLIT
from evaluators.mmdt.hallucination.worth import Worth
from evaluators.mmdt.task import Made, MmdtTask
from evaluators.rows import Row, field
from kernel.contract import Request
from kernel.evaluator import Case, Metric, Score

ASKED = frozenset(("task", "prompt"))
"""Fields that are not needed to judge."""
WAYS = ("reference", "corrected")


@dataclass(frozen=True, kw_only=True)
class HallucinationTask(MmdtTask):
    """A task of the perspective.

    metrics: `accuracy`, the mean over cases. In the scenario cooccurrence there are also the accuracy of each split, and `split_mean`, their
    unweighted mean, which is the task's score there.
    """

    perspective: ClassVar[str] = "hallucination"
    metrics: ClassVar[tuple[Metric, ...]] = counted("accuracy")
    optional: ClassVar[tuple[str, ...]] = ("gold_picture",)
    """Fields that are taken where a row has them."""

    scenario: str
    task: str

    @property
    def totals(self) -> tuple[Metric, ...]:  # type: ignore[override]  # of one scenario only
        """Those of the scenario cooccurrence; no other has splits."""
        return tuple(metric for name in ("split_mean", *official.CO_OCCURRENCE) for metric in counted(name)) if self.scenario == "cooccurrence" else ()

    def cases(self) -> Iterator[Case]:
        """A case for each row, split by split. A row that cannot be asked is a case too, which fails with the reason."""
        for source in self.listed.sources:
            for row in self.rows(source.config, source.split, self.task):
                yield self._case(source, row)

    def _case(self, source: official.Source, row: Row) -> Case:
        def made() -> Made:
            request = self.request(row)
            gold = {name: self.value(row, name) for name in source.fields if name not in ASKED}
            gold |= {"split": row.split} | {name: row.fields[name] for name in self.optional if row.fields.get(name) is not None}
            return request, gold, {"split": row.split, "id": row.fields.get("id", row.position)}

        return self.case_of(f"{source.config}/{row.split}/{row.position}", made)

    def request(self, row: Row) -> Request:
        """What the model is asked. Raises `RowFault`."""
        raise NotImplementedError

    def value(self, row: Row, name: str) -> Any:
        """What a field says of the right answer. Raises `RowFault`."""
        return field(row, name)

    def scored(self, case: Case, worth: Worth) -> Score:
        """A worth with what `over` needs."""
        reference = worth.reference if isinstance(worth.reference, float) else None
        record = {"split": case.gold["split"], "reference": reference, "corrected": worth.corrected}
        return both({"accuracy": worth.reference}, {"accuracy": worth.corrected}, worth.why, record=record, found=worth.found)

    def over(self, records: Sequence[Mapping[str, Any]]) -> Mapping[str, float | None]:
        """The accuracies of the splits that have scored cases, and their unweighted mean."""
        return {f"{name}/{way}": value for way in WAYS for name, value in by_split(records, way).items()}


def by_split(records: Sequence[Mapping[str, Any]], way: str) -> dict[str, float]:
    """The mean over the cases of each split, and over these means."""
    splits: dict[str, list[float]] = {}
    for record in records:
        if record[way] is not None:
            splits.setdefault(record["split"].removeprefix(SPLIT), []).append(record[way])
    means = {split: fmean(values) for split, values in splits.items()}
    return {"split_mean": fmean(means.values()), **means} if means else {}
