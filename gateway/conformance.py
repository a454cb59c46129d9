"""What every `Model` owes, as checks that run against any of them: proxies, wrappers, hosted models, the client, fakes.

A check is given a fresh model and a request that it can answer, and raises `Broken` when the promise does not hold.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from kernel.contract import Deadline, Finish, Kind, Model, Reply, Request
from kernel.errors import AssayError, DeadlineExceeded, ModelError

SECONDS = 30.0
LATE_SECONDS = 1.0
AT_ONCE = 8

Check = Callable[[Model, Request], Awaitable[None]]


class Broken(AssayError):
    """A model that does not do what every model owes."""


def _owes(held: object, promise: str) -> None:
    if not held:
        raise Broken(promise)


async def answers_what_its_kind_answers(model: Model, request: Request) -> None:
    """The reply has what the kind of the request asks for, and nothing of another kind."""
    reply = await model.infer(request, deadline=Deadline.after(SECONDS))
    given = {
        Kind.GENERATE: bool(reply.texts),
        Kind.IMAGINE: bool(reply.pictures or reply.finish),
        Kind.EMBED: len(reply.rows) == len(request.parts),
        Kind.CLASSIFY: len(reply.rows) == len(request.parts),
        Kind.DETECT: not reply.texts and not reply.rows,
        Kind.READ: not reply.texts and not reply.rows,
    }
    _owes(isinstance(reply, Reply), "a reply is a Reply")
    _owes(given[request.kind], f"a model of kind {request.kind} answers as one")
    _owes(all(isinstance(finish, Finish) for finish in reply.finish), "the reason for the end is one of the four")
    _owes(not reply.texts or len(reply.finish) in (0, len(reply.texts)), "there is a reason for every text, or none at all")


async def answers_many_at_once(model: Model, request: Request) -> None:
    """Calls beside each other all get an answer."""
    replies = await asyncio.gather(*(model.infer(request, deadline=Deadline.after(SECONDS)) for _ in range(AT_ONCE)))
    _owes(len(replies) == AT_ONCE, "every call is answered")


async def keeps_the_deadline(model: Model, request: Request) -> None:
    """A deadline that is over ends the call at once, as `DeadlineExceeded`."""
    began = time.monotonic()
    try:
        await model.infer(request, deadline=Deadline.after(0.0))
    except DeadlineExceeded:
        pass
    except ModelError as error:
        raise Broken(f"a deadline that is over ends as DeadlineExceeded, not as {type(error).__name__}") from error
    else:
        raise Broken("a deadline that is over ends the call")
    _owes(time.monotonic() - began < LATE_SECONDS, "a call ends at most a second after its deadline")


async def refuses_another_kind(model: Model, request: Request) -> None:
    """A request of another kind is a `ModelError`, never an answer."""
    other = Kind.READ if request.kind is not Kind.READ else Kind.EMBED
    try:
        await model.infer(replace(request, kind=other), deadline=Deadline.after(SECONDS))
    except ModelError:
        return
    raise Broken("a request of another kind is refused")


async def can_be_cancelled(model: Model, request: Request) -> None:
    """A cancelled call ends as cancelled, and the model answers afterwards."""
    call = asyncio.ensure_future(model.infer(request, deadline=Deadline.after(SECONDS)))
    await asyncio.sleep(0)
    call.cancel()
    await asyncio.wait([call], timeout=LATE_SECONDS)
    _owes(call.done(), "a cancelled call ends within a second")
    if not call.cancelled() and call.exception() is not None:
        raise Broken("a cancelled call ends as cancelled") from call.exception()
    await model.infer(request, deadline=Deadline.after(SECONDS))


async def closes_twice(model: Model, _request: Request) -> None:
    """Closing a second time does no harm."""
    await model.aclose()
    await model.aclose()


CHECKS: tuple[Check, ...] = (
    answers_what_its_kind_answers,
    answers_many_at_once,
    keeps_the_deadline,
    refuses_another_kind,
    can_be_cancelled,
    closes_twice,
)
"""In the order in which they are run: the last one closes the model."""
