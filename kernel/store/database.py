"""Opening SQLite: the right file, the right version, one writer, and an integrity check after an unclean end."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, insert, inspect, select
from sqlalchemy.exc import DatabaseError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from kernel.errors import BadStore, NewerStore, StoreError, StoreInUse
from kernel.store.schema import SCHEMA, meta, metadata


def engine_of(file: Path, *, write: bool) -> Engine:
    """An engine with one connection. Raises `BadStore` or `NewerStore`."""
    unclean = write and _left_over(file)
    engine = create_engine(_address(file, write=write), poolclass=StaticPool, connect_args={"check_same_thread": False, "uri": True})
    event.listen(engine, "connect", _set_pragmas if write else _set_reader_pragmas)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    try:
        with engine.begin() as connection:
            verify(connection, str(file), write=write)
            if unclean:
                _check(connection, file)
    except (BadStore, NewerStore):
        engine.dispose()
        raise
    except SQLAlchemyError as error:
        engine.dispose()
        raise _cannot_open(file, error) from error
    return engine


def _check(connection: Connection, file: Path) -> None:
    if (verdict := connection.exec_driver_sql("pragma quick_check(1)").scalar_one()) != "ok":
        raise BadStore(f"{file} is damaged ({verdict}); restore a copy, or name another --store")


def verify(connection: Connection, place: str, *, write: bool) -> None:
    """Make the tables that are missing where `write`. Raises `BadStore` or `NewerStore`."""
    known = inspect(connection).get_table_names()
    if not known and write:
        metadata.create_all(connection)
        connection.execute(insert(meta).values(key="schema", value=str(SCHEMA)))
    elif "meta" not in known:
        raise BadStore(f"{place} is a database, but no Assay store; name another --store")
    found = int(connection.execute(select(meta.c.value).where(meta.c.key == "schema")).scalar_one())
    if found > SCHEMA:
        raise NewerStore(f"{place} has schema {found}, made by a newer Assay; this one reads up to {SCHEMA}: upgrade, or name another --store")
    if write and set(metadata.tables) - set(known):
        metadata.create_all(connection)


def lock(folder: Path) -> int:
    """Hold the store for writing: a file descriptor to close. Raises `StoreInUse`."""
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.read(handle, 32).decode(errors="replace").strip() or "unknown"
        os.close(handle)
        raise StoreInUse(f"{folder} is written by process {owner}; wait for it, or name another --store") from None
    os.ftruncate(handle, 0)
    os.lseek(handle, 0, os.SEEK_SET)
    os.write(handle, f"{os.getpid()}\n".encode())
    return handle


@contextmanager
def store_errors(what: str) -> Iterator[None]:
    """Turn what the disk or the database raises into `StoreError`, with what to do."""
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        origin = getattr(error, "orig", None) or error
        raise StoreError(f"{what}: {origin}; what was acknowledged before is kept; free the disk, or mend the path or the server, then --resume") from error


def _address(file: Path, *, write: bool) -> str:
    quoted = str(file.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    return f"sqlite:///file:{quoted}?mode={'rwc' if write else 'ro'}&uri=true"


def _left_over(file: Path) -> bool:
    wal = file.with_name(file.name + "-wal")
    return wal.exists() and wal.stat().st_size > 0


def _set_pragmas(connection: Any, _record: Any) -> None:
    # Without a level of its own, the driver opens no transactions behind our back, and CREATE TABLE is part of ours.
    connection.isolation_level = None
    for pragma in ("journal_mode=wal", "synchronous=full", "foreign_keys=on", "busy_timeout=5000", "temp_store=memory", "cache_size=-4000"):
        connection.execute(f"pragma {pragma}")


def _set_reader_pragmas(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    connection.execute("pragma busy_timeout=5000")


def _cannot_open(file: Path, error: SQLAlchemyError) -> Exception:
    origin = str(getattr(error, "orig", error))
    if isinstance(error, OperationalError) and "not a database" not in origin and "malformed" not in origin:
        return StoreError(f"{file} cannot be opened: {origin}; look at the path, its permissions and the space on the disk")
    if isinstance(error, DatabaseError):
        return BadStore(f"{file} is not a store that can be read ({origin}); restore a copy, or name another --store")
    return StoreError(f"{file}: {origin}")
