"""Many rows in one step of the database.

SQLite's driver lets go of the interpreter's lock and takes it back at every step. With a step for each row, a writing thread and a
busy event loop spend more time on handing the lock to and fro than on the rows. PostgreSQL takes a column as one array, so that any
number of rows is one statement and one way to the server and back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from sqlalchemy import ARRAY, BindParameter, Cast, ColumnElement, Connection, Engine, Select, Table, TableClause, bindparam, cast, func, select, true
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import TypeEngine

ROWS = 128

Insert = sqlite.Insert | postgresql.Insert


def inserting(engine: Engine, table: Table) -> Insert:
    """An insertion that knows the database's own `on_conflict` clauses."""
    return sqlite.insert(table) if engine.dialect.name == "sqlite" else postgresql.insert(table)


class Put:
    """An insertion, compiled once for one row and once for `ROWS` of them on SQLite, and for arrays of columns elsewhere."""

    def __init__(self, statement: Insert, engine: Engine) -> None:
        table = statement.table
        self._names = table.columns.keys()
        self._arrays = None if engine.dialect.name == "sqlite" else _of_arrays(statement, table)
        if self._arrays is None:
            self._one = str(statement.compile(engine))
            self._many = str(statement.values([dict.fromkeys(self._names)] * ROWS).compile(engine))

    def write(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> int:
        """Write the rows, in the order of the table's columns; how many were not there already, or were written over."""
        if self._arrays is not None:
            return connection.execute(self._arrays, dict(zip(self._names, map(list, zip(*rows, strict=True)), strict=True))).rowcount if rows else 0
        written, whole = 0, len(rows) - len(rows) % ROWS
        for start in range(0, whole, ROWS):
            written += connection.exec_driver_sql(self._many, tuple(chain.from_iterable(rows[start : start + ROWS]))).rowcount
        if rest := rows[whole:]:
            written += connection.exec_driver_sql(self._one, list(rest)).rowcount
        return written


class Among:
    """A question for the rows, one a value, whose `column` is one of some values; on SQLite compiled once for `ROWS` of them."""

    def __init__(self, statement: Select[Any], column: ColumnElement[Any], engine: Engine) -> None:
        self._array = None if engine.dialect.name == "sqlite" else _each_of(statement, column)
        if self._array is None:
            values = [bindparam(f"value_{number}", type_=column.type) for number in range(ROWS)]
            self._sql = str(statement.where(column.in_(values)).compile(engine))

    def rows(self, connection: Connection, values: Sequence[Any], **others: Any) -> Iterator[tuple[Any, ...]]:
        """The rows; `others` are the values of the statement's own parameters, in their order."""
        if self._array is not None:
            yield from map(tuple, connection.execute(self._array, {"values": list(values), **others}))
            return
        for start in range(0, len(values), ROWS):
            asked = tuple(values[start : start + ROWS])
            padded = asked + (None,) * (ROWS - len(asked))
            yield from map(tuple, connection.exec_driver_sql(self._sql, (*others.values(), *padded)))


def _of_arrays(statement: Insert, table: TableClause) -> Insert:
    names = table.columns.keys()
    rows = func.unnest(*(_array(column.name, column.type) for column in table.columns)).table_valued(*names).render_derived()
    return statement.from_select(names, select(*(rows.c[name] for name in names)))


def _each_of(statement: Select[Any], column: ColumnElement[Any]) -> Select[Any]:
    """The question for each value by itself: without statistics of a new table, PostgreSQL would read all of it for a list of values."""
    values = func.unnest(_array("values", column.type)).table_valued("value").render_derived()
    one = statement.where(column == values.c.value).limit(1).lateral()
    return select(*one.c).select_from(values.join(one, true()))


def _array(name: str, kind: TypeEngine[Any]) -> Cast[Any]:
    plain: BindParameter[Any] = bindparam(name, type_=ARRAY(type(kind)()))
    return cast(plain, ARRAY(type(kind)()))
