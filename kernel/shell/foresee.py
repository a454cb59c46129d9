"""What a run would ask, before it asks: cases, calls, tokens and money, from the prompts themselves."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from kernel.contract import Request
from kernel.errors import InvalidSpec
from kernel.players import player_of
from kernel.spec import Plan, Task


class Estimate(Protocol):
    """What one call takes at most; `cost` is `None` where the catalog has no price."""

    input_tokens: int
    output_tokens: int
    cost: float | None


@runtime_checkable
class Paying(Protocol):
    """A gateway that knows what calls cost."""

    @property
    def spent(self) -> float:
        """What the calls of the session cost so far, in the currency of the catalog's prices."""
        ...

    def estimate(self, request: Request) -> Estimate | None:
        """What a call takes at most; `None` for a model whose calls cost nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Foreseen:
    """One model on one task. Tokens and cost are at most; `None` where calls cost nothing, or nobody said what they cost.

    calls: one for every case whose evaluator asks once; replies that the store holds already are not taken off. published: the data is not here, and
    the calls are of the number of cases that its evaluator knows of.
    """

    task: str
    model: str
    calls: int
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: float | None = None
    published: bool = False


def foresee(plan: Plan, estimate: Callable[[Request], Estimate | None]) -> list[Foreseen]:
    """All tasks of a plan, in order. Makes every case, and asks nothing. Raises `InvalidSpec` for data that is not here and of unknown size."""
    return [_task(task, estimate) for task in plan.tasks]


def _task(task: Task, estimate: Callable[[Request], Estimate | None]) -> Foreseen:
    player = player_of(task.card)
    target = task.card.name if player is None else str((task.card.player or {}).get("of", ""))
    if player is not None and not target:
        return Foreseen(task.name, task.card.name, 0)
    estimates: list[Estimate] = []
    calls = 0
    try:
        for case in task.evaluator.cases():
            calls += 1
            if (found := estimate(_of(case.request, target))) is not None:
                estimates.append(found)
    except InvalidSpec:
        known = task.evaluator.how_many()
        if calls or known is None:
            raise
        return Foreseen(task.name, task.card.name, known, published=True)
    if not estimates:
        return Foreseen(task.name, task.card.name, calls)
    into, out = (sum(getattr(each, name) for each in estimates) for name in ("input_tokens", "output_tokens"))
    return Foreseen(task.name, task.card.name, calls, into, out, _sum([each.cost for each in estimates]))


def _of(request: Request, model: str) -> Request:
    return request if request.model == model else replace(request, model=model)


def _sum(costs: Collection[float | None]) -> float | None:
    known = [cost for cost in costs if cost is not None]
    return sum(known) if known else None


def rows(foreseen: Collection[Foreseen]) -> list[list[str]]:
    """The table's rows, with their sum as the last."""
    made = [
        [
            each.task,
            each.model,
            f"{each.calls:,}{' as published' if each.published else ''}",
            _told(each.input_tokens),
            _told(each.output_tokens),
            _money(each.cost),
        ]
        for each in foreseen
    ]
    tokens = [sum(getattr(each, name) or 0 for each in foreseen) for name in ("calls", "input_tokens", "output_tokens")]
    return [*made, ["all", "", *(f"{number:,}" for number in tokens), _money(_sum([each.cost for each in foreseen]))]]


def _calls(of: Foreseen) -> str:
    return f"{of.calls:,}{' as published' if of.published else ''}"


def _told(number: int | None) -> str:
    return "–" if number is None else f"{number:,}"


def _money(cost: float | None) -> str:
    return "–" if cost is None else f"{cost:,.4f}"
