"""The proxy to the Perspective API, against a vendor on loopback that answers as Google documents."""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from dataclasses import replace

import numpy as np
import pytest

from gateway.conformance import CHECKS
from gateway.proxies.perspective import ATTRIBUTES, MOST_BYTES, Perspective
from gateway.repository import BUNDLED, read_folder
from gateway.session import open_gateway
from kernel.contract import Deadline, Kind, Picture, Request, Text, Turn
from kernel.errors import (
    BadReply,
    DeadlineExceeded,
    InvalidRequest,
    InvalidSpec,
    ModelFault,
    ModelNotFound,
    PermissionDenied,
    RateLimited,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Unsupported,
)
from tests.vendors import perspective_api as fake
from tests.vendors.openai_api import sends, unanswered
from tests.vendors.perspective_api import KEY, PerspectiveApi, score

HELLO = Request("perspective", (Text("Hello"),), kind=Kind.CLASSIFY)


def said(text):
    """A request with this text."""
    return replace(HELLO, parts=(Text(text),))


@pytest.fixture
def asked(connected):
    """A proxy to a vendor that follows a script."""

    def ask(behaviour=None, *, key=KEY, **arguments):
        return connected(PerspectiveApi, lambda **given: Perspective(**{**given, **arguments}), key, behaviour=behaviour)

    return ask


def infer(proxy, request=HELLO, seconds=10.0):
    """One call."""
    return proxy.infer(request, deadline=Deadline.after(seconds))


async def failure(proxy, request=HELLO, seconds=10.0):
    """The error of one call."""
    with pytest.raises(Exception) as caught:  # noqa: PT011
        await infer(proxy, request, seconds)
    return caught.value


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_the_proxy_is_a_model_like_any_other(asked, check):
    """It owes what every model owes."""
    proxy, _ = await asked()
    await check(proxy, HELLO)


def test_the_columns_are_the_folders():
    """In the same order."""
    folder = read_folder(BUNDLED / "perspective", "perspective")

    assert (ATTRIBUTES, Kind.CLASSIFY) == (folder.description.signature.classes, folder.description.signature.kind)
    assert () == folder.description.faults


@pytest.mark.parametrize(
    ("arguments", "columns", "sent"),
    [
        ({}, ATTRIBUTES, {}),
        ({"attributes": ["THREAT", "FLIRTATION"], "language": "en"}, ("THREAT", "FLIRTATION"), {"languages": ["en"]}),
        ({"language": "de"}, ATTRIBUTES, {"languages": ["de"]}),
    ],
)
async def test_a_text_has_a_score_for_each_attribute(asked, arguments, columns, sent):
    """In the order asked for; nothing is stored, and the language is told as the vendor took it."""
    proxy, api = await asked(**arguments)

    reply = await infer(proxy, said("né 漢字 👩‍👧"))

    body = {"comment": {"text": "né 漢字 👩‍👧"}, "requestedAttributes": {name: {} for name in columns}, "doNotStore": True, **sent}
    assert [body] == api.bodies
    assert (tuple(score(name, "né 漢字 👩‍👧") for name in columns),) == reply.rows
    assert {"languages": sent.get("languages", ["en"]), "detected_languages": ["en"]} == reply.report


async def test_the_key_goes_in_a_header(asked):
    """And not in the address, which ends in logs; a wrong one is refused as such, although the status is that of a bad request."""
    proxy, api = await asked()
    other, _ = await asked(key="AIza-another")

    await infer(proxy)

    assert KEY == api.headers[0]["X-Goog-Api-Key"]
    assert KEY not in proxy.address
    assert type(await failure(other)) is Unauthenticated
    with pytest.raises(Unauthenticated, match="empty"):
        await asked(key="\n")


async def test_the_address_is_googles_own_where_none_is_given(asked):
    """Nothing is sent."""
    proxy, _ = await asked(base_url=None)

    assert "https://commentanalyzer.googleapis.com/v1alpha1/comments:analyze" == proxy.address


@pytest.mark.parametrize("attributes", [[], ["THREAT", "THREAT"]])
async def test_attributes_that_are_no_columns_are_refused_at_the_start(asked, attributes):
    """Each column is one attribute."""
    with pytest.raises(InvalidSpec, match="expected one or more names, each once"):
        await asked(attributes=attributes)


@pytest.mark.parametrize(
    ("request_", "expected", "why"),
    [
        (replace(HELLO, parts=()), InvalidRequest, "no part"),
        (replace(HELLO, parts=(Text("a"), Text("b"))), TooLarge, "2 texts, Perspective takes 1"),
        (replace(HELLO, parts=(Picture(b"\x89PNG"),)), Unsupported, "pictures"),
        (said("é" * (MOST_BYTES // 2) + "!"), TooLarge, "20,481 bytes, Perspective takes 20,480"),
        (said("a\ud800"), InvalidRequest, "surrogate"),
        (replace(HELLO, kind=Kind.EMBED), Unsupported, "can classify; the request wants embed"),
        (replace(HELLO, system="Be brief."), Unsupported, "system text"),
        (replace(HELLO, history=(Turn("user", "a"),)), Unsupported, "history"),
        (replace(HELLO, negative="a"), Unsupported, "negative"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_the_vendor_would_refuse_is_refused_before(asked, request_, expected, why):
    """No call is made for it."""
    proxy, api = await asked()

    error = await failure(proxy, request_)

    assert (expected, 0) == (type(error), api.calls)
    assert why in str(error)


async def test_the_longest_text_is_taken(asked):
    """To the last byte."""
    proxy, api = await asked()

    assert 1 == len((await infer(proxy, said("é" * (MOST_BYTES // 2)))).rows)
    assert 1 == api.calls


@pytest.mark.parametrize(
    ("arguments", "text", "why"),
    [
        ({}, " \n", "Comment must be non-empty"),
        ({"attributes": ["FLIRTATION"], "language": "de"}, "Hallo", "does not support request languages: de"),
        ({"attributes": ["TOXCITY"]}, "Hello", "Unknown requested attribute: TOXCITY"),
    ],
)
async def test_what_the_vendor_finds_wrong_with_a_request_is_told(asked, arguments, text, why):
    """As a fault of the request, in the vendor's words."""
    proxy, _ = await asked(**arguments)

    error = await failure(proxy, said(text))

    assert type(error) is InvalidRequest
    assert why in str(error)
    assert ("under language of this model" in str(error)) is ("languages" in why)


@pytest.mark.parametrize(
    ("behaviour", "expected", "why", "wait"),
    [
        (fake.rate_limited(), RateLimited, "Quota exceeded", None),
        (fake.rate_limited("7"), RateLimited, "429", 7.0),
        (fake.fails(400, "Unable to detect language", errorType="LANGUAGE_DETECTION_FAILED"), InvalidRequest, "name the text's language", None),
        (fake.fails(501, "no such language", errorType="LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE"), InvalidRequest, "501", None),
        (fake.fails(400, "Comment text too long.", errorType="COMMENT_TOO_LONG"), TooLarge, "too long", None),
        (fake.fails(400, "API key expired.", reason="API_KEY_INVALID"), Unauthenticated, "expired", None),
        (fake.fails(403, "has not been used in project", reason="SERVICE_DISABLED"), PermissionDenied, "project", None),
        (fake.fails(404, "gone"), ModelNotFound, "gone", None),
        (fake.fails(500, "Internal error encountered."), Unavailable, "Internal", None),
        (fake.fails(503, "The service is currently unavailable."), Unavailable, "503", None),
        (sends("<html>bad gateway</html>", 502, "text/html"), Unavailable, "502: <html>bad gateway", None),
        (sends("", 500), Unavailable, "500: no reason given", None),
        (sends('{"error": "asleep"}', 503), Unavailable, "asleep", None),
        (sends('{"error": {"details": ["odd"]}}', 400), InvalidRequest, "odd", None),
        (sends('{"error": {"message": "no", "details": {}}}', 400), InvalidRequest, "400: no", None),
        (sends("[1]", 400), InvalidRequest, "400", None),
        (sends("", 307, location="http://127.0.0.1:9/"), ModelFault, "307", None),
        (sends('{"attributeScores": {"TOX'), BadReply, "no JSON object", None),
        (sends("[]"), BadReply, "no JSON object", None),
        (sends("{}"), BadReply, "attributeScores of type NoneType", None),
        (fake.answers(INSULT=...), BadReply, "INSULT is None; expected a number from 0 to 1", None),
        (fake.answers(INSULT="0.1"), BadReply, "INSULT is '0.1'", None),
        (fake.answers(INSULT=True), BadReply, "INSULT is True", None),
        (fake.answers(INSULT=-0.1), BadReply, "INSULT is -0.1", None),
        (sends('{"attributeScores": {"TOXICITY": {"summaryScore": 1}}}'), BadReply, "TOXICITY is None", None),
        (sends("{}", **{"Content-Encoding": "gzip"}), Unavailable, "line", None),
        (fake.broken_off(), Unavailable, "line", None),
        (unanswered, Unavailable, "line", None),
    ],
)
async def test_every_failure_has_its_own_error_and_costs_one_call(asked, behaviour, expected, why, wait):
    """Who asks again is the policy; and nothing becomes a reply that is none."""
    proxy, api = await asked(behaviour)

    error = await failure(proxy)

    assert (expected, wait, 1) == (type(error), error.retry_after, api.calls)
    assert why in str(error)


@pytest.mark.parametrize("address", [None, "http://127.0.0.1:1", "http://name.invalid"])
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


async def test_hundreds_are_in_flight(asked):
    """All of them at once, each with its own scores."""
    proxy, api = await asked(fake.together(200))

    replies = await asyncio.gather(*(infer(proxy, said(str(number)), 60.0) for number in range(200)))

    assert [score("TOXICITY", str(number)) for number in range(200)] == [reply.rows[0][0] for reply in replies]
    assert 200 == api.calls


def behind(error):
    """The error and everything that hangs on it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize(
    "behaviour",
    [
        fake.repeats_the_key(),
        fake.repeats_the_key(403, "API_KEY_SERVICE_BLOCKED"),
        sends(f"<html>{KEY}</html>", 502, "text/html"),
        sends(f'{{"error": "{KEY}"}}', 400),
        sends(f'{{"broken": "{KEY}'),
        sends("", 307, location=f"http://127.0.0.1:9/?key={KEY}"),
        fake.broken_off(),
        unanswered,
        fake.slow(60.0),
    ],
)
async def test_the_key_is_told_to_nobody(asked, behaviour, caplog):
    """Not in a message, not behind it, not in a log at its most talkative."""
    caplog.set_level(logging.DEBUG)
    for name in ("aiohttp", "asyncio"):
        caplog.set_level(logging.DEBUG, name)
    proxy, _ = await asked(behaviour)

    error = await failure(proxy, seconds=1.0)

    told = [text for each in behind(error) for text in (str(each), repr(each), repr(vars(each)))] + [repr(proxy), repr(vars(proxy)), caplog.text]
    assert [error] == list(behind(error))
    assert not any(piece in text for piece in (KEY, KEY[:16], KEY[-8:]) for text in told)


def copied(to, **settings):
    """The folder with an entry's settings in its configuration."""
    shutil.copytree(BUNDLED / "perspective", to)
    lines = [f'parameters {{ key: "{name}" value: {{ string_value: "{value}" }} }}\n' for name, value in settings.items()]
    with (to / "config.pbtxt").open("a") as file:
        file.writelines(lines)
    return to


@pytest.mark.triton
@pytest.mark.slow
async def test_triton_hosts_it(tmp_path):
    """The folder is whole: scores come with the names of their columns, and a refusal arrives as what it is."""
    (tmp_path / "key").write_text(KEY)
    async with PerspectiveApi() as api:
        folder = copied(tmp_path / "folder", key_file=tmp_path / "key", base_url=api.url)
        (tmp_path / "catalog.yaml").write_text(f"models: {{perspective: {{folder: {folder}}}}}")
        async with open_gateway(tmp_path / "catalog.yaml") as gateway:
            reply = await gateway.infer(said("né"), deadline=Deadline.after(60))
            with pytest.raises(TooLarge, match="Perspective takes 20,480"):
                await gateway.infer(said("x" * (MOST_BYTES + 1)), deadline=Deadline.after(60))

    assert (1, ATTRIBUTES) == (api.calls, reply.report["classes"])
    np.testing.assert_allclose([[score(name, "né") for name in ATTRIBUTES]], reply.rows, rtol=1e-6)
