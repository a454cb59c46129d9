"""Requests that no client of ours would send: every server is sent some like them one day, and goes on serving the others."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from gateway import wire
from gateway.client import TritonModel
from gateway.conformance import answers, samples
from gateway.conformance.answers import answers_still
from gateway.conformance.check import Broken, Found, NotAsked, Weight, check, words
from gateway.conformance.peer import Peer
from gateway.conformance.refusals import AS_SUCH, refusal
from gateway.signature import FP32, INPUTS, Signature
from gateway.status import code_of
from kernel.contract import Request, Sampling
from kernel.errors import ModelError, ModelNotFound

IDENTIFIER = "assay-check"
NOT_UTF8 = b"caf\xe9 \xff\xfe"
BAD_SAMPLING = (b'{"temperature":"hot"}', b"{not JSON")
SAMPLING = "sampling_parameters"

_AS_BAD_INPUT = "refuse it with the status INVALID_ARGUMENT"


@check(mend="give every response the id of its request")
async def answers_under_the_requests_id(peer: Peer, model: TritonModel, request: Request) -> Found:
    """A response carries the id of its request, or none."""
    identifier = f"{IDENTIFIER}-{secrets.token_hex(4)}"
    responses = await _send(peer, model, _message(model, request, identifier))
    ids = {response.id for response in responses}
    if others := ids - {identifier, ""}:
        raise Broken(f"the response to {identifier!r} has the id {min(others)[:40]!r}")
    return "the request's id" if identifier in ids else "no id; answers cannot be told apart by it"


@check(mend="refuse a name that is not served with the status NOT_FOUND")
async def knows_no_other_model(peer: Peer, model: TritonModel, request: Request) -> Found:
    """A name that no model has is refused, and the model answers afterwards."""
    message = _message(model, request)
    message.model_name = f"{IDENTIFIER}-{secrets.token_hex(4)}"
    return await _refused(peer, model, request, message)


@check(mend=_AS_BAD_INPUT)
async def refuses_a_missing_input(peer: Peer, model: TritonModel, request: Request) -> Found:
    """A request without an input that the kind must have is refused, and the model answers afterwards."""
    return await _refused(peer, model, request, _without_an_input(model, request))


@check(mend=_AS_BAD_INPUT)
async def refuses_another_type(peer: Peer, model: TritonModel, request: Request) -> Found:
    """A tensor of another type is refused, and the model answers afterwards."""
    return await _refused(peer, model, request, _of_another_type(model, request))


@check(mend=f"decode text as UTF-8, and {_AS_BAD_INPUT}", weight=Weight.WISHED)
async def refuses_text_that_is_not_utf8(peer: Peer, model: TritonModel, request: Request) -> Found:
    """Text that is no UTF-8 is refused, and the model answers afterwards."""
    if not samples.has_text(request):
        return NotAsked("it is asked without a text")
    return await _refused(peer, model, request, _with(_message(model, request), "text_input", NOT_UTF8))


@check(mend=f"read the JSON of {SAMPLING} strictly, and {_AS_BAD_INPUT}")
async def refuses_bad_sampling_parameters(peer: Peer, model: TritonModel, request: Request) -> Found:
    """Sampling parameters that cannot be read are refused, not ignored, and the model answers afterwards."""
    if SAMPLING not in model.signature.inputs:
        return NotAsked(f"it takes no {SAMPLING}")
    told = [await _refused(peer, model, request, message) for message in _badly_sampled(model, request)]
    return told[0]


@check(mend=_AS_BAD_INPUT, weight=Weight.WISHED)
async def calls_bad_input_by_its_name(peer: Peer, model: TritonModel, request: Request) -> Found:
    """What is wrong in a request itself has the status `INVALID_ARGUMENT`, so that nobody takes it for a fault of the server."""
    if model.signature.decoupled:
        return NotAsked("it is decoupled, and errors in a stream have no status")
    otherwise = []
    for what, message in _every_bad_input(model, request):
        try:
            await _send(peer, model, message)
        except AS_SUCH:
            continue
        except ModelError as error:
            otherwise.append(f"{what} as {code_of(error).name}")
    if otherwise:
        raise Broken(f"it refuses {', '.join(otherwise)}")
    return "INVALID_ARGUMENT"


def _every_bad_input(model: TritonModel, request: Request) -> Iterator[tuple[str, Any]]:
    yield "a missing input", _without_an_input(model, request)
    yield "another type", _of_another_type(model, request)
    if samples.has_text(request):
        yield "no UTF-8", _with(_message(model, request), "text_input", NOT_UTF8)
    if request.pictures:
        yield "no picture", _message(model, samples.with_pictures(request, [samples.NO_PICTURE]))
        yield "a damaged picture", _message(model, samples.with_pictures(request, [samples.DAMAGED]))
    if SAMPLING in model.signature.inputs:
        yield SAMPLING, next(_badly_sampled(model, request))


def _without_an_input(model: TritonModel, request: Request) -> Any:
    message = _message(model, request)
    at = _position(message, _main(model.signature, message))
    del message.inputs[at], message.raw_input_contents[at]
    return message


def _of_another_type(model: TritonModel, request: Request) -> Any:
    message = _message(model, request)
    at = _position(message, _main(model.signature, message))
    message.inputs[at].datatype = FP32
    message.raw_input_contents[at] = bytes(4)
    return message


def _badly_sampled(model: TritonModel, request: Request) -> Iterator[Any]:
    for bad in BAD_SAMPLING:
        yield _with(_message(model, replace(request, sampling=Sampling(seed=0))), SAMPLING, bad)


def _main(signature: Signature, message: Any) -> str:
    """The input that the kind must have; the first one of a kind that has the choice."""
    required = [tensor.name for tensor in INPUTS[signature.kind] if not tensor.optional]
    return required[0] if required else str(message.inputs[0].name)


def _with(message: Any, name: str, data: bytes) -> Any:
    """The message with one element in a tensor."""
    message.raw_input_contents[_position(message, name)] = len(data).to_bytes(4, "little") + data
    return message


def _position(message: Any, name: str) -> int:
    return [tensor.name for tensor in message.inputs].index(name)


def _message(model: TritonModel, request: Request, identifier: str = IDENTIFIER) -> Any:
    return wire.encode(request, model.signature, identifier, answers.SECONDS)


async def _send(peer: Peer, model: TritonModel, message: Any) -> list[Any]:
    return await peer.infer(message, answers.SECONDS, decoupled=model.signature.decoupled)


async def _refused(peer: Peer, model: TritonModel, request: Request, message: Any) -> str:
    error = await refusal(_send(peer, model, message), ModelNotFound)
    await answers_still(model, request, "bad input")
    return words(error)
