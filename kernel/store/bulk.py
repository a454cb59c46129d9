"""Many rows in one step of SQLite.

The driver lets go of the interpreter's lock and takes it back at every step. With a step for each row, a writing thread and a
busy event loop spend more time on handing the lock to and fro than on the rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Select, bindparam
from sqlalchemy.dialects.sqlite import Insert

ROWS = 128


class Put:
    """An insertion, compiled once for one row and once for `ROWS` of them."""

    def __init__(self, statement: Insert, engine: Engine) -> None:
        row = dict.fromkeys(statement.table.columns.keys())
        self._one = str(statement.compile(engine))
        self._many = str(statement.values([row] * ROWS).compile(engine))

    def write(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Write the rows, in the order of the table's columns."""
        whole = len(rows) - len(rows) % ROWS
        for start in range(0, whole, ROWS):
            connection.exec_driver_sql(self._many, tuple(chain.from_iterable(rows[start : start + ROWS])))
        if rest := rows[whole:]:
            connection.exec_driver_sql(self._one, list(rest))


class Among:
    """A question for the rows whose `column` is one of some values, compiled once for `ROWS` values at a time."""

    def __init__(self, statement: Select[Any], column: ColumnElement[Any], engine: Engine) -> None:
        values = [bindparam(f"value_{number}", type_=column.type) for number in range(ROWS)]
        self._sql = str(statement.where(column.in_(values)).compile(engine))

    def rows(self, connection: Connection, values: Sequence[Any], *others: Any) -> Iterator[tuple[Any, ...]]:
        """The rows; `others` are the values of the statement's own parameters."""
        for start in range(0, len(values), ROWS):
            asked = tuple(values[start : start + ROWS])
            padded = asked + (None,) * (ROWS - len(asked))
            yield from map(tuple, connection.exec_driver_sql(self._sql, (*others, *padded)))
