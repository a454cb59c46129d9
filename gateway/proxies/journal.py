"""What was sent in which batch, and what came back: on disk before anything depends on it, so that a kill loses and repeats nothing.

A batch is written down before it is submitted, under a name of ours that goes with it to the vendor. One that was submitted, but whose
identifier was not written down any more, is found there by that name. Answers stay for `KEPT_DAYS`, as long as vendors keep them.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

KEPT_DAYS = 30
_TABLES = """
create table if not exists batches (name text primary key, vendor text, since real not null, number integer not null, ended integer not null default 0);
create table if not exists asked (key text primary key, batch text not null, row integer not null, status integer, body text);
create index if not exists of_a_batch on asked (batch, row);
"""


class Sent(NamedTuple):
    """A batch. vendor: its identifier there, `None` where it is not known whether it was submitted. since: Unix time."""

    name: str
    vendor: str | None
    since: float
    number: int


class Journal:
    """A file of SQLite, for one process and one thread at a time. Every method is one transaction, on disk when it returns."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.executescript(f"pragma journal_mode = wal; pragma synchronous = full; {_TABLES}")
        with self._database:
            old = (time.time() - KEPT_DAYS * 86_400,)
            self._database.execute("begin")
            self._database.execute("delete from asked where batch in (select name from batches where ended and since < ?)", old)
            self._database.execute("delete from batches where ended and since < ?", old)

    def open(self) -> list[Sent]:
        """The batches whose end has not been seen."""
        return [Sent(*row) for row in self._database.execute("select name, vendor, since, number from batches where not ended")]

    def known(self) -> list[tuple[str, str, int, bool]]:
        """Every request that was sent: its key, the name of its batch, its row there, and whether its answer is here."""
        return self._database.execute("select key, batch, row, status is not null from asked").fetchall()

    def intend(self, name: str, keys: Sequence[str]) -> Sent:
        """A batch with these requests is about to be submitted."""
        sent = Sent(name, None, time.time(), len(keys))
        with self._transaction():
            self._database.execute("insert into batches (name, since, number) values (?, ?, ?)", (name, sent.since, sent.number))
            self._database.executemany("insert into asked (key, batch, row) values (?, ?, ?)", [(key, name, row) for row, key in enumerate(keys)])
        return sent

    def submitted(self, name: str, vendor: str) -> None:
        """The vendor took the batch, and calls it so."""
        self._database.execute("update batches set vendor = ? where name = ?", (vendor, name))

    def keep(self, answers: Mapping[str, tuple[int, Any]]) -> None:
        """What was answered, by the requests' keys: status and body."""
        with self._transaction():
            rows = [(status, json.dumps(body), key) for key, (status, body) in answers.items()]
            self._database.executemany("update asked set status = ?, body = ? where key = ?", rows)

    def kept(self, key: str) -> tuple[int, Any]:
        """The answer to a request."""
        with closing(self._database.execute("select status, body from asked where key = ?", (key,))) as found:
            status, body = found.fetchone()
        return status, json.loads(body)

    def end(self, name: str) -> None:
        """All answers of the batch that there will ever be are here; what it has no answer to may be asked anew."""
        with self._transaction():
            self._database.execute("delete from asked where batch = ? and status is null", (name,))
            self._database.execute("update batches set ended = 1 where name = ?", (name,))

    def forget(self, name: str) -> None:
        """The batch was never submitted."""
        with self._transaction():
            self._database.execute("delete from asked where batch = ?", (name,))
            self._database.execute("delete from batches where name = ?", (name,))

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def _transaction(self) -> Any:
        self._database.execute("begin")
        return self._database
