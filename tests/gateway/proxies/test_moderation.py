"""The proxy to OpenAI's moderation models, with the real SDK, against a vendor on loopback that answers as OpenAI documents."""

from __future__ import annotations

import asyncio
import base64
import io
import logging
import random
import shutil
import time
from dataclasses import replace

import numpy as np
import pytest
from openai.types.moderation import CategoryScores
from PIL import Image

from gateway.conformance import CHECKS
from gateway.proxies.moderation import CATEGORIES, Moderation
from gateway.repository import BUNDLED, read_folder
from gateway.session import open_gateway
from kernel.contract import Deadline, Kind, Picture, Request, Text, Turn
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
    Unsupported,
)
from tests.vendors import openai_api as fake
from tests.vendors.openai_api import KEY, OpenAIApi

OMNI = "omni-moderation-latest"
HELLO = Request("moderation", (Text("Hello"),), kind=Kind.CLASSIFY)
FOR_TEXTS = ["harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent", "sexual/minors"]


@pytest.fixture
def asked(connected):
    """A proxy to a vendor that follows a script."""

    def ask(behaviour=None, *, key=KEY, script=None, **arguments):
        return connected(OpenAIApi, lambda **given: Moderation(model=OMNI, **{**given, **arguments}), key, behaviour=behaviour, script=script)

    return ask


def infer(proxy, request=HELLO, seconds=10.0):
    """One call."""
    return proxy.infer(request, deadline=Deadline.after(seconds))


async def failure(proxy, request=HELLO, seconds=10.0):
    """The error of one call."""
    with pytest.raises(Exception) as caught:  # noqa: PT011
        await infer(proxy, request, seconds)
    return caught.value


def picture(form="PNG"):
    """A small picture."""
    held = io.BytesIO()
    Image.new("RGB", (4, 3), (1, 2, 3)).save(held, form)
    return Picture(held.getvalue())


def of_pictures(*pictures):
    """A request with pictures alone."""
    return replace(HELLO, parts=pictures)


def row_of(text):
    """The scores that the vendor on loopback gives a text."""
    return tuple(random.Random(f"{name}:{text}").random() for name in CATEGORIES)


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")  # aiohttp's advice to stream, which the SDK does not
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("request_", [HELLO, of_pictures(picture())], ids=["text", "picture"])
async def test_the_proxy_is_a_model_like_any_other(asked, request_, check):
    """It owes what every model owes."""
    proxy, _ = await asked()
    await check(proxy, request_)


def test_the_columns_are_the_sdks_and_the_folders():
    """All three tell the same harms in the same order."""
    theirs = [field.alias or name for name, field in CategoryScores.model_fields.items()]
    folder = read_folder(BUNDLED / "openai_moderation", "moderation")

    assert (tuple(theirs), Kind.CLASSIFY) == (CATEGORIES, folder.description.signature.kind)
    assert (CATEGORIES, ()) == (folder.description.signature.classes, folder.description.faults)


async def test_texts_have_a_row_each(asked):
    """In the order of the parts, in one call, with the vendor's verdict and who gave it."""
    texts = ("one", "", "né 漢字 👩‍👧", "one")
    proxy, api = await asked()

    reply = await infer(proxy, replace(HELLO, parts=tuple(map(Text, texts))))

    assert [{"model": OMNI, "input": list(texts)}] == api.bodies
    assert tuple(map(row_of, texts)) == reply.rows
    flagged = [any(score > 0.5 for score in row) for row in reply.rows]
    assert {"model": "omni-moderation-2024-09-26", "request_id": "req_1", "flagged": flagged} == reply.report


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
async def test_a_picture_arrives_as_it_was(asked, form):
    """With its media type; and what it was not looked at for is told."""
    seen = picture(form)
    proxy, api = await asked()

    reply = await infer(proxy, of_pictures(seen))

    (part,) = api.bodies[0]["input"]
    kind, _, data = part["image_url"]["url"].partition(";base64,")
    assert ("image_url", f"data:image/{form.lower()}", seen.data) == (part["type"], kind, base64.b64decode(data))
    (row,) = reply.rows
    assert FOR_TEXTS == reply.report["not_looked_at"] == [name for name, score in zip(CATEGORIES, row, strict=True) if score == 0]


@pytest.mark.parametrize(
    ("request_", "expected", "said"),
    [
        (replace(HELLO, parts=()), InvalidRequest, "0 texts and 0 pictures"),
        (replace(HELLO, parts=(Text("a"), picture())), InvalidRequest, "1 texts and 1 pictures"),
        (of_pictures(picture(), picture()), TooLarge, "2 pictures, omni-moderation-latest takes 1"),
        (of_pictures(Picture(b"GIF89a" + bytes(9))), InvalidRequest, "PNG, JPEG or WebP"),
        (replace(HELLO, parts=(Text("a\ud800"),)), InvalidRequest, "JSON"),
        (replace(HELLO, kind=Kind.EMBED), Unsupported, "can classify; the request wants embed"),
        (replace(HELLO, system="Be brief."), Unsupported, "system text"),
        (replace(HELLO, history=(Turn("user", "a"),)), Unsupported, "history"),
        (replace(HELLO, negative="a"), Unsupported, "negative"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_the_vendor_would_refuse_is_refused_before(asked, request_, expected, said):
    """No call is made for it."""
    proxy, api = await asked()

    error = await failure(proxy, request_)

    assert (expected, 0) == (type(error), api.calls)
    assert said in str(error)


@pytest.mark.parametrize(
    ("behaviour", "expected", "said", "wait"),
    [
        (fake.rate_limited("7"), RateLimited, "Rate limit", 7.0),
        (fake.out_of_quota, QuotaExhausted, "exceeded your current quota", None),
        (fake.overloaded, Unavailable, "503", None),
        (fake.fails(400, "Number of images (2) exceeds maximum of 1", "too_many_images", param="input"), InvalidRequest, "maximum of 1", None),
        (fake.fails(400, "flagged", "content_filter"), InvalidRequest, "400: flagged", None),
        (fake.fails(401, "who are you"), Unauthenticated, "401", None),
        (fake.fails(403, "not here"), PermissionDenied, "not here", None),
        (fake.fails(404, "The model does not exist", "model_not_found"), ModelNotFound, "does not exist", None),
        (fake.fails(413, "too large"), TooLarge, "413", None),
        (fake.sends("<html>bad gateway</html>", 502, "text/html"), Unavailable, "502: <html>bad gateway", None),
        (fake.sends("", 307, location="http://127.0.0.1:9/"), ModelFault, "307", None),
        (fake.sends('{"results": [{"cat'), BadReply, "no JSON object", None),
        (fake.sends('{"error": {"message": "odd", "code": 502}}'), BadReply, "200 with an error: odd", None),
        (fake.sends("{}"), BadReply, "results of type NoneType; expected a list of 1", None),
        (fake.answers(results=[]), BadReply, "0 results; expected a list of 1", None),
        (fake.answers(results=["a"]), BadReply, "without flagged", None),
        (fake.answers(each={"flagged": "no"}), BadReply, "without flagged", None),
        (fake.answers(each={"category_scores": None}), BadReply, "category_scores of type NoneType", None),
        (fake.answers(each={"illicit": ...}), BadReply, "illicit is None; expected a number from 0 to 1; the text-moderation models", None),
        (fake.answers(each={"hate": "0.1"}), BadReply, "hate is '0.1'", None),
        (fake.answers(each={"hate": True}), BadReply, "hate is True", None),
        (fake.answers(each={"violence/graphic": 1.5}), BadReply, "violence/graphic is 1.5", None),
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


@pytest.mark.parametrize("changed", [{"category_applied_input_types": ...}, {"category_applied_input_types": None}, {"hate": 0, "sexual": 1}])
async def test_a_server_with_the_same_interface_may_say_less(asked, changed):
    """What pictures are looked at for is told by OpenAI; whole numbers are numbers."""
    proxy, _ = await asked(fake.answers(each=changed, model=...))

    reply = await infer(proxy)

    assert {"request_id", "flagged"} == reply.report.keys()
    assert all(isinstance(score, float) for score in reply.rows[0])


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

    replies = await asyncio.gather(*(infer(proxy, replace(HELLO, parts=(Text(str(number)),)), 60.0) for number in range(200)))

    assert [(row_of(str(number)),) for number in range(200)] == [reply.rows for reply in replies]
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
        fake.repeats_the_key(429, "insufficient_quota"),
        fake.sends(f'{{"error": {{"message": "{"x" * 470} {KEY}"}}}}'),
        fake.sends(f"<html>{KEY}</html>", 502, "text/html"),
        fake.broken_off(),
        fake.slow(60.0),
    ],
)
async def test_the_key_is_told_to_nobody(asked, behaviour, caplog):
    """Not in a message, not behind it, not in a log at its most talkative."""
    caplog.set_level(logging.DEBUG)
    for name in ("openai", "httpx2", "httpcore2", "aiohttp", "asyncio"):
        caplog.set_level(logging.DEBUG, name)
    proxy, _ = await asked(behaviour)

    error = await failure(proxy, seconds=1.0)

    told = [text for each in behind(error) for text in (str(each), repr(each), repr(vars(each)))] + [repr(proxy), repr(vars(proxy)), caplog.text]
    assert [error] == list(behind(error))
    assert not any(piece in text for piece in (KEY, KEY[:16], KEY[-8:]) for text in told)


async def test_key_and_headers_are_the_catalogs(asked, monkeypatch):
    """The environment changes nothing."""
    for name, value in {"OPENAI_API_KEY": "sk-other", "OPENAI_ORG_ID": "org-other", "OPENAI_BASE_URL": "http://127.0.0.1:9"}.items():
        monkeypatch.setenv(name, value)
    proxy, api = await asked(organization="org-1", project="proj-1")

    await infer(proxy)

    headers = {name.lower(): value for name, value in api.headers[0].items()}
    assert (f"Bearer {KEY}", "org-1", "proj-1") == tuple(headers[name] for name in ("authorization", "openai-organization", "openai-project"))


async def test_another_key_is_refused(asked):
    """And an empty one before any call."""
    proxy, _ = await asked(key="sk-another")

    assert type(await failure(proxy)) is Unauthenticated
    with pytest.raises(Unauthenticated, match="empty"):
        await asked(key="\n")


def copied(to, **settings):
    """The folder with an entry's settings in its configuration."""
    shutil.copytree(BUNDLED / "openai_moderation", to)
    lines = [f'parameters {{ key: "{name}" value: {{ string_value: "{value}" }} }}\n' for name, value in settings.items()]
    with (to / "config.pbtxt").open("a") as file:
        file.writelines(lines)
    return to


@pytest.mark.triton
@pytest.mark.slow
async def test_triton_hosts_it(tmp_path):
    """The folder is whole: scores come with the names of their columns, and a refusal arrives as what it is."""
    (tmp_path / "key").write_text(KEY)
    async with OpenAIApi() as api:
        folder = copied(tmp_path / "folder", model=OMNI, key_file=tmp_path / "key", base_url=api.url)
        (tmp_path / "catalog.yaml").write_text(f"models: {{moderation: {{folder: {folder}}}}}")
        async with open_gateway(tmp_path / "catalog.yaml") as gateway:
            reply = await gateway.infer(replace(HELLO, parts=(Text("a"), Text("b"))), deadline=Deadline.after(60))
            with pytest.raises(TooLarge, match="takes 1 in a request"):
                await gateway.infer(of_pictures(picture(), picture()), deadline=Deadline.after(60))

    assert (1, CATEGORIES) == (api.calls, reply.report["classes"])
    np.testing.assert_allclose([row_of("a"), row_of("b")], reply.rows, rtol=1e-6)
