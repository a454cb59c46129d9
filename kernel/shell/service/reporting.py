"""Reports of runs as messages, and two runs held against each other."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask

from assay.v1 import evaluation_pb2, types_pb2
from assay.v1.evaluation_pb2 import PublishedScore
from kernel import registry, stats
from kernel.differences import Difference
from kernel.errors import UnknownName
from kernel.report import Line, Scorecard, scorecard, shown
from kernel.shell.service.messages import clean, told_manifest, without_places
from kernel.shell.service.statuses import BadFields, Violation
from kernel.store.store import Store, TaskRow

PAGE = "page"
PARTS = ("run", "tasks", "benchmark_scores", "published", "differences", "notes", PAGE)
PAGE_CASES = 400
"""How many cases of each status the page takes of a task and model."""


def parts_of(mask: FieldMask, *, told: bool) -> frozenset[str]:
    """Which parts of a report are wanted; told: the request has a mask. Raises `BadFields`."""
    faults = [
        Violation(f"read_mask.paths[{at}]", f"is {path[:60]!r}; expected one of {', '.join(PARTS)}") for at, path in enumerate(mask.paths) if path not in PARTS
    ]
    if faults:
        raise BadFields(faults)
    return frozenset(mask.paths) if told else frozenset(PARTS) - {PAGE}


def report_of(store: Store, run: str, parts: Collection[str] = frozenset(PARTS) - {PAGE}) -> evaluation_pb2.Report:
    """The report of a run. Raises `UnknownName`."""
    card = scorecard(store, run, _benchmark)
    card = replace(card, manifest=told_manifest(card.manifest), notes=tuple(map(without_places, card.notes)))
    report = evaluation_pb2.Report()
    if "run" in parts:
        report.run = run
    if "tasks" in parts:
        report.tasks.extend(_tasks(store.tasks(run), card.lines))
    if "benchmark_scores" in parts:
        report.benchmark_scores.extend(_scores(card))
    if "published" in parts:
        report.published.extend(PublishedScore(name=each.name, model=clean(each.model), value=each.value, source=clean(each.source)) for each in card.published)
    if "differences" in parts:
        units = {(line.model, line.metric): line.unit for line in card.lines}
        report.differences.extend(_difference(each, units.get((each.model, each.metric), "share")) for each in card.differences)
    if "notes" in parts:
        report.notes.extend(map(clean, card.notes))
    if PAGE in parts:
        report.page = _page(store, card)
    return report


def compared(store: Store, request: evaluation_pb2.CompareRunsRequest) -> evaluation_pb2.CompareRunsResponse:
    """Two runs of a store against each other. Raises `BadFields`."""
    before = _tasks_of(store, request.before, request.model_before, "before")
    after = _tasks_of(store, request.after, request.model_after, "after")
    both = [(before[name], task) for name, task in after.items() if name in before]
    chosen = [(first, second, metric) for first, second in both if (metric := _metric(first, second, request.metric)) is not None]
    if request.metric and not chosen:
        known = sorted({each["name"] for pair in both for each in pair[1].metrics})
        raise BadFields([Violation("metric", str(UnknownName("metric that both runs have", request.metric[:80], known)))])
    return evaluation_pb2.CompareRunsResponse(comparisons=(_comparison(store, *each) for each in chosen))


def _benchmark(name: str) -> Any:
    """The benchmark that a run's suite names; `None` where it is not installed here."""
    known = registry.benchmarks()
    return known.get(name) if name in known.names() else None


def _tasks_of(store: Store, run: str, model: str, field: str) -> dict[str, TaskRow]:
    """The tasks of one model of a run, by name."""
    tasks = store.tasks(run)
    known = dict.fromkeys(task.model for task in tasks)
    real = dict.fromkeys(task.model for task in tasks if task.player is None)
    if model and model not in known:
        raise BadFields([Violation(f"model_{field}", str(UnknownName(f"model in {run}", model[:80], known)))])
    if not model and len(real) > 1:
        raise BadFields([Violation(f"model_{field}", f"is missing; {run} has {', '.join(real)}: name one")])
    wanted = model or next(iter(real or known), "")
    return {task.task: task for task in tasks if task.model == wanted}


def _metric(before: TaskRow, after: TaskRow, wanted: str) -> Mapping[str, Any] | None:
    """The metric by which two tasks are compared: the one that is wanted, or the first; `None` where one of them does not have it."""
    name = wanted or after.metrics[0]["name"]
    found = next((each for each in after.metrics if each["name"] == name), None)
    return found if any(each["name"] == name for each in before.metrics) else None


def _comparison(store: Store, before: TaskRow, after: TaskRow, metric: Mapping[str, Any]) -> evaluation_pb2.Comparison:
    name = metric["name"]
    old, new = store.values(before.task_id, name), store.values(after.task_id, name)
    clusters = {case: cluster for case, (_, cluster) in store.origins(after.task_id).items()}
    told = _metric_message(name, metric["unit"], higher_is_better=metric["higher_is_better"])
    return evaluation_pb2.Comparison(
        task=clean(after.task),
        before=_estimate(told, stats.estimate(store.sums(before.task_id, name))),
        after=_estimate(told, stats.estimate(store.sums(after.task_id, name))),
        difference=_estimate(told, stats.paired_difference(new, old, clusters=clusters)),
        unpaired=len(old.keys() ^ new.keys()),
    )


def _metric_message(name: str, unit: str, *, higher_is_better: bool) -> types_pb2.Metric:
    return types_pb2.Metric(name=clean(name), higher_is_better=higher_is_better, unit=clean(unit))


def _estimate(metric: types_pb2.Metric, found: stats.Estimate) -> types_pb2.Estimate:
    return types_pb2.Estimate(metric=metric, value=found.mean, low=found.low, high=found.high, cases=found.n)


def _tasks(tasks: Iterable[TaskRow], lines: Iterable[Line]) -> Iterator[evaluation_pb2.TaskReport]:
    """One for each task and model, in order; a task without a line is left out."""
    found: dict[tuple[str, str], list[Line]] = {}
    for line in lines:
        found.setdefault((line.task, line.model), []).append(line)
    for task in tasks:
        if mine := found.get((task.task, task.model)):
            first = mine[0]
            yield evaluation_pb2.TaskReport(
                task=clean(task.task),
                model=clean(task.model),
                perspective=clean(task.perspective),
                player=task.player or "",
                chance=first.chance,
                estimates=map(_of_line, mine),
                counts=evaluation_pb2.TaskProgress(
                    task=clean(task.task),
                    model=clean(task.model),
                    planned=task.planned,
                    scored=first.scored,
                    failed=first.failed,
                    unscored=first.unscored,
                    skipped=first.skipped,
                    whole=task.planned is not None,
                ),
            )


def _of_line(line: Line) -> types_pb2.Estimate:
    metric = _metric_message(line.metric, line.unit, higher_is_better=line.higher_is_better)
    return types_pb2.Estimate(metric=metric, value=line.mean, low=line.low, high=line.high, cases=line.scored)


def _scores(card: Scorecard) -> Iterator[evaluation_pb2.BenchmarkScore]:
    """The benchmark's own scores of the models under test."""
    players = {line.model for line in card.lines if line.player is not None}
    for model, aggregates in card.aggregates.items():
        for each in aggregates if model not in players else ():
            yield evaluation_pb2.BenchmarkScore(
                model=clean(model),
                name=each.name,
                mode=each.mode,
                value=each.value,
                unit=each.unit,
                higher_is_better=each.higher_is_better,
                tasks=each.tasks,
                of=each.of,
                note=clean(each.note),
            )


def _difference(each: Difference, unit: str) -> evaluation_pb2.ConditionDifference:
    metric = _metric_message(each.metric, unit, higher_is_better=each.higher_is_better)
    return evaluation_pb2.ConditionDifference(
        task=clean(each.task),
        perspective=clean(each.perspective),
        model=clean(each.model),
        condition=clean(each.condition),
        against=clean(each.against),
        difference=types_pb2.Estimate(metric=metric, value=each.mean, low=each.low, high=each.high, cases=each.n),
    )


def _page(store: Store, card: Scorecard) -> bytes:
    """The self-contained page."""
    from kernel.shell import html  # noqa: PLC0415  # Pillow and jinja2 are for those who want a page

    with tempfile.TemporaryDirectory(prefix="assay-page-") as folder:
        path = Path(folder) / "report.html"
        html.write(card, shown(store, card.run, per_task=PAGE_CASES), path)
        return path.read_bytes()
