"""What the tasks of both modalities share: rows become cases, and what the cases are worth becomes the task's score."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, ClassVar

from evaluators.measures.reference import both, counted
from evaluators.mmdt import official
from evaluators.mmdt.data import open_data
from evaluators.mmdt.hallucination.cooccurrence import SPLIT
from evaluators.mmdt.hallucination.worth import Worth
from evaluators.mmdt.task import MmdtTask
from evaluators.rows import Row, RowFault, field
from kernel.contract import Request, Text
from kernel.errors import InvalidSpec
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

    def __post_init__(self) -> None:
        """Refuse a task that its scenario does not have."""
        tasks = [each.task for each in self._every() if each.scenario == self.scenario]
        if self.task not in tasks:
            raise ValueError(f"the scenario {self.scenario} has no task {self.task}; it has {', '.join(tasks)}")

    @property
    def totals(self) -> tuple[Metric, ...]:  # type: ignore[override]  # of one scenario only
        """Those of the scenario cooccurrence; no other has splits."""
        return tuple(metric for name in ("split_mean", *official.CO_OCCURRENCE) for metric in counted(name)) if self.scenario == "cooccurrence" else ()

    def _every(self) -> Iterator[official.Task]:
        return (each for each in official.TASKS if (each.perspective, each.modality) == (self.perspective, self.modality))

    @property
    def _listed(self) -> official.Task:
        """The task in the table of the published data."""
        return next(each for each in self._every() if (each.scenario, each.task) == (self.scenario, self.task))

    def how_many(self) -> int | None:
        """All rows of the task's splits; `None` where the data is not here, of which `cases` tells."""
        try:
            return sum(map(open_data(self.data).count, self._listed.sources))
        except InvalidSpec:
            return None

    def cases(self) -> Iterator[Case]:
        """A case for each row, split by split. A row that cannot be asked is a case too, which fails with the reason."""
        for source in self._listed.sources:
            for row in self.rows(source.config, source.split, self.task):
                yield self._case(source, row)

    def _case(self, source: official.Source, row: Row) -> Case:
        try:
            request = self.request(row)
            gold = {name: self.value(row, name) for name in source.fields if name not in ASKED}
        except RowFault as fault:
            request, gold = Request(self.target, (Text(""),), self.asks), {"fault": str(fault)}
        gold |= {"split": row.split} | {name: row.fields[name] for name in self.optional if row.fields.get(name) is not None}
        content = hashlib.sha256(f"{request.digest()} {json.dumps(gold, sort_keys=True)}".encode()).hexdigest()[:12]
        place = f"{source.config}/{row.split}/{row.position}"
        facts = {"scenario": self.scenario, "task": self.task, "split": row.split, "id": row.fields.get("id", row.position)}
        return Case(f"{place}-{content}", request, gold, facts, cluster=place)

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


def sound(case: Case) -> Mapping[str, Any]:
    """What judges a case. Raises `RowFault` for a case whose row cannot be asked."""
    if "fault" in case.gold:
        raise RowFault(case.gold["fault"])
    return dict(case.gold)
