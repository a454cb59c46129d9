"""From a reply to a verdict: whatever an evaluator does, its case ends as one of four statuses, with a reason.

Only a finite number of a declared metric becomes a value. A judge that does not answer leaves the case unscored; an evaluator
that raises, or returns what is no score, fails its own case and no other.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from kernel.contract import Deadline, Model, Reply, Request
from kernel.errors import EvaluatorError, ModelError, NotKept, RoleUnfilled, StoreError
from kernel.evaluator import Case, Evaluator, Score, Skip
from kernel.stats import Estimate, estimate_totals

_NUMBER = (int, float)

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Verdict:
    """What became of a case. status: "scored", "failed", "unscored" or "skipped"; error: the class of the failure."""

    status: str
    reason: str
    error: str | None = None
    values: Mapping[str, float | None] = field(default_factory=dict)
    found: bool = True
    record: Mapping[str, Any] = field(default_factory=dict)


class Judges:
    """The models that a scorer may ask: whoever plays the roles that its evaluator names, and all others but the one under test."""

    __slots__ = ("_cast", "_model", "_roles", "_target")

    def __init__(self, model: Model, target: str, roles: Collection[str], cast: Mapping[str, str]) -> None:
        self._model = model
        self._target = target
        self._roles = roles
        self._cast = cast

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        """Ask a judge, by its role or its name. Raises `RoleUnfilled`, and `EvaluatorError` for the model under test.

        A role may be played by the model under test: whoever wrote the catalog wanted it, and the report tells.
        """
        if request.model in self._roles:
            if request.model not in self._cast:
                raise RoleUnfilled(request.model)
            return await self._model.infer(replace(request, model=self._cast[request.model]), deadline=deadline)
        if request.model == self._target:
            raise EvaluatorError(f"score() asked {request.model}, the model under test; only probe() may")
        return await self._model.infer(request, deadline=deadline)

    async def aclose(self) -> None:
        """The models belong to somebody else."""


async def judge(evaluator: Evaluator, case: Case, reply: Reply, judges: Model, deadline: Deadline) -> Verdict:
    """The evaluator's verdict on a reply. Raises `StoreError` and nothing else."""
    try:
        return _checked(evaluator, await evaluator.score(case, reply, judges, deadline))
    except (ModelError, NotKept) as error:
        return Verdict("unscored", f"a judge did not answer: {error}", type(error).__name__)
    except RoleUnfilled as error:
        return Verdict("unscored", str(error), type(error).__name__)
    except Skip as error:
        return Verdict("skipped", str(error))
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001  # a plugin may raise anything; its case fails, the others go on
        return failed(evaluator, "score", error)


def conclude(evaluator: Evaluator, records: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, Estimate | str]:
    """The evaluator's totals over the records of its scored cases, by name, whatever it does; instead of one that cannot be had, why not.

    records: cluster and record of each case.
    """
    if not records:
        return {metric.name: "no case was scored" for metric in evaluator.totals}
    try:
        found = estimate_totals(records, evaluator.over)
    except Exception as error:  # noqa: BLE001  # a plugin may raise anything; its cases stay as they are
        log.warning("evaluator_failed", evaluator=evaluator.name, where="over", error=type(error).__name__)
        return {metric.name: f"{evaluator.name}.over: {type(error).__name__}: {error}" for metric in evaluator.totals}
    known = {name: total for name, total in found.items() if total.mean is not None and math.isfinite(total.mean)}
    return {metric.name: known.get(metric.name, "cannot be made of these cases") for metric in evaluator.totals}


def failed(evaluator: Evaluator, where: str, error: Exception) -> Verdict:
    """The verdict on a case whose evaluator raised in its method `where`."""
    log.warning("evaluator_failed", evaluator=evaluator.name, where=where, error=type(error).__name__)
    return Verdict("failed", f"{evaluator.name}.{where}: {type(error).__name__}: {error}", EvaluatorError.__name__)


def _checked(evaluator: Evaluator, score: Score) -> Verdict:
    values: dict[str, float | None] = {}
    for metric in evaluator.metrics:
        value = score.also.get(metric.name) if values else score.value
        if value is not None and not (isinstance(value, _NUMBER) and math.isfinite(value)):
            raise EvaluatorError(f"score() gave {metric.name} = {value!r}; a finite number or None is expected")
        values[metric.name] = None if value is None else float(value)
    if score.also and (unknown := sorted(score.also.keys() - values.keys())):
        raise EvaluatorError(f"score() gave the metric {unknown[0]!r}; {evaluator.name} declares {', '.join(values)}")
    known = any(value is not None for value in values.values())
    return Verdict("scored" if known else "unscored", score.reason, None, values, score.found, score.record)
