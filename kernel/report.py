"""What a run found, as plain data: the scorecard and the cases behind it. Showing it is `kernel.shell`'s."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kernel.benchmark import Aggregate, Benchmark, Published
from kernel.condition import AS_GIVEN
from kernel.contract import Picture
from kernel.differences import Difference, differences
from kernel.errors import StoreError
from kernel.stats import estimate
from kernel.store.store import Store, TaskRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One metric of one model on one task. `planned` is scored + failed + unscored + skipped: the store closes no other task.

    mean, low, high: the mean over the scored cases and its 95 % interval; `None` where nothing was scored.
    chance: what a constant answer is expected to score, where that is known. player: the model is a null player.
    """

    task: str
    perspective: str
    model: str
    player: str | None
    metric: str
    unit: str
    higher_is_better: bool
    planned: int
    scored: int
    failed: int
    unscored: int
    skipped: int
    mean: float | None
    low: float | None
    high: float | None
    chance: float | None
    condition: str = ""
    """What the task's cases are under; empty for a task that is asked once."""

    @property
    def own(self) -> str | None:
        """The task as its benchmark knows it: by its name, as it is or as given; `None` under another condition, of which the benchmark knows nothing."""
        if not self.condition or not self.task.endswith(f"@{self.condition}"):
            return self.task
        return self.task.removesuffix(f"@{AS_GIVEN}") if self.condition == AS_GIVEN else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """All lines of a run. `status` is "running", "interrupted" or "finished"; `notes` are warnings worth a reader's eye.

    aggregates: by model, what the suite's benchmark makes of its lines. published: what others published under the same names.
    """

    run: str
    suite: str
    status: str
    created: str
    lines: tuple[Line, ...]
    notes: tuple[str, ...] = ()
    manifest: Mapping[str, Any] = field(default_factory=dict)
    aggregates: Mapping[str, tuple[Aggregate, ...]] = field(default_factory=dict)
    published: tuple[Published, ...] = ()
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One case as a reader sees it. Every text in it may be hostile: show it through an escape, never as it is.

    status: "scored", "failed", "unscored" or "skipped". error: the error's class name when it failed.
    pictures: what was shown to the model; answers: what the model said; drawn: pictures that the model made.
    """

    task: str
    perspective: str
    model: str
    case: str
    status: str
    value: float | None
    reason: str
    error: str | None
    question: str
    pictures: tuple[Picture, ...]
    answers: tuple[str, ...]
    drawn: tuple[Picture, ...]
    gold: Any
    facts: Mapping[str, Any]
    seconds: float


FAILED_SHARE = 0.01
NOT_FOUND_SHARE = 0.02


def scorecard(store: Store, run: str, benchmark: Callable[[str], Benchmark] | None = None) -> Scorecard:
    """The scorecard of a run; `benchmark` finds the one that its suite names. Raises `UnknownName`."""
    row = store.run(run)
    tasks = store.tasks(run)
    under = {task: told["condition"] for task, told in row["manifest"].get("conditions", {}).items()}
    lines = tuple(replace(line, condition=under.get(line.task, "")) for task in tasks for line in _lines(store, task))
    notes = ([str(row["note"])] if row["note"] else []) + [note for task in tasks for note in _warnings(store, task)]
    notes = _of_a_sample(row["manifest"]) + notes + _self_judged(row["manifest"], tasks)
    named = row["manifest"].get("suite", {}).get("benchmark")
    found = benchmark(named) if named and benchmark else None
    return Scorecard(
        run=run,
        suite=row["suite"],
        status=row["status"],
        created=row["created"],
        lines=lines,
        notes=tuple(notes),
        manifest=row["manifest"],
        aggregates={} if found is None else _aggregates(found, lines),
        published=() if found is None else tuple(found.published()),
        differences=tuple(differences(store, row["manifest"].get("conditions", {}), tasks)),
    )


def _aggregates(benchmark: Benchmark, lines: Iterable[Line]) -> dict[str, tuple[Aggregate, ...]]:
    numbers: dict[str, dict[str, dict[str, float | None]]] = {}
    for line in lines:
        held = numbers.setdefault(line.model, {})
        if line.own is not None:
            held.setdefault(line.own, {})[line.metric] = line.mean
    return {model: tuple(benchmark.aggregates(found)) for model, found in numbers.items()}


def _of_a_sample(manifest: Mapping[str, Any]) -> list[str]:
    suite = manifest.get("suite", {})
    if not suite.get("sample") or suite.get("data") != suite["sample"]["data"]:
        return []
    return ["these are the few rows of the sample, made for trying things out: nothing here can be held against a published number"]


def _self_judged(manifest: Mapping[str, Any], tasks: Iterable[TaskRow]) -> list[str]:
    played: dict[str, list[str]] = {}
    for role, model in manifest.get("roles", {}).items():
        played.setdefault(model, []).append(role)
    asked = dict.fromkeys(task.model for task in tasks)
    return [f"{model} is judged by itself: it plays the {' and the '.join(played[model])}" for model in asked if model in played]


def shown(store: Store, run: str, *, per_task: int | None = None) -> Iterator[Shown]:
    """The cases of a run, failures first. `per_task` bounds how many of each status are given per task and model."""
    tasks = store.tasks(run)
    for status in ("failed", "unscored", "scored", "skipped"):
        for task in tasks:
            for row in store.cases(task.task_id, task.metrics[0]["name"], status=status, limit=per_task):
                yield _shown(store, task, row)


def _lines(store: Store, task: TaskRow) -> Iterator[Line]:
    tally = store.tally(task.task_id)
    for position, metric in enumerate(task.metrics):
        counts = tally.get(metric["name"], {})
        found = estimate(store.sums(task.task_id, metric["name"]))
        yield Line(
            task=task.task,
            perspective=task.perspective,
            model=task.model,
            player=task.player,
            metric=metric["name"],
            unit=metric["unit"],
            higher_is_better=metric["higher_is_better"],
            planned=sum(counts.values()) if task.planned is None else task.planned,
            scored=counts.get("scored", 0),
            failed=counts.get("failed", 0),
            unscored=counts.get("unscored", 0),
            skipped=counts.get("skipped", 0),
            mean=found.mean,
            low=found.low,
            high=found.high,
            chance=task.chance if position == 0 else None,
        )
    counts = tally.get(task.metrics[0]["name"], {})
    for total in store.totals(task.task_id):
        yield Line(
            task=task.task,
            perspective=task.perspective,
            model=task.model,
            player=task.player,
            metric=total.metric["name"],
            unit=total.metric["unit"],
            higher_is_better=total.metric["higher_is_better"],
            planned=sum(counts.values()),
            scored=counts.get("scored", 0) if total.value is not None else 0,
            failed=counts.get("failed", 0),
            unscored=counts.get("unscored", 0) + (counts.get("scored", 0) if total.value is None else 0),
            skipped=counts.get("skipped", 0),
            mean=total.value,
            low=total.low,
            high=total.high,
            chance=None,
        )


def _warnings(store: Store, task: TaskRow) -> Iterator[str]:
    """What a reader must know before believing a number: unfinished, many failures, answers that were not found."""
    where = f"{task.task} of {task.model}"
    if task.planned is None:
        yield f"{where} is unfinished; resume the run"
    for total in store.totals(task.task_id) if task.player is None else ():
        if total.note:
            yield f"{where}, {total.metric['name']}: {total.note}"
    counts = store.tally(task.task_id).get(task.metrics[0]["name"], {})
    planned, scored = sum(counts.values()), counts.get("scored", 0)
    lost = counts.get("failed", 0) + counts.get("unscored", 0)
    if task.player is None and lost > FAILED_SHARE * planned:
        yield f"{where} is incomplete: {lost} of {planned} cases have no score"
    if task.player is None and (missed := store.not_found(task.task_id)) > NOT_FOUND_SHARE * max(scored, 1):
        yield f"{where}: no answer was found in {missed} of {scored} replies"


def _shown(store: Store, task: TaskRow, row: Mapping[str, Any]) -> Shown:
    case = json.loads(row["shown"])
    keys = [row["replies"][at : at + 32] for at in range(0, len(row["replies"]), 32)]
    kept = store.kept(keys) if keys else {}
    replies = [kept[key] for key in keys if key in kept]
    return Shown(
        task=task.task,
        perspective=task.perspective,
        model=task.model,
        case=row["case_id"],
        status=row["status"],
        value=row["value"],
        reason=row["reason"],
        error=row["error"],
        question=case["question"],
        pictures=tuple(Picture(data) for digest in case["pictures"] if (data := _picture(store, digest))),
        answers=tuple(text for reply in replies for text in reply.texts),
        drawn=tuple(picture for reply in replies for picture in reply.pictures),
        gold=case["gold"],
        facts={**case["facts"], **({"recorded": case["record"]} if "record" in case else {})},
        seconds=row["seconds"],
    )


def _picture(store: Store, digest: str) -> bytes | None:
    try:
        return store.artifacts.get(digest)
    except StoreError:
        return None
