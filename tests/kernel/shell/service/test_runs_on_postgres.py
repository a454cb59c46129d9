"""Two servers over one PostgreSQL: each run is carried out by one of them, and watched, cancelled and taken up through the other."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("grpc")
for needed in ("grpc_status", "prometheus_client", "opentelemetry", "google.rpc"):
    pytest.importorskip(needed)

from evaluation_service import FINISHED, INTERRUPTED, RUNNING, Service, inline, keys, serving, until, watch  # noqa: E402
from postgres_server import PostgresServer, missing, postgres_server  # noqa: E402

from assay.v1 import evaluation_pb2 as pb  # noqa: E402
from kernel.shell.service import carrying  # noqa: E402
from kernel.store.store import Store  # noqa: E402


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    if reason := missing():
        pytest.skip(reason)
    with postgres_server() as started:
        yield started


@pytest.fixture
def shared(server: PostgresServer, tmp_path: Path):
    """How both servers open a namespace: a schema."""
    prefix = server.new_schema()

    def of(namespace: str):
        return lambda *, write: Store(tmp_path / namespace, write=write, url=server.url(), schema=f"{prefix}_{namespace}")

    return of


async def test_runs_of_two_servers_are_watched_through_either_and_asked_once(shared):
    async with serving(shared, places=2, seconds=0.003) as one, serving(shared, places=2, seconds=0.003) as other:
        stubs = [one.stub(), other.stub()]
        other.runs()
        names = [(await stubs[number % 2].CreateRun(inline(size=60, suite=f"s{number}", models=("parrot", "moody")))).name for number in range(6)]
        watched = await asyncio.gather(*(watch(stub, name) for name in names for stub in stubs))
        for number in range(6):
            first, second = watched[2 * number : 2 * number + 2]
            assert keys(first) == keys(second)
            assert len(set(keys(first))) == len(keys(first)) == 120
            assert first[-1].report == second[-1].report
        for name in names:
            await until(stubs[0], name, FINISHED)
        assert one.session.asked_texts
        assert other.session.asked_texts


async def test_a_request_to_both_servers_at_once_makes_one_run(shared):
    async with serving(shared) as one, serving(shared) as other:
        request = inline(size=2)
        request.request_id = "once"
        made = await asyncio.gather(*((one, other)[number % 2].stub().CreateRun(request) for number in range(20)))
        assert len({run.name for run in made}) == 1
        assert len((await one.stub().ListRuns(pb.ListRunsRequest())).runs) == 1


async def test_a_run_is_cancelled_through_the_other_server(shared):
    async with serving(shared) as one:
        one.session.allowed = 5
        name = (await one.stub().CreateRun(inline(size=50))).name
        while len(one.session.asked_texts) < 5:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        async with serving(shared) as other:
            assert (await other.stub().CancelRun(pb.CancelRunRequest(name=name))).state == INTERRUPTED
            async with asyncio.timeout(5):
                while one.runs().carrying.has(name):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            one.session.allow()
            await other.stub().ResumeRun(pb.ResumeRunRequest(name=name))
            assert len(set(keys(await watch(other.stub(), name)))) == 50
            assert len(one.session.asked_texts) + len(other.session.asked_texts) == 50


async def test_a_run_whose_server_dies_is_taken_up_by_the_other_while_it_is_watched_there(shared, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(carrying, "LOST_SECONDS", 1.0)
    monkeypatch.setattr(carrying, "SHARED_BEAT_SECONDS", 0.2)
    monkeypatch.setattr(carrying, "LOOK_SECONDS", 0.2)
    one = Service(shared, seconds=0.01)
    await one.start()
    name = (await one.stub().CreateRun(inline(size=400, models=("parrot", "gold")))).name
    async with serving(shared, seconds=0.001) as other:
        other.runs()
        watching = asyncio.create_task(watch(other.stub(), name))
        while len(one.session.asked_texts) < 100:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert not other.session.asked_texts
        await one.die()
        found = keys(await watching)
        assert len(found) == len(set(found)) == 800
        assert other.session.asked_texts


async def test_a_lease_that_was_lost_stops_the_run_here(shared, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(carrying, "SHARED_BEAT_SECONDS", 0.05)
    async with serving(shared) as service:
        service.session.allowed = 5
        stub = service.stub()
        name = (await stub.CreateRun(inline(size=40))).name
        await until(stub, name, RUNNING)
        while len(service.session.asked_texts) < 5:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        runs = service.runs()
        store = runs._store
        await runs.carrying.call(store.release_lease, name, runs.carrying._owner)
        assert await runs.carrying.call(store.take_lease, name, "somebody else")
        async with asyncio.timeout(5):
            while runs.carrying.has(name):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert (await runs.row(name)).state == "running"
        asked = len(service.session.asked_texts)
        service.session.allow()
        await asyncio.sleep(0.3)
        assert len(service.session.asked_texts) == asked


async def test_a_database_that_goes_away_for_a_while_costs_no_outcome(server: PostgresServer, shared, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(carrying, "LOOK_SECONDS", 0.5)
    async with serving(shared, seconds=0.01) as one:
        stub = one.stub()
        name = (await stub.CreateRun(inline(size=1200, models=("parrot", "gold")))).name
        watching = asyncio.create_task(watch(stub, name))
        for number in range(6):
            await asyncio.sleep(0.4)
            if number == 3:
                await asyncio.to_thread(server.stop, "immediate")
                await asyncio.to_thread(server.start)
            else:
                await asyncio.to_thread(server.execute, "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'assay'")
        assert not watching.done()
        found = keys(await watching)
        assert len(found) == len(set(found)) == 2400
