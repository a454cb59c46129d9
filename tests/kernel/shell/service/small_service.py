"""A small service behind the interceptor, on loopback, and ways to call it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from assay.v1 import evaluation_pb2, evaluation_pb2_grpc, scoring_pb2, scoring_pb2_grpc
from kernel.shell.service.calls import Calls, call_of, caller_of
from kernel.shell.service.limits import Limiter, Limits
from kernel.shell.service.metrics import Metrics
from kernel.shell.service.tokens import Anyone, Callers, add_token

Run = evaluation_pb2.Run


class SmallEvaluation(evaluation_pb2_grpc.EvaluationServicer):
    """Runs that are what their names say: `waits`, `fails`, `endless`; any other tells who calls."""

    def __init__(self) -> None:
        self.error: Exception = ValueError("planted")
        self.answer: Any = None
        self.waiting = 0
        self.remaining: float | None = None
        self.seen: Callable[[], Any] = lambda: None

    async def GetRun(self, request, context):  # noqa: N802
        self.remaining = call_of().remaining()
        self.seen()
        if request.name == "waits":
            await self._wait()
        if request.name == "fails":
            raise self.error
        if request.name == "answers":
            return self.answer
        if request.name == "aborts":
            await context.abort(grpc.StatusCode.ABORTED, "by itself")
        return Run(name=caller_of().name, suite=caller_of().namespace)

    async def WatchRun(self, request, context):  # noqa: N802
        yield evaluation_pb2.WatchRunResponse(cursor="0", run=Run(name=caller_of().name))
        if request.name == "fails":
            raise self.error
        if request.name == "waits":
            await self._wait()
        while request.name == "endless":
            yield evaluation_pb2.WatchRunResponse(cursor="x" * 65_536)

    async def ListOutcomes(self, request, context):  # noqa: N802
        """Writes by itself, as a servicer may."""
        for number in range(3):
            await context.write(evaluation_pb2.ListOutcomesResponse(cursor=str(number)))

    async def _wait(self) -> None:
        self.waiting += 1
        try:
            await asyncio.Event().wait()
        finally:
            self.waiting -= 1


class SmallScoring(scoring_pb2_grpc.ScoringServicer):
    """A result for every item; those of `held` come once they are let go."""

    def __init__(self) -> None:
        self.letting_go = asyncio.Event()
        self.taken = 0

    async def Score(self, request, context):  # noqa: N802
        if any(item.prompt == "held" for item in request.items):
            await self.letting_go.wait()
        return scoring_pb2.ScoreResponse(results=[scoring_pb2.ItemResult(id=item.id) for item in request.items])

    async def ScoreStream(self, requests, context):  # noqa: N802
        async for request in requests:
            self.taken += len(request.items)
            if any(item.prompt == "held" for item in request.items):
                await self.letting_go.wait()
            yield scoring_pb2.ScoreStreamResponse(results=[scoring_pb2.ItemResult(id=item.id) for item in request.items])


async def until(so: Callable[[], bool], seconds: float = 5.0) -> None:
    """Until it is so. Raises `AssertionError` when it takes too long."""
    for _ in range(int(seconds * 100)):
        if so():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to that")


@dataclass
class Running:
    """A server that runs, and its insides."""

    address: str
    calls: Calls
    limiter: Limiter
    metrics: Metrics
    evaluation: SmallEvaluation
    scoring: SmallScoring
    channels: list[grpc.aio.Channel] = field(default_factory=list)

    def channel(self) -> grpc.aio.Channel:
        """A connection of its own."""
        options = (("grpc.use_local_subchannel_pool", 1), ("grpc.max_metadata_size", 4 * 1024 * 1024), ("grpc.absolute_max_metadata_size", 4 * 1024 * 1024))
        self.channels.append(grpc.aio.insecure_channel(self.address, options=options))
        return self.channels[-1]

    def evaluating(self) -> evaluation_pb2_grpc.EvaluationStub:
        return evaluation_pb2_grpc.EvaluationStub(self.channel())

    def scores(self) -> scoring_pb2_grpc.ScoringStub:
        return scoring_pb2_grpc.ScoringStub(self.channel())

    async def emptied(self) -> None:
        """Until no call is in flight and no place is held."""
        await until(lambda: not self.calls._live and not any(each.calls or each.streams or each.items for each in self.limiter._allowances.values()))


@asynccontextmanager
async def serving(callers: Callers | None = None, limits: Limits | None = None, **more: Any) -> AsyncIterator[Running]:
    limiter, metrics = Limiter(limits or Limits()), Metrics()
    calls = Calls(callers or Anyone(), limiter, metrics, **more)
    server = grpc.aio.server(interceptors=[calls])
    running = Running("", calls, limiter, metrics, SmallEvaluation(), SmallScoring())
    evaluation_pb2_grpc.add_EvaluationServicer_to_server(running.evaluation, server)
    scoring_pb2_grpc.add_ScoringServicer_to_server(running.scoring, server)
    checks = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    reflection.enable_server_reflection([service.full_name for service in scoring_pb2.DESCRIPTOR.services_by_name.values()], server)
    running.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    try:
        yield running
    finally:
        for channel in running.channels:
            await channel.close()
        await server.stop(None)


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


def made(folder: Path, **scopes: Iterable[str]) -> tuple[Path, dict[str, str]]:
    """A file of tokens, and those in it by name; all of the namespace `team`."""
    file = folder / "tokens.yaml"
    return file, {name: add_token(file, name, "team", set(wanted)) for name, wanted in scopes.items()}


async def refusal(call: Any) -> grpc.aio.AioRpcError:
    """The error that a call ends with."""
    try:
        if hasattr(call, "read"):
            while await call.read() is not grpc.aio.EOF:
                pass
        else:
            await call
    except grpc.aio.AioRpcError as error:
        return error
    raise AssertionError("the call went well")
