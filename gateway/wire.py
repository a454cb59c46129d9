"""The only place that knows both what a request or reply means and which tensors carry it.

The client's side is `encode` and `decode`; the side of a model inside Triton is `read` and `write`. Both stand on the same
functions between meaning and tensors (`gateway.asking`, `gateway.answering`), so what one writes the other reads; the bytes of
the client's side are made in `gateway.frames`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from gateway import answering, asking, frames
from gateway.signature import FP32, OUTPUT_TYPES, UINT32, Signature
from kernel.contract import DEFAULT_SAMPLING, Kind, Reply, Request
from kernel.errors import BadReply

TIMEOUT = "timeout"
"""Triton's own request parameter, in microseconds, for the model's eyes. Where a batcher is between, gRPC's deadline does."""
NOT_HONOURED = "not_honoured"
"""In a report: names of sampling parameters that the model does not take."""

_SAMPLED = (Kind.GENERATE, Kind.IMAGINE)


def encode(request: Request, signature: Signature, identifier: str = "", seconds: float | None = None) -> Any:
    """The `ModelInferRequest`. Raises `InvalidRequest`, `TooLarge`, `Unsupported`."""
    tensors, parameters = asking.tensors_of(request, signature)
    if seconds is not None and not signature.batched:
        parameters[TIMEOUT] = max(1, int(seconds * 1e6))
    if signature.translation is None:
        return frames.pack(tensors, signature, identifier, parameters)
    theirs, typed = signature.translation.asked(tensors, parameters, request.sampling)
    return frames.pack(theirs, signature, identifier, parameters, typed)


def decode(response: Any, signature: Signature, request: Request) -> Reply:
    """The reply in a `ModelInferResponse`. Raises `BadReply`."""
    return whole(decode_part(response, signature), signature, request)


def whole(reply: Reply, signature: Signature, request: Request) -> Reply:
    """The reply with what was asked and does not reach the model in its report. Raises `BadReply` for too few or too many answers."""
    check_counts(reply, request)
    if request.sampling is not DEFAULT_SAMPLING and (ignored := signature.ignored(request.sampling)):
        reply = replace(reply, report={**reply.report, NOT_HONOURED: ignored})
    return reply


def decode_part(response: Any, signature: Signature) -> Reply:
    """As `decode`, for one response of several to the same request."""
    if (translation := signature.translation) is not None:
        return answering.reply_of(translation.answered(frames.unpack(response, signature, translation.outputs)), signature)
    return answering.reply_of(frames.unpack(response, signature, OUTPUT_TYPES[signature.kind]), signature)


def read(tensors: Mapping[str, np.ndarray[Any, Any]], parameters: Mapping[str, Any], signature: Signature) -> Request:
    """The request in the arrays that a model inside Triton is given. Raises `InvalidRequest`."""
    lists = {name: [_as_bytes(element) for element in array.ravel().tolist()] for name, array in tensors.items()}
    return asking.request_of(lists, parameters, signature)


def write(reply: Reply, signature: Signature) -> dict[str, np.ndarray[Any, Any]]:
    """The arrays that a model inside Triton answers with. Raises `BadReply`."""
    types = OUTPUT_TYPES[signature.kind]
    found = {}
    for name, value in answering.tensors_of(reply, signature).items():
        if types[name] == FP32:
            array = np.array(value, dtype=np.float32)
            array = array.reshape(len(reply.rows), -1) if array.size == 0 else array
        elif types[name] == UINT32:
            array = np.array([value], dtype=np.uint32)
        else:
            array = np.array(value, dtype=np.object_)
        found[name] = array[np.newaxis] if signature.batched else array
    return found


def check_counts(reply: Reply, request: Request) -> None:
    """That there are as many answers as were asked for. Raises `BadReply`."""
    if request.kind in _SAMPLED:
        wanted = request.sampling.n or 1
        answers = len(reply.texts) if request.kind is Kind.GENERATE else max(len(reply.pictures), len(reply.finish))
        if not 1 <= answers <= wanted:
            raise BadReply(f"{answers} answers; expected {wanted}")
    elif request.kind in (Kind.EMBED, Kind.CLASSIFY) and len(reply.rows) != len(request.parts):
        raise BadReply(f"{len(reply.rows)} rows for {len(request.parts)} inputs; expected as many")


def _as_bytes(element: Any) -> bytes:
    return element if isinstance(element, bytes) else str(element).encode()
