"""What happens to every call before and after the servicer: who calls, whether it may, how much, its id, log, metrics, span and status.

A handler of any kind is turned into one that reads and writes by itself, so that a place is held before the first message is taken in, a message
is only read as one once its caller is known, and everything is given back at one point, however the call ends: by itself, by an error, by its
deadline, because the client cancelled or vanished, or because the service ends it.
"""

from __future__ import annotations

import asyncio
import re
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import grpc
import grpc.aio
import structlog
from google.protobuf.message import DecodeError

from kernel.errors import AssayError
from kernel.shell.service import statuses, tracing
from kernel.shell.service.limits import Allowance, Limiter
from kernel.shell.service.metrics import Metrics
from kernel.shell.service.statuses import REQUEST_ID_KEY, BadFields, Ended, NoMethod, Violation
from kernel.shell.service.tokens import Caller, Callers, Metadata, NoCaller, OutOfScope, Scope

Need = Scope | Literal["open", "any"]
"""What a method needs: a scope, nothing at all, or any token that is valid."""

_EVALUATION = "/assay.v1.Evaluation/"
_SCORING = "/assay.v1.Scoring/"
_HEALTH = "/grpc.health.v1.Health/"
NEEDS: dict[str, Need] = {
    _EVALUATION + "ListSuites": "read",
    _EVALUATION + "ListEvaluators": "read",
    _EVALUATION + "ListModels": "read",
    _EVALUATION + "CreateRun": "run",
    _EVALUATION + "GetRun": "read",
    _EVALUATION + "ListRuns": "read",
    _EVALUATION + "WatchRun": "read",
    _EVALUATION + "CancelRun": "run",
    _EVALUATION + "ResumeRun": "run",
    _EVALUATION + "DeleteRun": "run",
    _EVALUATION + "ListOutcomes": "read",
    _EVALUATION + "GetReport": "read",
    _EVALUATION + "CompareRuns": "read",
    _SCORING + "ListScorers": "score",
    _SCORING + "Score": "score",
    _SCORING + "ScoreStream": "score",
    _HEALTH + "Check": "open",
    _HEALTH + "List": "open",
    _HEALTH + "Watch": "open",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo": "any",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": "any",
}
"""What each method needs. A method that is not here is refused to everybody."""

STRANGER = Caller("stranger", "", frozenset())
"""Who calls what is open. All strangers share one allowance."""
LOOKING_SECONDS = 0.25
"""How often calls in flight are looked at: is the token still valid, does anything come."""
OTHER = "other"
"""What stands in metrics and log for a method that the service does not have."""

_PRINTABLE = re.compile(r"[!-~]{1,128}")

log = structlog.get_logger("assay.service")


@dataclass(frozen=True)
class Call:
    """A call that a servicer answers."""

    method: str
    caller: Caller
    request_id: str
    allowance: Allowance
    _context: Any

    def remaining(self) -> float | None:
        """Seconds until the caller's deadline; None where there is none. It ends the call by itself: nothing need wait with a limit of its own."""
        seconds: float | None = self._context.time_remaining()
        return seconds


_CALL: ContextVar[Call] = ContextVar("assay_call")


def call_of() -> Call:
    """The call that is being answered. Raises `LookupError` outside of one."""
    return _CALL.get()


def caller_of() -> Caller:
    """Whose call is being answered. Raises `LookupError` outside of one."""
    return _CALL.get().caller


def request_id_of(metadata: Metadata) -> str:
    """The caller's own id of the request, or a new one where it told none, several, or one that is not 1 to 128 printable characters of ASCII."""
    told = [value for key, value in metadata if key == REQUEST_ID_KEY]
    return told[0] if len(told) == 1 and isinstance(told[0], str) and _PRINTABLE.fullmatch(told[0]) else uuid4().hex


class Calls(grpc.aio.ServerInterceptor):
    """The one interceptor of the service.

    idle_seconds: how long a stream may wait for a message from a caller that has no items in flight, or for a caller that does not read.
    Servicers take the caller from `caller_of()`, raise errors instead of setting codes, and leave the initial metadata to this.
    """

    def __init__(self, callers: Callers, limiter: Limiter, metrics: Metrics, *, idle_seconds: float = 600.0) -> None:
        self._callers = callers
        self._limiter = limiter
        self._metrics = metrics
        self._idle = idle_seconds
        self._live: set[_Traffic] = set()
        self._timer: asyncio.TimerHandle | None = None

    def end_all(self, error: AssayError) -> None:
        """End every call in flight with this error."""
        for traffic in tuple(self._live):
            traffic.end(error)

    async def intercept_service(self, continuation: Callable[[Any], Awaitable[Any]], details: Any) -> Any:
        """The handler of a call: the servicer's, within all that is done for it, or one that refuses."""
        metadata = tuple(details.invocation_metadata or ())
        request_id = request_id_of(metadata)
        method = str(details.method)
        caller = STRANGER
        try:
            need = NEEDS.get(method)
            if need != "open":
                caller = self._callers.find(metadata)
            handler = await continuation(details)
            if handler is None:
                method = OTHER
                raise NoMethod
            if need is None or need not in ("open", "any", *caller.scopes):
                raise OutOfScope(need or "of nobody")
        except AssayError as error:
            return grpc.stream_stream_rpc_method_handler(self._refusing(method if method in NEEDS else OTHER, caller, request_id, error))
        return self._answering(handler, method, caller, request_id, metadata)

    def _refusing(self, method: str, caller: Caller, request_id: str, error: AssayError) -> Callable[..., Awaitable[None]]:
        """Answers with an error, and takes no message in."""

        async def refuse(_requests: Any, context: Any) -> None:
            self._tell(method, caller, request_id, 0.0, statuses.code_of(error).name, error)
            await _abort(context, error, request_id)

        return refuse

    def _answering(self, handler: Any, method: str, caller: Caller, request_id: str, metadata: Metadata) -> Any:
        async def answer(_requests: Any, context: Any) -> bytes | None:
            call = Call(method, caller, request_id, self._limiter.of(caller), context)
            _CALL.set(call)
            return await self._carry(_Traffic(call, context, handler, self._metrics), metadata)

        make = grpc.stream_stream_rpc_method_handler if handler.response_streaming else grpc.stream_unary_rpc_method_handler
        return make(answer)

    async def _carry(self, traffic: _Traffic, metadata: Metadata) -> bytes | None:
        call = traffic.call
        begun = time.perf_counter()
        code = grpc.StatusCode.OK
        failure: Exception | None = None
        with tracing.span_of(call.method, metadata, call.request_id) as span:
            try:
                with call.allowance.call(stream=traffic.streams), self._metrics.in_flight(call.method), self._watched(traffic):
                    return await traffic.answer()
            except asyncio.CancelledError:
                if traffic.ended is None:
                    code = grpc.StatusCode.DEADLINE_EXCEEDED if call.remaining() == 0 else grpc.StatusCode.CANCELLED
                    raise
                failure = traffic.ended
            except grpc.aio.AbortError:
                code = traffic.code_set()
                raise
            except Exception as error:  # noqa: BLE001  # a servicer may raise anything, and the caller may not see it
                failure = error
            finally:
                code = code if failure is None else statuses.code_of(failure)
                tracing.end_with(span, code.value[0], code.name)
                self._tell(call.method, call.caller, call.request_id, time.perf_counter() - begun, code.name, failure)
        await _abort(traffic.context, failure, call.request_id)
        return None

    def _tell(self, method: str, caller: Caller, request_id: str, seconds: float, code: str, failure: BaseException | None) -> None:
        """Count a call that has ended, and log it: nothing of its messages, nothing of its metadata but the id."""
        self._metrics.ended(method, code, seconds)
        about = {"method": method, "code": code, "seconds": round(seconds, 6), "caller": caller.name, "request": request_id}
        if failure is None:
            log.info("call", **about)
        elif statuses.speaks_of_the_server(failure):
            log.error("call", **about, error=type(failure).__name__, words=str(failure))
        elif isinstance(failure, AssayError):
            log.info("call", **about, error=type(failure).__name__)
        else:
            log.error("call", **about, error=type(failure).__name__, at=_places(failure))

    @contextmanager
    def _watched(self, traffic: _Traffic) -> Iterator[None]:
        traffic.task = asyncio.current_task()
        self._live.add(traffic)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LOOKING_SECONDS, self._look)
        try:
            yield
        finally:
            self._live.discard(traffic)
            traffic.close()

    def _look(self) -> None:
        """End calls whose token is valid no longer, and those in which nothing happens."""
        now = time.monotonic()
        for traffic in tuple(self._live):
            caller = traffic.call.caller
            if caller is not STRANGER and not self._callers.holds(caller):
                traffic.end(NoCaller())
            elif traffic.quiet_for(now) > self._idle:
                traffic.end(Ended(f"closed after {self._idle:.0f} s in which nothing was sent or read; call again where you are ready"))
        self._timer = asyncio.get_running_loop().call_later(LOOKING_SECONDS, self._look) if self._live else None


class _Traffic:
    """The messages of one call, as its servicer reads and writes them: an iterator of requests, and the context.

    What a message holds of items and bytes is taken from the caller's allowance; items are given back as their results go out, the rest at the end.
    """

    def __init__(self, call: Call, context: Any, handler: Any, metrics: Metrics) -> None:
        self.call = call
        self.context = context
        self.task: asyncio.Task[Any] | None = None
        self.ended: AssayError | None = None
        self.streams = bool(handler.request_streaming or handler.response_streaming)
        self._handler = handler
        self._metrics = metrics
        self._items = 0
        self._reading = False
        self._writing = False
        self._touched = time.monotonic()

    def __getattr__(self, name: str) -> Any:
        """Everything else that a context has."""
        return getattr(self.context, name)

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        message = await self.read()
        if message is grpc.aio.EOF:
            raise StopAsyncIteration
        return message

    async def answer(self) -> bytes | None:
        """Carry the call out. The answer, where it is one and no stream."""
        handler = self._handler
        requests = self if handler.request_streaming else await self._only_request()
        if not handler.response_streaming:
            response = await (handler.stream_unary if handler.request_streaming else handler.unary_unary)(requests, self)
            data = self._serialized(response)
            await self._greet()
            return data
        await self._greet()
        responses = (handler.stream_stream if handler.request_streaming else handler.unary_stream)(requests, self)
        if not hasattr(responses, "__aiter__"):
            await responses
            return None
        async with aclosing(responses):
            async for response in responses:
                await self.write(response)
        return None

    async def read(self) -> Any:
        """The next request of a stream, once the caller's allowance has room for it, or `grpc.aio.EOF`."""
        data = await self._received()
        if data is grpc.aio.EOF:
            return data
        message = self._parsed(data)
        items = _length(message, "items")
        await self.call.allowance.take_when_free(items, len(data))
        self._hold(items)
        return message

    async def write(self, message: Any) -> None:
        """Send a response of a stream."""
        data = self._serialized(message)
        self._writing = True
        try:
            await self.context.write(data)
        finally:
            self._writing = False
            self._touched = time.monotonic()
        self._hold(-min(self._items, _length(message, "results")))

    def end(self, error: AssayError) -> None:
        """End the call with this error, wherever it is."""
        if self.ended is None and self.task is not None:
            self.ended = error
            self.task.cancel()

    def close(self) -> None:
        """Give back what the call still holds."""
        self._hold(-self._items)

    def quiet_for(self, now: float) -> float:
        """Seconds since the last message, where the next is the caller's to send or to read; 0 where it waits for us."""
        return now - self._touched if self._writing or (self._reading and not self._items) else 0.0

    def code_set(self) -> grpc.StatusCode:
        """The code with which the servicer aborted the call by itself."""
        set_to = self.context.code()
        return next((code for code in grpc.StatusCode if set_to in (code, code.value[0])), grpc.StatusCode.UNKNOWN)

    async def _only_request(self) -> Any:
        data = await self._received()
        if data is grpc.aio.EOF:
            raise BadFields([Violation("", "no message came; expected one")])
        message = self._parsed(data)
        items = _length(message, "items")
        self.call.allowance.take(items, len(data))
        self._hold(items)
        return message

    async def _received(self) -> Any:
        self._reading = True
        try:
            return await self.context.read()
        finally:
            self._reading = False
            self._touched = time.monotonic()

    def _parsed(self, data: bytes) -> Any:
        try:
            return self._handler.request_deserializer(data) if self._handler.request_deserializer else data
        except DecodeError:
            raise BadFields([Violation("", f"{len(data):,} bytes that are no message of this method; expected one of its request in UTF-8")]) from None

    def _serialized(self, message: Any) -> bytes:
        data: bytes = self._handler.response_serializer(message) if self._handler.response_serializer else message
        return data

    async def _greet(self) -> None:
        await self.context.send_initial_metadata(((REQUEST_ID_KEY, self.call.request_id),))

    def _hold(self, items: int) -> None:
        """So many items more are in flight; those of a message are taken from the allowance before."""
        if items < 0:
            self.call.allowance.give_back(-items)
        self._items += items
        self._metrics.items_in_flight.inc(items)


def _length(message: Any, name: str) -> int:
    """How many there are in the repeated field of that name; 0 where the message has none."""
    found = getattr(message, name, ())
    return 0 if callable(found) else len(found)


def _places(error: BaseException) -> Sequence[str]:
    """Where an exception came from, without its words, which may hold what a caller sent."""
    return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)[-12:]]


async def _abort(context: Any, error: BaseException, request_id: str) -> None:
    told = statuses.status_of(error, request_id)
    await context.abort(statuses.code_of(error), told.message, statuses.metadata_of(told, request_id))
