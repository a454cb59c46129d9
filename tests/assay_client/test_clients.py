"""Both clients against a fake service whose connections are cut: nothing is missed, nothing comes twice, and what failed is told."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import subprocess
import threading
from functools import partial

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc.code_pb2 import FAILED_PRECONDITION, INVALID_ARGUMENT, NOT_FOUND, RESOURCE_EXHAUSTED, UNAVAILABLE
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RequestInfo, RetryInfo

from assay.client import AsyncClient, Client, ServiceError, Tls, Violation, item
from assay.client.errors import ServiceError as Error
from assay.v1.scoring_pb2 import Item
from tests.assay_client.fake_service import OUTCOMES, Fake, Proxy, serving, status

CASES = [str(number) for number in range(OUTCOMES)]


class Blocking:
    """`Client` under the coroutines of `AsyncClient`: every call and every step of an iterator in a thread."""

    def __init__(self, *args, **kwargs):
        self.client = Client(*args, **kwargs)

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await asyncio.to_thread(self.client.close)

    def __getattr__(self, name):
        method = getattr(self.client, name)
        if name.startswith("list_") or name in {"watch", "score_stream"}:
            return lambda *args, **kwargs: self.iterate(method(*args, **kwargs))
        return partial(asyncio.to_thread, method)

    @staticmethod
    async def iterate(iterator):
        end = object()
        try:
            while (each := await asyncio.to_thread(next, iterator, end)) is not end:
                yield each
        finally:
            await asyncio.to_thread(iterator.close)


@pytest.fixture(params=[Blocking, AsyncClient], ids=["Client", "AsyncClient"])
def client_of(request):
    """A client by the port."""
    return lambda port, **kwargs: request.param(f"127.0.0.1:{port}", **kwargs)


@pytest.fixture
async def fake():
    """The service."""
    return Fake()


@pytest.fixture
async def port(fake):
    """Where it listens."""
    async with serving(fake) as port:
        yield port


@pytest.fixture
async def client(client_of, port):
    """A client of it."""
    async with client_of(port) as client:
        yield client


async def taken(iterator):
    return [each async for each in iterator]


def items(number, start=0):
    return (item(each, "measure.number", reply="x" * each) for each in range(start, number))


async def test_pages_are_one_iterator(client, fake):
    """Each page is asked for when it is needed."""
    assert [suite.name for suite in await taken(client.list_suites())] == [f"s{number}" for number in range(8)]
    assert [request.page_token for request in fake.requests] == ["", "3", "6"]


async def test_arguments_are_those_of_the_message(client, fake):
    """By their names."""
    await client.create_run({"name": "own", "tasks": [1]}, request_id="r", roles={"judge": "j"}, budget=0.0, case_deadline=1.5, options={"a": [None, 2]})
    request = fake.requests[0]
    assert (request.request_id, request.inline_suite["name"], list(request.inline_suite["tasks"])) == ("r", "own", [1.0])
    assert (dict(request.overrides.roles), request.overrides.budget, request.overrides.HasField("budget")) == ({"judge": "j"}, 0.0, True)
    assert request.overrides.case_deadline == Duration(seconds=1, nanos=500_000_000)
    assert list(request.overrides.options["a"]) == [None, 2.0]


async def test_a_run_whose_answer_was_lost_is_asked_for_under_the_same_id(client, fake):
    """One that the client made, where the caller has none."""
    fake.refusals = [status(UNAVAILABLE, "gone")]
    await client.create_run("quickstart")
    first, second = fake.requests
    assert first.request_id
    assert first == second
    assert not first.HasField("overrides")


async def test_what_may_not_be_done_twice_is_not_asked_again(client, fake):
    """It may have been done."""
    fake.refusals = [status(UNAVAILABLE, "gone")]
    with pytest.raises(ServiceError, match="gone"):
        await client.delete_run("run-1")
    assert len(fake.requests) == 1


async def test_an_error_has_its_details(client, fake):
    """Which fields, whose request, when again."""
    details = (
        BadRequest(field_violations=[BadRequest.FieldViolation(field="overrides.draws", description="found -1, expected 1 or more")]),
        ErrorInfo(reason="BAD_FIELD", domain="assay"),
        RequestInfo(request_id="r-7"),
        RetryInfo(retry_delay=Duration(seconds=2, nanos=500_000_000)),
    )
    fake.refusals = [status(INVALID_ARGUMENT, "the request is wrong", *details)]
    with pytest.raises(ServiceError) as caught:
        await client.create_run("quickstart")
    error = caught.value
    assert (error.code, error.message) == (grpc.StatusCode.INVALID_ARGUMENT, "the request is wrong")
    assert error.violations == (Violation("overrides.draws", "found -1, expected 1 or more"),)
    assert (error.reason, error.request_id, error.retry_after) == ("BAD_FIELD", "r-7", 2.5)
    assert str(error) == "INVALID_ARGUMENT: the request is wrong; overrides.draws: found -1, expected 1 or more (request r-7)"
    assert len(fake.requests) == 1


async def test_the_token_goes_with_every_call_and_into_no_error(client_of, fake, port):
    """Once, as a bearer's."""
    async with client_of(port, token="s3cret") as client:
        await client.get_run("a")
        await taken(client.watch("a"))
        fake.refusals = [status(NOT_FOUND, "no such run")]
        with pytest.raises(ServiceError) as caught:
            await client.get_run("b")
    assert [metadata["authorization"] for metadata in fake.metadata] == ["Bearer s3cret"] * 3
    assert "s3cret" not in repr(caught.value)


async def test_a_call_ends_at_its_timeout(client_of, fake, port):
    """Which is the call's own deadline."""
    fake.refusals = [status(UNAVAILABLE, "gone", RetryInfo(retry_delay=Duration(seconds=30)))]
    async with client_of(port, timeout=1.0) as client:
        with pytest.raises(ServiceError, match="gone"):
            await client.get_run("a")


async def test_nobody_there_is_told_soon(client_of):
    """Four tries."""
    async with client_of(1) as client:
        with pytest.raises(ServiceError) as caught:
            await taken(client.watch("a"))
    assert caught.value.code is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("step", [7, 1009])
async def test_a_watch_whose_connection_is_cut_again_and_again_has_every_outcome_once(client_of, fake, port, step):
    """In order, with the report at the end; connections end after so many bytes, wherever in a message that is."""
    async with Proxy(port, iter(range(600, 600 + 30 * step, step))) as proxy, client_of(proxy.port) as client:
        responses = await taken(client.watch("a"))
    assert [outcome.case_id for response in responses for outcome in response.outcomes] == CASES
    assert [response.report.run for response in responses if response.HasField("report")] == ["a"]
    assert len(fake.requests) > 1
    assert proxy.cuts > 1


async def test_outcomes_are_picked_up_in_the_same_way(client_of, port):
    """And come one by one."""
    async with Proxy(port, iter(range(100, 3000, 200))) as proxy, client_of(proxy.port) as client:
        assert [outcome.case_id for outcome in await taken(client.list_outcomes("a"))] == CASES


async def test_a_watch_goes_on_from_a_cursor(client):
    """Of an earlier response, in another process maybe."""
    first = [response async for response in client.watch("a")][:3]
    seen = [outcome.case_id for response in first for outcome in response.outcomes]
    rest = await taken(client.watch("a", first[-1].cursor))
    assert seen + [outcome.case_id for response in rest for outcome in response.outcomes] == CASES


async def test_a_watch_outlives_its_server(client_of):
    """It is gone for longer than a call is tried, and comes back as another."""
    first, second = Fake(), Fake()
    found = []
    async with contextlib.AsyncExitStack() as stack:
        async with serving(first) as port:
            client = await stack.enter_async_context(client_of(port))
            responses = client.watch("a")
            while len(found) < 100:
                found += [outcome.case_id for outcome in (await anext(responses)).outcomes]
            first.held.clear()
        rest = asyncio.ensure_future(taken(responses))
        await asyncio.sleep(1.5)
        await stack.enter_async_context(serving(second, port))
        found += [outcome.case_id for response in await rest for outcome in response.outcomes]
    assert found == CASES


async def test_patience_ends(client_of, fake):
    """With the error of the last try."""
    async with serving(fake) as port:
        client = client_of(port, patience=0.5)
        fake.held.clear()
        responses = asyncio.ensure_future(taken(client.watch("a")))
        await asyncio.sleep(0.3)
        assert fake.requests
    with pytest.raises(ServiceError) as caught:
        await responses
    assert caught.value.code is grpc.StatusCode.UNAVAILABLE
    await client.__aexit__()


async def test_a_refusal_is_not_asked_again(client, fake):
    """Only what the connection did."""
    fake.refusals = [status(FAILED_PRECONDITION, "no")] * 2
    with pytest.raises(ServiceError, match="no"):
        await taken(client.watch("a"))
    with pytest.raises(ServiceError, match="no"):
        await taken(client.score_stream(items(3)))


async def test_a_batch_has_its_results_in_order(client, fake):
    """One for each."""
    results = await client.score(list(items(5)), item_deadline=2)
    assert [(result.id, result.values[0].value) for result in results] == [(str(number), float(number)) for number in range(5)]
    assert fake.requests[0].item_deadline.seconds == 2


@pytest.mark.parametrize("step", [7, 1009])
async def test_a_stream_that_is_cut_sends_only_what_has_no_result(client_of, fake, port, step):
    """Every item has one result, and none is scored again once its result is here."""
    found = set()
    again = []
    fake.seen = lambda each: again.append(each.id) if each.id in found else None
    number = 1000
    async with Proxy(port, iter(range(600, 600 + 30 * step, step))) as proxy, client_of(proxy.port) as client:
        results = []
        async for result in client.score_stream(items(number), batch=50, in_flight=300):
            found.add(result.id)
            results.append(result.id)
    assert sorted(map(int, results)) == list(range(number))
    assert again == []
    assert proxy.cuts > 3


async def test_a_scorer_that_was_left_out_is_that_of_the_item_before(client_of, port):
    """Also when it is sent again without the one before it."""
    async with Proxy(port, iter(range(200, 2000, 90))) as proxy, client_of(proxy.port) as client:
        plain = (item(each, "measure.number") if each % 50 == 0 else Item(id=str(each), reply="xx") for each in range(300))
        results = await taken(client.score_stream(plain, batch=7))
    assert len(results) == 300
    assert {result.values[0].metric for result in results} == {"measure.number"}
    assert sum(result.values[0].value == 2.0 for result in results) == 294


async def test_a_stream_that_ends_too_soon_is_taken_up(client, fake):
    """Although its status was OK."""
    fake.ends_after = 5
    assert len({result.id for result in await taken(client.score_stream(items(20)))}) == 20


async def test_an_item_may_wait_for_the_result_of_the_one_before(client):
    """Nothing is kept back to fill a message."""
    known = threading.Semaphore(1)

    def one_by_one():
        for each in range(20):
            assert known.acquire(timeout=10)
            yield item(each, "measure.number")

    async def without_blocking():
        source = one_by_one()
        while (each := await asyncio.to_thread(next, source, None)) is not None:
            yield each

    found = []
    async for result in client.score_stream(without_blocking() if isinstance(client, AsyncClient) else one_by_one()):
        found.append(result.id)
        known.release()
    assert found == [str(number) for number in range(20)]


async def test_no_more_is_read_than_may_be_in_flight(client, fake):
    """While no result comes."""
    fake.held.clear()
    drawn = itertools.count()
    source = (item(next(drawn), "m") for _ in range(1000))
    results = asyncio.create_task(taken(client.score_stream(source, batch=10, in_flight=50)))
    await asyncio.sleep(0.5)
    assert next(drawn) == 51
    fake.held.set()
    found = await results
    assert len(found) == 1000


async def test_what_the_source_raises_comes_after_the_results_before_it(client):
    """They are paid for."""

    def source():
        yield from items(10)
        raise OSError("the file ended")

    results = client.score_stream(source())
    assert len([await anext(results) for _ in range(10)]) == 10
    with pytest.raises(OSError, match="the file ended"):
        await anext(results)


async def test_an_id_twice_among_items_without_a_result_is_an_error(client, fake):
    """And one that is used again after its result is none."""
    fake.held.clear()
    release = asyncio.get_running_loop().call_later(0.3, fake.held.set)
    with pytest.raises(ValueError, match="id '1' stands twice"):
        await taken(client.score_stream([item(1, "m"), item(1, "m")]))
    release.cancel()
    fake.held.set()
    assert len(await taken(client.score_stream([item(1, "m")]))) == 1


async def test_nothing_is_asked_for_no_item(client, fake):
    """Not even a stream."""
    assert await taken(client.score_stream([])) == []


async def test_leaving_a_stream_ends_its_call(client, fake):
    """On the other side too."""
    async with contextlib.aclosing(client.score_stream(items(10_000), in_flight=100)) as results:
        await anext(results)
        assert fake.streams == 1
    for _ in range(200):
        if not fake.streams:
            break
        await asyncio.sleep(0.02)
    assert fake.streams == 0


async def test_a_server_that_asks_for_a_pause_gets_it(client, fake):
    """Before the next try."""
    fake.refusals = [status(UNAVAILABLE, "draining", RetryInfo(retry_delay=Duration(nanos=600_000_000)))]
    loop = asyncio.get_running_loop()
    start = loop.time()
    await taken(client.score_stream(items(3)))
    assert loop.time() - start >= 0.6


async def test_a_stream_that_still_counts_as_open_is_waited_for(client, fake):
    """It broke, and the server did not see it yet."""
    fake.ends_after = 5
    fake.seen = lambda _: fake.refusals.append(too_many) if not fake.refusals and fake.ends_after else None
    too_many = status(RESOURCE_EXHAUSTED, "too many streams", RetryInfo(retry_delay=Duration(nanos=200_000_000)))
    assert len(await taken(client.score_stream(items(20)))) == 20


async def test_too_often_is_told_with_its_pause(client, fake):
    """Whoever asks decides."""
    fake.refusals = [status(RESOURCE_EXHAUSTED, "too often", RetryInfo(retry_delay=Duration(seconds=3)))]
    with pytest.raises(ServiceError) as caught:
        await client.score(list(items(1)))
    assert caught.value.retry_after == 3.0


def test_an_items_error_is_of_the_same_class():
    """With the same details; what cannot be read of them is left out."""
    found = status(INVALID_ARGUMENT, "no", BadRequest(field_violations=[BadRequest.FieldViolation(field="reply", description="found none")]))
    found.details.add(type_url="type.googleapis.com/google.rpc.ErrorInfo", value=b"\xff\xff")
    error = Error.of_status(found)
    assert (error.code, error.violations, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, (Violation("reply", "found none"),), "")


@pytest.mark.parametrize("message", ["Received RST_STREAM with error code 2", "Stream removed", "GOAWAY received"])
def test_what_the_transport_did_counts_as_broken(message):
    """Whatever status it was given."""
    assert Error(grpc.StatusCode.INTERNAL, message).broken
    assert not Error(grpc.StatusCode.INTERNAL, "a defect").broken


@pytest.mark.parametrize("address", ["example.org:1", "10.0.0.1:1", "dns:///localhost.example.org:1", "0.0.0.0:1", "[::]:1"])
def test_plain_text_beyond_this_machine_has_to_be_asked_for(address):
    """The token would be seen by others."""
    with pytest.raises(ValueError, match="insecure=True"):
        Client(address, token="t")
    Client(address, token="t", insecure=True).close()


@pytest.mark.parametrize("address", ["localhost:1", "127.0.0.1:1", "[::1]:1", "unix:/nowhere/socket"])
def test_this_machine_is_reached_in_plain_text(address):
    """By any of its names."""
    Client(address).close()


@pytest.mark.parametrize("token", ["", "a b", "a\n", "é", " a"])
def test_a_token_that_is_none_is_refused_and_not_shown(token):
    """Before anything is sent."""
    with pytest.raises(ValueError, match="assay token add") as caught:
        Client("localhost:1", token=token)
    assert not token.strip() or token not in str(caught.value).split()


def test_half_a_pair_is_refused():
    """Both or none."""
    with pytest.raises(ValueError, match="only one of cert and key"):
        Client("example.org:1", tls=Tls(cert="us.pem"))


def test_an_item_is_made_of_plain_values(tmp_path):
    """Pictures also by their paths."""
    (tmp_path / "a.png").write_bytes(b"a")
    made = item(7, "pope", options={"n": 1}, prompt="?", pictures=[b"b", tmp_path / "a.png"], drawn=[b"c"], reference=["yes", None], facts={"x": {"y": True}})
    assert (made.id, made.scorer.name, made.scorer.options["n"], made.prompt) == ("7", "pope", 1.0, "?")
    assert [each.data for each in made.pictures] + [each.data for each in made.drawn.pictures] == [b"b", b"a", b"c"]
    assert made.reference.list_value[0] == "yes"
    assert made.facts["x"]["y"] is True
    assert item("a", "pope", reply="").WhichOneof("output") == "reply"
    assert item("a", "pope").WhichOneof("output") is None
    assert not item("a", "pope").HasField("reference")
    with pytest.raises(ValueError, match="a reply and drawn"):
        item("a", "pope", reply="x", drawn=[])


async def test_tls_shows_who_both_are(client_of, fake, tmp_path):
    """And without its certificate the client is not heard."""
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=us")
    command = ["openssl", "req", "-x509", *key, "-keyout", tmp_path / "key", "-out", tmp_path / "cert", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(command, check=True, capture_output=True)
    pair = ((tmp_path / "key").read_bytes(), (tmp_path / "cert").read_bytes())
    async with serving(fake, credentials=grpc.ssl_server_credentials([pair], pair[1], require_client_auth=True)) as port:
        async with client_of(port, tls=Tls(tmp_path / "cert", tmp_path / "cert", tmp_path / "key")) as client:
            assert (await client.get_run("a")).name == "a"
        async with client_of(port, tls=Tls(tmp_path / "cert")) as client:
            with pytest.raises(ServiceError):
                await client.get_run("a")
