"""From a reply to a verdict: whatever an evaluator does, its case ends as one of four statuses, with a reason.

Only a finite number of a declared metric becomes a value. A judge that does not answer leaves the case unscored; an evaluator
that raises, or returns what is no score, fails its own case and no other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog

from kernel.contract import Deadline, Model, Reply, Request
from kernel.errors import EvaluatorError, ModelError, NotKept, StoreError
from kernel.evaluator import Case, Evaluator, Score, Skip

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


class Judges:
    """The models that a scorer may ask: all but the one under test."""

    __slots__ = ("_model", "_target")

    def __init__(self, model: Model, target: str) -> None:
        self._model = model
        self._target = target

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        """Ask a judge. Raises `EvaluatorError` for the model under test."""
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
    except Skip as error:
        return Verdict("skipped", str(error))
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001  # a plugin may raise anything; its case fails, the others go on
        return failed(evaluator, "score", error)


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
    return Verdict("unscored" if score.value is None else "scored", score.reason, None, values, score.found)
