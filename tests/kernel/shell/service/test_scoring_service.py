"""Scoring over gRPC: what comes back for what is sent, right or wrong, and whom it concerns."""

from __future__ import annotations

import asyncio
import io
import struct
import time
import zlib

import pytest

pytest.importorskip("grpc", reason="needs the extra `service`")
pytest.importorskip("prometheus_client", reason="needs the extra `service`")

import grpc.aio
from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import MessageToDict
from PIL import Image

from assay.v1 import scoring_pb2 as pb
from assay.v1 import types_pb2
from assay.v1.scoring_pb2_grpc import ScoringStub
from kernel.shell.service import scoring
from kernel.shell.service.items import MOST_PICTURE, MOST_TEXT
from tests.kernel.shell.service.scoring_parts import Judge, scorers, until
from tests.kernel.shell.service.scoring_service import item, refusal, served, told

SCORED, FAILED, UNSCORED = (getattr(types_pb2, f"OUTCOME_STATUS_{name}") for name in ("SCORED", "FAILED", "UNSCORED"))


def png(width=4, height=4):
    file = io.BytesIO()
    Image.new("RGB", (width, height), (200, 30, 30)).save(file, "PNG")
    return file.getvalue()


def huge():
    """A PNG of a few bytes that says it has 90,000 by 90,000 pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 90_000, 90_000, 8, 2, 0, 0, 0)
    return png()[:8] + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


def pictures(*data):
    return [types_pb2.Picture(data=each) for each in data]


async def streamed(stub, *batches):
    """Results by id, and the messages in which they came."""
    messages = [message async for message in stub.ScoreStream(pb.ScoreStreamRequest(items=batch) for batch in batches)]
    return {result.id: result for message in messages for result in message.results}, messages


@pytest.fixture(scope="module")
async def service():
    async with served(scorers()) as running:
        yield running


async def test_a_batch_is_answered_in_its_order_and_a_stream_whole(service):
    items = [item(f"i{at}", reference="right", reply="right" if at % 3 else "wrong") for at in range(600)]
    response = await service.stub.Score(pb.ScoreRequest(items=items))
    results, messages = await streamed(service.stub, items[:400], [], items[400:])

    assert [result.id for result in response.results] == [each.id for each in items]
    assert {result.id: result for result in response.results} == results
    assert max(len(message.results) for message in messages) <= 256
    first = response.results[0]
    assert (first.status, first.reason, first.answer_found, first.HasField("error")) == (SCORED, "compared", True, False)
    assert [(value.metric, value.value) for value in first.values] == [("accuracy", 0.0), ("length", 5.0)]


async def test_a_failing_evaluator_has_no_value_and_a_missing_judge_leaves_unscored():
    held = scorers()
    held._cast = {}
    async with served(held) as service:
        items = [item("failed", options={"ends": "badly"}), item("unscored", "test.asking"), item("whole", reference="right")]
        failed, unscored, whole = (await service.stub.Score(pb.ScoreRequest(items=items))).results

    assert [each.status for each in (failed, unscored, whole)] == [FAILED, UNSCORED, SCORED]
    assert [value.HasField("value") for each in (failed, unscored) for value in each.values] == [False, False, False]
    assert "no model plays the judge" in unscored.reason


WRONG = {
    "no scorer": (item("x", ""), "INVALID_ARGUMENT", "scorer"),
    "a scorer without a name": (item("x", "", options={}), "INVALID_ARGUMENT", "scorer"),
    "an unknown scorer": (item("x", "test.sane"), "NOT_FOUND", "scorer.name"),
    "an unknown option": (item("x", options={"k": 3}), "INVALID_ARGUMENT", "scorer.options.k"),
    "a wrong option": (item("x", options={"size": [1]}), "INVALID_ARGUMENT", "scorer.options.size"),
    "an option of the server": (item("x", options={"data": "/etc"}), "INVALID_ARGUMENT", "scorer.options.data"),
    "no output": (item("x", output=None), "INVALID_ARGUMENT", "reply"),
    "pictures for a text": (item("x", drawn=pb.Pictures()), "INVALID_ARGUMENT", "reply"),
    "a text for pictures": (item("x", "test.painted"), "INVALID_ARGUMENT", "drawn"),
    "a reply too long": (item("x", reply="a" * (MOST_TEXT + 1)), "INVALID_ARGUMENT", "reply"),
    "a prompt too long": (item("x", prompt="a" * (MOST_TEXT + 1)), "INVALID_ARGUMENT", "prompt"),
    "no picture in a picture": (item("x", pictures=pictures(png(), b"")), "INVALID_ARGUMENT", "pictures[1].data"),
    "a picture that is none": (item("x", pictures=pictures(b"GIF89a" + bytes(99))), "INVALID_ARGUMENT", "pictures[0].data"),
    "a picture too large": (item("x", pictures=pictures(bytes(MOST_PICTURE + 1))), "INVALID_ARGUMENT", "pictures[0].data"),
    "a picture with too many pixels": (item("x", pictures=pictures(huge())), "INVALID_ARGUMENT", "pictures[0].data"),
    "a drawn picture that is none": (
        item("x", "test.painted", drawn=pb.Pictures(pictures=pictures(png(), b"\x89PNG"))),
        "INVALID_ARGUMENT",
        "drawn.pictures[1].data",
    ),
    "an unknown case": (item("x", case_id="case-11"), "NOT_FOUND", "case_id"),
    "a case and a prompt": (item("x", case_id="case-1", prompt="hello"), "INVALID_ARGUMENT", "prompt"),
    "a case and a reference": (item("x", case_id="case-1", reference=False), "INVALID_ARGUMENT", "reference"),
}


@pytest.mark.parametrize("kind", WRONG)
async def test_an_item_that_cannot_be_scored_has_its_own_error_and_the_others_their_results(service, kind):
    wrong, code, path = WRONG[kind]
    batch = [wrong, item("fine", reference="right")]
    one, fine = (await service.stub.Score(pb.ScoreRequest(items=batch))).results
    results, _ = await streamed(service.stub, [batch[1]], [item("other"), wrong] if wrong.HasField("scorer") else [item("other", "test.sane"), wrong])

    assert told(one.error) == (code, [f"items[0].{path}"])
    assert (fine.status, results["fine"].status) == (SCORED, SCORED)
    if wrong.HasField("scorer"):
        assert told(results["x"].error) == (code, [f"items[1].{path}"])
    assert len(one.error.message) < 400


async def test_in_a_stream_the_scorer_may_be_left_out_where_it_is_the_one_before(service):
    results, _ = await streamed(
        service.stub,
        [item("none", ""), item("a", reference="right"), item("b", "", reference="wrong")],
        [item("c", "", reference="right"), item("d", "test.sane"), item("e", ""), item("f", reference="right")],
    )

    assert [results[ident].values[0].value for ident in "abcf"] == [1, 0, 1, 1]
    assert told(results["none"].error) == ("INVALID_ARGUMENT", ["items[0].scorer"])
    assert told(results["e"].error) == ("NOT_FOUND", ["items[2].scorer.name"])


async def test_an_id_that_stands_twice_is_refused_to_the_second_alone_and_free_again_after_its_result(service):
    results = []
    call = service.stub.ScoreStream()
    for batch in ([item("a"), item("a"), item("b")], [item("a")]):
        await call.write(pb.ScoreStreamRequest(items=batch))
        expected = len(results) + len(batch)
        while len(results) < expected:
            results += (await call.read()).results
    await call.done_writing()
    assert await call.read() is grpc.aio.EOF

    codes = [told(result.error)[0] if result.HasField("error") else "OK" for result in results]
    assert sorted(zip((result.id for result in results[:3]), codes, strict=False)) == [("a", "ALREADY_EXISTS"), ("a", "OK"), ("b", "OK")]
    assert codes[3] == "OK"


@pytest.mark.parametrize("ident", ["", "a" * 129, "\u00e4" * 65])
async def test_an_id_has_1_to_128_bytes(service, ident):
    results, _ = await streamed(service.stub, [item(ident), item("fine")])
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await service.stub.Score(pb.ScoreRequest(items=[item("fine"), item(ident)]))

    assert told(results[ident].error) == ("INVALID_ARGUMENT", ["items[0].id"])
    assert results["fine"].status == SCORED
    assert refusal(error.value) == ("INVALID_ARGUMENT", ["items[1].id"])


@pytest.mark.parametrize(
    ("request_", "path"),
    [
        (pb.ScoreRequest(), "items"),
        (pb.ScoreRequest(items=[item(str(at)) for at in range(4097)]), "items"),
        (pb.ScoreRequest(items=[item("a"), item("b"), item("a")]), "items[2].id"),
        (pb.ScoreRequest(items=[item("a")], item_deadline=Duration()), "item_deadline"),
        (pb.ScoreRequest(items=[item("a")], item_deadline=Duration(seconds=-1)), "item_deadline"),
        (pb.ScoreRequest(items=[item("a")], item_deadline=Duration(seconds=601)), "item_deadline"),
    ],
)
async def test_a_batch_that_is_wrong_as_a_whole_is_refused_with_the_field(service, request_, path):
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await service.stub.Score(request_)

    assert refusal(error.value) == ("INVALID_ARGUMENT", [path])


async def test_a_stream_message_with_too_many_items_ends_the_stream_with_the_field(service):
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await streamed(service.stub, [item(str(at)) for at in range(4097)])

    assert refusal(error.value) == ("INVALID_ARGUMENT", ["items"])


@pytest.mark.parametrize("data", [b"\xff\xff\xff", pb.ScoreRequest(items=[item("abc")]).SerializeToString().replace(b"abc", b"a\xffc")])
@pytest.mark.parametrize("kind", ["unary_unary", "stream_stream"])
async def test_what_is_no_message_or_no_utf_8_is_an_invalid_argument_and_others_go_on(service, kind, data):
    method = f"/assay.v1.Scoring/{'Score' if kind == 'unary_unary' else 'ScoreStream'}"
    call = service.channel.unary_unary(method)(data) if kind == "unary_unary" else service.channel.stream_stream(method)(iter([data])).read()
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call

    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert (await service.stub.Score(pb.ScoreRequest(items=[item("a", reference="right")]))).results[0].status == SCORED


async def test_a_picture_of_100_mb_is_refused_by_its_message_and_others_go_on(service):
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await service.stub.Score(pb.ScoreRequest(items=[item("a", pictures=pictures(bytes(100_000_000)))]))

    assert error.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert (await service.stub.Score(pb.ScoreRequest(items=[item("a", reference="right")]))).results[0].status == SCORED


async def test_pictures_that_were_made_are_scored_and_none_is_an_answer_too(service):
    drawn = [pb.Pictures(pictures=pictures(png(), png())), pb.Pictures()]
    results, _ = await streamed(service.stub, [item(str(at), "test.painted", drawn=each) for at, each in enumerate(drawn)])

    assert [(results[at].reason, results[at].values[0].value) for at in "01"] == [("2 pictures", 1), ("0 pictures", 0)]


async def test_the_evaluators_own_cases_are_scored_by_their_ids(service):
    items = [item(f"{at}", case_id=f"case-{at}", options={"size": 3000}, reply="hello 2500") for at in (1, 2500, 2501)]
    results, _ = await streamed(service.stub, items)

    assert [results[ident].values[0].value for ident in ("1", "2500", "2501")] == [0, 1, 0]


async def test_what_is_known_first_comes_first():
    async with served(scorers(Judge(0.3))) as service:
        items = [item("slow", "test.asking"), *(item(f"fast-{at}") for at in range(5))]
        begun, came = time.monotonic(), []
        async for message in service.stub.ScoreStream(iter([pb.ScoreStreamRequest(items=items)])):
            came += [(result.id, time.monotonic() - begun) for result in message.results]

    assert [ident for ident, _ in came][-1] == "slow"
    assert came[-2][1] < 0.25 < came[-1][1]


async def test_an_item_ends_at_its_deadline_and_the_others_have_their_results():
    judge = Judge(60)
    async with served(scorers(judge)) as service:
        begun = time.monotonic()
        request = pb.ScoreRequest(items=[item("slow", "test.asking"), item("fast")], item_deadline=Duration(nanos=100_000_000))
        slow, fast = (await service.stub.Score(request)).results

    assert told(slow.error) == ("DEADLINE_EXCEEDED", [])
    assert fast.status == SCORED
    assert time.monotonic() - begun < 5
    assert judge.under_way == 0


@pytest.mark.parametrize("how", ["cancel", "deadline", "vanish"])
@pytest.mark.parametrize("kind", ["batch", "stream"])
async def test_a_client_that_gives_up_cancels_what_the_judge_does_for_it(kind, how):
    judge = Judge(60)
    async with served(scorers(judge)) as service, grpc.aio.insecure_channel(service.address) as channel:
        stub = ScoringStub(channel)
        items = [item(str(at), "test.asking") for at in range(20)]
        seconds = 0.5 if how == "deadline" else None
        call = stub.Score(pb.ScoreRequest(items=items), timeout=seconds) if kind == "batch" else stub.ScoreStream(timeout=seconds)
        if kind == "stream":
            await call.write(pb.ScoreStreamRequest(items=items))
        await until(lambda: judge.under_way == 20, pause=0.01)
        if how == "cancel":
            call.cancel()
        if how == "vanish":
            await channel.close(None)
        await until(lambda: not judge.under_way, 3, 0.01)

    assert (judge.under_way, judge.given_up) == (0, 20)


async def test_who_never_reads_is_not_read_from_and_disturbs_nobody(service):
    text = "x" * 2000
    call = service.stub.ScoreStream()
    sent = 0

    async def send():
        nonlocal sent
        while True:
            await call.write(pb.ScoreStreamRequest(items=[item(f"{sent}-{at}", reply=text) for at in range(256)]))
            sent += 256

    sending = asyncio.create_task(send())
    before = -1
    while sent != before:
        before = sent
        await asyncio.sleep(0.5)
    begun = time.monotonic()
    await service.stub.Score(pb.ScoreRequest(items=[item("a")]))
    quick = time.monotonic() - begun
    in_flight = service.metrics.registry.get_sample_value("assay_items_in_flight")
    sending.cancel()
    call.cancel()

    assert sent <= 200_000
    assert in_flight <= scoring.IN_FLIGHT + 2 * 256
    assert quick < 1


async def test_bytes_in_flight_are_bounded_too(monkeypatch):
    monkeypatch.setattr(scoring, "BYTES_IN_FLIGHT", 200_000)
    judge = Judge(0.05)
    async with served(scorers(judge)) as service:
        batches = [[item(f"{at}", "test.asking", reply="x" * 100_000)] for at in range(20)]
        results, _ = await streamed(service.stub, *batches)

    assert len(results) == 20
    assert judge.most <= 3


async def test_what_can_score_is_listed_by_the_page(service):
    whole = await service.stub.ListScorers(pb.ListScorersRequest())
    first = await service.stub.ListScorers(pb.ListScorersRequest(page_size=2))
    last = await service.stub.ListScorers(pb.ListScorersRequest(page_size=2, page_token=first.next_page_token))

    assert [*first.scorers, *last.scorers] == list(whole.scorers)
    assert (first.next_page_token, last.next_page_token, whole.next_page_token) == ("test.same", "", "")
    same = whole.scorers[-1]
    assert (same.name, same.title, same.reference) == ("test.same", "Is the reply the reference?", "a text.")
    assert MessageToDict(same.options_schema)["properties"]["size"]["type"] == "integer"
    assert [metric.name for metric in same.metrics] == ["accuracy", "length"]


@pytest.mark.parametrize(("asked", "path"), [({"page_size": -1}, "page_size"), ({"page_size": 1001}, "page_size"), ({"page_token": "no"}, "page_token")])
async def test_a_page_that_is_none_is_refused(service, asked, path):
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await service.stub.ListScorers(pb.ListScorersRequest(**asked))

    assert refusal(error.value) == ("INVALID_ARGUMENT", [path])


async def test_items_are_counted_by_scorer_and_status():
    async with served(scorers()) as service:
        await streamed(service.stub, [item("a"), item("b"), item("c", options={"ends": "badly"}), item("d", "test.sane")])
        count = service.metrics.registry.get_sample_value

        assert count("assay_items_total", {"scorer": "test.same", "status": "scored"}) == 2
        assert count("assay_items_total", {"scorer": "test.same", "status": "failed"}) == 1
        assert count("assay_items_total", {"scorer": "none", "status": "refused"}) == 1


@pytest.mark.slow
async def test_memory_is_flat_over_300_000_items(service):
    psutil = pytest.importorskip("psutil")
    batches = [pb.ScoreStreamRequest(items=[item(f"{first}-{at}", reference="right") for at in range(256)]) for first in range(40)]
    sizes, done = [], 0
    async for message in service.stub.ScoreStream(batches[at % 40] for at in range(300_000 // 256)):
        done += len(message.results)
        if done // 30_000 > len(sizes):
            sizes.append(psutil.Process().memory_info().rss / 2**20)

    assert done == 300_000 // 256 * 256
    assert max(sizes[2:]) - sizes[1] < 16
