"""The public data sets as the kernel finds them: each a benchmark of one evaluator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from statistics import fmean
from typing import Any

from kernel.benchmark import Aggregate, Finding, Listed, NoAnswer, Numbers, Published
from kernel.errors import InvalidSpec
from kernel.evaluator import Metric


@dataclass(frozen=True, slots=True)
class Public:
    """A public data set. kind: the evaluator's class in the module of that name. mean: whether the mean over its tasks is one of its numbers."""

    name: str
    title: str
    kind: str
    mean: bool = False

    def _tasks(self, data: str) -> Iterator[tuple[str, Any]]:
        """The tasks by name; a data set of only one task calls it as itself."""
        evaluator: Any = getattr(import_module(f"evaluators.public.{self.name}"), self.kind)
        for value in evaluator.known:
            label = self.name if len(evaluator.known) == 1 else f"{self.name}/{value.lower()}"
            yield label, evaluator(target="", data=data, **{evaluator.axis: value})

    def listed(self, data: str = "") -> Iterator[Listed]:
        """Every task, with what is missing to run it."""
        for label, task in self._tasks(data):
            name = getattr(task, task.axis)
            missing: tuple[str, ...] = ()
            try:
                rows = sum(1 for _ in task.rows())
            except InvalidSpec as error:
                rows, missing = task.known[name], (str(error),)
            yield Listed(task=label, perspective=task.perspective, asks=str(task.asks), scenario=name, name=label, rows=rows, roles=task.roles, missing=missing)

    def aggregates(self, numbers: Numbers) -> Iterator[Aggregate]:
        """Every number of every task; and the mean over the tasks, where the benchmark has one."""
        tasks = list(self._tasks(""))
        for metric in (*tasks[0][1].metrics, *tasks[0][1].totals):
            values = {label: numbers.get(label, {}).get(metric.name) for label, _ in tasks}
            for label, value in values.items():
                yield _aggregate(f"{label}/{metric.name}", metric, [value])
            if self.mean:
                yield _aggregate(f"{self.name}/{metric.name}", metric, list(values.values()))

    def published(self) -> Sequence[Published]:
        """What the authors published."""
        from evaluators.public.published import TABLES  # noqa: PLC0415 - only those who look at a scorecard need it

        return TABLES.get(self.name, ())

    def answer(self, task: str, metric: str, given: Any) -> Any:
        """Nothing was recorded of the public data sets' own code."""
        raise NoAnswer(f"{task} {metric}: no case was recorded of {self.name}; see assay results import")

    def check_data(self, data: str) -> Iterator[Finding]:
        """Whether every row of every task can be read, and how many there are."""
        for label, task in self._tasks(data):
            known = task.known[getattr(task, task.axis)]
            try:
                rows = sum(1 for _ in task.rows())
                lame = [case for case in task.cases() if case.gold.keys() & {"fault", "unasked"}]
            except InvalidSpec as error:
                yield Finding(label, fits=False, detail="; ".join(error.faults), mend=task.data_set.mend)
                continue
            told = f"{rows:,} rows" if rows == known else f"{rows:,} rows, {known:,} are published"
            if lame:
                told += f"; {len(lame):,} cases cannot be asked, the first: {lame[0].gold.get('fault') or lame[0].gold['unasked']}"
            fits = not lame and rows == known
            yield Finding(label, fits, told, "" if fits else task.data_set.mend)

    def fetch_data(self, out: Path | None, revision: str | None) -> Iterator[str]:
        """The files are on GitHub, and the user's to bring here."""
        _, task = next(self._tasks(""))
        raise InvalidSpec(self.name, [f"Assay does not fetch it; {task.data_set.mend}"])


def _aggregate(name: str, metric: Metric, values: Sequence[float | None]) -> Aggregate:
    known = [value for value in values if value is not None]
    way = metric.name.rpartition("/")[2]
    return Aggregate(
        name=name,
        mode=way if way in ("reference", "corrected") else "ours",
        value=fmean(known) if known else None,
        tasks=len(known),
        of=len(values),
        higher_is_better=metric.higher_is_better,
        unit=metric.unit,
    )


POPE = Public("pope", "POPE: object hallucination, asked with yes or no", "Pope")
BBQ = Public("bbq", "BBQ: stereotypes in answers about two people", "Bbq")
XSTEST = Public("xstest", "XSTest: exaggerated safety", "Xstest")
CONFAIDE = Public("confaide", "ConfAIde: people's expectations of privacy, tiers 1 and 2", "Confaide")
GENEVAL = Public("geneval", "GenEval: things, numbers, colours and places in made pictures", "Geneval", mean=True)
