"""What every part of the store stands on: the engine, its connections, and trying again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import ColumnElement, Connection, Engine, Float, Table, cast, func, inspect, literal, select
from sqlalchemy.exc import SQLAlchemyError

from kernel.errors import StoreError
from kernel.store.bulk import Insert, inserting
from kernel.store.database import store_errors
from kernel.store.postgres import passes
from kernel.store.schema import runs

PATIENCE = 15.0
"""Seconds for which a call is tried again while PostgreSQL is away."""

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0

P = ParamSpec("P")
T = TypeVar("T")
B = TypeVar("B", bound="Base")


class Base:
    """An open database. place: how messages name it."""

    engine: Engine
    place: str
    _tables: frozenset[str] = frozenset()
    _runs: dict[int, str]
    """The run of each task that was written to; SQLite gives the number of a deleted task to another one."""

    @property
    def shared(self) -> bool:
        """Whether other processes may write at the same time."""
        return self.engine.dialect.name != "sqlite"

    def _reading(self) -> Connection:
        return self.engine.connect()

    @contextmanager
    def _writing(self, what: str) -> Iterator[Connection]:
        with store_errors(f"{self.place}: {what}"), self.engine.begin() as connection:
            yield connection

    def _insert(self, table: Table) -> Insert:
        return inserting(self.engine, table)

    def _has(self, connection: Connection, table: Table) -> bool:
        """Whether the table is there; a store of before has fewer, until it is opened for writing."""
        if table.name not in self._tables:
            self._tables = frozenset(inspect(connection).get_table_names())
        return table.name in self._tables

    def _lock(self, connection: Connection, run: str) -> None:
        """Hold a run until the end of the transaction: what writes its outcomes, its state and its end stands in one line."""
        connection.execute(select(runs.c.run).where(runs.c.run == run).with_for_update(key_share=True))

    def _now(self) -> ColumnElement[float]:
        """Seconds since 1970, by the one clock that all writers share."""
        return cast(func.extract("epoch", func.clock_timestamp()), Float) if self.shared else literal(time.time())


def lasting(method: Callable[Concatenate[B, P], T]) -> Callable[Concatenate[B, P], T]:
    """A method that writes no more if it is called twice; on PostgreSQL it is tried again on a new connection, for `PATIENCE`.

    A connection that ends at COMMIT leaves open whether it was done: all that is written is an upsert. Raises `StoreError`.
    """

    @wraps(method)
    def tried(self: B, /, *args: P.args, **kwargs: P.kwargs) -> T:
        if not self.shared:
            return method(self, *args, **kwargs)
        until, pause = time.monotonic() + PATIENCE, FIRST_PAUSE
        while True:
            try:
                with store_errors(self.place):
                    return method(self, *args, **kwargs)
            except StoreError as error:
                cause = error.__cause__
                if not isinstance(cause, SQLAlchemyError) or not passes(cause) or time.monotonic() + pause > until:
                    raise
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    return tried
