"""Runs over gRPC: created once, watched without a gap, cancelled, resumed, forgotten, and taken up by another server."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

grpc = pytest.importorskip("grpc")
for needed in ("grpc_status", "prometheus_client", "opentelemetry", "google.rpc"):
    pytest.importorskip(needed)

from evaluation_service import FINISHED, INTERRUPTED, PENDING, RUNNING, Service, in_folder, inline, keys, serving, until, watch  # noqa: E402
from kernel_runs import plan_of  # noqa: E402

from assay.v1 import evaluation_pb2 as pb  # noqa: E402
from kernel.shell.service import carrying, evaluation, watching  # noqa: E402
from kernel.shell.service.limits import Limits  # noqa: E402
from kernel.store.store import Store  # noqa: E402

Code = grpc.StatusCode


async def code_of(call) -> grpc.StatusCode:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value.code()


async def test_a_run_is_created_watched_and_told_with_its_report(tmp_path: Path):
    async with serving(tmp_path) as service:
        stub = service.stub()
        run = await stub.CreateRun(pb.CreateRunRequest(suite="stranger"))
        responses = await watch(stub, run.name)

        found = keys(responses)
        assert len(found) == len(set(found)) == 50
        assert responses[-1].report.run == run.name
        assert sum(response.HasField("report") for response in responses) == 1
        assert {task.model for task in responses[-1].report.tasks} == {"parrot", "moody", "gold", "constant", "empty"}
        last = [response.run for response in responses if response.HasField("run")][-1]
        assert last.state == FINISHED
        assert [(task.planned, task.whole) for task in last.tasks] == [(5, True)] * 10
        assert sum(task.scored + task.failed for task in last.tasks) == 50
        assert service.session.opened == 1

        told = await stub.GetRun(pb.GetRunRequest(name=run.name))
        assert told.manifest["suite"]["suite"] == "stranger"
        listed = await stub.ListRuns(pb.ListRunsRequest())
        assert [(each.name, each.state, len(each.tasks)) for each in listed.runs] == [(run.name, FINISHED, 0)]


async def test_a_watcher_that_is_cut_off_anywhere_picks_up_without_a_gap_or_a_double(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(evaluation, "GATHERED", 7)
    lot = random.Random(7)
    async with serving(tmp_path, seconds=0.01) as service:
        stub = service.stub()
        name = (await stub.CreateRun(inline(size=300, models=("parrot", "moody", "gold")))).name
        cursor, found, reports, cuts = "", [], 0, 0
        while not reports:
            left = lot.randrange(0, 4)
            call = stub.WatchRun(pb.WatchRunRequest(name=name, cursor=cursor))
            async for response in call:
                cursor, reports = response.cursor, reports + response.HasField("report")
                found += keys([response])
                if not left:
                    call.cancel()
                    break
                left -= 1
            cuts += 1
        assert cuts > 20
        assert len(found) == len(set(found)) == 900

        whole = await watch(stub, name)
        assert keys(whole) == found
        again = await watch(stub, name, cursor)
        assert not keys(again)
        assert not any(response.HasField("report") for response in again)


async def test_from_every_cursor_the_rest_comes_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(evaluation, "GATHERED", 9)
    async with serving(tmp_path, seconds=0.005) as service:
        stub = service.stub()
        name = (await stub.CreateRun(inline(size=120))).name
        whole = await watch(stub, name)
        order = keys(whole)
        assert len(whole) > 10
        for at, response in enumerate(whole[:-1]):
            rest = await watch(stub, name, response.cursor)
            assert keys(rest) == order[len(keys(whole[: at + 1])) :]
            assert sum(each.HasField("report") for each in rest) == 1


async def test_two_watchers_see_the_same_and_progress_alone_has_no_outcomes(tmp_path: Path):
    async with serving(tmp_path, seconds=0.005) as service:
        stub = service.stub()
        name = (await stub.CreateRun(inline(size=100))).name
        first, second, bare = await asyncio.gather(watch(stub, name), watch(service.stub(), name), watch(stub, name, progress_only=True))
        assert keys(first) == keys(second)
        assert len(set(keys(first))) == 100
        assert not keys(bare)
        assert bare[-1].HasField("report")
        assert [response.run.tasks[0].scored for response in bare if response.run.tasks][-1] == 100
        assert not service.runs().watching._watched


async def test_watchers_that_vanish_leave_nothing_and_a_report_is_made_once_for_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    made = []
    whole = evaluation.reporting.report_of
    monkeypatch.setattr(evaluation.reporting, "report_of", lambda store, run: made.append(run) or whole(store, run))
    async with serving(tmp_path) as service:
        service.session.allowed = 2
        stub = service.stub()
        name = (await stub.CreateRun(inline(size=30))).name
        while len(service.session.asked_texts) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        before = len(asyncio.all_tasks())
        calls = [stub.WatchRun(pb.WatchRunRequest(name=name)) for _ in range(50)]
        for call in calls:
            await call.read()
        for call in calls:
            call.cancel()
        async with asyncio.timeout(5):
            while service.runs().watching._watched or len(asyncio.all_tasks()) > before + 2:  # noqa: ASYNC110
                await asyncio.sleep(0.02)

        watching_all = [asyncio.create_task(watch(service.stub(), name)) for _ in range(10)]
        await asyncio.sleep(0.3)
        service.session.allow()
        found = await asyncio.gather(*watching_all)
        assert {len(set(keys(each))) for each in found} == {30}
        assert len(made) < 5


async def test_a_watcher_hears_of_a_run_in_which_nothing_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(watching, "AT_LEAST_SECONDS", 0.2)
    async with serving(tmp_path) as service:
        service.session.allowed = 3
        stub = service.stub()
        name = (await stub.CreateRun(inline(size=10))).name
        call = stub.WatchRun(pb.WatchRunRequest(name=name))
        quiet = 0
        async for response in call:
            quiet += bool(response.run.tasks and response.run.tasks[0].scored == 3)
            if quiet == 3:
                break
        call.cancel()
        await stub.CancelRun(pb.CancelRunRequest(name=name))


async def test_the_same_request_makes_one_run_and_another_under_its_id_none(tmp_path: Path):
    async with serving(tmp_path) as service:
        stub = service.stub()
        request = inline(size=3)
        request.request_id = "mine-1"
        made = await asyncio.gather(*(service.stub().CreateRun(request) for _ in range(20)))
        assert len({run.name for run in made}) == 1
        assert made[0].request_id == "mine-1"

        other = inline(size=4)
        other.request_id = "mine-1"
        assert await code_of(stub.CreateRun(other)) is Code.ALREADY_EXISTS
        await until(stub, made[0].name, FINISHED)
        assert (await stub.CreateRun(request)).state == FINISHED
        assert len((await stub.ListRuns(pb.ListRunsRequest())).runs) == 1

        for told in ("x" * 129, "line\nbreak", "\x00"):
            request.request_id = told
            assert await code_of(stub.CreateRun(request)) is Code.INVALID_ARGUMENT
        request.request_id = ""
        assert (await stub.CreateRun(request)).name != (await stub.CreateRun(request)).name


async def test_of_different_requests_under_one_id_one_wins(tmp_path: Path):
    async with serving(tmp_path) as service:
        requests = [inline(size=size) for size in range(1, 11)]
        for request in requests:
            request.request_id = "race"
        found = await asyncio.gather(*(service.stub().CreateRun(request) for request in requests), return_exceptions=True)
        made = [each for each in found if isinstance(each, pb.Run)]
        assert len(made) == 1
        assert {each.code() for each in found if not isinstance(each, pb.Run)} == {Code.ALREADY_EXISTS}
        assert len((await service.stub().ListRuns(pb.ListRunsRequest())).runs) == 1


async def test_a_cancelled_run_keeps_what_it_has_and_goes_on_when_it_is_resumed(tmp_path: Path):
    async with serving(tmp_path) as service:
        service.session.allowed = 20
        stub = service.stub()
        name = (await stub.CreateRun(inline(size=50))).name
        while len(service.session.asked_texts) < 20:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        run = await stub.CancelRun(pb.CancelRunRequest(name=name))
        assert (run.state, run.note) == (INTERRUPTED, "cancelled")
        assert run.tasks[0].scored == 20
        assert not service.runs().carrying.has(name)
        kept = await watch(stub, name)
        assert len(keys(kept)) == 20
        assert kept[-1].HasField("report")

        service.session.allow()
        await asyncio.sleep(0.3)
        assert (await stub.GetRun(pb.GetRunRequest(name=name))).state == INTERRUPTED
        assert (await stub.ResumeRun(pb.ResumeRunRequest(name=name))).state in (PENDING, RUNNING)
        rest = await watch(stub, name, kept[-1].cursor)
        assert len(set(keys(rest)) | set(keys(kept))) == len(keys(rest)) + len(keys(kept)) == 50
        assert sum(response.HasField("report") for response in rest) == 1
        assert len(service.session.asked_texts) == 50
        assert (await stub.CancelRun(pb.CancelRunRequest(name=name))).state == FINISHED
        assert (await stub.ResumeRun(pb.ResumeRunRequest(name=name))).state == FINISHED


async def test_a_run_that_lives_is_not_deleted_and_one_that_ended_is_forgotten(tmp_path: Path):
    async with serving(tmp_path) as service:
        service.session.allowed = 0
        stub = service.stub()
        name = (await stub.CreateRun(inline())).name
        await until(stub, name, RUNNING)
        assert await code_of(stub.DeleteRun(pb.DeleteRunRequest(name=name))) is Code.FAILED_PRECONDITION
        await stub.CancelRun(pb.CancelRunRequest(name=name))
        await stub.DeleteRun(pb.DeleteRunRequest(name=name))
        assert await code_of(stub.GetRun(pb.GetRunRequest(name=name))) is Code.NOT_FOUND
        assert await code_of(stub.DeleteRun(pb.DeleteRunRequest(name=name))) is Code.NOT_FOUND
        assert not (await stub.ListRuns(pb.ListRunsRequest())).runs


async def test_runs_past_the_places_of_the_server_wait_and_those_past_the_limit_are_refused(tmp_path: Path):
    async with serving(tmp_path, places=1, limits=Limits(runs=3)) as service:
        service.session.allowed = 0
        stub = service.stub()
        names = [(await stub.CreateRun(inline(size=size))).name for size in (2, 3, 4)]
        await until(stub, names[0], RUNNING)
        assert [(await stub.GetRun(pb.GetRunRequest(name=name))).state for name in names[1:]] == [PENDING, PENDING]
        assert await code_of(stub.CreateRun(inline())) is Code.RESOURCE_EXHAUSTED
        assert (await stub.CancelRun(pb.CancelRunRequest(name=names[1]))).state == INTERRUPTED
        service.session.allow()
        for name in (names[0], names[2]):
            await until(stub, name, FINISHED)
        assert (await stub.GetRun(pb.GetRunRequest(name=names[1]))).state == INTERRUPTED


async def test_a_run_whose_server_drains_goes_on_by_itself_and_one_that_was_cancelled_does_not(tmp_path: Path):
    first = Service(in_folder(tmp_path))
    await first.start()
    first.session.allowed = 7
    stub = first.stub()
    drained, cancelled = [(await stub.CreateRun(inline(size=30, suite=name))).name for name in ("one", "two")]
    while len(first.session.asked_texts) < 7:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    await stub.CancelRun(pb.CancelRunRequest(name=cancelled))
    await first.drain()
    with Store(tmp_path / "default", write=False) as store:
        assert store.run_row(drained).state == "pending"
        assert store.run_row(cancelled).state == "interrupted"

    async with serving(tmp_path) as second:
        second.runs()
        stub = second.stub()
        responses = await watch(stub, drained)
        assert len(keys(responses)) == len(set(keys(responses))) == 30
        assert responses[-2].run.state == FINISHED
        assert (await stub.GetRun(pb.GetRunRequest(name=cancelled))).state == INTERRUPTED


async def test_a_server_that_dies_loses_nothing_and_another_takes_its_run_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(evaluation, "GATHERED", 10)
    name, cursor, found = "", "", []
    lot = random.Random(3)
    for sitting in range(6):
        service = Service(in_folder(tmp_path), seconds=0.004)
        await service.start()
        service.runs()
        stub = service.stub()
        if not name:
            name = (await stub.CreateRun(inline(size=250, models=("parrot", "gold")))).name
        left = lot.randrange(2, 5) if sitting < 5 else 10**9
        async for response in stub.WatchRun(pb.WatchRunRequest(name=name, cursor=cursor)):
            cursor = response.cursor
            found += keys([response])
            left -= bool(response.outcomes)
            if not left:
                break
        await service.die()
    assert len(found) == len(set(found)) == 500
    with Store(tmp_path / "default", write=False) as store:
        assert store.run_row(name).state == "finished"
        rows = list(store.every_outcome(name))
        assert len({row[:3] for row in rows}) == 500


async def test_what_a_command_line_left_behind_goes_on_when_it_is_resumed_and_not_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(carrying, "LOOK_SECONDS", 0.05)
    plan = await plan_of("parrot", size=20)
    with Store(tmp_path / "default", write=True) as store:
        store.begin_run("left", plan.suite.suite, plan.manifest)
    async with serving(tmp_path) as service:
        service.runs()
        stub = service.stub()
        await asyncio.sleep(0.4)
        assert not service.session.asked_texts
        await stub.ResumeRun(pb.ResumeRunRequest(name="left"))
        assert len(set(keys(await watch(stub, "left")))) == 20


async def test_a_run_whose_plan_has_changed_is_not_gone_on_with(tmp_path: Path):
    async with serving(tmp_path) as service:
        service.session.allowed = 3
        stub = service.stub()
        name = (await stub.CreateRun(inline(size=20))).name
        await until(stub, name, RUNNING)
        await stub.CancelRun(pb.CancelRunRequest(name=name))
    async with serving(tmp_path) as service:
        service.session.version = "2"
        stub = service.stub()
        await stub.ResumeRun(pb.ResumeRunRequest(name=name))
        run = await until(stub, name, INTERRUPTED)
        assert "its plan has changed" in run.note
        assert not service.session.asked_texts


async def test_a_run_whose_model_is_down_is_interrupted_and_stays_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(carrying, "LOOK_SECONDS", 0.05)
    monkeypatch.setenv("STRANGER_LOCKED", "1")
    async with serving(tmp_path) as service:
        stub = service.stub()
        name = (await stub.CreateRun(inline())).name
        run = await until(stub, name, INTERRUPTED)
        assert "the key is missing" in run.note
        await asyncio.sleep(0.3)
        assert (await stub.GetRun(pb.GetRunRequest(name=name))).state == INTERRUPTED
        monkeypatch.delenv("STRANGER_LOCKED")
        await stub.ResumeRun(pb.ResumeRunRequest(name=name))
        await until(stub, name, FINISHED)
