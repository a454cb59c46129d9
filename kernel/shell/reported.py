"""What a server tells of a run, as the scorecard that the run's own store would give."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from typing import Any, Literal

from google.protobuf.json_format import MessageToDict

from assay.v1.evaluation_pb2 import ConditionDifference, Report, Run, RunState, TaskReport
from assay.v1.types_pb2 import Estimate, ModelKind
from kernel.benchmark import Aggregate, Published
from kernel.differences import Difference
from kernel.report import Line, Scorecard


def scorecard_of(run: Run, report: Report) -> Scorecard:
    """The scorecard."""
    manifest = _plain(MessageToDict(run.manifest))
    conditions = manifest.get("conditions", {})
    return Scorecard(
        run=run.name,
        suite=run.suite,
        status=RunState.Name(run.state).removeprefix("RUN_STATE_").lower(),
        created=begun(run),
        lines=tuple(line for task in report.tasks for line in _lines(task, conditions.get(task.task, {}).get("condition", ""))),
        notes=tuple(report.notes),
        manifest=manifest,
        aggregates=_aggregates(report),
        published=tuple(Published(name=each.name, model=each.model, value=each.value, source=each.source) for each in report.published),
        differences=tuple(map(_difference, report.differences)),
    )


def begun(run: Run) -> str:
    """When a run was created, as a store tells it."""
    return run.create_time.ToDatetime(UTC).isoformat(timespec="seconds")


def kind(number: ModelKind.ValueType) -> str:
    """What a model does, in a word; `any` for null players."""
    return ModelKind.Name(number).removeprefix("MODEL_KIND_").lower() if number in ModelKind.values() and number else "any"


def _lines(task: TaskReport, condition: str) -> Iterator[Line]:
    counts = task.counts
    settled = counts.scored + counts.failed + counts.unscored + counts.skipped
    for place, found in enumerate(task.estimates):
        yield Line(
            task=task.task,
            perspective=task.perspective,
            model=task.model,
            player=task.player or None,
            metric=found.metric.name,
            unit=found.metric.unit,
            higher_is_better=found.metric.higher_is_better,
            planned=counts.planned if counts.HasField("planned") else settled,
            scored=found.cases,
            failed=counts.failed,
            unscored=counts.unscored + counts.scored - found.cases,
            skipped=counts.skipped,
            mean=_value(found, "value"),
            low=_value(found, "low"),
            high=_value(found, "high"),
            chance=task.chance if place == 0 and task.HasField("chance") else None,
            condition=condition,
        )


def _aggregates(report: Report) -> dict[str, tuple[Aggregate, ...]]:
    found: dict[str, list[Aggregate]] = {}
    for each in report.benchmark_scores:
        value = each.value if each.HasField("value") else None
        found.setdefault(each.model, []).append(
            Aggregate(
                name=each.name,
                mode=each.mode,
                value=value,
                tasks=each.tasks,
                of=each.of,
                higher_is_better=each.higher_is_better,
                unit=each.unit,
                note=each.note,
            )
        )
    return {model: tuple(scores) for model, scores in found.items()}


def _difference(each: ConditionDifference) -> Difference:
    found = each.difference
    return Difference(
        task=each.task,
        perspective=each.perspective,
        model=each.model,
        metric=found.metric.name,
        higher_is_better=found.metric.higher_is_better,
        condition=each.condition,
        against=each.against,
        n=found.cases,
        mean=_value(found, "value"),
        low=_value(found, "low"),
        high=_value(found, "high"),
    )


def _value(found: Estimate, name: Literal["value", "low", "high"]) -> float | None:
    return getattr(found, name) if found.HasField(name) else None


def _plain(told: Any) -> Any:
    """JSON whose whole numbers are whole again."""
    match told:
        case dict():
            return {name: _plain(each) for name, each in told.items()}
        case list():
            return [_plain(each) for each in told]
        case float() if told.is_integer():
            return int(told)
    return told
