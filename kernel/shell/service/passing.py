"""Calls that one process takes in and another answers: byte for byte over a socket of their own, with who calls told beside them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import grpc.aio
from google.protobuf.descriptor import ServiceDescriptor
from opentelemetry import propagate

from kernel.errors import DeadlineExceeded
from kernel.shell.service.calls import call_of
from kernel.shell.service.statuses import REQUEST_ID_KEY, Ended
from kernel.shell.service.tokens import Caller, Metadata, NoCaller

CALLER_KEY = "x-assay-caller-bin"
"""Who calls, as told by the process that asked him. Read at the socket alone."""
AWAY = "this process cannot reach the one that keeps the runs; call again in a while"


class Told:
    """The callers behind a socket that nobody but our own processes reaches: they have been asked already."""

    def find(self, metadata: Metadata) -> Caller:
        """The caller that was told. Raises `NoCaller`."""
        told = [value for key, value in metadata if key == CALLER_KEY]
        if len(told) != 1:
            raise NoCaller
        found = json.loads(told[0])
        return Caller(found["name"], found["namespace"], frozenset(found["scopes"]))

    def holds(self, caller: Caller) -> bool:
        """Always: who took the call in ends it."""
        return True


def passing(service: ServiceDescriptor, channel: grpc.aio.Channel) -> grpc.GenericRpcHandler:
    """Handlers for all methods of a service that pass calls on. Its methods have one request."""
    handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}
    for method in service.methods:
        if method.client_streaming:
            raise ValueError(f"{method.full_name} streams requests; only methods with one can be passed on")
        path = f"/{service.full_name}/{method.name}"
        if method.server_streaming:
            handlers[method.name] = grpc.unary_stream_rpc_method_handler(_stream(channel.unary_stream(path)))
        else:
            handlers[method.name] = grpc.unary_unary_rpc_method_handler(_unary(channel.unary_unary(path)))
    return grpc.method_handlers_generic_handler(service.full_name, handlers)


def _unary(ask: Callable[..., Any]) -> Callable[[bytes, Any], Awaitable[bytes]]:
    async def passed(request: bytes, context: Any) -> bytes:
        call = ask(request, metadata=_metadata(), timeout=call_of().remaining())
        try:
            answer: bytes = await call
        except grpc.aio.AioRpcError as error:
            await _fail(error, context)
            raise
        return answer

    return passed


def _stream(ask: Callable[..., Any]) -> Callable[[bytes, Any], AsyncIterator[bytes]]:
    async def passed(request: bytes, context: Any) -> AsyncIterator[bytes]:
        call = ask(request, metadata=_metadata(), timeout=call_of().remaining())
        try:
            async for response in call:
                yield response
        except grpc.aio.AioRpcError as error:
            await _fail(error, context)
        finally:
            call.cancel()

    return passed


def _metadata() -> tuple[tuple[str, str | bytes], ...]:
    call = call_of()
    caller = {"name": call.caller.name, "namespace": call.caller.namespace, "scopes": sorted(call.caller.scopes)}
    trace: dict[str, str] = {}
    propagate.inject(trace)
    return (CALLER_KEY, json.dumps(caller).encode()), (REQUEST_ID_KEY, call.request_id), *trace.items()


async def _fail(error: grpc.aio.AioRpcError, context: Any) -> None:
    """End the call as the other process ended it. Raises in any case; what comes from the way between us is told in our own words."""
    trailing = tuple(error.trailing_metadata() or ())
    if any(key == REQUEST_ID_KEY for key, _ in trailing):
        await context.abort(error.code(), error.details() or "", trailing)
    if error.code() is grpc.StatusCode.CANCELLED:
        raise asyncio.CancelledError
    if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        raise DeadlineExceeded(error.details() or "no answer in time")
    raise Ended(AWAY)
