"""The proxy to Claude, with the real SDK, against a vendor on loopback that answers as Anthropic documents."""

from __future__ import annotations

import asyncio
import base64
import io
import logging
import time
from dataclasses import replace

import pytest
from anthropic import Anthropic as Blocking
from anthropic import AsyncAnthropic
from PIL import Image

from gateway.conformance import CHECKS
from gateway.proxies import anthropic
from gateway.proxies.anthropic import Anthropic
from kernel.contract import Deadline, Finish, Kind, Picture, Request, Sampling, Text, Turn
from kernel.errors import (
    BadReply,
    DeadlineExceeded,
    InvalidRequest,
    ModelFault,
    ModelNotFound,
    PermissionDenied,
    QuotaExhausted,
    RateLimited,
    TooLarge,
    Unauthenticated,
    Unavailable,
    UnknownName,
    Unsupported,
)
from tests.vendors import anthropic_api as fake
from tests.vendors.anthropic_api import KEY, AnthropicApi

CURRENT, OLDER = "claude-opus-5-5", "claude-haiku-4-5"
HELLO = Request("claude", (Text("Hello, Claude"),))
ENVIRONMENT = {
    "ANTHROPIC_API_KEY": "sk-from-the-environment",
    "ANTHROPIC_AUTH_TOKEN": "token-from-the-environment",
    "ANTHROPIC_BASE_URL": "http://127.0.0.1:9",
    "ANTHROPIC_CUSTOM_HEADERS": "x-api-key: sk-from-the-headers\nauthorization: Bearer other\nX-Extra: 1",
}


@pytest.fixture
def asked(connected):
    """A proxy to a vendor that follows a script."""

    def ask(behaviour=None, *, model=CURRENT, key=KEY, script=None, **arguments):
        return connected(AnthropicApi, lambda **given: Anthropic(model=model, **{**given, **arguments}), key, behaviour=behaviour, script=script)

    return ask


def infer(proxy, request=HELLO, seconds=10.0):
    """One call."""
    return proxy.infer(request, deadline=Deadline.after(seconds))


async def failure(proxy, request=HELLO, seconds=10.0):
    """The error of one call."""
    with pytest.raises(Exception) as caught:  # noqa: PT011
        await infer(proxy, request, seconds)
    return caught.value


def picture(form="PNG", size=(4, 3), mode="RGB"):
    """A picture of one colour."""
    held = io.BytesIO()
    Image.new(mode, size).save(held, form)
    return Picture(held.getvalue())


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("parts", [HELLO.parts, (*HELLO.parts, picture())], ids=["text", "picture"])
async def test_the_proxy_is_a_model_like_any_other(asked, check, parts):
    """It owes what every model owes."""
    proxy, _ = await asked()
    await check(proxy, replace(HELLO, parts=parts))


async def test_an_answer_says_who_answered_and_what_it_cost(asked):
    """The name is the one that was answered; tokens that were read from a cache or written to it count."""
    usage = {"input_tokens": 5, "cache_creation_input_tokens": 7, "cache_read_input_tokens": 11, "output_tokens": 3}
    proxy, api = await asked(fake.answers(model="claude-opus-5-5-20260922", usage=usage))

    reply = await infer(proxy)

    assert (("Hello, Claude",), (Finish.STOP,), 23, 3) == (reply.texts, reply.finish, reply.input_tokens, reply.output_tokens)
    expected = {"model": "claude-opus-5-5-20260922", "request_id": "req_1", "cache_creation_input_tokens": 7, "cache_read_input_tokens": 11}
    assert expected == reply.report
    assert {"model": CURRENT, "max_tokens": 1024, "messages": [{"role": "user", "content": [{"type": "text", "text": "Hello, Claude"}]}]} == api.bodies[0]


async def test_a_request_arrives_part_by_part(asked):
    """System, history and parts in their order, the pictures as the bytes they were."""
    proxy, api = await asked()
    pictures = [picture(form) for form in ("PNG", "JPEG", "WEBP")]
    parts = (pictures[0], Text(" first\n"), pictures[1], pictures[2], Text("é🙂"))
    sampling = Sampling(max_tokens=7, stop=("END", "\n\n"), n=1)

    reply = await infer(proxy, Request("claude", parts, system="Be brief.", history=(Turn("user", "a"), Turn("assistant", "b")), sampling=sampling))

    body = api.bodies[0]
    assert ("Be brief.", 7, ["END", "\n\n"]) == (body["system"], body["max_tokens"], body["stop_sequences"])
    *history, turn = body["messages"]
    assert [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}] == history
    assert ["image", "text", "image", "image", "text"] == [block["type"] for block in turn["content"]]
    sources = [block["source"] for block in turn["content"] if block["type"] == "image"]
    assert ["image/png", "image/jpeg", "image/webp"] == [source["media_type"] for source in sources]
    assert [each.data for each in pictures] == [base64.b64decode(source["data"]) for source in sources]
    assert [" first\n", "é🙂"] == [block["text"] for block in turn["content"] if block["type"] == "text"]
    assert ("é🙂", {"model": CURRENT, "request_id": "req_1"}) == (reply.text, reply.report)


EVERYTHING = Sampling(n=3, max_tokens=9, temperature=0.5, seed=1, stop=("x",), steps=4, guidance=2.0, width=8, height=8)


@pytest.mark.parametrize(
    ("model", "arguments", "sent"),
    [
        (CURRENT, {}, {"stop"}),
        ("claude-opus-4-7", {}, {"stop"}),
        ("claude-fable-5", {}, {"stop"}),
        (OLDER, {}, {"stop", "temperature"}),
        ("claude-haiku-4-5-20251001", {}, {"stop", "temperature"}),
        ("claude-sonnet-4-6", {"leave_out": ["temperature", "stop"]}, set()),
        ("claude-opus-4-6", {"send": ["top_p"]}, {"stop", "temperature"}),
    ],
)
async def test_what_is_not_sent_is_listed(asked, model, arguments, sent):
    """Nothing is dropped in silence."""
    proxy, api = await asked(model=model, **arguments)

    reply = await infer(proxy, replace(HELLO, sampling=EVERYTHING))

    assert sorted({"n", "seed", "steps", "guidance", "width", "height", "temperature", "stop"} - sent) == reply.report["not_honoured"]
    theirs = {"stop": "stop_sequences", "temperature": "temperature"}
    assert {theirs[name] for name in sent} == set(api.bodies[0]) - {"model", "max_tokens", "messages"}
    assert ("2023-06-01" if "temperature" in sent else "2026-10-21") == api.headers[0]["anthropic-version"]


@pytest.mark.parametrize(
    ("model", "sampling", "named"),
    [(CURRENT, Sampling(temperature=0.0), "temperature"), (OLDER, Sampling(temperature=0.0, top_p=0.9), "temperature, top_p")],
)
async def test_a_parameter_that_the_vendor_refuses_is_named(asked, model, sampling, named):
    """With what to do about it."""
    proxy, _ = await asked(model=model, send=["temperature", "top_p"])

    error = await failure(proxy, replace(HELLO, sampling=sampling))

    assert type(error) is Unsupported
    assert f"list {named} under leave_out" in str(error)


async def test_a_refused_value_is_not_a_refused_parameter(asked):
    """A value out of range is a fault of the request."""
    proxy, _ = await asked(fake.fails(400, "invalid_request_error", "temperature: Input should be less than or equal to 1"), model=OLDER)

    assert type(await failure(proxy, replace(HELLO, sampling=Sampling(temperature=2.0)))) is InvalidRequest


@pytest.mark.parametrize(("argument", "names"), [("leave_out", ["temprature"]), ("leave_out", ["max_tokens"]), ("send", ["seed"])])
async def test_names_that_are_none_are_found_at_the_start(asked, argument, names):
    """A catalog that says what cannot be is refused."""
    with pytest.raises(UnknownName, match=names[0]):
        await asked(**{argument: names})


THOUGHT = [{"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "text", "text": "a"}, {"type": "new"}, {"type": "text", "text": "b"}]


@pytest.mark.parametrize(
    ("changed", "texts", "finish", "report"),
    [
        ({"stop_reason": "stop_sequence"}, "Hello, Claude", Finish.STOP, {}),
        ({"stop_reason": "max_tokens"}, "Hello, Claude", Finish.LENGTH, {}),
        ({"stop_reason": "max_tokens", "content": []}, "", Finish.LENGTH, {"empty": True}),
        ({"content": []}, "", Finish.STOP, {"empty": True}),
        ({"content": [{"type": "text", "text": ""}]}, "", Finish.STOP, {"empty": True}),
        ({"stop_reason": "model_context_window_exceeded"}, "Hello, Claude", Finish.LENGTH, {"stop_reason": "model_context_window_exceeded"}),
        ({"stop_reason": "a_new_one"}, "Hello, Claude", Finish.STOP, {"stop_reason": "a_new_one"}),
        ({"content": THOUGHT}, "ab", Finish.STOP, {}),
    ],
)
async def test_why_an_answer_ended(asked, changed, texts, finish, report):
    """An empty answer, a cut one and one that ended for a reason of its own are told apart; thoughts are no part of the text."""
    proxy, _ = await asked(fake.answers(**changed))

    reply = await infer(proxy)

    assert ((texts,), (finish,)) == (reply.texts, reply.finish)
    assert report == {name: value for name, value in reply.report.items() if name not in ("model", "request_id")}


@pytest.mark.parametrize("text", ["", "I can tell"])
async def test_a_refusal_is_no_empty_answer(asked, text):
    """With what the vendor says of it."""
    proxy, _ = await asked(fake.refuses(text, category="cyber", explanation="It could enable harm."))

    reply = await infer(proxy)

    assert ((text,), (Finish.REFUSAL,)) == (reply.texts, reply.finish)
    assert (True, "cyber") == (reply.report["refusal"], reply.report["refusal_details"]["category"])
    assert "empty" not in reply.report


SPEND = {"error_code": "enforced_spend_limit_reached"}


@pytest.mark.parametrize(
    ("behaviour", "expected", "said", "wait"),
    [
        (fake.rate_limited(), RateLimited, "429", None),
        (fake.rate_limited("7"), RateLimited, "rate limit", 7.0),
        (fake.rate_limited("soon"), RateLimited, "429", None),
        (fake.fails(500, "api_error", "Internal server error"), Unavailable, "500: Internal", None),
        (fake.overloaded, Unavailable, "529: Overloaded", None),
        (fake.sends("<html>bad gateway</html>", 502, "text/html"), Unavailable, "bad gateway", None),
        (fake.fails(504, "timeout_error", "Request timed out"), Unavailable, "504", None),
        (fake.fails(403, "permission_error", "not yours"), PermissionDenied, "not yours", None),
        (fake.fails(404, "not_found_error", "model: claude-opus-9"), ModelNotFound, "claude-opus-9", None),
        (fake.fails(413, "request_too_large", "Request exceeds the maximum size"), TooLarge, "maximum", None),
        (fake.fails(400, "invalid_request_error", "prompt is too long"), InvalidRequest, "too long", None),
        (fake.fails(400, "invalid_request_error", "Too big", details={"error_code": "image_dimensions_too_large"}), TooLarge, "Too big", None),
        (fake.fails(400, "invalid_request_error", "On hold", details={"error_code": "organization_on_hold"}), PermissionDenied, "On hold", None),
        (fake.fails(400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API."), QuotaExhausted, "credit", None),
        (fake.fails(400, "invalid_request_error", "You have reached your specified API usage limits."), QuotaExhausted, "limits", None),
        (fake.fails(402, "billing_error", "Pay first"), QuotaExhausted, "Pay first", None),
        (fake.fails(429, "rate_limit_error", "Spent", details=SPEND, retry_after="60"), QuotaExhausted, "Spent", 60.0),
        (fake.fails(302, "moved", "elsewhere", location="http://127.0.0.1:9/"), ModelFault, "302", None),
        (fake.sends('{"id": "msg_01", "content": [{"te'), BadReply, "no JSON", None),
        (fake.sends("all is well", content_type="text/plain"), BadReply, "no JSON", None),
        (fake.sends("[]"), BadReply, "no JSON", None),
        (fake.sends('{"type": "error", "error": {"message": "odd"}}'), BadReply, "odd", None),
        (fake.answers(content=None), BadReply, "content", None),
        (fake.answers(content=[{"type": "text", "text": None}]), BadReply, "text", None),
        (fake.answers(content=["text"]), BadReply, "type", None),
        (fake.answers(usage=...), BadReply, "usage", None),
        (fake.answers(usage={"input_tokens": -1, "output_tokens": 1}), BadReply, "input_tokens", None),
        (fake.answers(stop_reason=None), BadReply, "stop_reason", None),
        (fake.answers(model=...), BadReply, "model", None),
        (fake.broken_off(), Unavailable, "line", None),
    ],
)
async def test_every_failure_has_its_own_error_and_costs_one_call(asked, behaviour, expected, said, wait):
    """Who asks again is the policy, not the SDK; and nothing becomes a reply that is none."""
    proxy, api = await asked(behaviour)

    error = await failure(proxy)

    assert (expected, wait, 1) == (type(error), error.retry_after, api.calls)
    assert said in str(error)


# aiohttp advises against bodies as large as this in one piece; they are one piece already.
@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
async def test_a_large_picture_arrives_as_it_was(asked):
    """Close below the limit."""
    proxy, api = await asked()
    large = Picture(picture().data + bytes(7 * 1024 * 1024))

    await infer(proxy, Request("claude", (large,)), seconds=60.0)

    assert large.data == base64.b64decode(api.bodies[0]["messages"][0]["content"][0]["source"]["data"])


async def test_a_missing_vendor_is_unavailable(asked):
    """Nobody listens there."""
    proxy, api = await asked()
    await api.runner.cleanup()

    error = await failure(proxy)

    assert type(error) is Unavailable
    assert "Connect call failed" in str(error)


@pytest.mark.parametrize("behaviour", [fake.slow(60.0), fake.broken_off(pause=0.1)], ids=["silent", "trickling"])
async def test_the_deadline_is_for_the_whole_call(asked, behaviour):
    """Bytes that keep coming do not prolong it."""
    proxy, api = await asked(behaviour)
    began = time.monotonic()

    error = await failure(proxy, seconds=0.5)

    assert (DeadlineExceeded, 1) == (type(error), api.calls)
    assert time.monotonic() - began < 5


async def test_hundreds_are_in_flight(asked):
    """All of them at once, none behind another."""
    proxy, api = await asked(fake.together(300))

    replies = await asyncio.gather(*(infer(proxy, seconds=60.0) for _ in range(300)))

    assert ({"Hello, Claude"}, 300) == ({reply.text for reply in replies}, api.calls)


@pytest.mark.parametrize(
    ("parts", "expected", "said"),
    [
        ((), InvalidRequest, "no part"),
        ((Text("a"), Text("")), InvalidRequest, r"parts\[1\]"),
        ((Text(" \n"),), InvalidRequest, r"parts\[0\]"),
        ((Picture(b"GIF89a" + bytes(9)),), InvalidRequest, "PNG, JPEG or WebP"),
        ((Picture(picture().data[:20]),), InvalidRequest, "header"),
        ((Picture(picture().data + bytes(8 * 1024 * 1024)),), TooLarge, "10,485,760"),
        ((picture(size=(8001, 1)),), TooLarge, "8,000"),
        ((picture(size=(20_000, 10_000), mode="1"),), TooLarge, "8,000"),
        ((picture(size=(1, 2001)), *[picture()] * 20), TooLarge, "2,000 in a request of more than 20"),
        ((picture(),) * 601, TooLarge, "601 pictures"),
        ((Picture(picture().data + bytes(7 * 1024 * 1024)),) * 4, TooLarge, "33,554,432"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_limits_are_named_before_the_call(asked, parts, expected, said):
    """The vendor is not asked what it is known to refuse."""
    proxy, api = await asked()

    with pytest.raises(expected, match=said):
        await infer(proxy, Request("claude", parts))

    assert 0 == api.calls


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (replace(HELLO, history=(Turn("user", ""),)), InvalidRequest),
        (replace(HELLO, negative="no dogs"), Unsupported),
        (replace(HELLO, kind=Kind.IMAGINE), Unsupported),
    ],
)
async def test_what_the_api_cannot_be_asked(asked, request_, expected):
    """It is refused, not left out."""
    proxy, api = await asked()

    assert (expected, 0) == (type(await failure(proxy, request_)), api.calls)


async def test_smaller_models_take_fewer_pictures(asked):
    """100 where the context is 200,000 tokens."""
    proxy, _ = await asked(model=OLDER)

    assert "takes 100" in str(await failure(proxy, Request("claude", (picture(),) * 101)))


def behind(error):
    """The error and everything that hangs on it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize(
    "behaviour",
    [
        fake.repeats_the_key(),
        fake.repeats_the_key(400, "invalid_request_error"),
        fake.sends(f'{{"type": "error", "error": {{"message": "{"x" * 470} {KEY}"}}}}'),
        fake.sends(f"<html>{KEY}</html>", 502, "text/html"),
        fake.sends(f'{{"broken": "{KEY}'),
        fake.broken_off(),
        fake.slow(60.0),
    ],
)
async def test_the_key_is_told_to_nobody(asked, behaviour, caplog):
    """Not in a message, not behind it, not in a log at its most talkative."""
    caplog.set_level(logging.DEBUG)
    proxy, _ = await asked(behaviour)

    error = await failure(proxy, seconds=1.0)

    told = [text for each in behind(error) for text in (str(each), repr(each), repr(vars(each)))] + [repr(proxy), repr(vars(proxy)), str(proxy)]
    assert [error] == list(behind(error))
    for piece in (KEY, KEY[:16], KEY[-8:]):
        assert not any(piece in text for text in told)
    assert "/v1/messages" in caplog.text
    assert KEY not in caplog.text


def test_a_key_that_no_header_can_hold_is_told_to_nobody(tmp_path, caplog):
    """Two lines in the file of the key: refused before anything is sent."""
    caplog.set_level(logging.DEBUG)
    (tmp_path / "key").write_text("sk-ant-first\nsecond-line")

    with pytest.raises(Unauthenticated) as caught:
        Anthropic(model="claude-sonnet-4-6", key_file=str(tmp_path / "key"))

    assert "second-line" not in f"{caught.value} {caplog.text}"


async def test_the_environment_changes_nothing(asked, monkeypatch):
    """Key, address and headers are those of the catalog."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    proxy, api = await asked()

    await infer(proxy)

    headers = {name.lower(): value for name, value in api.headers[0].items()}
    assert f"Bearer {KEY}" == headers["authorization"]
    assert not {"x-api-key", "x-extra"}.intersection(headers)


async def test_without_a_key_nothing_starts(asked):
    """The key is in the file, or nowhere."""
    with pytest.raises(Unauthenticated, match="empty"):
        await asked(key="\n")


async def test_another_key_is_refused(asked):
    """The vendor on loopback looks at it."""
    proxy, _ = await asked(key="sk-another")

    assert type(await failure(proxy)) is Unauthenticated


async def test_the_script_tells_call_by_call(asked):
    """What the tests of the policy stand on."""
    proxy, api = await asked(script=lambda number: fake.overloaded if number % 2 else fake.answers())

    errors = [await failure(proxy), await infer(proxy), await failure(proxy)]

    assert [Unavailable, 3, 1] == [type(errors[0]), api.calls, api.paid]


async def test_the_vendor_on_loopback_runs_batches(tmp_path):
    """Results come after so many looks, in another order, and some with an error."""
    ends = {"a": "succeeded", "b": "errored", "c": "expired", "d": "canceled", "e": "succeeded"}
    asks = [{"custom_id": name, "params": {"model": CURRENT, "max_tokens": 1, "messages": [{"role": "user", "content": name}]}} for name in ends]
    async with AnthropicApi(outcome=ends.get, polls=2) as api, AsyncAnthropic(api_key=KEY, base_url=api.url, max_retries=0) as client:
        batch = await client.messages.batches.create(requests=asks)
        assert ("in_progress", None) == (batch.processing_status, batch.results_url)
        assert "in_progress" == (await client.messages.batches.retrieve(batch.id)).processing_status
        ended = await client.messages.batches.retrieve(batch.id)
        assert ("ended", 2, 1) == (ended.processing_status, ended.request_counts.succeeded, ended.request_counts.expired)
        lines = [line async for line in await client.messages.batches.results(batch.id)]
        counted = await client.messages.count_tokens(model=CURRENT, messages=[{"role": "user", "content": "one two"}])

    assert ends == {line.custom_id: line.result.type for line in lines}
    assert list(ends) != [line.custom_id for line in lines]
    assert {"a", "e"} == {line.result.message.content[0].text for line in lines if line.result.type == "succeeded"}
    assert (2, 2) == (counted.input_tokens, api.paid)


def test_the_vendor_on_loopback_runs_in_a_thread():
    """For callers without a loop of their own."""
    with AnthropicApi().in_thread() as api, Blocking(api_key=KEY, base_url=api.url, max_retries=0) as client:
        message = client.messages.create(model=CURRENT, max_tokens=5, messages=[{"role": "user", "content": "one two"}])

    assert ("one two", 1) == (message.content[0].text, api.calls)


def test_the_limits_are_the_documented_ones():
    """A changed number is a changed refusal."""
    assert (600, 100, 10_485_760, 8000, 20, 2000, 33_554_432) == (
        anthropic.MOST_PICTURES,
        anthropic.MOST_PICTURES_SMALLER,
        anthropic.MOST_ENCODED,
        anthropic.MOST_SIDE,
        anthropic.MANY_PICTURES,
        anthropic.MOST_SIDE_OF_MANY,
        anthropic.MOST_BYTES,
    )
