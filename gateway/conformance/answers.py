"""What every `Model` owes when it is asked what it can answer. Each check is given a model and a request that it can answer."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gateway.conformance import samples
from gateway.conformance.check import Broken, Found, NotAsked, Weight, check, words
from gateway.wire import NOT_HONOURED
from kernel.contract import Deadline, Finish, Kind, Model, Reply, Request
from kernel.errors import InvalidRequest, ModelError, Unsupported

SECONDS = 60.0
"""What one call may take."""
AT_ONCE = 32
DIFFERENT = 8
"""Different requests among the calls at once."""
TIMES = 3
SEED = 7
TOKENS = 16
ECHO_TOKENS = 256


async def answer(model: Model, request: Request, seconds: float | None = None) -> Reply:
    """The model's answer. Raises `ModelError`."""
    return await model.infer(request, deadline=Deadline.after(SECONDS if seconds is None else seconds))


async def answers_still(model: Model, request: Request, after: str) -> None:
    """Raises `Broken` when the model does not answer any more."""
    try:
        await answer(model, request)
    except ModelError as error:
        raise Broken(f"after {after} it does not answer any more: {words(error)}") from error


@check(mend="answer with what the kind has in proto/README.md, and with nothing of another kind")
async def answers_what_its_kind_answers(model: Model, request: Request) -> Found:
    """The reply has what the kind of the request asks for, and nothing of another kind."""
    reply = await answer(model, request)
    given = {
        Kind.GENERATE: bool(reply.texts),
        Kind.IMAGINE: bool(reply.pictures or reply.finish),
        Kind.EMBED: len(reply.rows) == len(request.parts),
        Kind.CLASSIFY: len(reply.rows) == len(request.parts),
        Kind.DETECT: not reply.texts and not reply.rows,
        Kind.READ: not reply.texts and not reply.rows,
    }
    _owes(isinstance(reply, Reply), "the reply is no Reply")
    _owes(given[request.kind], f"it does not answer as a model of kind {request.kind}")
    _owes(all(isinstance(finish, Finish) for finish in reply.finish), f"the reason for the end is none of {', '.join(Finish)}")
    _owes(not reply.texts or len(reply.finish) in (0, len(reply.texts)), "there is not a reason for the end of every text")
    return _told(reply)


@check(mend="answer with the output finish_reason: stop, length, content_filter or refusal", weight=Weight.WISHED)
async def tells_why_it_ended(model: Model, request: Request) -> Found:
    """Every text or picture comes with the reason for its end, so that a cut or filtered one is known as such."""
    if request.kind not in (Kind.GENERATE, Kind.IMAGINE):
        return NotAsked(f"{request.kind} has no reasons for an end")
    reply = await answer(model, request)
    _owes(reply.finish, "it gives no finish_reason")
    return ", ".join(reply.finish)


@check(mend="answer with the outputs num_input_tokens and num_output_tokens, UINT32", weight=Weight.WISHED)
async def counts_tokens(model: Model, request: Request) -> Found:
    """A text comes with the number of tokens that went in and came out."""
    if request.kind is not Kind.GENERATE:
        return NotAsked(f"{request.kind} has no count of tokens")
    reply = await answer(model, request)
    missing = [name for name, count in (("num_input_tokens", reply.input_tokens), ("num_output_tokens", reply.output_tokens)) if count is None]
    _owes(not missing, f"it gives no {' and no '.join(missing)}")
    return f"{reply.input_tokens} in, {reply.output_tokens} out"


@check(mend="read and write text as UTF-8 throughout, and lengths in bytes, not in characters")
async def takes_any_unicode(model: Model, request: Request) -> Found:
    """Text of any script is answered, and a model that repeats its text repeats it as it was."""
    if not samples.has_text(request):
        return NotAsked("it is asked without a text")
    if request.kind is Kind.GENERATE:
        request = replace(request, sampling=replace(request.sampling, max_tokens=ECHO_TOKENS))
    plain = [samples.with_text(request, secrets.token_hex(4)) for _ in range(2)]
    repeats = [(await answer(model, one)).text.strip() == one.text for one in plain]
    asked = samples.with_text(request, f"{samples.UNICODE} {secrets.token_hex(4)}")
    got = (await answer(model, asked)).text.strip()
    if not all(repeats):
        return "answered"
    _owes(got == asked.text, f"it repeats plain text, and makes of {asked.text!r} this: {got!r}")
    return "repeated as it was"


@check(mend="answer calls beside each other, or queue them, and keep nothing of a call where another one sees it")
async def answers_many_at_once(model: Model, request: Request) -> Found:
    """Thirty-two calls at once are all answered, each with the answer to its own request."""
    requests = samples.different(request, DIFFERENT)
    began = time.monotonic()
    alone = [await answer(model, one) for one in requests]
    seconds = max(SECONDS, 2 * AT_ONCE * (time.monotonic() - began) / DIFFERENT)
    began = time.monotonic()
    together = await asyncio.gather(*(answer(model, requests[number % DIFFERENT], seconds) for number in range(AT_ONCE)), return_exceptions=True)
    took = time.monotonic() - began
    if lost := [outcome for outcome in together if isinstance(outcome, BaseException)]:
        first = words(lost[0]) if isinstance(lost[0], ModelError) else repr(lost[0])
        raise Broken(f"{len(lost)} of {AT_ONCE} calls at once brought no answer; the first: {first}") from lost[0]
    for number, reply in enumerate(together):
        if isinstance(reply, Reply) and await _is_anothers(model, requests, alone, number % DIFFERENT, reply):
            raise Broken("of calls at once, one got the answer to another one's request")
    return f"{AT_ONCE} answers in {took:.2f} s"


@check(mend="", weight=Weight.TOLD)
async def answers_the_same_again(model: Model, request: Request) -> Found:
    """Whether the same request with the same seed brings the same answer; it need not, and is told as it is."""
    if request.kind in (Kind.GENERATE, Kind.IMAGINE):
        tokens = TOKENS if request.kind is Kind.GENERATE else None
        request = replace(request, sampling=replace(request.sampling, seed=SEED, max_tokens=tokens))
    seeded = request.sampling.seed is not None
    try:
        first = await answer(model, request)
    except (InvalidRequest, Unsupported):
        seeded = False
        request = replace(request, sampling=replace(request.sampling, seed=None))
        first = await answer(model, request)
    again = [await answer(model, request) for _ in range(TIMES - 1)]
    same = all(_content(reply) == _content(first) for reply in again)
    taken = seeded and "seed" not in first.report.get(NOT_HONOURED, ())
    seed = f"with seed {SEED}" if taken else "and it takes no seed" if request.kind in (Kind.GENERATE, Kind.IMAGINE) else "asked the same"
    return f"{'the same answer' if same else 'different answers'} {TIMES} times, {seed}"


async def _is_anothers(model: Model, requests: Sequence[Request], alone: Sequence[Reply], at: int, reply: Reply) -> bool:
    """Whether a reply is the answer to another request, and no whim: the model keeps to its own answer when it is asked alone."""
    given, own = _content(reply), _content(alone[at])
    if given == own or given not in [_content(other) for other in alone]:
        return False
    return all([_content(await answer(model, requests[at])) == own for _ in range(TIMES)])


def _content(reply: Reply) -> tuple[Any, ...]:
    """What is answered, without what is said about it."""
    return reply.texts, reply.pictures, reply.detections, reply.rows, reply.finish


def _told(reply: Reply) -> str:
    """A reply in a few words."""
    if reply.texts:
        return f"said {reply.text[:40]!r}"
    if reply.rows:
        return f"{len(reply.rows)} × {len(reply.rows[0])} numbers"
    if reply.pictures:
        return f"{len(reply.pictures)} pictures, {sum(len(picture.data) for picture in reply.pictures):,} bytes"
    return f"{len(reply.detections)} detections"


def _owes(held: object, otherwise: str) -> None:
    if not held:
        raise Broken(otherwise)
