"""The store itself: blocking, and used by one thread at a time. `kernel.store.keeping` puts it behind asyncio."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from sqlalchemy import Connection, bindparam, func, inspect, select, update
from sqlalchemy.dialects.sqlite import insert

from kernel.condition import FACT
from kernel.contract import Reply
from kernel.errors import BadStore, StoreError, Unbalanced, UnknownName
from kernel.store import database
from kernel.store.artifacts import Artifacts
from kernel.store.bulk import Among, Put
from kernel.store.codec import load_reply
from kernel.store.schema import outcomes, replies, runs, scores, tasks, totals

# Upserts: whoever writes twice after an error of unknown effect finds his row there and changes nothing.
_PUT_REPLY = insert(replies)
_PUT_REPLY = _PUT_REPLY.on_conflict_do_update(index_elements=["key"], set_={"reply": _PUT_REPLY.excluded.reply})
_PUT_OUTCOME = insert(outcomes).on_conflict_do_nothing()
_PUT_SCORE = insert(scores).on_conflict_do_nothing()
_SETTLED = select(outcomes.c.case_id).where(outcomes.c.task_id == bindparam("task_id"))
_KEPT = select(replies.c.key, replies.c.reply)


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task of a run as the store knows it. `planned` is `None` until the task is finished."""

    task_id: int
    task: str
    model: str
    player: str | None
    perspective: str
    chance: float | None
    metrics: tuple[Mapping[str, Any], ...]
    planned: int | None


class TotalRow(NamedTuple):
    """A number over all cases of a task, with its 95 % interval. metric: name, unit and direction. note: why there is no value."""

    metric: Mapping[str, Any]
    value: float | None
    low: float | None
    high: float | None
    note: str


class ReplyRow(NamedTuple):
    """A row of `replies`."""

    key: bytes
    model: str
    reply: str


class OutcomeRow(NamedTuple):
    """A row of `outcomes`."""

    task_id: int
    case_id: str
    status: str
    error: str | None
    reason: str
    found: int
    seconds: float
    cluster: str | None
    shown: str
    replies: bytes


class ScoreRow(NamedTuple):
    """A row of `scores`."""

    task_id: int
    metric: str
    case_id: str
    status: str
    value: float | None


class Batch(NamedTuple):
    """Rows to be written in one transaction, in the order of the columns of their tables."""

    replies: list[ReplyRow]
    outcomes: list[OutcomeRow]
    scores: list[ScoreRow]


class Store:
    """A folder: `assay.db`, the pictures under `artifacts`, and a lock file while it is open for writing."""

    def __init__(self, folder: Path, *, write: bool) -> None:
        self.folder = folder
        self.file = folder / "assay.db"
        self._lock: int | None = None
        if write:
            with database.store_errors(f"{folder} cannot be made"):
                folder.mkdir(parents=True, exist_ok=True)
                self._lock = database.lock(folder)
        elif not self.file.is_file():
            raise BadStore(f"{folder} holds no store; expected {self.file.name} in it: name another --store, or run a suite first")
        try:
            self.engine = database.engine_of(self.file, write=write)
        except BaseException:
            self._unlock()
            raise
        self._put_replies, self._put_outcomes, self._put_scores = (Put(put, self.engine) for put in (_PUT_REPLY, _PUT_OUTCOME, _PUT_SCORE))
        self._settled = Among(_SETTLED, outcomes.c.case_id, self.engine)
        self._kept = Among(_KEPT, replies.c.key, self.engine)
        self._inode = self.file.stat().st_ino
        self.artifacts = Artifacts(str(folder.absolute() / "artifacts"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file and the lock. Twice does no harm."""
        self.engine.dispose()
        self._unlock()

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    # Runs

    def begin_run(self, run: str, suite: str, manifest: Mapping[str, Any]) -> None:
        """Write the manifest down, before anything is asked; the same run again only sets its status."""
        row = {"run": run, "suite": suite, "created": datetime.now(UTC).isoformat(timespec="seconds"), "note": "", "manifest": json.dumps(manifest)}
        with database.store_errors(f"{self.file}: the run cannot be begun"), self.engine.begin() as connection:
            again = {"status": "running", "note": ""}
            connection.execute(insert(runs).values(**row, status="running").on_conflict_do_update(index_elements=["run"], set_=again))

    def end_run(self, run: str, status: str, note: str = "") -> None:
        """Set a run's status: "interrupted" or "finished"."""
        with database.store_errors(f"{self.file}: the run's end cannot be written"), self.engine.begin() as connection:
            connection.execute(update(runs).where(runs.c.run == run).values(status=status, note=note))

    def observe(self, run: str, observed: Mapping[str, Mapping[str, Sequence[str]]]) -> None:
        """Add to a run's manifest what the models' reports said, to what an earlier sitting saw."""
        manifest = dict(self.run(run)["manifest"])
        known: dict[str, Any] = {model: dict(told) for model, told in manifest.get("observed", {}).items()}
        for model, told in observed.items():
            before = known.setdefault(model, {})
            before.update({name: sorted({*before.get(name, ()), *values}) for name, values in told.items()})
        with database.store_errors(f"{self.file}: the manifest cannot be written"), self.engine.begin() as connection:
            connection.execute(update(runs).where(runs.c.run == run).values(manifest=json.dumps({**manifest, "observed": known})))

    def run(self, run: str) -> Mapping[str, Any]:
        """The row of a run, its manifest read. Raises `UnknownName`."""
        with self._reading() as connection:
            row = connection.execute(select(runs).where(runs.c.run == run)).mappings().one_or_none()
            if row is None:
                raise UnknownName("run", run, connection.execute(select(runs.c.run)).scalars())
        return {**row, "manifest": json.loads(row["manifest"])}

    def runs(self) -> list[Mapping[str, Any]]:
        """All runs, newest first, without their manifests."""
        wanted = select(runs.c.run, runs.c.suite, runs.c.created, runs.c.status, runs.c.note).order_by(runs.c.created.desc(), runs.c.run.desc())
        with self._reading() as connection:
            return [dict(row) for row in connection.execute(wanted).mappings()]

    # Tasks

    def begin_tasks(self, run: str, rows: Sequence[Mapping[str, Any]]) -> list[TaskRow]:
        """Write the tasks of a run unless they are there; all of them, in order."""
        made = [{**row, "run": run, "position": position, "metrics": json.dumps(row["metrics"])} for position, row in enumerate(rows)]
        with database.store_errors(f"{self.file}: the tasks cannot be written"), self.engine.begin() as connection:
            connection.execute(insert(tasks).on_conflict_do_nothing(), made)
        return self.tasks(run)

    def tasks(self, run: str) -> list[TaskRow]:
        """All tasks of a run, in order."""
        with self._reading() as connection:
            rows = connection.execute(select(tasks).where(tasks.c.run == run).order_by(tasks.c.position)).mappings().all()
        names = [name for name in TaskRow.__dataclass_fields__ if name != "metrics"]
        return [TaskRow(**{name: row[name] for name in names}, metrics=tuple(json.loads(row["metrics"]))) for row in rows]

    def finish_task(self, task: TaskRow, planned: int, made: Sequence[TotalRow] = ()) -> None:
        """Close a task, with its totals. Raises `Unbalanced` unless every metric has exactly `planned` cases, one outcome each."""
        counts = select(scores.c.metric, func.count()).where(scores.c.task_id == task.task_id).group_by(scores.c.metric)
        with database.store_errors(f"{self.file}: the task cannot be closed"), self.engine.begin() as connection:
            found: dict[str, int] = dict(connection.execute(counts).all())
            settled = connection.execute(select(func.count()).where(outcomes.c.task_id == task.task_id)).scalar_one()
            wrong = {metric["name"]: found.get(metric["name"], 0) for metric in task.metrics if found.get(metric["name"], 0) != planned}
            if (wrong and planned) or settled != planned:
                raise Unbalanced(f"task {task.task} of {task.model}: planned {planned}, outcomes {settled}, per metric {wrong or found}")
            for position, total in enumerate(made):
                row = {**total._asdict(), "metric": json.dumps(dict(total.metric)), "task_id": task.task_id, "position": position}
                connection.execute(insert(totals).values(row).on_conflict_do_nothing())
            connection.execute(update(tasks).where(tasks.c.task_id == task.task_id).values(planned=planned))

    # Cases

    def write(self, batch: Batch) -> None:
        """Replies, outcomes and scores in one transaction, in that order. Raises `StoreError`."""
        self._refuse_replaced()
        with database.store_errors(f"{self.file} cannot be written"), self.engine.begin() as connection:
            self._put_replies.write(connection, batch.replies)
            self._put_outcomes.write(connection, batch.outcomes)
            self._put_scores.write(connection, batch.scores)

    def settled(self, task_id: int, cases: Sequence[str]) -> set[str]:
        """Which of these cases have an outcome."""
        with self._reading() as connection:
            return {case for (case,) in self._settled.rows(connection, cases, task_id)}

    def kept(self, keys: Sequence[bytes]) -> dict[bytes, Reply]:
        """The replies that are kept under these keys. A reply whose picture is gone or damaged counts as not kept."""
        with self._reading() as connection:
            rows = list(self._kept.rows(connection, keys))
        found = {}
        for key, text in rows:
            try:
                found[key] = load_reply(text, self.artifacts.get)
            except StoreError:
                continue
        return found

    def records(self, task_id: int) -> list[tuple[str, Mapping[str, Any]]]:
        """What the scored cases of a task recorded, each with its cluster, in the order of the cases' ids."""
        cluster = func.coalesce(outcomes.c.cluster, outcomes.c.case_id)
        wanted = select(cluster, outcomes.c.shown).where(outcomes.c.task_id == task_id, outcomes.c.status == "scored").order_by(outcomes.c.case_id)
        with self._reading() as connection:
            return [(each, json.loads(shown).get("record", {})) for each, shown in connection.execute(wanted)]

    def totals(self, task_id: int) -> list[TotalRow]:
        """The numbers over all cases of a closed task."""
        if not inspect(self.engine).has_table(totals.name):
            return []
        wanted = select(totals).where(totals.c.task_id == task_id).order_by(totals.c.position)
        with self._reading() as connection:
            rows = connection.execute(wanted).mappings().all()
        return [TotalRow(json.loads(row["metric"]), row["value"], row["low"], row["high"], row["note"]) for row in rows]

    # Reading for reports

    def tally(self, task_id: int) -> dict[str, dict[str, int]]:
        """How many cases of a task have which status, by metric."""
        wanted = select(scores.c.metric, scores.c.status, func.count()).where(scores.c.task_id == task_id).group_by(scores.c.metric, scores.c.status)
        found: dict[str, dict[str, int]] = {}
        with self._reading() as connection:
            for metric, status, count in connection.execute(wanted):
                found.setdefault(metric, {})[status] = count
        return found

    def sums(self, task_id: int, metric: str) -> list[tuple[float, int, int]]:
        """The scored values of a metric, summed by cluster: (sum, cases in the cluster, how many such clusters)."""
        cluster = func.coalesce(outcomes.c.cluster, outcomes.c.case_id)
        joined = scores.join(outcomes, (scores.c.task_id == outcomes.c.task_id) & (scores.c.case_id == outcomes.c.case_id))
        scored = (scores.c.task_id == task_id) & (scores.c.metric == metric) & (scores.c.status == "scored")
        inner = select(func.sum(scores.c.value).label("total"), func.count().label("size")).select_from(joined).where(scored).group_by(cluster).subquery()
        with self._reading() as connection:
            wanted = select(inner.c.total, inner.c.size, func.count()).group_by(inner.c.total, inner.c.size)
            return [tuple(row) for row in connection.execute(wanted)]

    def values(self, task_id: int, metric: str) -> dict[str, float]:
        """The scored values of a metric by case, for paired comparisons."""
        wanted = select(scores.c.case_id, scores.c.value).where(scores.c.task_id == task_id, scores.c.metric == metric, scores.c.status == "scored")
        with self._reading() as connection:
            return dict(connection.execute(wanted).all())

    def origins(self, task_id: int) -> dict[str, tuple[str, str]]:
        """For each case of a task under a condition: the case without one, and its cluster."""
        case = func.json_extract(outcomes.c.shown, f"$.facts.{FACT}.case")
        wanted = select(outcomes.c.case_id, func.coalesce(case, outcomes.c.case_id), func.coalesce(outcomes.c.cluster, case, outcomes.c.case_id))
        with self._reading() as connection:
            return {each: (origin, cluster) for each, origin, cluster in connection.execute(wanted.where(outcomes.c.task_id == task_id))}

    def not_found(self, task_id: int) -> int:
        """In how many scored cases of a task the scorer found no answer in the reply."""
        wanted = select(func.count()).where(outcomes.c.task_id == task_id, outcomes.c.status == "scored", outcomes.c.found == 0)
        with self._reading() as connection:
            return int(connection.execute(wanted).scalar_one())

    def cases(self, task_id: int, metric: str, *, status: str | None = None, limit: int | None = None) -> list[Mapping[str, Any]]:
        """Outcomes of a task with the value of a metric, in the order of their ids."""
        joined = outcomes.outerjoin(scores, (scores.c.task_id == outcomes.c.task_id) & (scores.c.case_id == outcomes.c.case_id) & (scores.c.metric == metric))
        wanted = select(outcomes, scores.c.value).select_from(joined).where(outcomes.c.task_id == task_id).order_by(outcomes.c.case_id).limit(limit)
        if status is not None:
            wanted = wanted.where(outcomes.c.status == status)
        with self._reading() as connection:
            return [dict(row) for row in connection.execute(wanted).mappings()]

    def every_outcome(self, run: str) -> Iterable[tuple[Any, ...]]:
        """All outcomes of a run with all their scores, sorted, without times: what two runs are compared by."""
        joined = tasks.join(outcomes, tasks.c.task_id == outcomes.c.task_id).outerjoin(
            scores, (scores.c.task_id == outcomes.c.task_id) & (scores.c.case_id == outcomes.c.case_id)
        )
        columns = [tasks.c.task, tasks.c.model, outcomes.c.case_id, outcomes.c.status, outcomes.c.error, outcomes.c.reason]
        columns += [outcomes.c.shown, outcomes.c.replies, scores.c.metric, scores.c.status, scores.c.value]
        with self._reading() as connection:
            wanted = select(*columns).select_from(joined).where(tasks.c.run == run).order_by(*columns[:3], scores.c.metric)
            return [tuple(row) for row in connection.execute(wanted)]

    def _reading(self) -> Connection:
        return self.engine.connect()

    def _refuse_replaced(self) -> None:
        try:
            same = self.file.stat().st_ino == self._inode
        except OSError:
            same = False
        if not same:
            raise StoreError(f"{self.file} was moved, deleted or replaced while it was in use; put it back, then --resume")
