"""How far verdicts agree: those of two runs on the same replies, and those of a run with people's labels."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from kernel.errors import InvalidSpec, UnknownName
from kernel.stats import Estimate, agreement, correlation, estimate_totals
from kernel.store.store import Store, TaskRow

CLASSES = frozenset((0.0, 1.0))
WORDS = {"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}
"""Labels that are no numbers."""


class Verdict(NamedTuple):
    """What a case is worth by one metric; replies: the keys of the replies that were judged."""

    value: float
    cluster: str
    replies: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Two columns of numbers about the same cases of a task. left_out: cases that cannot be compared. found: by the statistic's name."""

    task: str
    model: str
    metric: str
    cases: int
    left_out: int
    found: Mapping[str, Estimate]


def run_of(store: Store, name: str) -> str:
    """A run by its name, or the newest one of a suite. Raises `UnknownName`."""
    runs = store.runs()
    for key in ("run", "suite"):
        if found := next((str(row["run"]) for row in runs if row[key] == name), None):
            return found
    raise UnknownName("run or suite in the store", name, {str(row[key]) for row in runs for key in ("run", "suite")})


def between(store: Store, first: str, second: str, metric: str | None) -> Iterator[Compared]:
    """Tasks that both runs have, as far as both judged the same replies; metric: instead of each task's first one."""
    others = {(task.task, task.model): task for task in store.tasks(second)}
    for task in store.tasks(first):
        other = others.get((task.task, task.model))
        name = metric or task.metrics[0]["name"]
        if other is None or not _has(task, name) or not _has(other, name):
            continue
        mine, theirs = _verdicts(store, task, name), _verdicts(store, other, name)
        both = [case for case in mine if case in theirs and mine[case].replies == theirs[case].replies]
        records = [(mine[case].cluster, {"pair": (mine[case].value, theirs[case].value)}) for case in both]
        left_out = len({*mine, *theirs}) - len(both)
        if both or left_out:
            yield Compared(task=task.task, model=task.model, metric=name, cases=len(both), left_out=left_out, found=estimate_totals(records, _agree))


def with_people(store: Store, run: str, labels: Path, metric: str | None) -> Iterator[Compared]:
    """Tasks with labelled cases. Raises `InvalidSpec` for labels that cannot be read, or that mean no case or several."""
    given = _labels(labels)
    meant: dict[int, str] = {}
    for task in store.tasks(run):
        name = metric or task.metrics[0]["name"]
        values = _verdicts(store, task, name) if _has(task, name) else {}
        records = []
        for label in given:
            if label.case in values and label.task in {"", task.task} and label.model in {"", task.model}:
                if label.line in meant:
                    both = f"{meant[label.line]} and {task.task} of {task.model} have the case {label.case!r}"
                    raise InvalidSpec(str(labels), [f"line {label.line}: {both}; say which in columns task and model"])
                meant[label.line] = f"{task.task} of {task.model}"
                records.append((values[label.case].cluster, {"pair": (values[label.case].value, label.value)}))
        if records:
            left_out = len(values) - len(records)
            yield Compared(task=task.task, model=task.model, metric=name, cases=len(records), left_out=left_out, found=estimate_totals(records, _correlate))
    if not meant:
        raise InvalidSpec(str(labels), [f"none of its {len(given)} labels is of a scored case of {run}; the page of the run tells the names of cases"])


class Label(NamedTuple):
    """What a person says of a case. line: where it stands. task, model: empty where the case tells them."""

    line: int
    case: str
    value: float
    task: str
    model: str


def _labels(path: Path) -> list[Label]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            rows = [(reader.line_num, row) for row in reader]
            columns = reader.fieldnames or ()
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidSpec(str(path), [f"cannot be read: {error}; expected CSV with the columns case and label"]) from None
    if missing := [name for name in ("case", "label") if name not in columns]:
        raise InvalidSpec(str(path), [f"has the columns {', '.join(columns) or 'none'}, but no {' and no '.join(missing)}"])
    made = [Label(line, row["case"] or "", _number(path, line, row["label"]), row.get("task") or "", row.get("model") or "") for line, row in rows]
    twice = [name for name, number in Counter(each[1:2] + each[3:] for each in made).items() if number > 1]
    if twice:
        raise InvalidSpec(str(path), [f"the case {twice[0][0]!r} is labelled twice; expected one label, such as the majority of several people's"])
    return made


def _number(path: Path, line: int, text: str | None) -> float:
    said = (text or "").strip()
    try:
        value = WORDS.get(said.lower())
        return float(said) if value is None else value
    except ValueError:
        raise InvalidSpec(str(path), [f"line {line}: the label is {said!r:.60}; expected a number, yes or no"]) from None


def _has(task: TaskRow, metric: str) -> bool:
    return any(each["name"] == metric for each in task.metrics)


def _verdicts(store: Store, task: TaskRow, metric: str) -> dict[str, Verdict]:
    rows = store.cases(task.task_id, metric, status="scored")
    return {row["case_id"]: Verdict(row["value"], row["cluster"] or row["case_id"], row["replies"]) for row in rows if row["value"] is not None}


def _pairs(records: Sequence[Mapping[str, Any]]) -> list[tuple[float, float]]:
    return [record["pair"] for record in records]


def _agree(records: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    return agreement(_pairs(records))


def _correlate(records: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    """Of numbers that are all 0 or 1 also how often they are equal."""
    pairs = _pairs(records)
    two = {value for pair in pairs for value in pair} <= CLASSES
    return correlation(pairs) | (agreement(pairs) if two else {"same": None, "kappa": None})
