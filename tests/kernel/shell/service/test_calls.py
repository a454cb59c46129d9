"""Calls over a real connection: every kind of credential, limits hit and released, errors, ids, and nothing left behind however a call ends."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest

grpc = pytest.importorskip("grpc")
pytest.importorskip("assay.v1")
for needed in ("grpc_health", "grpc_reflection", "prometheus_client", "opentelemetry", "google.rpc"):
    pytest.importorskip(needed)

import prometheus_client  # noqa: E402 - comes with them
import structlog  # noqa: E402
from google.protobuf import any_pb2  # noqa: E402
from google.rpc import error_details_pb2, status_pb2  # noqa: E402
from grpc_health.v1 import health_pb2, health_pb2_grpc  # noqa: E402
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc  # noqa: E402
from opentelemetry import propagate  # noqa: E402

from assay.v1 import evaluation_pb2, scoring_pb2  # noqa: E402
from kernel.errors import InvalidSpec, StoreError  # noqa: E402
from kernel.shell.service.calls import NEEDS, Call, caller_of, request_id_of  # noqa: E402
from kernel.shell.service.limits import Limits  # noqa: E402
from kernel.shell.service.statuses import DETAILS_KEY, Ended  # noqa: E402
from kernel.shell.service.tokens import TokenFile, list_tokens, revoke_token  # noqa: E402
from tests.kernel.shell.service.small_service import Running, bearer, made, refusal, serving, until  # noqa: E402

Code = grpc.StatusCode
Named = evaluation_pb2.GetRunRequest
Watched = evaluation_pb2.WatchRunRequest
CANARY = "c4n4ry-of-the-message"
OURS = {method: need for method, need in NEEDS.items() if method.startswith("/assay.")}
EXPIRED = "2020-01-01T00:00:00Z"


def items(*prompts: str) -> list[scoring_pb2.Item]:
    return [scoring_pb2.Item(id=str(number), prompt=prompt) for number, prompt in enumerate(prompts)]


def details(error: grpc.aio.AioRpcError) -> dict[str, object]:
    told = status_pb2.Status.FromString(dict(error.trailing_metadata())[DETAILS_KEY])
    assert (told.code, told.message) == (error.code().value[0], error.details())
    return {packed.TypeName().rsplit(".", 1)[1]: unpacked(packed) for packed in told.details}


def unpacked(packed: any_pb2.Any) -> object:
    detail = getattr(error_details_pb2, packed.TypeName().rsplit(".", 1)[1])()
    packed.Unpack(detail)
    return detail


async def bare(running: Running, method: str, metadata=()) -> grpc.StatusCode:
    """The code of a call with one empty message, whatever kind the method is of."""
    call = running.channel().unary_stream(method)(b"", metadata=metadata, timeout=10)
    try:
        while await call.read() is not grpc.aio.EOF:
            pass
    except grpc.aio.AioRpcError as error:
        return error.code()
    return await call.code()


# Who calls


def test_every_method_of_the_contract_says_what_it_needs():
    services = [*evaluation_pb2.DESCRIPTOR.services_by_name.values(), *scoring_pb2.DESCRIPTOR.services_by_name.values()]
    methods = {f"/{service.full_name}/{method.name}" for service in services for method in service.methods}

    assert methods == set(OURS)
    assert set(OURS.values()) == {"read", "run", "score"}


async def test_every_method_lets_in_whom_it_needs_and_nobody_else(tmp_path: Path):
    file, tokens = made(tmp_path, read=["read"], run=["run"], score=["score"], all=["read", "run", "score"], gone=["read", "run", "score"], late=["read"])
    late = next(token.sha256 for token in list_tokens(file) if token.name == "late")
    file.write_text(file.read_text().replace(late, f"{late}\n  expires: {EXPIRED}"))
    revoke_token(file, "gone")
    good = bearer(tokens["all"])[0]
    strangers = {
        "none": (),
        "malformed": (("authorization", tokens["all"]),),
        "empty": (("authorization", ""),),
        "unknown": bearer("assay_" + "A" * 43),
        "expired": bearer(tokens["late"]),
        "revoked": bearer(tokens["gone"]),
        "doubled": (good, good),
        "two": (good, *bearer(tokens["read"])),
        "scheme": (("authorization", f"Basic {tokens['all']}"),),
        "longer": bearer(tokens["all"] + "x"),
        "elsewhere": (("x-api-key", tokens["all"]), ("authorization-bin", good[1].encode())),
        "large": bearer("x" * 6000),
    }
    async with serving(TokenFile(file)) as running:
        for method, need in OURS.items():
            for kind, metadata in strangers.items():
                assert await bare(running, method, metadata) is Code.UNAUTHENTICATED, (method, kind)
            for scope in ("read", "run", "score", "all"):
                code = await bare(running, method, bearer(tokens[scope]))
                assert (code is Code.PERMISSION_DENIED) == (scope not in (need, "all")), (method, scope)
                assert code is not Code.UNAUTHENTICATED
        await running.emptied()


async def test_all_strangers_read_the_same_words(tmp_path: Path):
    file, tokens = made(tmp_path, all=["read"])
    async with serving(TokenFile(file)) as running:
        told = set()
        for metadata in ((), bearer("x"), bearer(tokens["all"]) * 2, (("authorization", tokens["all"]),)):
            error = await refusal(running.evaluating().GetRun(Named(name="x"), metadata=metadata))
            told.add((error.details(), tuple(sorted(details(error)))))

    assert len(told) == 1


async def test_a_trailing_space_does_not_disturb_the_rest(tmp_path: Path):
    """Whether a space behind a value reaches us is the transport's affair; that a token within others does not count is ours."""
    file, tokens = made(tmp_path, all=["read"])
    async with serving(TokenFile(file)) as running:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await running.evaluating().GetRun(Named(), metadata=(("authorization", f"Bearer {tokens['all']} "),))
        assert caught.value.code() is Code.UNAUTHENTICATED


async def test_a_header_of_a_megabyte_is_refused_and_others_are_answered(tmp_path: Path):
    file, tokens = made(tmp_path, all=["read"])
    async with serving(TokenFile(file)) as running:
        for _ in range(5):
            error = await refusal(running.evaluating().GetRun(Named(), metadata=bearer("x" * 1_000_000), timeout=10))
            assert error.code() in (Code.RESOURCE_EXHAUSTED, Code.UNAUTHENTICATED)
        assert (await running.evaluating().GetRun(Named(), metadata=bearer(tokens["all"]))).name == "all"


async def test_a_method_that_is_not_there_is_told_to_those_who_may_call_alone(tmp_path: Path):
    file, tokens = made(tmp_path, all=["read"])
    async with serving(TokenFile(file)) as running:
        assert await bare(running, "/assay.v1.Evaluation/Nothing") is Code.UNAUTHENTICATED
        assert await bare(running, "/assay.v1.Evaluation/Nothing", bearer(tokens["all"])) is Code.UNIMPLEMENTED
        assert b"Nothing" not in prometheus_client.generate_latest(running.metrics.registry)


async def test_a_method_that_nobody_thought_of_is_nobodys(monkeypatch):
    monkeypatch.delitem(NEEDS, "/assay.v1.Evaluation/GetRun")
    async with serving() as running:
        assert (await refusal(running.evaluating().GetRun(Named()))).code() is Code.PERMISSION_DENIED


async def test_health_is_open_and_reflection_needs_any_token(tmp_path: Path):
    file, tokens = made(tmp_path, all=["score"])
    async with serving(TokenFile(file)) as running:
        stub = health_pb2_grpc.HealthStub(running.channel())
        watching = stub.Watch(health_pb2.HealthCheckRequest())
        assert (await stub.Check(health_pb2.HealthCheckRequest())).status == health_pb2.HealthCheckResponse.SERVING
        assert (await watching.read()).status == health_pb2.HealthCheckResponse.SERVING
        watching.cancel()
        ask = reflection_pb2.ServerReflectionRequest(list_services="")
        asking = reflection_pb2_grpc.ServerReflectionStub(running.channel()).ServerReflectionInfo
        assert (await refusal(asking(iter([ask])))).code() in (Code.UNAUTHENTICATED, Code.INTERNAL), "the client may fail to send before it reads"
        answer = await asking(iter([ask]), metadata=bearer(tokens["all"])).read()
        assert "assay.v1.Scoring" in {service.name for service in answer.list_services_response.service}
        await running.emptied()


async def test_the_servicer_knows_the_caller_and_the_deadline(tmp_path: Path):
    file, tokens = made(tmp_path, nightly=["read", "score"])
    async with serving(TokenFile(file)) as running:
        run = await running.evaluating().GetRun(Named(), metadata=bearer(tokens["nightly"]), timeout=30)
        first = await anext(aiter(running.evaluating().WatchRun(Watched(), metadata=bearer(tokens["nightly"]))))

        assert (run.name, run.suite) == ("nightly", "team")
        assert first.run.name == "nightly"
        assert 25 < running.evaluation.remaining <= 30
    with pytest.raises(LookupError):
        caller_of()


@pytest.mark.parametrize("change", ["revoked", "rights"])
async def test_a_stream_ends_within_a_second_of_its_tokens_end(tmp_path: Path, change: str):
    file, tokens = made(tmp_path, a=["read"], b=["read"])
    async with serving(TokenFile(file)) as running:
        streams = {name: running.evaluating().WatchRun(Watched(name="waits"), metadata=bearer(tokens[name])) for name in "ab"}
        for stream in streams.values():
            await stream.read()
        if change == "revoked":
            revoke_token(file, "a")
        else:
            file.write_text(file.read_text().replace("namespace: team", "namespace: other", 1))
        begun = asyncio.get_running_loop().time()
        error = await refusal(streams["a"])

        assert error.code() is Code.UNAUTHENTICATED
        assert asyncio.get_running_loop().time() - begun < 1.0
        assert running.evaluation.waiting == 1
        assert not streams["b"].done()
        streams["b"].cancel()


# How much


async def test_calls_over_the_limit_are_told_when_to_ask_again_and_places_come_free(tmp_path: Path):
    file, tokens = made(tmp_path, one=["read"], other=["read"])
    async with serving(TokenFile(file), Limits(calls=2)) as running:
        stub = running.evaluating()
        waiting = [stub.GetRun(Named(name="waits"), metadata=bearer(tokens["one"])) for _ in range(2)]
        await until(lambda: running.evaluation.waiting >= 2)
        error = await refusal(stub.GetRun(Named(), metadata=bearer(tokens["one"])))

        assert error.code() is Code.RESOURCE_EXHAUSTED
        assert details(error)["QuotaFailure"].violations[0].subject == "calls in flight"
        assert details(error)["RetryInfo"].retry_delay.ToMilliseconds() == 1000
        assert (await stub.GetRun(Named(), metadata=bearer(tokens["other"]))).name == "other"
        waiting[0].cancel()
        await until(lambda: running.evaluation.waiting <= 1)
        assert (await stub.GetRun(Named(), metadata=bearer(tokens["one"]))).name == "one"
        waiting[1].cancel()
        await running.emptied()


async def test_streams_are_counted_and_given_back_by_cancel_deadline_error_and_end():
    async with serving(limits=Limits(streams=1)) as running:
        stub = running.evaluating()
        for end in ("cancel", "deadline", "fails", "done"):
            stream = stub.WatchRun(Watched(name={"fails": "fails", "done": "x"}.get(end, "waits")), timeout=0.3 if end == "deadline" else 10)
            await stream.read()
            if end in ("cancel", "deadline"):
                assert (await refusal(stub.WatchRun(Watched()))).code() is Code.RESOURCE_EXHAUSTED
                assert await stub.GetRun(Named())
            if end == "cancel":
                stream.cancel()
            elif end == "done":
                assert await stream.read() is grpc.aio.EOF
            else:
                assert (await refusal(stream)).code() is (Code.DEADLINE_EXCEEDED if end == "deadline" else Code.INTERNAL)
            await running.emptied()


async def test_a_client_that_vanishes_leaves_nothing_behind():
    script = (
        "import asyncio, sys, grpc.aio\nfrom assay.v1 import evaluation_pb2 as e, evaluation_pb2_grpc as g\n"
        "async def main():\n"
        "    stub = g.EvaluationStub(grpc.aio.insecure_channel(sys.argv[1]))\n"
        "    streams = [stub.WatchRun(e.WatchRunRequest(name='waits')) for _ in range(20)]\n"
        "    calls = [stub.GetRun(e.GetRunRequest(name='waits')) for _ in range(20)]\n"
        "    for stream in streams: await stream.read()\n"
        "    print('open', flush=True)\n"
        "    await asyncio.gather(*calls)\n"
        "asyncio.run(main())"
    )
    async with serving() as running:
        client = await asyncio.create_subprocess_exec(sys.executable, "-c", script, running.address, stdout=subprocess.PIPE)
        await client.stdout.readline()
        await until(lambda: running.evaluation.waiting >= 40)
        client.kill()
        await client.wait()

        await running.emptied()
        assert running.evaluation.waiting == 0


async def test_items_and_bytes_of_a_batch_over_the_rate_are_refused():
    async with serving(limits=Limits(items_per_second=10, bytes_per_second=10_000)) as running:
        stub = running.scores()
        assert len((await stub.Score(scoring_pb2.ScoreRequest(items=items(*"a" * 10)))).results) == 10
        error = await refusal(stub.Score(scoring_pb2.ScoreRequest(items=items(*"a" * 10))))
        assert error.code() is Code.RESOURCE_EXHAUSTED
        assert details(error)["QuotaFailure"].violations[0].subject == "items a second"
        assert 0 < details(error)["RetryInfo"].retry_delay.ToMilliseconds() <= 1000
        large = scoring_pb2.ScoreRequest(items=items("x" * 9_990))
        await asyncio.sleep(1)
        assert await stub.Score(large)
        error = await refusal(stub.Score(large))
        assert details(error)["QuotaFailure"].violations[0].subject == "bytes a second"
        await running.emptied()


async def test_items_in_flight_are_given_back_when_a_batch_is_cancelled():
    async with serving(limits=Limits(items_in_flight=4)) as running:
        stub = running.scores()
        held = stub.Score(scoring_pb2.ScoreRequest(items=items(*["held"] * 4)))
        await until(lambda: any(each.items for each in running.limiter._allowances.values()))
        assert running.metrics.registry.get_sample_value("assay_items_in_flight") == 4
        assert (await refusal(stub.Score(scoring_pb2.ScoreRequest(items=items("x"))))).code() is Code.RESOURCE_EXHAUSTED
        held.cancel()
        await running.emptied()
        assert await stub.Score(scoring_pb2.ScoreRequest(items=items("x")))
        assert running.metrics.registry.get_sample_value("assay_items_in_flight") == 0


async def test_a_stream_waits_for_its_rate_and_loses_nothing():
    async with serving(limits=Limits(items_per_second=400)) as running:

        async def requests():
            for _ in range(8):
                yield scoring_pb2.ScoreStreamRequest(items=items(*"a" * 100))

        begun = asyncio.get_running_loop().time()
        results = [result async for response in running.scores().ScoreStream(requests()) for result in response.results]

        assert len(results) == 800
        assert 0.9 < asyncio.get_running_loop().time() - begun < 3
        await running.emptied()


async def test_streams_of_a_token_at_its_items_wait_for_each_other():
    async with serving(limits=Limits(items_in_flight=4)) as running:
        holding, waiting = running.scores().ScoreStream(), running.scores().ScoreStream()
        await holding.write(scoring_pb2.ScoreStreamRequest(items=items(*["held"] * 4)))
        await until(lambda: running.scoring.taken >= 4)
        await waiting.write(scoring_pb2.ScoreStreamRequest(items=items("x")))
        await asyncio.sleep(0.1)
        assert running.scoring.taken == 4
        running.scoring.letting_go.set()
        for stream in (holding, waiting):
            assert (await stream.read()).results
            await stream.done_writing()
            assert await stream.read() is grpc.aio.EOF
        await running.emptied()


async def test_idle_streams_over_the_limit_are_refused_and_closed_when_nothing_comes():
    async with serving(limits=Limits(streams=50), idle_seconds=5.0) as running:
        stub = running.scores()
        streams = [stub.ScoreStream() for _ in range(300)]
        ended = await asyncio.gather(*(refusal(stream) for stream in streams))

        codes = [error.code() for error in ended]
        assert codes.count(Code.UNAVAILABLE) == 50
        assert codes.count(Code.RESOURCE_EXHAUSTED) == 250
        assert all("closed after 5 s" in error.details() for error in ended if error.code() is Code.UNAVAILABLE)
        await running.emptied()


async def test_a_stream_that_waits_for_results_is_not_idle():
    async with serving(idle_seconds=1.5) as running:
        stream = running.scores().ScoreStream()
        await stream.write(scoring_pb2.ScoreStreamRequest(items=items("held")))
        await asyncio.sleep(2.5)
        running.scoring.letting_go.set()
        assert (await stream.read()).results
        await stream.done_writing()
        assert await stream.read() is grpc.aio.EOF


async def test_a_client_that_never_reads_is_let_go():
    async with serving(idle_seconds=0.5) as running:
        stream = running.evaluating().WatchRun(Watched(name="endless"))
        await running.emptied()
        stream.cancel()


async def test_two_thousand_calls_that_end_early_leave_nothing_behind():
    async with serving(limits=Limits(calls=1000, streams=1000)) as running:
        stub = running.evaluating()

        async def ended(number: int) -> None:
            if number % 2:
                assert (await refusal(stub.GetRun(Named(name="waits"), timeout=0.02))).code() is Code.DEADLINE_EXCEEDED
                return
            call = stub.WatchRun(Watched(name="waits"))
            await call.read()
            call.cancel()

        async def many(calls: int) -> None:
            for _ in range(calls // 100):
                await asyncio.gather(*(ended(number) for number in range(100)))
            await running.emptied()
            gc.collect()

        await many(500)
        tasks, kept, grown = tasks_of_calls(), calls_kept(), []
        for _ in range(4):
            before = resident()
            await many(500)
            grown.append(resident() - before)
        await asyncio.sleep(0.1)

        assert running.evaluation.waiting == 0
        assert tasks_of_calls() <= tasks + 2
        assert not running.calls._live
        assert calls_kept() <= kept + 5
        assert min(grown) < 2**20, "what is left behind is left behind in every round; the pools of grpc and of the allocator grow now and then"


def tasks_of_calls() -> int:
    """Tasks of the service and of grpc; a server that other tests share has tasks of its own in this loop."""
    codes = [getattr(task.get_coro(), "cr_code", None) for task in asyncio.all_tasks()]
    return sum(code is None or "service" in code.co_filename or "grpc" in code.co_filename for code in codes)


def calls_kept() -> int:
    return sum(type(each) is Call for each in gc.get_objects())


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


# How it ends


async def test_errors_of_ours_are_told_with_field_reason_and_request():
    async with serving() as running:
        running.evaluation.error = InvalidSpec("suite", ["tasks.0.k: must be at least 1 (found 0)"])
        for call in (running.evaluating().GetRun(Named(name="fails")), running.evaluating().WatchRun(Watched(name="fails"))):
            error = await refusal(call)
            told = details(error)
            assert error.code() is Code.INVALID_ARGUMENT
            assert told["BadRequest"].field_violations[0].field == "tasks.0.k"
            assert told["ErrorInfo"].reason == "INVALID_SPEC"
            assert told["RequestInfo"].request_id == dict(error.trailing_metadata())["x-request-id"]


async def test_of_a_defect_nothing_is_told_but_the_request():
    async with serving() as running:
        running.evaluation.error = KeyError(CANARY)
        with structlog.testing.capture_logs() as logs:
            error = await refusal(running.evaluating().GetRun(Named(name="fails")))

        assert error.code() is Code.INTERNAL
        assert list(details(error)) == ["RequestInfo"]
        assert CANARY not in error.details() + str(logs)
        assert logs[0]["error"] == "KeyError"
        assert any("GetRun" in place for place in logs[0]["at"])


async def test_what_speaks_of_the_server_stands_in_the_log_alone():
    async with serving() as running:
        running.evaluation.error = StoreError("/srv/store is full")
        with structlog.testing.capture_logs() as logs:
            error = await refusal(running.evaluating().GetRun(Named(name="fails")))

    assert error.code() is Code.UNAVAILABLE
    assert "/srv" not in error.debug_error_string()
    assert logs[0]["words"] == "/srv/store is full"


async def test_a_servicer_that_aborts_by_itself_is_counted_so():
    async with serving() as running:
        assert (await refusal(running.evaluating().GetRun(Named(name="aborts")))).code() is Code.ABORTED
        await running.emptied()
        assert running.metrics.registry.get_sample_value("assay_calls_total", {"method": "/assay.v1.Evaluation/GetRun", "code": "ABORTED"}) == 1


@pytest.mark.parametrize("data", [b"\xff\xff\xff", b"\x0a\x02\xff\xfe", b"\x0a\xff\xff\xff\xff\x0f"])
async def test_what_is_no_message_or_no_utf8_is_told_and_not_taken(data: bytes):
    async with serving() as running:
        for method in ("/assay.v1.Evaluation/GetRun", "/assay.v1.Evaluation/WatchRun"):
            error = await refusal(running.channel().unary_stream(method)(data))
            assert error.code() is Code.INVALID_ARGUMENT
            assert "no message of this method" in details(error)["BadRequest"].field_violations[0].description
        await running.emptied()


async def test_a_call_without_a_message_is_told():
    async with serving() as running:
        error = await refusal(running.channel().stream_unary("/assay.v1.Evaluation/GetRun")(iter([])))

    assert error.code() is Code.INVALID_ARGUMENT


async def test_an_answer_that_cannot_be_sent_is_a_defect_of_ours():
    async with serving() as running:
        running.evaluation.answer = CANARY
        error = await refusal(running.evaluating().GetRun(Named(name="answers")))

    assert error.code() is Code.INTERNAL
    assert CANARY not in error.details()


async def test_servicers_may_write_by_themselves():
    async with serving() as running:
        assert [response.cursor async for response in running.evaluating().ListOutcomes(evaluation_pb2.ListOutcomesRequest())] == ["0", "1", "2"]


async def test_the_service_can_end_all_that_is_in_flight():
    async with serving() as running:
        stub = running.evaluating()
        calls = [stub.WatchRun(Watched(name="waits")), stub.GetRun(Named(name="waits")), running.scores().ScoreStream()]
        await until(lambda: len(running.calls._live) >= 3)
        running.calls.end_all(Ended("the server ends", retry_after=3))
        for call in calls:
            error = await refusal(call)
            assert error.code() is Code.UNAVAILABLE
            assert details(error)["RetryInfo"].retry_delay.ToMilliseconds() == 3000
        assert running.evaluation.waiting == 0


# Ids, log, metrics, traces


@pytest.mark.parametrize(
    ("told", "kept"), [(["r-1"], True), (["x" * 128], True), ([], False), (["x" * 129], False), (["a b"], False), (["a", "b"], False), ([""], False)]
)
async def test_an_id_of_the_request_is_echoed_or_made(told: list[str], kept: bool):
    async with serving() as running:
        call = running.evaluating().GetRun(Named(), metadata=[("x-request-id", value) for value in told])
        echoed = dict(await call.initial_metadata())["x-request-id"]
        stream = running.evaluating().WatchRun(Watched(), metadata=[("x-request-id", value) for value in told])

        assert (echoed == told[0] and dict(await stream.initial_metadata())["x-request-id"] == told[0]) if kept else len(echoed) == 32


def test_an_id_in_bytes_is_none():
    assert len(request_id_of([("x-request-id", b"r")])) == 32


async def test_no_token_and_no_text_of_a_message_stands_in_log_metric_or_error(tmp_path: Path):
    file, tokens = made(tmp_path, nightly=["read", "score"])
    wrong = "assay_" + "W" * 43
    async with serving(TokenFile(file)) as running:
        with structlog.testing.capture_logs() as logs:
            stub, told = running.scores(), ""
            for metadata in (bearer(tokens["nightly"]), bearer(wrong), bearer(tokens["nightly"]) * 2):
                for item in (items(CANARY), [scoring_pb2.Item(id=CANARY, reply=CANARY)]):
                    try:
                        await stub.Score(scoring_pb2.ScoreRequest(items=item), metadata=metadata)
                        results = stub.ScoreStream(iter([scoring_pb2.ScoreStreamRequest(items=item)]), metadata=metadata)
                        assert [response async for response in results]
                    except grpc.aio.AioRpcError as error:
                        told += f"{error.details()} {error.trailing_metadata()} {error.debug_error_string()}"
            error = await refusal(running.evaluating().GetRun(Named(name="fails"), metadata=(*bearer(tokens["nightly"]), ("x-canary", CANARY))))
            told += f"{error.details()} {error.trailing_metadata()}"
        text = prometheus_client.generate_latest(running.metrics.registry).decode()

    assert len(logs) == 9
    for secret in (CANARY, wrong, tokens["nightly"], tokens["nightly"][6:14], tokens["nightly"][-8:], *(token.sha256 for token in list_tokens(file))):
        for place in (str(logs), text, told):
            assert secret not in place


async def test_a_call_is_one_line_of_the_log_and_one_of_the_metrics(tmp_path: Path):
    file, tokens = made(tmp_path, nightly=["read"])
    async with serving(TokenFile(file)) as running:
        with structlog.testing.capture_logs() as logs:
            await running.evaluating().GetRun(Named(), metadata=(*bearer(tokens["nightly"]), ("x-request-id", "r-1")))
            await refusal(running.evaluating().GetRun(Named()))
            call = running.evaluating().GetRun(Named(name="waits"), timeout=0.1, metadata=bearer(tokens["nightly"]))
            await refusal(call)
            await running.emptied()

        method = "/assay.v1.Evaluation/GetRun"
        assert [(line["method"], line["code"], line["caller"]) for line in logs] == [
            (method, "OK", "nightly"),
            (method, "UNAUTHENTICATED", "stranger"),
            (method, "DEADLINE_EXCEEDED", "nightly"),
        ]
        assert logs[0]["request"] == "r-1"
        assert 0 < logs[0]["seconds"] < 1
        for code in ("OK", "UNAUTHENTICATED", "DEADLINE_EXCEEDED"):
            assert running.metrics.registry.get_sample_value("assay_calls_total", {"method": method, "code": code}) == 1
        assert running.metrics.registry.get_sample_value("assay_calls_in_flight", {"method": method}) == 0


async def test_a_callers_trace_reaches_what_is_asked_for_it():
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    carried: dict[str, str] = {}
    async with serving() as running:
        running.evaluation.seen = lambda: propagate.inject(carried)
        await running.evaluating().GetRun(Named(), metadata=(("traceparent", parent),))

    assert carried["traceparent"][:36] == parent[:36]
