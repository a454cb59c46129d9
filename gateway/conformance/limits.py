"""What every `Model` owes about time and size, and about its own end. Each check is given a model and a request that it can answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import grpc
import grpc.aio

from gateway.conformance import answers, samples
from gateway.conformance.answers import answer, answers_still
from gateway.conformance.check import Broken, Found, NotAsked, check, words
from kernel.contract import MESSAGE_LIMIT, Deadline, Model, Request
from kernel.errors import DeadlineExceeded, InvalidRequest, ModelError

LATE_SECONDS = 1.0
SHORTEST_SECONDS, SHORT_SECONDS = 0.005, 1.0
LARGE = 8 * 1024 * 1024
LARGEST = (16 * 1024 * 1024, 32 * 1024 * 1024, MESSAGE_LIMIT)
MEGABYTE = 1024 * 1024

_LARGER = "take messages up to 64 MB (grpc.max_receive_message_length), and give the model the memory for them (/dev/shm)"


@check(mend="raise DeadlineExceeded where no time is left")
async def keeps_the_deadline(model: Model, request: Request) -> Found:
    """A deadline that is over ends the call at once, as `DeadlineExceeded`."""
    began = time.monotonic()
    try:
        await model.infer(request, deadline=Deadline.after(0.0))
    except DeadlineExceeded:
        pass
    except ModelError as error:
        raise Broken(f"a deadline that is over ends as {type(error).__name__}; expected DeadlineExceeded") from error
    else:
        raise Broken("a call whose deadline is over is answered")
    late = time.monotonic() - began
    if late > LATE_SECONDS:
        raise Broken(f"a call whose deadline is over ends {late:.1f} s later; expected at most {LATE_SECONDS:.0f} s")
    return "at once"


@check(mend="end the work whose deadline is over (gRPC's own deadline, or the parameter timeout) instead of finishing it first")
async def ends_at_a_short_deadline(model: Model, request: Request) -> Found:
    """A call with less time than it needs ends in that time, answered or as `DeadlineExceeded`, and the next one is answered."""
    began = time.monotonic()
    await answer(model, request)
    seconds = min(max((time.monotonic() - began) / 2, SHORTEST_SECONDS), SHORT_SECONDS)
    began = time.monotonic()
    call = asyncio.ensure_future(answer(model, request, seconds))
    await asyncio.wait([call], timeout=seconds + LATE_SECONDS)
    took = time.monotonic() - began
    if not call.done():
        call.cancel()
        raise Broken(f"a call that has {seconds:.3f} s still runs after {took:.1f} s")
    error = None if call.cancelled() else call.exception()
    if call.cancelled() or (error is not None and not isinstance(error, DeadlineExceeded)):
        name = "Cancelled" if error is None else type(error).__name__
        raise Broken(f"a call that has {seconds:.3f} s ends as {name}; expected an answer or DeadlineExceeded") from error
    await answers_still(model, request, "a call whose time was over")
    return f"{seconds:.3f} s: {'answered' if error is None else 'DeadlineExceeded'} after {took:.3f} s"


@check(mend=_LARGER)
async def takes_large_pictures(model: Model, request: Request) -> Found:
    """A picture of eight megabytes gets through; the model answers, or refuses it in its own words."""
    return await _takes(model, request, [LARGE])


@check(mend=_LARGER)
async def takes_the_largest_messages(model: Model, request: Request) -> Found:
    """Pictures up to the 64 MB of the contract get through; the model answers, or refuses them in its own words."""
    return await _takes(model, request, LARGEST)


@check(mend="let the cancellation through, and keep nothing locked behind it")
async def can_be_cancelled(model: Model, request: Request) -> Found:
    """A cancelled call ends as cancelled, and the model answers afterwards."""
    call = asyncio.ensure_future(answer(model, request))
    await asyncio.sleep(0)
    call.cancel()
    await asyncio.wait([call], timeout=LATE_SECONDS)
    if not call.done():
        raise Broken(f"a cancelled call still runs after {LATE_SECONDS:.0f} s")
    if not call.cancelled() and (error := call.exception()) is not None:
        raise Broken(f"a cancelled call ends as {type(error).__name__}; expected asyncio.CancelledError") from error
    await answers_still(model, request, "a cancelled call")
    return "at once"


@check(mend="let aclose do nothing where nothing is open any more")
async def closes_twice(model: Model, _request: Request) -> Found:
    """Closing a second time does no harm."""
    await model.aclose()
    await model.aclose()
    return "without harm"


async def _takes(model: Model, request: Request, sizes: Sequence[int]) -> Found:
    if not request.pictures:
        return NotAsked("it is asked without a picture")
    told = []
    for size in sizes:
        large = samples.with_pictures(request, [await asyncio.to_thread(samples.noise, size)])
        began = time.monotonic()
        try:
            await answer(model, large, 2 * answers.SECONDS)
        except InvalidRequest as error:
            if _refused_on_the_way(error):
                raise Broken(f"{size // MEGABYTE} MB do not get through: {words(error)}") from error
            told.append(f"{size // MEGABYTE} MB refused: {error}")
        except ModelError as error:
            raise Broken(f"{size // MEGABYTE} MB: {words(error)}") from error
        else:
            told.append(f"{size // MEGABYTE} MB answered in {time.monotonic() - began:.1f} s")
    await answers_still(model, request, f"{sizes[-1] // MEGABYTE} MB")
    return "; ".join(told)


def _refused_on_the_way(error: InvalidRequest) -> bool:
    """Whether gRPC refused the message before any model saw it. A client with headers names no cause."""
    cause = error.__context__
    return isinstance(cause, grpc.aio.AioRpcError) and cause.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
