"""What can be asked of `Evaluation`, and what is refused: precisely, and without telling what a stranger may not know."""

from __future__ import annotations

import base64
import json
import re
import statistics
import time
from pathlib import Path

import pytest

grpc = pytest.importorskip("grpc")
rpc_status = pytest.importorskip("grpc_status.rpc_status")
for needed in ("prometheus_client", "opentelemetry", "google.rpc"):
    pytest.importorskip(needed)

from evaluation_service import FINISHED, INTERRUPTED, Named, inline, keys, serving, until, watch  # noqa: E402
from google.protobuf.json_format import MessageToDict  # noqa: E402
from google.rpc import error_details_pb2  # noqa: E402

from assay.v1 import evaluation_pb2 as pb  # noqa: E402
from assay.v1 import types_pb2  # noqa: E402

Code = grpc.StatusCode
Runs = pb.ListRunsRequest


async def whole(call) -> None:
    """Take in all that a call answers."""
    if hasattr(call, "__aiter__"):
        async for _ in call:
            pass
    else:
        await call


async def refused(call) -> tuple[grpc.StatusCode, dict[str, str]]:
    """The code that a call ends with, and the faults of its fields."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await whole(call)
    bad = error_details_pb2.BadRequest()
    for detail in rpc_status.from_call(caught.value).details:
        detail.Unpack(bad)
    return caught.value.code(), {each.field: each.description for each in bad.field_violations}


@pytest.mark.parametrize(
    ("changes", "field", "told"),
    [
        ({"data": "/etc"}, "inline_suite.data", "a caller may name no files"),
        ({"data": "../sample"}, "inline_suite.data", "expected nothing, or one of 'sample', 'tiny'"),
        ({"pool": "pictures"}, "inline_suite.pool", "leave it out"),
        ({"sample": {"data": "/etc", "models": ["parrot"]}}, "inline_suite.sample.data", "may name no files"),
        ({"server": "grpc://elsewhere:1"}, "inline_suite.server", "unknown key"),
        ({"tasks": [{"evaluator": "shapes.adversarial", "options": {"folder": "/etc"}}]}, "inline_suite.tasks[0].options.folder", "names a file"),
        ({"tasks": [{"evaluator": "bbq", "options": {"data": "/etc"}}]}, "inline_suite.tasks[0].options.data", "is the suite's"),
        ({"tasks": [{"evaluator": "bbq", "each": {"category": ["~/secrets"]}}]}, "inline_suite.tasks[0].each.category", "may be taken for a file"),
        ({"tasks": [{"evaluator": "bbq", "options": {"category": "${HOME}"}}]}, "inline_suite.tasks[0].options.category", "a variable"),
        ({"tasks": [{"evaluator": "bbq", "options": {"category": "grpc://a:1"}}]}, "inline_suite.tasks[0].options.category", "an address"),
        ({"tasks": [{"evaluator": "stranger.echoes"}]}, "inline_suite.tasks[0].evaluator", "did you mean 'stranger.echo'"),
        ({"tasks": [{"evaluator": "stranger.echo", "options": {"sizes": 3}}]}, "inline_suite.tasks[0].options.sizes", "did you mean 'size'"),
        ({"models": ["parot"]}, "inline_suite.models[0]", "did you mean 'parrot'"),
        ({"models": []}, "inline_suite.models", "expected at least one"),
        ({"roles": {"judge": "nobody"}}, "inline_suite.roles.judge", "no model named 'nobody'"),
        ({"at_once": 0}, "inline_suite.at_once", "greater than or equal to 1"),
        ({"suite": "Not A Name"}, "inline_suite.suite", "pattern"),
    ],
)
async def test_a_suite_from_elsewhere_that_names_what_it_may_not_is_refused_by_field(tmp_path: Path, changes, field: str, told: str):
    async with serving(tmp_path, tiny=str(tmp_path)) as service:
        stub = service.stub()
        code, faults = await refused(stub.CreateRun(inline(**changes)))
        assert code is Code.INVALID_ARGUMENT
        assert told in faults[field]
        assert not (await stub.ListRuns(Runs())).runs


async def test_every_fault_of_a_request_is_told_at_once(tmp_path: Path):
    async with serving(tmp_path) as service:
        request = inline(data="/etc", pool="x", tasks=[{"evaluator": "nothing"}, {"evaluator": "stranger.echo", "options": {"target": "gold"}}])
        code, faults = await refused(service.stub().CreateRun(request))
        assert code is Code.INVALID_ARGUMENT
        assert set(faults) == {"inline_suite.data", "inline_suite.pool", "inline_suite.tasks[0].evaluator", "inline_suite.tasks[1].options.target"}

        overrides = pb.RunOverrides(at_once=-1, draws=-1, budget=float("nan"), sample=True)
        overrides.case_deadline.FromSeconds(-5)
        overrides.options.update({"folder": "/etc"})
        code, faults = await refused(service.stub().CreateRun(pb.CreateRunRequest(suite="stranger", overrides=overrides)))
        assert code is Code.INVALID_ARGUMENT
        assert set(faults) == {f"overrides.{name}" for name in ("at_once", "draws", "budget", "sample", "case_deadline", "options.folder")}


async def test_what_no_server_has_is_told_and_a_path_is_no_suite(tmp_path: Path):
    suite = tmp_path / "mine.yaml"
    suite.write_text("suite: mine\nmodels: [parrot]\ntasks: [{evaluator: stranger.echo}]\n")
    async with serving(tmp_path / "stores") as service:
        stub = service.stub()
        for name in (str(suite), "../stranger.yaml", "strange", ""):
            code, faults = await refused(stub.CreateRun(pb.CreateRunRequest(suite=name)))
            assert (code, list(faults)) == (Code.INVALID_ARGUMENT, ["suite"])
        assert (await refused(stub.CreateRun(pb.CreateRunRequest())))[1] == {"source": "is missing; expected suite or inline_suite"}
        for overrides, field in (
            (pb.RunOverrides(models=["nobody"]), "overrides.models[0]"),
            (pb.RunOverrides(models=["No Name"]), "overrides.models.0"),
            (pb.RunOverrides(roles={"judge": "nobody"}), "overrides.roles.judge"),
            (pb.RunOverrides(conditions=["upside-down"]), "suite"),
        ):
            code, faults = await refused(stub.CreateRun(pb.CreateRunRequest(suite="stranger", overrides=overrides)))
            assert (code, list(faults)) == (Code.INVALID_ARGUMENT, [field])


async def test_overrides_change_the_plan(tmp_path: Path):
    async with serving(tmp_path, tiny=str(tmp_path / "secret")) as service:
        overrides = pb.RunOverrides(models=["gold"], at_once=3)
        overrides.case_deadline.FromMilliseconds(2500)
        stub = service.stub()
        name = (await stub.CreateRun(pb.CreateRunRequest(suite="stranger", overrides=overrides))).name
        run = await until(stub, name, FINISHED)
        suite = MessageToDict(run.manifest)["suite"]
        assert (suite["models"], suite["at_once"], suite["deadline"]) == (["gold"], 3, 2.5)

        name = (await stub.CreateRun(inline(data="tiny"))).name
        run = await until(stub, name, FINISHED)
        assert str(tmp_path) not in json.dumps(MessageToDict(run.manifest))


async def test_what_there_is_comes_in_pages_that_only_its_own_tokens_open(tmp_path: Path):
    async with serving(tmp_path) as service:
        stub = service.stub()
        for ask, request, part in (
            (stub.ListSuites, pb.ListSuitesRequest, "suites"),
            (stub.ListEvaluators, pb.ListEvaluatorsRequest, "evaluators"),
            (stub.ListModels, pb.ListModelsRequest, "models"),
        ):
            names = [each.name for each in getattr(await ask(request(page_size=1000)), part)]
            assert len(names) > 3
            found, token = [], ""
            while True:
                page = await ask(request(page_size=2, page_token=token))
                found += [each.name for each in getattr(page, part)]
                if not (token := page.next_page_token):
                    break
                last = token
            assert found == names == sorted(names)
            for other in (stub.ListSuites, stub.ListModels, stub.ListRuns):
                if other is not ask:
                    wrong = {stub.ListSuites: pb.ListSuitesRequest, stub.ListModels: pb.ListModelsRequest, stub.ListRuns: Runs}[other](page_token=last)
                    assert (await refused(other(wrong)))[1].keys() == {"page_token"}
            for size in (-1, 1001):
                assert (await refused(ask(request(page_size=size))))[1].keys() == {"page_size"}


async def test_suites_evaluators_and_models_tell_what_a_caller_needs(tmp_path: Path):
    async with serving(tmp_path) as service:
        stub = service.stub()
        suites = {each.name: each for each in (await stub.ListSuites(pb.ListSuitesRequest())).suites}
        assert list(suites["stranger"].tasks) == ["stranger.echo/true", "stranger.echo/false"]
        assert (suites["mmdt"].benchmark, suites["mmdt"].has_sample) == ("mmdt", True)
        evaluators = {each.name: each for each in (await stub.ListEvaluators(pb.ListEvaluatorsRequest(page_size=1000))).evaluators}
        assert not any(name.startswith("measure.") for name in evaluators)
        echo = evaluators["stranger.echo"]
        assert (echo.asks, echo.perspective, echo.version) == (types_pb2.MODEL_KIND_GENERATE, "manners", 1)
        schema = MessageToDict(echo.options_schema)
        assert set(schema["properties"]) == {"size", "pictures"}
        assert "folder" not in evaluators["shapes.adversarial"].options_schema["properties"]
        models = {each.name: each for each in (await stub.ListModels(pb.ListModelsRequest())).models}
        assert (models["parrot"].kind, models["parrot"].identity) == (types_pb2.MODEL_KIND_GENERATE, "parrot-1")
        assert models["gold"].kind == types_pb2.MODEL_KIND_UNSPECIFIED


async def test_runs_are_listed_newest_first_in_pages_by_suite_and_state(tmp_path: Path):
    async with serving(tmp_path) as service:
        stub = service.stub()
        names = [(await stub.CreateRun(inline(size=1, suite="one" if number % 2 else "two"))).name for number in range(7)]
        for name in names:
            await until(stub, name, FINISHED)
        found, token = [], ""
        while True:
            page = await stub.ListRuns(Runs(page_size=3, page_token=token))
            found += [run.name for run in page.runs]
            if not (token := page.next_page_token):
                break
            assert (await refused(stub.ListRuns(Runs(page_token=token, suite="one"))))[1].keys() == {"page_token"}
        assert sorted(found) == sorted(names)
        assert len((await stub.ListRuns(Runs(suite="one"))).runs) == 3
        assert not (await stub.ListRuns(Runs(suite="on%"))).runs
        assert not (await stub.ListRuns(Runs(suite="one' or 1=1 --\x00"))).runs
        assert not (await stub.ListRuns(Runs(states=[INTERRUPTED]))).runs
        assert len((await stub.ListRuns(Runs(states=[FINISHED, INTERRUPTED]))).runs) == 7
        assert (await refused(stub.ListRuns(Runs(states=[0, 99]))))[1].keys() == {"states[0]", "states[1]"}


async def test_outcomes_are_told_in_their_order_with_filters_and_in_full(tmp_path: Path):
    async with serving(tmp_path) as service:
        stub = service.stub()
        name = (await stub.CreateRun(inline(size=40, models=("parrot", "moody"), tasks=[{"evaluator": "stranger.echo", "options": {"size": 40}}]))).name
        order = keys(await watch(stub, name))

        async def asked(**filters):
            return [each async for each in stub.ListOutcomes(pb.ListOutcomesRequest(name=name, **filters))]

        assert keys(await asked()) == order
        failed = await asked(models=["moody"], statuses=[types_pb2.OUTCOME_STATUS_FAILED])
        assert keys(failed) == [key for key in order if key[1] == "moody" and key[2].endswith(("1", "4", "7"))]
        assert {outcome.error for response in failed for outcome in response.outcomes} == {"Unavailable"}
        assert not keys(await asked(tasks=["' or 1=1 --"]))
        assert (await refused(stub.ListOutcomes(pb.ListOutcomesRequest(name=name, statuses=[0]))))[1].keys() == {"statuses[0]"}

        full = await asked(models=["parrot"], full=True)
        one = MessageToDict(full[0].outcomes[0])["details"]
        assert one["question"] == one["gold"] == one["replies"]["texts"][0]
        assert len(full) == 2
        assert keys(await asked(models=["parrot"], full=True, cursor=full[0].cursor)) == keys(full[1:])
        assert not keys(await asked(cursor=full[-1].cursor))


async def test_a_cursor_that_is_none_of_the_run_is_refused(tmp_path: Path):
    async with serving(tmp_path) as service:
        stub = service.stub()
        one, other = [(await stub.CreateRun(inline(size=size))).name for size in (3, 5)]
        await watch(stub, one)
        cursor = (await watch(stub, other))[-2].cursor
        from kernel.shell.service.cursors import Cursor, cursor_text

        forged = base64.urlsafe_b64encode(b"123456" + json.dumps([1, "run", one, 1, 0]).encode()).decode()
        changed = cursor[:-3] + ("A" if cursor[-3] != "A" else "B") + cursor[-2:]
        page = (await stub.ListRuns(Runs(page_size=1))).next_page_token
        for wrong in (cursor, cursor_text(one, Cursor(4)), forged, changed, "%%%", "x" * 100_000, "é", cursor[:5], page):
            for call in (stub.WatchRun(pb.WatchRunRequest(name=one, cursor=wrong)), stub.ListOutcomes(pb.ListOutcomesRequest(name=one, cursor=wrong))):
                code, faults = await refused(call)
                assert (code, list(faults)) == (Code.INVALID_ARGUMENT, ["cursor"])


async def test_a_report_has_the_parts_that_are_asked_for(tmp_path: Path):
    async with serving(tmp_path) as service:
        stub = service.stub()
        name = (await stub.CreateRun(inline(size=10, models=("parrot", "moody", "gold")))).name
        await until(stub, name, FINISHED)
        report = await stub.GetReport(pb.GetReportRequest(name=name))
        assert not report.page
        parrot = next(task for task in report.tasks if task.model == "parrot")
        assert [(each.metric.name, each.value, each.cases) for each in parrot.estimates] == [("accuracy", 1.0, 10), ("length", 7.0, 10)]
        assert next(task.player for task in report.tasks if task.model == "gold") == "gold"
        moody = next(task for task in report.tasks if task.model == "moody")
        assert (moody.counts.scored, moody.counts.failed, moody.counts.planned) == (7, 3, 10)
        assert any("incomplete: 3 of 10" in note for note in report.notes)

        request = pb.GetReportRequest(name=name)
        request.read_mask.paths.extend(["page", "run"])
        page = await stub.GetReport(request)
        assert page.page.startswith(b"<!doctype html>")
        assert (page.run, len(page.tasks)) == (name, 0)
        assert str(tmp_path).encode() not in page.page
        request.read_mask.paths[:] = ["page", "everything", "tasks.model"]
        assert (await refused(stub.GetReport(request)))[1].keys() == {"read_mask.paths[1]", "read_mask.paths[2]"}


async def test_two_runs_are_compared_pair_by_pair(tmp_path: Path):
    async with serving(tmp_path) as service:
        stub = service.stub()
        before, after, several = [
            (await stub.CreateRun(inline(size=10, models=models))).name for models in (("parrot", "gold"), ("moody",), ("parrot", "moody", "constant"))
        ]
        for name in (before, after, several):
            await until(stub, name, FINISHED)
        found = (await stub.CompareRuns(pb.CompareRunsRequest(before=before, after=after, metric="length"))).comparisons
        assert len(found) == 1
        assert (found[0].before.cases, found[0].after.cases, found[0].difference.cases, found[0].unpaired) == (10, 7, 7, 3)
        assert (found[0].difference.value, found[0].difference.metric.unit) == (0.0, "characters")

        asked = pb.CompareRunsRequest(before=before, after=several, model_after="constant")
        found = (await stub.CompareRuns(asked)).comparisons
        assert found[0].difference.value == pytest.approx(-0.9)
        assert found[0].difference.low < -0.9 < found[0].difference.high
        assert found[0].unpaired == 0

        for wrong, field in (
            (pb.CompareRunsRequest(before=several, after=after), "model_before"),
            (pb.CompareRunsRequest(before=before, after=after, model_after="nobody"), "model_after"),
            (pb.CompareRunsRequest(before=before, after=after, metric="speed"), "metric"),
        ):
            assert (await refused(stub.CompareRuns(wrong)))[1].keys() == {field}
        assert (await refused(stub.CompareRuns(pb.CompareRunsRequest(before=before, after="gone"))))[0] is Code.NOT_FOUND


async def test_another_namespaces_run_answers_as_one_that_does_not_exist(tmp_path: Path):
    async with serving(tmp_path, callers=Named()) as service:
        stub = service.stub()
        theirs = (("namespace", "theirs"),)
        mine = (("namespace", "mine"),)
        name = (await stub.CreateRun(inline(), metadata=theirs)).name
        own = (await stub.CreateRun(inline(), metadata=mine)).name
        nowhere = re.sub(r"[0-9a-f]{6}$", "000000", name)
        calls = (
            (stub.GetRun, pb.GetRunRequest),
            (stub.WatchRun, pb.WatchRunRequest),
            (stub.CancelRun, pb.CancelRunRequest),
            (stub.ResumeRun, pb.ResumeRunRequest),
            (stub.DeleteRun, pb.DeleteRunRequest),
            (stub.ListOutcomes, pb.ListOutcomesRequest),
            (stub.GetReport, pb.GetReportRequest),
            (stub.CompareRuns, lambda name: pb.CompareRunsRequest(before=name, after=own)),
        )
        for ask, request in calls:
            told, seconds = [], {name: [], nowhere: []}
            for each in [name, nowhere] * 15:
                began = time.perf_counter()
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await whole(ask(request(name=each), metadata=mine))
                seconds[each].append(time.perf_counter() - began)
                told.append((caught.value.code(), caught.value.details().replace(each, "NAME")))
            assert set(told) == {(Code.NOT_FOUND, "no run named 'NAME'")}
            assert abs(statistics.median(seconds[name]) - statistics.median(seconds[nowhere])) < 0.005
        assert [run.name for run in (await stub.ListRuns(Runs(), metadata=mine)).runs] == [own]
        for odd in ("x" * 100_000, "\x00", "'; drop table runs; --", "é"):
            assert (await refused(stub.GetRun(pb.GetRunRequest(name=odd), metadata=mine)))[0] is Code.NOT_FOUND
        assert (await refused(stub.GetRun(pb.GetRunRequest(), metadata=mine)))[1].keys() == {"name"}
