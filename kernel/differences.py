"""What a condition changes: each metric under it, held case by case against the same metric under another, text alone where that was asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import NamedTuple

from kernel.condition import named
from kernel.stats import Estimate, Sum, difference_sums, estimate, mean_of_means
from kernel.store.store import Store, TaskRow

AGAINST = "text"
"""The condition that the others are held against; the first that was asked, where it was not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How a metric of one model changes under a condition, against the same cases under another.

    task: its name without a condition; empty for the mean over the perspective's tasks, each weighing the same. n: cases that have a
    score under both.
    """

    task: str
    perspective: str
    model: str
    metric: str
    higher_is_better: bool
    condition: str
    against: str
    n: int
    mean: float | None
    low: float | None
    high: float | None


class _Pairs(NamedTuple):
    """The differences of one metric on one task, by cluster."""

    task: str
    perspective: str
    model: str
    metric: str
    higher_is_better: bool
    condition: str
    against: str
    sums: list[Sum]


def differences(store: Store, conditions: Mapping[str, Mapping[str, str]], tasks: Iterable[TaskRow]) -> Iterator[Difference]:
    """All differences of a run: of each perspective task by task, and then their mean where there are several."""
    pairs = list(_pairs(store, conditions, tasks))
    perspectives: dict[tuple[str, str, str, bool, str, str], list[_Pairs]] = {}
    for each in pairs:
        perspectives.setdefault((each.perspective, each.model, each.metric, each.higher_is_better, each.condition, each.against), []).append(each)
    for each in pairs:
        yield _difference(each, each.task, estimate(each.sums))
    for group in perspectives.values():
        if len(group) > 1:
            yield _difference(group[0], "", mean_of_means([each.sums for each in group]))


def _pairs(store: Store, conditions: Mapping[str, Mapping[str, str]], tasks: Iterable[TaskRow]) -> Iterator[_Pairs]:
    found: dict[tuple[str, str], dict[str, TaskRow]] = {}
    for task in tasks:
        if told := conditions.get(task.task):
            found.setdefault((told["task"], task.model), {})[told["condition"]] = task
    for (name, model), under in found.items():
        against = next((condition for condition in under if named(condition, [AGAINST])), next(iter(under)))
        origins = {condition: store.origins(task.task_id) for condition, task in under.items()}
        clusters = dict(origins[against].values())
        for metric in under[against].metrics:
            having = {condition: task for condition, task in under.items() if metric["name"] in {each["name"] for each in task.metrics}}
            values = {condition: _by_case(store.values(task.task_id, metric["name"]), origins[condition]) for condition, task in having.items()}
            for condition in having:
                if condition != against:
                    sums = difference_sums(values[condition], values[against], clusters)
                    yield _Pairs(name, under[against].perspective, model, metric["name"], metric["higher_is_better"], condition, against, sums)


def _by_case(values: Mapping[str, float], origins: Mapping[str, tuple[str, str]]) -> dict[str, float]:
    """The mean over all pictures that were drawn for a case."""
    found: dict[str, list[float]] = {}
    for case, value in values.items():
        found.setdefault(origins[case][0], []).append(value)
    return {case: fmean(each) for case, each in found.items()}


def _difference(of: _Pairs, task: str, found: Estimate) -> Difference:
    return Difference(
        task=task,
        perspective=of.perspective,
        model=of.model,
        metric=of.metric,
        higher_is_better=of.higher_is_better,
        condition=of.condition,
        against=of.against,
        n=found.n,
        mean=found.mean,
        low=found.low,
        high=found.high,
    )
