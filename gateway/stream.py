"""Decoupled models: one stream for a call, its responses joined to one reply.

Texts of `generate` are appended sample by sample, everything else is collected in the order it comes. An error comes as a response without
a status: with the header `triton_grpc_error` it would have one, but then Triton 2.51 cancels its own stream, and one such in a few hundred
ends the whole server with a segmentation fault.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from itertools import zip_longest
from typing import Any

import grpc.aio

from gateway import wire
from gateway.signature import Signature
from kernel.contract import MESSAGE_LIMIT, Kind, Reply, Request
from kernel.errors import ModelError, TooLarge


async def ask(call: Any, message: Any, signature: Signature, request: Request, said: Callable[..., ModelError]) -> Reply:
    """Send the one request and read its responses to the last. Raises gRPC's own error, or what `said` makes of the server's words."""
    with contextlib.suppress(grpc.aio.InternalError, asyncio.InvalidStateError):  # a call that is over by now says so when it is read
        await call.write(message)
        await call.done_writing()
    reply = Reply()
    size = 0
    while (response := await call.read()) is not grpc.aio.EOF:
        if response.error_message:
            raise said(grpc.StatusCode.INTERNAL, response.error_message, model=signature.model, identifier=message.id)
        answer = response.infer_response
        size += response.ByteSize()
        if size > MESSAGE_LIMIT:
            raise TooLarge(f"the stream's answers have over {MESSAGE_LIMIT:,} bytes together")
        if answer.outputs:
            reply = join(reply, wire.decode_part(answer, signature), signature.kind)
    return wire.whole(reply, signature, request)


def join(first: Reply, second: Reply, kind: Kind) -> Reply:
    """Two parts of a reply as one."""
    if kind is Kind.GENERATE:
        texts = tuple(before + after for before, after in zip_longest(first.texts, second.texts, fillvalue=""))
        finish = second.finish or first.finish
    else:
        texts = ()
        finish = first.finish + second.finish
    return Reply(
        texts=texts,
        pictures=first.pictures + second.pictures,
        detections=first.detections + second.detections,
        rows=first.rows + second.rows,
        finish=finish,
        input_tokens=second.input_tokens if second.input_tokens is not None else first.input_tokens,
        output_tokens=second.output_tokens if second.output_tokens is not None else first.output_tokens,
        report={**first.report, **second.report},
    )
