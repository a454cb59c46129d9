"""Requests that every `Model` owes a refusal: an answer to them would be made up, and would be counted."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import replace

from gateway.conformance import samples
from gateway.conformance.answers import answer, answers_still
from gateway.conformance.check import Broken, Found, NotAsked, check, words
from kernel.contract import Kind, Model, Picture, Request
from kernel.errors import InvalidRequest, ModelError, ModelFault, Unsupported

AS_SUCH = (InvalidRequest, Unsupported)
"""What bad input is best refused as."""
_AS_BAD_INPUT = "refuse it with the status INVALID_ARGUMENT"


@check(mend="raise Unsupported for a request of another kind")
async def refuses_another_kind(model: Model, request: Request) -> Found:
    """A request of another kind is a `ModelError`, never an answer."""
    other = Kind.READ if request.kind is not Kind.READ else Kind.EMBED
    try:
        await answer(model, replace(request, kind=other))
    except ModelError as error:
        return type(error).__name__
    raise Broken(f"a request of kind {other} is answered")


@check(mend=f"decode every picture before anything else, and {_AS_BAD_INPUT} (gateway.pictures does both)")
async def refuses_what_is_no_picture(model: Model, request: Request) -> Found:
    """Bytes of no format of pictures are refused, and the model answers afterwards."""
    return await _refuses_picture(model, request, samples.NO_PICTURE)


@check(mend=f"decode every picture before anything else, and {_AS_BAD_INPUT} (gateway.pictures does both)")
async def refuses_a_damaged_picture(model: Model, request: Request) -> Found:
    """A picture whose pixels cannot be read is refused, and the model answers afterwards."""
    return await _refuses_picture(model, request, samples.DAMAGED)


async def refusal(call: Awaitable[object], *also: type[ModelError]) -> ModelError:
    """The error with which bad input was refused. Raises `Broken` when it was answered, or ended as if something else were wrong."""
    try:
        await call
    except ModelError as error:
        if isinstance(error, (*AS_SUCH, ModelFault, *also)) or type(error) is ModelError:
            return error
        raise Broken(f"it is not refused, it ends as {words(error)}") from error
    raise Broken("it is answered, as if nothing were wrong with it")


async def _refuses_picture(model: Model, request: Request, bad: Picture) -> Found:
    if not request.pictures:
        return NotAsked("it is asked without a picture")
    error = await refusal(answer(model, samples.with_pictures(request, [bad])))
    await answers_still(model, request, "bad input")
    return words(error)
