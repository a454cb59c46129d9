"""Runs as a list: newest first, page by page."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, func, literal, select, tuple_

from kernel.errors import UnknownName
from kernel.store.base import Base, lasting
from kernel.store.rows import RunRow
from kernel.store.schema import leases, requests, runs


class Listing(Base):
    """The part of the store that tells which runs there are."""

    @lasting
    def run_row(self, run: str) -> RunRow:
        """A run without its manifest. Raises `UnknownName`."""
        with self._reading() as connection:
            wanted, _ = self._rows(connection)
            row = connection.execute(wanted.where(runs.c.run == run)).one_or_none()
            if row is None:
                raise UnknownName("run", run, connection.execute(select(runs.c.run)).scalars())
        return RunRow(*row)

    @lasting
    def runs_page(self, after: tuple[str, str] | None, limit: int, *, suite: str = "", states: Collection[str] = ()) -> list[RunRow]:
        """At most `limit` runs, newest first, that come after `after`: `created` and `run` of the last one seen, or `None` for the first page.

        Empty filters let everything through. Runs that are made or deleted meanwhile move no other one.
        """
        with self._reading() as connection:
            wanted, state = self._rows(connection)
            if after is not None:
                wanted = wanted.where(tuple_(runs.c.created, runs.c.run) < tuple_(literal(after[0]), literal(after[1])))
            if suite:
                wanted = wanted.where(runs.c.suite == suite)
            if states:
                wanted = wanted.where(state.in_(list(states)))
            return [RunRow(*row) for row in connection.execute(wanted.order_by(runs.c.created.desc(), runs.c.run.desc()).limit(limit))]

    def _rows(self, connection: Connection) -> tuple[Select[Any], ColumnElement[str]]:
        """A question for rows of `RunRow`, and the state as a column. A store of before has neither leases nor requests."""
        state: ColumnElement[str] = runs.c.status
        asked: ColumnElement[str] = literal("")
        joined: Any = runs
        if self._has(connection, leases):
            joined = joined.outerjoin(leases, runs.c.run == leases.c.run)
            state = case(((runs.c.status == "running") & (leases.c.owner == ""), "pending"), else_=runs.c.status)
        if self._has(connection, requests):
            joined = joined.outerjoin(requests, runs.c.run == requests.c.run)
            asked = func.coalesce(requests.c.request_id, "")
        return select(runs.c.run, runs.c.suite, runs.c.created, state, runs.c.note, asked).select_from(joined), state
