"""A fake service, and a proxy before it that cuts connections on purpose. It scores nothing and runs nothing."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from socket import SO_LINGER, SOL_SOCKET
from typing import Any, Self

import grpc
import grpc.aio
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message
from google.rpc.code_pb2 import INVALID_ARGUMENT
from google.rpc.status_pb2 import Status

from assay.v1 import evaluation_pb2 as evaluation
from assay.v1 import evaluation_pb2_grpc, scoring_pb2_grpc
from assay.v1 import scoring_pb2 as scoring
from assay.v1.types_pb2 import OUTCOME_STATUS_SCORED, MetricValue, Outcome

OUTCOMES = 500


def status(code: int, message: str, *details: Message) -> Status:
    """A status with details."""
    packed = [AnyMessage() for _ in details]
    for each, detail in zip(packed, details, strict=True):
        each.Pack(detail)
    return Status(code=code, message=message, details=packed)


async def refuse(context, found: Status) -> None:
    """End a call with details."""
    code = next(code for code in grpc.StatusCode if code.value[0] == found.code)
    await context.abort(code, found.message, (("grpc-status-details-bin", found.SerializeToString()),))


class Fake(evaluation_pb2_grpc.EvaluationServicer, scoring_pb2_grpc.ScoringServicer):
    """What it was asked stands in `requests` and `metadata`; what it is to refuse with in `refusals`, one for each call."""

    def __init__(self) -> None:
        self.requests: list[Message] = []
        self.metadata: list[dict[str, str]] = []
        self.refusals: list[Status] = []
        self.seen: Callable[[scoring.Item], None] = lambda _: None
        self.held = asyncio.Event()
        self.held.set()
        self.ends_after: int | None = None
        self.streams = 0

    async def note(self, request: Message, context) -> None:
        self.requests.append(request)
        self.metadata.append(dict(context.invocation_metadata()))
        await context.send_initial_metadata((("x-request-id", "r-1"),))
        if self.refusals:
            await refuse(context, self.refusals.pop(0))

    async def ListSuites(self, request, context):
        await self.note(request, context)
        start = int(request.page_token or 0)
        size = request.page_size or 3
        suites = [evaluation.Suite(name=f"s{number}") for number in range(start, min(8, start + size))]
        return evaluation.ListSuitesResponse(suites=suites, next_page_token=str(start + size) if start + size < 8 else "")

    async def CreateRun(self, request, context):
        await self.note(request, context)
        return evaluation.Run(name="run-1", request_id=request.request_id)

    async def GetRun(self, request, context):
        await self.note(request, context)
        return evaluation.Run(name=request.name)

    async def DeleteRun(self, request, context):
        await self.note(request, context)
        return Empty()

    async def WatchRun(self, request, context):
        await self.note(request, context)
        position = int(request.cursor or 0)
        while position < OUTCOMES:
            await self.held.wait()
            size = 1 + position * 7 % 11
            outcomes = [Outcome(case_id=str(number)) for number in range(position, min(OUTCOMES, position + size))]
            position = min(OUTCOMES, position + size)
            yield evaluation.WatchRunResponse(cursor=str(position), outcomes=outcomes)
            await asyncio.sleep(0)
        yield evaluation.WatchRunResponse(cursor=str(position), report=evaluation.Report(run=request.name))

    async def ListOutcomes(self, request, context):
        await self.note(request, context)
        for position in range(int(request.cursor or 0), OUTCOMES, 100):
            outcomes = [Outcome(case_id=str(number)) for number in range(position, position + 100)]
            yield evaluation.ListOutcomesResponse(cursor=str(position + 100), outcomes=outcomes)

    async def Score(self, request, context):
        await self.note(request, context)
        return scoring.ScoreResponse(results=[self.result(item) for item in request.items])

    async def ScoreStream(self, requests, context):
        self.streams += 1
        answered = 0
        try:
            await context.send_initial_metadata((("x-request-id", "r-1"),))
            if self.refusals:
                await refuse(context, self.refusals.pop(0))
            async for request in requests:
                await self.held.wait()
                results = [self.result(item) for item in reversed(request.items)]
                for result in results:
                    yield scoring.ScoreStreamResponse(results=[result])
                    answered += 1
                    if answered == self.ends_after:
                        self.ends_after = None
                        return
        finally:
            self.streams -= 1

    def result(self, item: scoring.Item) -> scoring.ItemResult:
        self.seen(item)
        if not item.HasField("scorer"):
            return scoring.ItemResult(id=item.id, error=status(INVALID_ARGUMENT, "no scorer"))
        return scoring.ItemResult(id=item.id, status=OUTCOME_STATUS_SCORED, values=[MetricValue(metric=item.scorer.name, value=len(item.reply))])


@contextlib.asynccontextmanager
async def serving(fake: Fake, port: int = 0, credentials: grpc.ServerCredentials | None = None) -> AsyncIterator[int]:
    """The fake on loopback; its port."""
    server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
    evaluation_pb2_grpc.add_EvaluationServicer_to_server(fake, server)
    scoring_pb2_grpc.add_ScoringServicer_to_server(fake, server)
    address = f"127.0.0.1:{port}"
    port = server.add_insecure_port(address) if credentials is None else server.add_secure_port(address, credentials)
    await server.start()
    try:
        yield port
    finally:
        await server.stop(None)


class Proxy:
    """Passes bytes on to a port; each connection is reset after as many bytes to the client as `budgets` says next, then without end."""

    def __init__(self, port: int, budgets: Iterator[int]) -> None:
        self.cuts = 0
        self.port = 0
        self._to = port
        self._budgets = budgets
        self._tasks: set[asyncio.Task[Any]] = set()
        self._pumps: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.transport.abort()
            return
        pumps = {asyncio.create_task(_pump(reader, back, None)), asyncio.create_task(_pump(there, writer, next(self._budgets, None)))}
        self._pumps |= pumps
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            self.cuts += 1
        finally:
            with contextlib.suppress(OSError):
                writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            writer.transport.abort()
            back.transport.abort()
            self._pumps -= pumps
            self._tasks.discard(task)


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, budget: int | None) -> None:
    left = budget
    while left is None or left > 0:
        data = await source.read(65_536 if left is None else min(left, 65_536))
        if not data:
            return
        sink.write(data)
        await sink.drain()
        left = None if left is None else left - len(data)
