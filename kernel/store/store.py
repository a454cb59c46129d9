"""The store itself: blocking; on SQLite used by one thread at a time. `kernel.store.keeping` puts it behind asyncio."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, bindparam, func, select, update

from kernel.condition import FACT
from kernel.contract import Reply
from kernel.errors import BadStore, StoreError, Unbalanced, UnknownName
from kernel.store import database, postgres
from kernel.store.artifacts import Artifacts
from kernel.store.base import lasting
from kernel.store.bulk import Among, Put, inserting
from kernel.store.codec import load_reply, storable
from kernel.store.following import Following
from kernel.store.leasing import Leasing
from kernel.store.listing import Listing
from kernel.store.rows import Batch, OutcomeRow, ReplyRow, ScoreRow, TaskRow, TotalRow
from kernel.store.schema import outcomes, replies, runs, scores, tasks, totals

__all__ = ["Batch", "OutcomeRow", "ReplyRow", "ScoreRow", "Store", "TaskRow", "TotalRow"]

_SETTLED = select(outcomes.c.case_id).where(outcomes.c.task_id == bindparam("task_id"))
_KEPT = select(replies.c.key, replies.c.reply)


class Store(Leasing, Following, Listing):
    """A folder: `assay.db`, the pictures under `artifacts`, and a lock file while it is open for writing.

    With `url` (postgresql://…) the rows are in a PostgreSQL instead, in a `schema` of their own: several processes may write to it, and
    the folder, which they share, holds the pictures. Calls go on when the server was away for some seconds.
    """

    def __init__(self, folder: Path, *, write: bool, url: str | None = None, schema: str = "assay") -> None:
        self.folder = folder
        self.file = folder / "assay.db"
        self.place = str(self.file) if url is None else postgres.place_of(url, schema)
        self._lock_file: int | None = None
        if write:
            with database.store_errors(f"{folder} cannot be made"):
                folder.mkdir(parents=True, exist_ok=True)
                self._lock_file = database.lock(folder) if url is None else None
        elif url is None and not self.file.is_file():
            raise BadStore(f"{folder} holds no store; expected {self.file.name} in it: name another --store, or run a suite first")
        try:
            self.engine = database.engine_of(self.file, write=write) if url is None else postgres.engine_of(url, schema, write=write)
        except BaseException:
            self._unlock()
            raise
        self._compile()
        self._inode = None if self.shared else self.file.stat().st_ino
        self._runs = {}
        self.artifacts = Artifacts(str(folder.absolute() / "artifacts"))

    def _compile(self) -> None:
        # Upserts: whoever writes twice after an error of unknown effect finds his row there and changes nothing.
        put = inserting(self.engine, replies)
        self._put_replies = Put(put.on_conflict_do_update(index_elements=["key"], set_={"reply": put.excluded.reply}), self.engine)
        self._put_outcomes, self._put_scores = (Put(inserting(self.engine, table).on_conflict_do_nothing(), self.engine) for table in (outcomes, scores))
        self._settled = Among(_SETTLED, outcomes.c.case_id, self.engine)
        self._kept = Among(_KEPT, replies.c.key, self.engine)
        self._follow()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file and the lock. Twice does no harm."""
        self.engine.dispose()
        self._unlock()

    def _unlock(self) -> None:
        if self._lock_file is not None:
            os.close(self._lock_file)
            self._lock_file = None

    # Runs

    @lasting
    def begin_run(self, run: str, suite: str, manifest: Mapping[str, Any]) -> None:
        """Write the manifest down, before anything is asked; the same run again only sets its status."""
        row = {"run": run, "suite": suite, "created": datetime.now(UTC).isoformat(timespec="seconds"), "note": "", "manifest": json.dumps(manifest)}
        with self._writing("the run cannot be begun") as connection:
            again = {"status": "running", "note": ""}
            connection.execute(self._insert(runs).values(**row, status="running").on_conflict_do_update(index_elements=["run"], set_=again))

    @lasting
    def end_run(self, run: str, status: str, note: str = "") -> None:
        """Set a run's status: "interrupted" or "finished"."""
        with self._writing("the run's end cannot be written") as connection:
            connection.execute(update(runs).where(runs.c.run == run).values(status=status, note=storable(note)))

    @lasting
    def observe(self, run: str, observed: Mapping[str, Mapping[str, Sequence[str]]]) -> None:
        """Add to a run's manifest what the models' reports said, to what an earlier sitting saw."""
        manifest = dict(self.run(run)["manifest"])
        known: dict[str, Any] = {model: dict(told) for model, told in manifest.get("observed", {}).items()}
        for model, told in observed.items():
            before = known.setdefault(model, {})
            before.update({name: sorted({*before.get(name, ()), *values}) for name, values in told.items()})
        with self._writing("the manifest cannot be written") as connection:
            connection.execute(update(runs).where(runs.c.run == run).values(manifest=json.dumps({**manifest, "observed": known})))

    @lasting
    def run(self, run: str) -> Mapping[str, Any]:
        """The row of a run, its manifest read. Raises `UnknownName`."""
        with self._reading() as connection:
            row = connection.execute(select(runs).where(runs.c.run == run)).mappings().one_or_none()
            if row is None:
                raise UnknownName("run", run, connection.execute(select(runs.c.run)).scalars())
        return {**row, "manifest": json.loads(row["manifest"])}

    @lasting
    def runs(self) -> list[Mapping[str, Any]]:
        """All runs, newest first, without their manifests."""
        wanted = select(runs.c.run, runs.c.suite, runs.c.created, runs.c.status, runs.c.note).order_by(runs.c.created.desc(), runs.c.run.desc())
        with self._reading() as connection:
            return [dict(row) for row in connection.execute(wanted).mappings()]

    # Tasks

    @lasting
    def begin_tasks(self, run: str, rows: Sequence[Mapping[str, Any]]) -> list[TaskRow]:
        """Write the tasks of a run unless they are there; all of them, in order."""
        made = [{**row, "run": run, "position": position, "metrics": json.dumps(row["metrics"])} for position, row in enumerate(rows)]
        with self._writing("the tasks cannot be written") as connection:
            self._lock(connection, run)
            if made:
                connection.execute(self._insert(tasks).on_conflict_do_nothing(), made)
            if not self.shared:
                self._note_older(connection, run)
        return self.tasks(run)

    @lasting
    def tasks(self, run: str) -> list[TaskRow]:
        """All tasks of a run, in order."""
        with self._reading() as connection:
            rows = connection.execute(select(tasks).where(tasks.c.run == run).order_by(tasks.c.position)).mappings().all()
        names = [name for name in TaskRow.__dataclass_fields__ if name != "metrics"]
        return [TaskRow(**{name: row[name] for name in names}, metrics=tuple(json.loads(row["metrics"]))) for row in rows]

    @lasting
    def finish_task(self, task: TaskRow, planned: int, made: Sequence[TotalRow] = ()) -> None:
        """Close a task, with its totals. Raises `Unbalanced` unless every metric has exactly `planned` cases, one outcome each."""
        counts = select(scores.c.metric, func.count()).where(scores.c.task_id == task.task_id).group_by(scores.c.metric)
        with self._writing("the task cannot be closed") as connection:
            found: dict[str, int] = dict(connection.execute(counts).all())
            settled = connection.execute(select(func.count()).where(outcomes.c.task_id == task.task_id)).scalar_one()
            wrong = {metric["name"]: found.get(metric["name"], 0) for metric in task.metrics if found.get(metric["name"], 0) != planned}
            if (wrong and planned) or settled != planned:
                raise Unbalanced(f"task {task.task} of {task.model}: planned {planned}, outcomes {settled}, per metric {wrong or found}")
            for position, total in enumerate(made):
                row = {**total._asdict(), "metric": json.dumps(dict(total.metric)), "task_id": task.task_id, "position": position}
                connection.execute(self._insert(totals).values(row).on_conflict_do_nothing())
            connection.execute(update(tasks).where(tasks.c.task_id == task.task_id).values(planned=planned))

    # Cases

    @lasting
    def write(self, batch: Batch) -> None:
        """Replies, outcomes and scores in one transaction, in that order. Raises `StoreError`.

        What has an outcome keeps it, with its place in the run.
        """
        self._refuse_replaced()
        if not self._write(batch, batch.outcomes) and not self._write(batch, None):
            raise StoreError(f"{self.place}: an outcome is there and not there; look whether its index is damaged")

    def _write(self, batch: Batch, fresh: Sequence[OutcomeRow] | None) -> bool:
        """Write; `fresh` are the outcomes, or `None` to look which are. Nothing is written where one of `fresh` was there already."""
        with database.store_errors(f"{self.place} cannot be written"), self.engine.connect() as connection, connection.begin() as transaction:
            found = self._runs_of(connection, batch.outcomes)
            if self.shared:
                for run in sorted(set(found.values())):
                    self._lock(connection, run)
            if fresh is None:
                fresh = self._unsettled(connection, batch.outcomes)
            self._put_replies.write(connection, sorted({row.key: row for row in batch.replies}.values()) if self.shared else batch.replies)
            if self._put_outcomes.write(connection, fresh) != len(fresh):
                transaction.rollback()
                return False
            self._put_scores.write(connection, batch.scores)
            placed: dict[str, list[tuple[int, str, str]]] = {}
            for row in fresh:
                placed.setdefault(found[row.task_id], []).append((row.task_id, row.case_id, row.status))
            for run, rows in placed.items():
                self._note(connection, run, rows)
        return True

    def _runs_of(self, connection: Connection, rows: Sequence[OutcomeRow]) -> dict[int, str]:
        """The runs of the outcomes' tasks, asked for once a task."""
        wanted = {row.task_id for row in rows}
        if missing := wanted - self._runs.keys():
            asked = select(tasks.c.task_id, tasks.c.run).where(tasks.c.task_id.in_(missing))
            self._runs |= dict(connection.execute(asked).all())
        return {task_id: self._runs[task_id] for task_id in wanted if task_id in self._runs}

    def _unsettled(self, connection: Connection, rows: Sequence[OutcomeRow]) -> list[OutcomeRow]:
        """The outcomes that are not there yet, each once."""
        first = {(row.task_id, row.case_id): row for row in reversed(rows)}
        by_task: dict[int, list[str]] = {}
        for task_id, case in first:
            by_task.setdefault(task_id, []).append(case)
        there = {(task_id, case) for task_id, cases in by_task.items() for (case,) in self._settled.rows(connection, cases, task_id=task_id)}
        return [row for key, row in reversed(first.items()) if key not in there]

    @lasting
    def settled(self, task_id: int, cases: Sequence[str]) -> set[str]:
        """Which of these cases have an outcome."""
        with self._reading() as connection:
            return {case for (case,) in self._settled.rows(connection, cases, task_id=task_id)}

    @lasting
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

    @lasting
    def records(self, task_id: int) -> list[tuple[str, Mapping[str, Any]]]:
        """What the scored cases of a task recorded, each with its cluster, in the order of the cases' ids."""
        cluster = func.coalesce(outcomes.c.cluster, outcomes.c.case_id)
        wanted = select(cluster, outcomes.c.shown).where(outcomes.c.task_id == task_id, outcomes.c.status == "scored").order_by(outcomes.c.case_id)
        with self._reading() as connection:
            return [(each, json.loads(shown).get("record", {})) for each, shown in connection.execute(wanted)]

    @lasting
    def totals(self, task_id: int) -> list[TotalRow]:
        """The numbers over all cases of a closed task."""
        wanted = select(totals).where(totals.c.task_id == task_id).order_by(totals.c.position)
        with self._reading() as connection:
            rows = connection.execute(wanted).mappings().all() if self._has(connection, totals) else []
        return [TotalRow(json.loads(row["metric"]), row["value"], row["low"], row["high"], row["note"]) for row in rows]

    # Reading for reports

    @lasting
    def tally(self, task_id: int) -> dict[str, dict[str, int]]:
        """How many cases of a task have which status, by metric."""
        wanted = select(scores.c.metric, scores.c.status, func.count()).where(scores.c.task_id == task_id).group_by(scores.c.metric, scores.c.status)
        found: dict[str, dict[str, int]] = {}
        with self._reading() as connection:
            for metric, status, count in connection.execute(wanted):
                found.setdefault(metric, {})[status] = count
        return found

    @lasting
    def sums(self, task_id: int, metric: str) -> list[tuple[float, int, int]]:
        """The scored values of a metric, summed by cluster: (sum, cases in the cluster, how many such clusters)."""
        cluster = func.coalesce(outcomes.c.cluster, outcomes.c.case_id)
        joined = scores.join(outcomes, (scores.c.task_id == outcomes.c.task_id) & (scores.c.case_id == outcomes.c.case_id))
        scored = (scores.c.task_id == task_id) & (scores.c.metric == metric) & (scores.c.status == "scored")
        inner = select(func.sum(scores.c.value).label("total"), func.count().label("size")).select_from(joined).where(scored).group_by(cluster).subquery()
        with self._reading() as connection:
            wanted = select(inner.c.total, inner.c.size, func.count()).group_by(inner.c.total, inner.c.size)
            return [tuple(row) for row in connection.execute(wanted)]

    @lasting
    def values(self, task_id: int, metric: str) -> dict[str, float]:
        """The scored values of a metric by case, for paired comparisons."""
        wanted = select(scores.c.case_id, scores.c.value).where(scores.c.task_id == task_id, scores.c.metric == metric, scores.c.status == "scored")
        with self._reading() as connection:
            return dict(connection.execute(wanted).all())

    @lasting
    def origins(self, task_id: int) -> dict[str, tuple[str, str]]:
        """For each case of a task under a condition: the case without one, and its cluster."""
        if self.shared:
            return self._origins(task_id)
        case = func.json_extract(outcomes.c.shown, f"$.facts.{FACT}.case")
        wanted = select(outcomes.c.case_id, func.coalesce(case, outcomes.c.case_id), func.coalesce(outcomes.c.cluster, case, outcomes.c.case_id))
        with self._reading() as connection:
            return {each: (origin, cluster) for each, origin, cluster in connection.execute(wanted.where(outcomes.c.task_id == task_id))}

    def _origins(self, task_id: int) -> dict[str, tuple[str, str]]:
        """The same, read here: PostgreSQL refuses JSON with half a surrogate pair or a NUL in it."""
        wanted = select(outcomes.c.case_id, outcomes.c.cluster, outcomes.c.shown).where(outcomes.c.task_id == task_id)
        found = {}
        with self._reading() as connection:
            for case, cluster, shown in connection.execution_options(yield_per=1_000).execute(wanted):
                origin = (json.loads(shown).get("facts", {}).get(FACT) or {}).get("case")
                found[case] = (origin or case, cluster or origin or case)
        return found

    @lasting
    def not_found(self, task_id: int) -> int:
        """In how many scored cases of a task the scorer found no answer in the reply."""
        wanted = select(func.count()).where(outcomes.c.task_id == task_id, outcomes.c.status == "scored", outcomes.c.found == 0)
        with self._reading() as connection:
            return int(connection.execute(wanted).scalar_one())

    @lasting
    def cases(self, task_id: int, metric: str, *, status: str | None = None, limit: int | None = None) -> list[Mapping[str, Any]]:
        """Outcomes of a task with the value of a metric, in the order of their ids."""
        joined = outcomes.outerjoin(scores, (scores.c.task_id == outcomes.c.task_id) & (scores.c.case_id == outcomes.c.case_id) & (scores.c.metric == metric))
        wanted = select(outcomes, scores.c.value).select_from(joined).where(outcomes.c.task_id == task_id).order_by(outcomes.c.case_id).limit(limit)
        if status is not None:
            wanted = wanted.where(outcomes.c.status == status)
        with self._reading() as connection:
            return [dict(row) for row in connection.execute(wanted).mappings()]

    @lasting
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

    def _refuse_replaced(self) -> None:
        if self.shared:
            return
        try:
            same = self.file.stat().st_ino == self._inode
        except OSError:
            same = False
        if not same:
            raise StoreError(f"{self.file} was moved, deleted or replaced while it was in use; put it back, then --resume")
