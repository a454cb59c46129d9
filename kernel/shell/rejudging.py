"""Kept replies judged several times: does a judge say the same of the same each time?"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from kernel.contract import Deadline, Model, Reply, Request
from kernel.errors import ModelError, NotKept
from kernel.evaluator import Case, Skip
from kernel.judging import Judges, judge
from kernel.players import player_of
from kernel.spec import Plan, Task
from kernel.stats import Estimate, estimate
from kernel.store.keeping import Keeper

VARYING = 0.1
"""From a larger share of cases whose verdict varies, the majority of the verdicts is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """A task whose kept replies were judged several times.

    varies: the share of cases whose verdict is not always the same. alone: the lowest and the highest mean of one verdict a case. voted: whether
    `score` is by majority, because too many vary. left_out: cases without a kept reply, or whose judge did not answer each time.
    """

    task: str
    model: str
    metric: str
    judges: tuple[str, ...]
    cases: int
    left_out: int
    varies: Estimate
    alone: tuple[float | None, float | None]
    score: Estimate
    voted: bool


@dataclass
class _Noted:
    """The models, noting which were asked."""

    inner: Model
    asked: set[str] = field(default_factory=set)

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        self.asked.add(request.model)
        return await self.inner.infer(request, deadline=deadline)

    async def aclose(self) -> None:
        """The models belong to somebody else."""


class _Judged(NamedTuple):
    """A case with its verdicts, in order; `None` for what was no verdict."""

    cluster: str
    values: tuple[float | None, ...]


async def again(plan: Plan, kept: Keeper, models: Model, *, times: int, most: int, metric: str | None) -> AsyncIterator[Again]:
    """Have the kept replies of each judged task judged so many times, each time anew. most: cases of a task, spread over all of them."""
    for task in plan.tasks:
        name = metric or task.evaluator.metrics[0].name
        if not (task.evaluator.roles or task.evaluator.instruments) or name not in {each.name for each in task.evaluator.metrics}:
            continue
        noted = _Noted(models)
        bench = _Bench(task, kept, Judges(noted, task.card.name, task.evaluator.roles, plan.cast), name, times, plan.suite.deadline)
        step = max(1, (task.evaluator.how_many() or 0) // most)
        cases = islice(task.evaluator.cases(), 0, most * step, step)
        room = asyncio.Semaphore(plan.suite.at_once)
        found = await asyncio.gather(*(bench.verdicts(case, room) for case in cases))
        if noted.asked:
            told = [each for each in found if each is not None]
            yield _summary(task, name, tuple(sorted(noted.asked)), told, len(found) - len(told))


class _Bench(NamedTuple):
    """What judges a task's cases."""

    task: Task
    kept: Keeper
    judges: Model
    metric: str
    times: int
    seconds: float

    async def verdicts(self, case: Case, room: asyncio.Semaphore) -> _Judged | None:
        """The case's verdicts; `None` where there is no kept reply, or a judge did not answer."""
        evaluator, player = self.task.evaluator, player_of(self.task.card)
        async with room:
            deadline = Deadline.after(self.seconds * self.times)
            try:
                reply = await (evaluator.probe(case, self.kept, deadline) if player is None else player.play(evaluator, case, self.kept, deadline))
            except (ModelError, NotKept, Skip):
                return None
            found = [await judge(evaluator, case, reply, self.judges, deadline) for _ in range(self.times)]
        if any(verdict.error or verdict.status == "skipped" for verdict in found):
            return None
        return _Judged(case.cluster or case.id, tuple(verdict.values.get(self.metric) for verdict in found))


def _summary(task: Task, metric: str, judges: tuple[str, ...], told: Sequence[_Judged], left_out: int) -> Again:
    varies = _mean([(each.cluster, float(len(set(each.values)) > 1)) for each in told])
    voted = varies.mean is not None and varies.mean > VARYING
    single = [_mean([(each.cluster, each.values[at]) for each in told]).mean for at in range(len(told[0].values) if told else 0)]
    known = [value for value in single if value is not None]
    score = _mean([(each.cluster, majority(each.values) if voted else each.values[0]) for each in told])
    return Again(
        task=task.name, model=task.card.name, metric=metric, judges=judges, cases=len(told), left_out=left_out, varies=varies,
        alone=(min(known, default=None), max(known, default=None)), score=score, voted=voted,
    )  # fmt: skip


def majority(values: Sequence[float | None]) -> float | None:
    """The verdict that was given most often; `None` where two were given as often as each other."""
    (first, number), *others = Counter(values).most_common()
    return None if any(other == number for _, other in others) else first


def _mean(values: Sequence[tuple[str, float | None]]) -> Estimate:
    """The mean of those that are there, by cluster."""
    clusters: dict[str, list[float]] = {}
    for cluster, value in values:
        if value is not None:
            clusters.setdefault(cluster, []).append(value)
    sums = Counter((sum(each), len(each)) for each in clusters.values())
    return estimate([(total, size, number) for (total, size), number in sums.items()])
