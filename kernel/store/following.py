"""Outcomes by their place in a run, and counts of them: what those who watch a run read, as often as they like.

The order is that of the transactions, and inside of one that of its rows. A case has one place, whoever writes it again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice

from sqlalchemy import Connection, bindparam, func, select

from kernel.store.base import Base, lasting
from kernel.store.bulk import Among, Put, inserting
from kernel.store.codec import to_json
from kernel.store.rows import OutcomeRow, Page, Progress, Settled
from kernel.store.schema import counts, outcomes, scores, tasks, written

Place = tuple[int, int, str]
"""Position, task_id, case_id."""

LOOKED_AT = 8_192
"""Outcomes that one call looks at, at most, when a filter lets few of them through."""

CHUNK = 512

_OUTCOMES = select(outcomes).where(outcomes.c.task_id == bindparam("task_id"))
_VALUES = select(scores.c.case_id, scores.c.value).where(scores.c.task_id == bindparam("task_id"), scores.c.metric == bindparam("metric"))
_LAST = select(func.coalesce(func.max(written.c.last), 0)).where(written.c.run == bindparam("run"))


class Following(Base):
    """The part of the store that watchers read. `_outcomes` and `_values` ask for many cases of a task at once."""

    _outcomes: Among
    _values: Among
    _put_written: Put
    _put_counts: Put

    def _follow(self) -> None:
        added = inserting(self.engine, counts)
        more = {"number": counts.c.number + added.excluded.number}
        self._put_counts = Put(added.on_conflict_do_update(index_elements=["task_id", "status"], set_=more), self.engine)
        self._put_written = Put(inserting(self.engine, written), self.engine)
        self._outcomes = Among(_OUTCOMES, outcomes.c.case_id, self.engine)
        self._values = Among(_VALUES, scores.c.case_id, self.engine)

    @lasting
    def outcomes_after(
        self, run: str, position: int, limit: int, *, tasks: Collection[str] = (), models: Collection[str] = (), statuses: Collection[str] = ()
    ) -> Page:
        """At most `limit` outcomes of a run that were kept after `position` (0: from the first), in that order.

        Called again with the page's position, nothing is missed and nothing comes twice, whoever writes meanwhile. Empty filters let
        everything through; with a narrow one, a page may be empty and not yet whole.
        """
        found: list[Settled] = []
        with self._reading() as connection:
            places = self._places(connection, run, position)
            chunk = list(islice(places, limit))
            named = _named(connection, run) if chunk else {}
            through = {task_id for task_id, (task, model, _) in named.items() if (not tasks or task in tasks) and (not models or model in models)}
            looked = 0
            while chunk:
                wanted = [place for place in chunk if place[1] in through]
                found += [each for each in self._settled_at(connection, wanted, named) if not statuses or each.outcome.status in statuses]
                position, looked = chunk[-1][0], looked + len(chunk)
                if len(found) >= limit or looked >= LOOKED_AT:
                    break
                chunk = list(islice(places, limit - len(found)))
            return Page(found, position, whole=next(places, None) is None)

    @lasting
    def progress(self, run: str) -> list[Progress]:
        """How far each task of a run is, in the order of the tasks."""
        with self._reading() as connection:
            if self._logged(connection, run):
                joined = tasks.outerjoin(counts, tasks.c.task_id == counts.c.task_id)
                wanted = select(tasks.c.task, tasks.c.model, tasks.c.planned, counts.c.status, counts.c.number)
            else:
                joined = tasks.outerjoin(outcomes, tasks.c.task_id == outcomes.c.task_id)
                wanted = select(tasks.c.task, tasks.c.model, tasks.c.planned, outcomes.c.status, func.count(outcomes.c.case_id))
                wanted = wanted.group_by(tasks.c.task_id, outcomes.c.status)
            rows = connection.execute(wanted.select_from(joined).where(tasks.c.run == run).order_by(tasks.c.position)).all()
        made: dict[tuple[str, str], Progress] = {}
        for task, model, planned, status, number in rows:
            row = made.setdefault((task, model), Progress(task, model, planned, {}))
            if status is not None:
                made[task, model] = row._replace(counts={**row.counts, status: number})
        return list(made.values())

    def _note(self, connection: Connection, run: str, fresh: Sequence[tuple[int, str, str]]) -> None:
        """Give outcomes that were just written, as (task_id, case_id, status), their places. The run is held."""
        last: int = connection.execute(_LAST, {"run": run}).scalar_one()
        cases: dict[int, list[str]] = {}
        for task_id, case, _ in fresh:
            cases.setdefault(task_id, []).append(case)
        self._put_written.write(connection, [(run, last + len(fresh), to_json(list(cases.items())))])
        number = Counter((task_id, status) for task_id, _, status in fresh)
        self._put_counts.write(connection, [(*key, many) for key, many in number.items()])

    def _note_older(self, connection: Connection, run: str) -> None:
        """Give outcomes their places that an older Assay wrote, which knows of none: by task and case id, behind those that have one."""
        mine = tasks.c.run == run
        joined = tasks.join(outcomes, tasks.c.task_id == outcomes.c.task_id)
        there = connection.scalar(select(func.count()).select_from(joined).where(mine)) or 0
        if there == connection.execute(_LAST, {"run": run}).scalar_one():
            return
        known = {place[1:] for place in self._places(connection, run, 0)} if self._logged(connection, run) else set()
        wanted = select(outcomes.c.task_id, outcomes.c.case_id, outcomes.c.status).select_from(joined).where(mine)
        rows = connection.execute(wanted.order_by(tasks.c.position, outcomes.c.case_id)).all()
        fresh = iter([(task_id, case, status) for task_id, case, status in rows if (task_id, case) not in known])
        while chunk := list(islice(fresh, CHUNK)):
            self._note(connection, run, chunk)

    def _logged(self, connection: Connection, run: str) -> bool:
        """Whether places of the run are written down. No older Assay wrote to PostgreSQL, and there a first one may come between two questions."""
        if self.shared:
            return True
        return self._has(connection, written) and connection.scalar(select(written.c.last).where(written.c.run == run).limit(1)) is not None

    def _places(self, connection: Connection, run: str, position: int) -> Iterator[Place]:
        """The places of a run after `position`. Where nobody wrote any, those that `_note_older` would give."""
        if not self._logged(connection, run):
            yield from self._places_of_older(connection, run, position)
            return
        while rows := connection.execute(
            select(written.c.last, written.c.cases).where(written.c.run == run, written.c.last > position).order_by(written.c.last).limit(16)
        ).all():
            for last, cases in rows:
                keys = [(task_id, case) for task_id, each in json.loads(cases) for case in each]
                for number, key in enumerate(keys, last - len(keys) + 1):
                    if number > position:
                        yield (number, *key)
                position = last

    def _places_of_older(self, connection: Connection, run: str, position: int) -> Iterator[Place]:
        joined = tasks.join(outcomes, tasks.c.task_id == outcomes.c.task_id)
        wanted = select(outcomes.c.task_id, outcomes.c.case_id).select_from(joined).where(tasks.c.run == run)
        wanted = wanted.order_by(tasks.c.position, outcomes.c.case_id).limit(CHUNK)
        while rows := connection.execute(wanted.offset(position)).all():
            for task_id, case in rows:
                position += 1
                yield position, task_id, case

    def _settled_at(self, connection: Connection, places: Sequence[Place], named: dict[int, tuple[str, str, str]]) -> Iterable[Settled]:
        """The outcomes at these places; those of a run that was deleted meanwhile are left out."""
        by_task: dict[int, list[str]] = {}
        for _, task_id, case in places:
            by_task.setdefault(task_id, []).append(case)
        found: dict[tuple[int, str], OutcomeRow] = {}
        values: dict[tuple[int, str], dict[str, float | None]] = {}
        for task_id, cases in by_task.items():
            for row in self._outcomes.rows(connection, cases, task_id=task_id):
                found[task_id, row[1]] = OutcomeRow(*row)
            for metric in (each["name"] for each in json.loads(named[task_id][2])):
                for case, value in self._values.rows(connection, cases, task_id=task_id, metric=metric):
                    values.setdefault((task_id, case), {})[metric] = value
        for position, task_id, case in places:
            if (outcome := found.get((task_id, case))) is not None:
                yield Settled(position, *named[task_id][:2], outcome, values.get((task_id, case), {}))


def _named(connection: Connection, run: str) -> dict[int, tuple[str, str, str]]:
    """Task, model and metrics of each task of a run."""
    wanted = select(tasks.c.task_id, tasks.c.task, tasks.c.model, tasks.c.metrics).where(tasks.c.run == run)
    return {task_id: (task, model, metrics) for task_id, task, model, metrics in connection.execute(wanted)}
