"""Opening PostgreSQL: a store is a schema, connections come from a pool, and faults that pass are told from those that stay."""

from __future__ import annotations

import hashlib
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from kernel.errors import BadStore, NewerStore, StoreError
from kernel.store.database import verify

LONGEST_NAME = 63
"""Bytes that PostgreSQL keeps of a name; it drops the rest without a word."""

WAYS = {"connect_timeout": "5", "keepalives_idle": "5", "keepalives_interval": "2", "keepalives_count": "3", "tcp_user_timeout": "15000"}
"""How soon a connection that goes nowhere is given up, where the URL says nothing else."""

SETTINGS = {"idle_in_transaction_session_timeout": "30s", "lock_timeout": "60s", "client_encoding": "utf8", "application_name": "assay"}
"""A writer that stopped in the middle holds a run no longer than this."""

PASSING = ("08", "40001", "40P01", "53300", "55P03", "57P0", "25006", "25P03")
"""What goes away by itself: no connection, a deadlock, no connections left, a server that ends, starts, or is no longer the leader."""


def schema_of(namespace: str) -> str:
    """The schema of a namespace: of two names, two schemas. A long one ends in its hash, behind a dot that no namespace has."""
    schema = f"assay_{namespace}"
    if len(schema.encode()) <= LONGEST_NAME:
        return schema
    return f"assay_{namespace[:40]}.{hashlib.sha256(namespace.encode()).hexdigest()[:16]}"


def place_of(url: str, schema: str) -> str:
    """How messages name a store: without account and password."""
    parts = _parts(url)
    return f"postgresql://{parts.host or ''}{f':{parts.port}' if parts.port else ''}/{parts.database or ''} (schema {schema})"


def engine_of(url: str, schema: str, *, write: bool) -> Engine:
    """An engine with a few connections, for use by several threads. Raises `BadStore`, `NewerStore` or `StoreError`."""
    parts, place = _parts(url), place_of(url, schema)
    if len(schema.encode()) > LONGEST_NAME:
        raise BadStore(f"the schema's name {schema!r} is longer than {LONGEST_NAME} bytes; PostgreSQL would cut it")
    ways = {name: value for name, value in WAYS.items() if name not in parts.query}
    try:
        engine = create_engine(parts, connect_args=ways, pool_size=2, max_overflow=6, execution_options={"preserve_rowcount": True})
    except ImportError as error:
        raise BadStore(f"{place} needs PostgreSQL's driver ({error}); install it: pip install 'trust-assay[service]'") from error
    event.listen(engine, "connect", _setting({**SETTINGS, "search_path": _quoted(schema), **({} if write else {"default_transaction_read_only": "on"})}))
    try:
        with engine.begin() as connection:
            _prepare(connection, place, schema, write=write)
    except (BadStore, NewerStore):
        engine.dispose()
        raise
    except SQLAlchemyError as error:
        engine.dispose()
        origin = str(getattr(error, "orig", error)).strip()
        raise StoreError(f"{place} cannot be opened: {origin}; look at the address, the account, its rights, and whether the server runs") from error
    return engine


def passes(error: BaseException | None) -> bool:
    """Whether a second try on a new connection may do what this one did not, or find that it is done."""
    if not isinstance(error, DBAPIError):
        return False
    state = getattr(error.orig, "sqlstate", None)
    return error.connection_invalidated or (state is None and type(error.orig).__name__ == "OperationalError") or str(state).startswith(PASSING)


def _parts(url: str) -> URL:
    try:
        parts = make_url(url)
    except ArgumentError:
        raise BadStore("the store's address cannot be read; expected postgresql://USER@HOST:PORT/DATABASE") from None
    if parts.drivername not in {"postgresql", "postgres"}:
        raise BadStore(f"a store at {parts.drivername}://… is not known; expected a folder, or postgresql://USER@HOST:PORT/DATABASE")
    return parts.set(drivername="postgresql+psycopg")


def _prepare(connection: Connection, place: str, schema: str, *, write: bool) -> None:
    if (encoding := connection.scalar(text("show server_encoding"))) != "UTF8":
        raise BadStore(f"{place} keeps text as {encoding}; make its database with encoding UTF8")
    there = text("select count(*) from pg_namespace where nspname = :name")
    if write:
        connection.execute(text("select pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"assay {schema}"})
        if not connection.scalar(there, {"name": schema}):
            connection.exec_driver_sql(f"create schema {_quoted(schema)}")
    elif not connection.scalar(there, {"name": schema}):
        raise BadStore(f"{place} holds no store; name another --store, or run a suite first")
    verify(connection, place, write=write)


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def _setting(settings: dict[str, str]) -> Any:
    def set_up(connection: Any, _record: Any) -> None:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for name, value in settings.items():
                cursor.execute("select set_config(%s, %s, false)", (name, value))
            cursor.execute("select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'")
        connection.autocommit = False

    return set_up
