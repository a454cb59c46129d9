"""The proxy to OpenAI's models, with the real SDK, against a vendor on loopback that answers as OpenAI documents."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import logging
import time
from dataclasses import replace

import pytest
from openai import AsyncOpenAI
from openai import OpenAI as Blocking
from PIL import Image

from gateway.conformance import CHECKS
from gateway.proxies import openai
from gateway.proxies.line import Answer
from gateway.proxies.openai import OpenAI
from kernel.contract import Deadline, Finish, Kind, Picture, Request, Sampling, Text, Turn
from kernel.errors import (
    BadReply,
    DeadlineExceeded,
    InvalidRequest,
    InvalidSpec,
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
from tests.vendors import openai_api as fake
from tests.vendors.openai_api import KEY, OpenAIApi

PLAIN, REASONING, IMAGES = "gpt-4.1", "gpt-6-astra", "gpt-image-2.5-flare"
HELLO = Request("gpt", (Text("Hello, GPT"),))
CAT = Request("gpt", (Text("a cat"),), kind=Kind.IMAGINE)
ENVIRONMENT = {
    "OPENAI_API_KEY": "sk-from-the-environment",
    "OPENAI_ADMIN_KEY": "sk-admin-from-the-environment",
    "OPENAI_ORG_ID": "org-from-the-environment",
    "OPENAI_PROJECT_ID": "proj-from-the-environment",
    "OPENAI_BASE_URL": "http://127.0.0.1:9",
    "OPENAI_CUSTOM_HEADERS": "Authorization: Bearer other\nX-Extra: 1",
}


@pytest.fixture
def asked(connected):
    """A proxy to a vendor that follows a script."""

    def ask(behaviour=None, *, model=PLAIN, key=KEY, script=None, **arguments):
        return connected(OpenAIApi, lambda **given: OpenAI(model=model, **{**given, **arguments}), key, behaviour=behaviour, script=script)

    return ask


def infer(proxy, request=None, seconds=10.0):
    """One call."""
    fitting = HELLO if proxy.kind is Kind.GENERATE else CAT
    return proxy.infer(request or fitting, deadline=Deadline.after(seconds))


async def failure(proxy, request=None, seconds=10.0):
    """The error of one call."""
    with pytest.raises(Exception) as caught:  # noqa: PT011
        await infer(proxy, request, seconds)
    return caught.value


def picture(form="PNG", size=(4, 3)):
    """A small picture."""
    held = io.BytesIO()
    Image.new("RGB", size, (1, 2, 3)).save(held, form)
    return Picture(held.getvalue())


LOOK = Request("gpt", (Text("What is this?"), picture()))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("request_", [HELLO, CAT], ids=["generate", "imagine"])
async def test_the_proxy_is_a_model_like_any_other(asked, request_, check):
    """It owes what every model owes."""
    proxy, _ = await asked(makes=request_.kind, model=PLAIN if request_ is HELLO else IMAGES)
    await check(proxy, request_)


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")  # aiohttp's advice to stream, which the SDK does not
@pytest.mark.parametrize("check", [check for check in CHECKS if "picture" in check.__name__], ids=lambda check: check.__name__)
async def test_it_treats_pictures_like_any_other(asked, check):
    """Large, damaged or none at all."""
    proxy, _ = await asked()
    await check(proxy, LOOK)


async def test_an_answer_says_who_answered_and_what_it_cost(asked):
    """The name is the one that was answered."""
    proxy, api = await asked(fake.answers(model="gpt-4.1-2025-04-14", usage={"prompt_tokens": 23, "completion_tokens": 3, "total_tokens": 26}))

    reply = await infer(proxy)

    assert (("Hello, GPT",), (Finish.STOP,), 23, 3) == (reply.texts, reply.finish, reply.input_tokens, reply.output_tokens)
    assert {"model": "gpt-4.1-2025-04-14", "request_id": "req_1", "system_fingerprint": fake.SYSTEM_FINGERPRINT} == reply.report
    assert [{"model": PLAIN, "messages": [{"role": "user", "content": "Hello, GPT"}]}] == api.bodies


async def test_a_request_arrives_part_by_part(asked):
    """System, history and parts in their order, the pictures as the bytes they were."""
    proxy, api = await asked()
    pictures = [picture(form) for form in ("PNG", "JPEG", "WEBP")]
    parts = (pictures[0], Text(" first\n"), pictures[1], pictures[2], Text("é🙂"))
    sampling = Sampling(n=2, max_tokens=7, temperature=0.0, top_p=0.9, seed=0, stop=("END", "\n\n"))

    reply = await infer(proxy, Request("gpt", parts, system="Be brief.", history=(Turn("user", "a"), Turn("assistant", "b")), sampling=sampling))

    body = api.bodies[0]
    system, *history, turn = body.pop("messages")
    assert {"model": PLAIN, "n": 2, "max_completion_tokens": 7, "temperature": 0.0, "top_p": 0.9, "seed": 0, "stop": ["END", "\n\n"]} == body
    assert {"role": "system", "content": "Be brief."} == system
    assert [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}] == history
    assert ["image_url", "text", "image_url", "image_url", "text"] == [part["type"] for part in turn["content"]]
    split = [part["image_url"]["url"].split(";base64,") for part in turn["content"] if part["type"] == "image_url"]
    assert ["data:image/png", "data:image/jpeg", "data:image/webp"] == [kind for kind, _ in split]
    assert [each.data for each in pictures] == [base64.b64decode(data) for _, data in split]
    assert [" first\n", "é🙂"] == [part["text"] for part in turn["content"] if part["type"] == "text"]
    assert (("é🙂", "é🙂"), (Finish.STOP,) * 2) == (reply.texts, reply.finish)
    assert "not_honoured" not in reply.report


EVERYTHING = Sampling(n=1, max_tokens=9, temperature=0.5, top_p=0.5, seed=1, stop=("x",), steps=4, guidance=2.0, width=1024, height=1024)
OF_PICTURES = {"steps", "guidance", "width", "height"}


@pytest.mark.parametrize(
    ("model", "arguments", "left_out"),
    [
        (PLAIN, {}, set()),
        (PLAIN, {"leave_out": ["seed", "max_tokens"]}, {"seed", "max_tokens"}),
        ("gpt-4o", {}, set()),
        ("gpt-5.1", {}, set()),
        ("gpt-5-chat-latest", {}, set()),
        ("gpt-oss-20b", {}, set()),
        ("o1", {}, {"temperature", "top_p"}),
        ("o3-2025-04-16", {}, {"temperature", "top_p", "stop"}),
        ("o4-mini", {}, {"temperature", "top_p", "stop"}),
        ("gpt-5", {}, {"temperature", "top_p", "stop"}),
        ("gpt-5-mini-2025-08-07", {}, {"temperature", "top_p", "stop"}),
        ("gpt-5.5", {}, {"temperature", "top_p"}),
        ("gpt-5.6-sol", {}, {"temperature", "top_p"}),
        ("gpt-6.1-sol", {}, {"temperature", "top_p"}),
        (REASONING, {"leave_out": ["n"]}, {"temperature", "top_p", "n"}),
        (f"openai/{REASONING}", {}, {"temperature", "top_p"}),
    ],
)
async def test_what_is_not_sent_is_listed(asked, model, arguments, left_out):
    """Nothing is dropped in silence."""
    proxy, api = await asked(model=model, **arguments)

    reply = await infer(proxy, replace(HELLO, sampling=EVERYTHING))

    assert sorted(left_out | OF_PICTURES) == reply.report["not_honoured"]
    theirs = {"max_tokens": "max_completion_tokens"}
    sent = {theirs.get(name, name) for name in set(EVERYTHING.as_dict()) - left_out - OF_PICTURES}
    assert sent == set(api.bodies[0]) - {"model", "messages"}


@pytest.mark.parametrize(
    ("arguments", "sampling", "sent"),
    [
        ({}, Sampling(), {}),
        ({"max_tokens": 64}, Sampling(), {"max_completion_tokens": 64}),
        ({"max_tokens": 64}, Sampling(max_tokens=8), {"max_completion_tokens": 8}),
        ({"max_tokens": 64, "old_max_tokens": True}, Sampling(), {"max_tokens": 64}),
    ],
)
async def test_the_catalog_bounds_an_answer_that_the_request_does_not(asked, arguments, sampling, sent):
    """Under the name that the server knows."""
    proxy, api = await asked(**arguments)

    await infer(proxy, replace(HELLO, sampling=sampling))

    assert sent == {name: value for name, value in api.bodies[0].items() if "tokens" in name}


REFUSED = "Unsupported parameter: 'temperature' is not supported with this model."


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        (fake.fails(400, REFUSED, "unsupported_parameter", param="temperature"), "list temperature under leave_out"),
        (fake.fails(400, REFUSED), "list temperature under leave_out"),
        (fake.fails(400, "Unsupported value: 'temperature' does not support 0.", "unsupported_value", param="temperature"), "list temperature under"),
        (fake.fails(400, "Unrecognized request argument supplied: seed", param="seed"), "list seed under leave_out"),
        (fake.fails(400, "Unknown parameter: 'max_completion_tokens'.", "unknown_parameter"), "set old_max_tokens of this model to true"),
        (fake.fails(400, "Unsupported parameter: 'max_tokens' is not supported.", param="max_tokens"), "set old_max_tokens of this model to false"),
        (fake.fails(400, "Unsupported value: 'messages[0].role' does not support 'system'", param="messages[0].role"), "messages"),
    ],
)
async def test_a_parameter_that_the_vendor_refuses_is_named(asked, behaviour, said):
    """With what to do about it."""
    proxy, _ = await asked(behaviour)

    error = await failure(proxy)

    assert type(error) is Unsupported
    assert said in str(error)
    assert said.startswith("messages") is ("leave_out" not in str(error) and "old_max" not in str(error))


async def test_a_refused_value_is_not_a_refused_parameter(asked):
    """A value out of range is a fault of the request."""
    proxy, _ = await asked(fake.fails(400, "Invalid 'temperature': decimal above maximum value.", "decimal_above_max_value", param="temperature"))

    assert type(await failure(proxy)) is InvalidRequest


@pytest.mark.parametrize(
    ("arguments", "expected", "said"),
    [
        ({"leave_out": ["temprature"]}, UnknownName, "temperature"),
        ({"makes": "embed"}, InvalidSpec, "generate, imagine"),
        ({"key": "\n"}, Unauthenticated, "empty"),
    ],
)
async def test_what_cannot_be_meant_is_found_at_the_start(asked, arguments, expected, said):
    """A catalog that says what cannot be is refused."""
    with pytest.raises(expected, match=said):
        await asked(**arguments)


AZURE = {"hate": {"filtered": False, "severity": "safe"}, "violence": {"filtered": True, "severity": "high"}}


@pytest.mark.parametrize(
    ("changed", "text", "finish", "report"),
    [
        ({"finish_reason": "length"}, "Hello, GPT", Finish.LENGTH, {}),
        ({"finish_reason": "length", "content": None}, "", Finish.LENGTH, {}),
        ({"content": None}, "", Finish.STOP, {"empty": True}),
        ({"content": ""}, "", Finish.STOP, {"empty": True}),
        ({"content": ..., "refusal": ...}, "", Finish.STOP, {"empty": True}),
        ({"content": "None"}, "None", Finish.STOP, {}),
        ({"finish_reason": "content_filter", "content": None}, "", Finish.CONTENT_FILTER, {}),
        ({"finish_reason": "content_filter", "content_filter_results": AZURE}, "Hello, GPT", Finish.CONTENT_FILTER, {"filtered": ["violence"]}),
        ({"content": None, "refusal": "I cannot."}, "I cannot.", Finish.REFUSAL, {"refusal": True}),
        ({"finish_reason": "eos_token"}, "Hello, GPT", Finish.STOP, {"finish_reason": "eos_token"}),
        ({"usage": None, "model": ..., "system_fingerprint": None}, "Hello, GPT", Finish.STOP, {}),
    ],
)
async def test_why_an_answer_ended(asked, changed, text, finish, report):
    """An empty answer, a cut, a filtered and a refused one are told apart, and null is no text."""
    proxy, _ = await asked(fake.answers(**changed))

    reply = await infer(proxy)

    assert ((text,), (finish,)) == (reply.texts, reply.finish)
    assert report == {name: value for name, value in reply.report.items() if name not in ("model", "request_id", "system_fingerprint")}
    assert ((None, None) if "usage" in changed else (2, len(text.split()) if "content" not in changed else reply.output_tokens)) == (
        reply.input_tokens,
        reply.output_tokens,
    )


SAFETY = "Your request was rejected by the safety system. safety_violations=[violence, self-harm/intent]."
FLAGGED = "Invalid prompt: your prompt was flagged as potentially violating our usage policy."


@pytest.mark.parametrize("makes", ["generate", "imagine"])
@pytest.mark.parametrize(
    ("behaviour", "code", "filtered"),
    [
        (fake.fails(400, "policy", "content_policy_violation"), "content_policy_violation", None),
        (fake.fails(400, SAFETY, "moderation_blocked", kind="image_generation_user_error"), "moderation_blocked", ["self-harm/intent", "violence"]),
        (
            fake.fails(400, "no", "moderation_blocked", moderation_details={"moderation_stage": "output", "categories": ["sexual"]}),
            "moderation_blocked",
            ["sexual"],
        ),
        (
            fake.fails(400, "no", "content_filter", innererror={"code": "ResponsibleAIPolicyViolation", "content_filter_result": AZURE}),
            "content_filter",
            ["violence"],
        ),
        (fake.fails(400, "no", "content_filter", innererror="odd", moderation_details=[]), "content_filter", None),
        (fake.fails(400, FLAGGED, "invalid_prompt"), "invalid_prompt", None),
        (fake.fails(400, "flagged", "cyber_policy", kind="invalid_request"), "cyber_policy", None),
    ],
)
async def test_a_filter_is_an_answer(asked, makes, behaviour, code, filtered):
    """One for each sample, empty, and with what the vendor says of it."""
    proxy, _ = await asked(behaviour, makes=makes, model=PLAIN if makes == "generate" else IMAGES)
    request = replace(HELLO if makes == "generate" else CAT, sampling=Sampling(n=2, steps=3))

    reply = await infer(proxy, request)

    assert ((Finish.CONTENT_FILTER,) * 2, ()) == (reply.finish, reply.pictures)
    assert (("", "") if makes == "generate" else ()) == reply.texts
    expected = {"filter": code, "filtered": filtered, "not_honoured": ["steps"], "request_id": "req_failed"}
    assert {name: value for name, value in expected.items() if value} == reply.report


async def test_a_prompt_that_is_invalid_otherwise_is_none(asked):
    """The code alone does not say that a policy refused it."""
    proxy, _ = await asked(fake.fails(400, "Invalid prompt: it is too long", "invalid_prompt"))

    assert type(await failure(proxy)) is InvalidRequest


@pytest.mark.parametrize(
    ("behaviour", "expected", "said", "wait"),
    [
        (fake.rate_limited(), RateLimited, "429", None),
        (fake.rate_limited("7"), RateLimited, "Rate limit", 7.0),
        (fake.rate_limited("soon"), RateLimited, "429", None),
        (fake.out_of_quota, QuotaExhausted, "exceeded your current quota", None),
        (fake.fails(429, "no credits", "credit_balance_exhausted", kind="insufficient_quota"), QuotaExhausted, "no credits", None),
        (fake.fails(429, "spent", "a_new_code", kind="insufficient_quota"), QuotaExhausted, "spent", None),
        (fake.fails(400, "Billing hard limit", "billing_hard_limit_reached"), QuotaExhausted, "hard limit", None),
        (fake.fails(402, "Pay first"), QuotaExhausted, "Pay first", None),
        (fake.fails(408, "timeout"), Unavailable, "408", None),
        (fake.fails(409, "conflict"), Unavailable, "409", None),
        (fake.fails(500, "The server had an error"), Unavailable, "500: The server", None),
        (fake.fails(500, "Content", "content_filter"), Unavailable, "500", None),
        (fake.overloaded, Unavailable, "503", None),
        (fake.fails(529, "busy"), Unavailable, "529", None),
        (fake.sends("<html>bad gateway</html>", 502, "text/html"), Unavailable, "502: <html>bad gateway", None),
        (fake.sends('{"detail": "not there"}', 404), ModelNotFound, "not there", None),
        (fake.sends('{"error": "asleep"}', 503), Unavailable, "asleep", None),
        (fake.sends('{"object": "error", "message": "too long", "code": 400}', 400), InvalidRequest, "too long", None),
        (fake.sends('{"error": {"message": "\\ud800"}}', 400), InvalidRequest, "400", None),
        (fake.sends("[1]", 400), InvalidRequest, "400", None),
        (fake.fails(401, "who are you"), Unauthenticated, "401", None),
        (fake.fails(403, "not here"), PermissionDenied, "not here", None),
        (fake.fails(404, "The model does not exist", "model_not_found"), ModelNotFound, "does not exist", None),
        (fake.fails(413, "too large"), TooLarge, "413", None),
        (fake.fails(400, "too many tokens", "context_length_exceeded"), InvalidRequest, "too many", None),
        (fake.sends("", 307, location="http://127.0.0.1:9/"), ModelFault, "307", None),
        (fake.sends('{"choices": [{"mess'), BadReply, "no JSON object", None),
        (fake.sends("all is well", content_type="text/plain"), BadReply, "no JSON object", None),
        (fake.sends("[]"), BadReply, "no JSON object", None),
        (fake.sends('{"a": NaN}'), BadReply, "no JSON object", None),
        (fake.sends('{"error": {"message": "odd", "code": 502}}'), BadReply, "200 with an error: odd", None),
        (fake.sends("{}"), BadReply, "choices", None),
        (fake.answers(choices=[]), BadReply, "no choices", None),
        (fake.answers(choices={}), BadReply, "choices of type dict", None),
        (fake.answers(choices=["text"]), BadReply, "message", None),
        (fake.answers(message=...), BadReply, "message", None),
        (fake.answers(message="Hello"), BadReply, "message of type str", None),
        (fake.answers(content=["Hello"]), BadReply, "content of type list", None),
        (fake.answers(refusal=True), BadReply, "refusal", None),
        (fake.answers(finish_reason=None), BadReply, "finish_reason", None),
        (fake.answers(model=7), BadReply, "model", None),
        (fake.answers(usage=[]), BadReply, "usage", None),
        (fake.answers(usage={"prompt_tokens": -1}), BadReply, "prompt_tokens", None),
        (fake.answers(usage={"prompt_tokens": True}), BadReply, "prompt_tokens", None),
        (fake.sends("{}", **{"Content-Encoding": "gzip"}), Unavailable, "line", None),
        (fake.broken_off(), Unavailable, "line", None),
        (fake.unanswered, Unavailable, "line", None),
    ],
)
async def test_every_failure_has_its_own_error_and_costs_one_call(asked, behaviour, expected, said, wait):
    """Who asks again is the policy, not the SDK; and nothing becomes a reply that is none."""
    proxy, api = await asked(behaviour)

    error = await failure(proxy)

    assert (expected, wait, 1) == (type(error), error.retry_after, api.calls)
    assert said in str(error)


@pytest.mark.parametrize("address", [None, "http://127.0.0.1:1/v1", "http://name.invalid/v1"])
async def test_a_missing_vendor_is_unavailable(asked, address):
    """Nobody listens there, or never did. That is not a matter of time."""
    proxy, api = await asked(**({} if address is None else {"base_url": address}))
    await api.runner.cleanup()

    assert type(await failure(proxy)) is Unavailable


@pytest.mark.parametrize("behaviour", [fake.slow(60.0), fake.broken_off(pause=0.1)], ids=["silent", "trickling"])
async def test_the_deadline_is_for_the_whole_call(asked, behaviour):
    """Bytes that keep coming do not prolong it."""
    proxy, api = await asked(behaviour)
    began = time.monotonic()

    error = await failure(proxy, seconds=0.5)

    assert (DeadlineExceeded, 1) == (type(error), api.calls)
    assert time.monotonic() - began < 5


async def test_the_sdk_keeps_the_deadline_too(asked, monkeypatch):
    """Its own time-out is the same end, not a broken line."""
    longer = asyncio.timeout
    monkeypatch.setattr(asyncio, "timeout", lambda seconds: longer(seconds + 30))
    proxy, _ = await asked(fake.slow(60.0))

    assert type(await failure(proxy, seconds=0.5)) is DeadlineExceeded


async def test_hundreds_are_in_flight(asked):
    """All of them at once, none behind another."""
    proxy, api = await asked(fake.together(300))

    replies = await asyncio.gather(*(infer(proxy, seconds=60.0) for _ in range(300)))

    assert ({"Hello, GPT"}, 300) == ({reply.text for reply in replies}, api.calls)


async def test_a_fifth_of_the_calls_fail(asked):
    """Each by itself, and no call of another is lost with it."""
    broken = [fake.rate_limited("0"), fake.overloaded, fake.broken_off()]
    proxy, api = await asked(script=lambda number: fake.answers() if number % 5 else broken[number // 5 % 3])

    outcomes = await asyncio.gather(*(infer(proxy, replace(HELLO, parts=(Text(str(number)),))) for number in range(100)), return_exceptions=True)

    failed = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert (100, 20) == (api.calls, len(failed))
    assert all(error.retryable for error in failed)
    assert all(outcome.text == str(number) for number, outcome in enumerate(outcomes) if outcome not in failed)


@pytest.mark.parametrize(
    ("request_", "expected", "said"),
    [
        (replace(HELLO, parts=()), InvalidRequest, "no part"),
        (replace(HELLO, parts=(Picture(b"GIF89a" + bytes(9)),)), InvalidRequest, "PNG, JPEG or WebP"),
        (replace(HELLO, parts=(Text("a\ud800"),)), InvalidRequest, "JSON"),
        (replace(HELLO, sampling=Sampling(temperature=float("nan"))), InvalidRequest, "JSON"),
        (replace(HELLO, parts=(picture(),) * 1501), TooLarge, "takes 1,500"),
        (replace(HELLO, parts=(Text("x" * 5000),)), TooLarge, "takes 4,096"),
        (replace(HELLO, negative="no dogs"), Unsupported, "negative"),
        (replace(HELLO, kind=Kind.IMAGINE), Unsupported, "imagine"),
        (replace(CAT, kind=Kind.GENERATE), Unsupported, "generate"),
        (replace(CAT, negative="no dogs"), Unsupported, "negative"),
        (replace(CAT, parts=(picture(),)), Unsupported, "one text"),
        (replace(CAT, system="Be brief."), Unsupported, "one text"),
        (replace(CAT, history=(Turn("user", "a"),)), Unsupported, "one text"),
        (replace(CAT, parts=(Text("x" * 32_001),)), TooLarge, "takes 32,000"),
        (replace(CAT, sampling=Sampling(n=11)), InvalidRequest, "makes 10"),
        (replace(CAT, sampling=Sampling(width=1000, height=1000)), InvalidRequest, "multiples of 16"),
        (replace(CAT, sampling=Sampling(width=3840, height=1264)), InvalidRequest, "at most 3:1"),
        (replace(CAT, sampling=Sampling(width=3856, height=2048)), InvalidRequest, "3,840 pixels a side"),
        (replace(CAT, sampling=Sampling(width=3840, height=2176)), InvalidRequest, "8,294,400 in all"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_limits_are_named_before_the_call(asked, monkeypatch, request_, expected, said):
    """The vendor is not asked what it is known to refuse."""
    monkeypatch.setattr(openai, "MOST_BYTES", 4096 if said == "takes 4,096" else openai.MOST_BYTES)
    images = said not in ("no part", "JSON") and (request_.parts[:1] == CAT.parts or request_.kind is Kind.IMAGINE) and said != "imagine"
    proxy, api = await asked(makes="imagine" if images else "generate", model=IMAGES if images else PLAIN)

    with pytest.raises(expected, match=said):
        await infer(proxy, request_)

    assert 0 == api.calls


async def test_pictures_are_made(asked):
    """As many as asked for, in the size asked for, and what has no place in this API is listed."""
    proxy, api = await asked(makes="imagine", model=IMAGES)
    sampling = Sampling(n=3, width=1536, height=864, seed=1, steps=20, guidance=7.5, temperature=0.5, max_tokens=7)

    reply = await infer(proxy, replace(CAT, sampling=sampling))

    assert [{"model": IMAGES, "prompt": "a cat", "n": 3, "size": "1536x864"}] == api.bodies
    assert ([fake.png(number) for number in range(3)], (Finish.STOP,) * 3) == ([each.data for each in reply.pictures], reply.finish)
    assert (5, 7) == (reply.input_tokens, reply.output_tokens)
    assert {
        "not_honoured": ["guidance", "max_tokens", "seed", "steps", "temperature"],
        "request_id": "req_1",
        "size": "1536x864",
        "usage": {"input_tokens": 5, "output_tokens": 7},
    } == reply.report


@pytest.mark.parametrize(
    ("model", "arguments", "sampling", "sent", "not_honoured"),
    [
        (IMAGES, {}, Sampling(), {}, []),
        (IMAGES, {}, Sampling(width=512), {}, ["width"]),
        (IMAGES, {"leave_out": ["n"]}, Sampling(n=1), {}, ["n"]),
        (IMAGES, {"leave_out": ["width"]}, Sampling(width=512, height=512), {}, ["height", "width"]),
        ("gpt-image-1.5", {}, Sampling(width=1024, height=1536), {"size": "1024x1536"}, []),
        ("flux", {}, Sampling(width=500, height=20), {"size": "500x20", "response_format": "b64_json"}, []),
        ("flux", {"leave_out": ["response_format"]}, Sampling(), {}, []),
    ],
)
async def test_what_is_asked_of_models_of_pictures(asked, model, arguments, sampling, sent, not_honoured):
    """GPT image models always send base64; others have to be told."""
    proxy, api = await asked(makes="imagine", model=model, **arguments)

    reply = await infer(proxy, replace(CAT, sampling=sampling))

    assert sent == {name: value for name, value in api.bodies[0].items() if name not in ("model", "prompt")}
    assert not_honoured == reply.report.get("not_honoured", [])


async def test_older_models_of_pictures_make_three_sizes(asked):
    """Others are refused before the call."""
    proxy, api = await asked(makes="imagine", model="gpt-image-1-mini")

    assert "1536x1024" in str(await failure(proxy, replace(CAT, sampling=Sampling(width=512, height=512))))
    assert 0 == api.calls


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"data": []}, "no data"),
        ({"data": ...}, "data of type NoneType"),
        ({"data": ["a"]}, "b64_json"),
        ({"data": [{"b64_json": "no base64!"}]}, "picture that is none"),
        ({"data": [{"b64_json": base64.b64encode(b"GIF89a").decode()}]}, "picture that is none"),
        ({"data": [{"url": "http://127.0.0.1:9/a.png"}]}, "addresses are not followed"),
        ({"usage": {"input_tokens": "5"}}, "input_tokens"),
    ],
)
async def test_an_answer_without_a_picture_is_none(asked, changed, said):
    """And no address is followed."""
    proxy, _ = await asked(fake.answers(**changed), makes="imagine", model=IMAGES)

    error = await failure(proxy)

    assert type(error) is BadReply
    assert said in str(error)


async def test_a_prompt_that_was_rewritten_is_told(asked):
    """The picture shows what the vendor made of it."""
    data = [{"b64_json": base64.b64encode(fake.png()).decode(), "revised_prompt": "a very nice cat"}]
    proxy, _ = await asked(fake.answers(data=data), makes="imagine", model=IMAGES)

    assert ["a very nice cat"] == (await infer(proxy)).report["revised_prompts"]


def behind(error):
    """The error and everything that hangs on it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize(
    "behaviour",
    [
        fake.repeats_the_key(),
        fake.repeats_the_key(400, "unsupported_parameter", param="seed"),
        fake.repeats_the_key(429, "insufficient_quota"),
        fake.sends(f'{{"error": {{"message": "{"x" * 470} {KEY}"}}}}'),
        fake.sends(f'{{"detail": ["{KEY}"]}}', 422),
        fake.sends(f"<html>{KEY}</html>", 502, "text/html"),
        fake.sends(f'{{"broken": "{KEY}'),
        fake.sends(f'{{"{KEY}": 1, "{KEY}": 2}}'),
        fake.broken_off(),
        fake.unanswered,
        fake.slow(60.0),
    ],
)
async def test_the_key_is_told_to_nobody(asked, behaviour, caplog):
    """Not in a message, not behind it, not in a log at its most talkative."""
    caplog.set_level(logging.DEBUG)
    for name in ("openai", "httpx2", "httpcore2", "aiohttp", "asyncio"):
        caplog.set_level(logging.DEBUG, name)
    proxy, api = await asked(behaviour)

    error = await failure(proxy, seconds=1.0)

    told = [text for each in behind(error) for text in (str(each), repr(each), repr(vars(each)))] + [repr(proxy), repr(vars(proxy)), str(proxy)]
    assert [error] == list(behind(error))
    for piece in (KEY, KEY[:16], KEY[-8:]):
        assert not any(piece in text for text in told)
    assert api.key not in caplog.text
    assert "HTTP" in caplog.text


async def test_the_environment_changes_nothing(asked, monkeypatch):
    """Key, address and headers are those of the catalog."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    proxy, api = await asked()
    other, its = await asked(organization="org-1", project="proj-1")

    await infer(proxy)
    await infer(other)

    headers = [{name.lower(): value for name, value in each.headers[0].items()} for each in (api, its)]
    assert [f"Bearer {KEY}"] * 2 == [each["authorization"] for each in headers]
    assert [(None, None), ("org-1", "proj-1")] == [(each.get("openai-organization"), each.get("openai-project")) for each in headers]
    assert not any("x-extra" in each for each in headers)


async def test_the_address_is_openais_own_where_none_is_given(asked, monkeypatch):
    """Not the environment's. Nothing is sent."""
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9")
    proxy, _ = await asked(base_url=None)

    assert "https://api.openai.com/v1/" == str(proxy._client.base_url)


async def test_another_key_is_refused(asked):
    """The vendor on loopback looks at it."""
    proxy, _ = await asked(key="sk-another")

    assert type(await failure(proxy)) is Unauthenticated


async def test_the_lines_of_a_batch_hold_the_same_bodies(asked):
    """What is asked and what is answered can be had without a call."""
    proxy, api = await asked()
    await infer(proxy)

    assert api.bodies[0] == proxy.ask(HELLO)
    assert "Hello, GPT" == proxy.answer(HELLO, Answer(200, fake.answer_to(fake.CHAT, proxy.ask(HELLO)), {})).text
    with pytest.raises(RateLimited):
        proxy.answer(HELLO, Answer(429, fake.told("slow down", "rate_limit_exceeded"), {}))


async def run_batch(client, asks, endpoint=fake.CHAT):
    """Upload, create and poll, as the guide says."""
    lines = [{"custom_id": name, "method": "POST", "url": endpoint, "body": body} for name, body in asks]
    sent = await client.files.create(file=("asks.jsonl", fake.jsonl(lines)), purpose="batch")
    batch = await client.batches.create(input_file_id=sent.id, endpoint=endpoint, completion_window="24h", metadata={"run": "1"})
    states = [batch.status]
    while states[-1] in ("validating", "in_progress"):
        batch = await client.batches.retrieve(batch.id)
        states.append(batch.status)
    names = (batch.output_file_id, batch.error_file_id)
    files = [[] if name is None else [json.loads(line) for line in (await client.files.content(name)).text.splitlines()] for name in names]
    return batch, states, *files


@pytest.mark.parametrize(("end", "status"), [("failed", "completed"), ("expired", "expired")])
async def test_the_vendor_on_loopback_runs_batches(end, status):
    """Results come after so many looks, in another order, and some with an error."""
    ends = {"a": "completed", "b": "failed", "c": end, "d": "completed", "e": "completed", "f": "completed"}
    asks = [(name, {"model": PLAIN, "messages": [{"role": "user", "content": name}]}) for name in ends]
    async with OpenAIApi(outcome=ends.get, polls=3) as api, AsyncOpenAI(api_key=KEY, base_url=api.url, max_retries=0) as client:
        batch, states, done, failed = await run_batch(client, asks)

    assert ["validating", "in_progress", "in_progress", status] == states
    assert (6, 4, {"run": "1"}) == (batch.request_counts.total, batch.request_counts.completed, batch.metadata)
    assert list("adef") == sorted(line["custom_id"] for line in done) != [line["custom_id"] for line in done]
    assert all(line["custom_id"] == line["response"]["body"]["choices"][0]["message"]["content"] for line in done)
    assert {"b", "c"} == {line["custom_id"] for line in failed}
    assert ("expired" == end) == any((line["error"] or {}).get("code") == "batch_expired" for line in failed)
    assert 4 == api.paid


async def test_the_vendor_on_loopback_refuses_doubled_ids():
    """The whole batch fails, and has no files."""
    asks = [("a", {"model": PLAIN, "messages": []})] * 2
    async with OpenAIApi() as api, AsyncOpenAI(api_key=KEY, base_url=api.url, max_retries=0) as client:
        batch, _, done, failed = await run_batch(client, asks)

    assert ("failed", "duplicate_custom_id", [], []) == (batch.status, batch.errors.data[0].code, done, failed)


async def test_the_vendor_on_loopback_runs_batches_of_pictures():
    """With what a batch may spoil: a line that nobody asked for."""
    asks = [("a", {"model": IMAGES, "prompt": "a cat"})]
    async with (
        OpenAIApi(lines=lambda found: [*found, {**found[0], "custom_id": "foreign"}]) as api,
        AsyncOpenAI(api_key=KEY, base_url=api.url, max_retries=0) as client,
    ):
        _, _, done, _ = await run_batch(client, asks, fake.IMAGES)

    assert ["a", "foreign"] == [line["custom_id"] for line in done]
    assert fake.png() == base64.b64decode(done[0]["response"]["body"]["data"][0]["b64_json"])


def test_the_vendor_on_loopback_runs_in_a_thread():
    """For callers without a loop of their own."""
    with OpenAIApi().in_thread() as api, Blocking(api_key=KEY, base_url=api.url, max_retries=0) as client:
        answer = client.chat.completions.create(model=PLAIN, messages=[{"role": "user", "content": "one two"}])

    assert ("one two", 1) == (answer.choices[0].message.content, api.calls)


async def test_the_vendor_on_loopback_refuses_what_openai_refuses(asked):
    """Old names, and what a model that reasons does not take."""
    proxy, _ = await asked(model=REASONING, old_max_tokens=True)

    assert "set old_max_tokens of this model to false" in str(await failure(proxy, replace(HELLO, sampling=Sampling(max_tokens=5))))


def test_the_limits_are_the_documented_ones():
    """A changed number is a changed refusal."""
    assert (1500, 512_000_000, 10, 32_000, 16, 3, 3840, 8_294_400) == (
        openai.MOST_PICTURES,
        openai.MOST_BYTES,
        openai.MOST_IMAGES,
        openai.MOST_CHARACTERS,
        openai.STEP,
        openai.STEEPEST,
        openai.LONGEST_SIDE,
        openai.MOST_PIXELS,
    )
