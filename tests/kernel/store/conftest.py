"""An open store, on SQLite and on PostgreSQL, and the server that the second kind is on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from postgres_server import PostgresServer, missing, postgres_server

from kernel.store.store import Store

Opening = Callable[..., Store]


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server for all tests; each has a schema of its own."""
    if reason := missing():
        pytest.skip(reason)
    with postgres_server() as server:
        yield server


@pytest.fixture
def opening(postgres: PostgresServer, tmp_path: Path) -> Iterator[Opening]:
    """Opens one and the same store on PostgreSQL, as often as wanted: `opening(write=True)`."""
    schema = postgres.new_schema()
    opened: list[Store] = []

    def another(*, write: bool = True, url: str | None = None) -> Store:
        opened.append(Store(tmp_path / "shared", write=write, url=url or postgres.url(), schema=schema))
        return opened[-1]

    yield another
    for store in opened:
        store.close()


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An open store of each kind."""
    if request.param == "postgres":
        yield request.getfixturevalue("opening")(write=True)
        return
    with Store(tmp_path / "store", write=True) as opened:
        yield opened


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Store]:
    """An open store on SQLite."""
    with Store(tmp_path / "store", write=True) as opened:
        yield opened
