"""The service `Evaluation` on loopback, over stores of the test and models that the test holds in its hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc.aio
import stranger

from assay.v1 import evaluation_pb2, evaluation_pb2_grpc
from kernel.contract import Deadline, Reply, Request
from kernel.shell.service.calls import Calls
from kernel.shell.service.carrying import Places
from kernel.shell.service.evaluation import Evaluation
from kernel.shell.service.limits import Limiter, Limits
from kernel.shell.service.metrics import Metrics
from kernel.shell.service.models import Models
from kernel.shell.service.reading import OpenStore
from kernel.shell.service.remote_suites import Suites
from kernel.shell.service.runs import Runs
from kernel.shell.service.scorers import Scorers
from kernel.shell.service.tokens import Anyone, Caller, Callers
from kernel.store.store import Store

RUNNING = evaluation_pb2.RUN_STATE_RUNNING
PENDING = evaluation_pb2.RUN_STATE_PENDING
INTERRUPTED = evaluation_pb2.RUN_STATE_INTERRUPTED
FINISHED = evaluation_pb2.RUN_STATE_FINISHED
PLAYERS = ("gold", "constant", "empty")


class Held(stranger.Session):
    """The stranger's models. Each call takes `seconds`, and calls past `allowed` wait until more are allowed."""

    def __init__(self, catalog: Path | None = None, *, only: Any = None, seconds: float = 0.0) -> None:
        super().__init__(catalog, only=only)
        self.seconds = seconds
        self.allowed = 10**9
        self.asked_texts: list[tuple[str, str]] = []
        self.opened = 0
        self.version = "1"
        self._more = asyncio.Event()

    def allow(self, number: int = 10**9) -> None:
        self.allowed += number
        self._more.set()
        self._more = asyncio.Event()

    async def cards(self):
        found = await super().cards()
        return {name: replace(card, identity=card.identity.replace("-1", f"-{self.version}")) for name, card in found.items()}

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        while self.allowed <= 0:
            await self._more.wait()
        self.allowed -= 1
        if self.seconds:
            await asyncio.sleep(self.seconds)
        self.asked_texts.append((request.model, request.text))
        return await super().infer(request, deadline=deadline)

    async def __aenter__(self):
        self.opened += 1
        return self


class Named:
    """Whoever calls says in the metadata of which namespace he is."""

    def find(self, metadata):
        namespace = dict(metadata).get("namespace", "default")
        return Caller("tester", namespace, frozenset({"read", "run", "score"}))

    def holds(self, caller):
        return True


class Service:
    """A server, and its insides."""

    def __init__(self, opening: Any, *, places: int = 4, limits: Limits | None = None, seconds: float = 0.0, callers: Callers | None = None, **data: str):
        self._opening = opening
        self.session = Held(seconds=seconds)
        self.models = Models(lambda catalog, **_: self.session)
        scorers = Scorers(self.models.evaluators, self.session)
        self.suites = Suites(self.models.evaluators, scorers.described, data)
        self.metrics = Metrics()
        self.places = Places(places)
        self.known: dict[str, Runs] = {}
        self.limiter = Limiter(limits or Limits())
        self.calls = Calls(callers or Anyone(), self.limiter, self.metrics)
        self.evaluation = Evaluation(self.runs, self.models, self.suites)
        self.server = grpc.aio.server(interceptors=[self.calls])
        self.channels: list[grpc.aio.Channel] = []
        self.address = ""

    def runs(self, namespace: str = "default") -> Runs:
        if namespace not in self.known:
            self.known[namespace] = Runs(self._opening(namespace), self.models, self.suites, self.places, self.metrics)
            self.known[namespace].begin()
        return self.known[namespace]

    async def start(self) -> None:
        evaluation_pb2_grpc.add_EvaluationServicer_to_server(self.evaluation, self.server)
        self.address = f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        await self.server.start()

    def stub(self) -> evaluation_pb2_grpc.EvaluationStub:
        self.channels.append(grpc.aio.insecure_channel(self.address, options=(("grpc.use_local_subchannel_pool", 1),)))
        return evaluation_pb2_grpc.EvaluationStub(self.channels[-1])

    async def drain(self) -> None:
        for runs in self.known.values():
            await runs.drain()
        await self._end()

    async def die(self) -> None:
        """End as if killed: nothing is told to the store."""
        tasks = []
        for runs in self.known.values():
            tasks += [*runs.carrying._loops, *(carried.task for carried in runs.carrying._carried.values())]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._end()

    async def _end(self) -> None:
        for channel in self.channels:
            await channel.close()
        await self.server.stop(None)
        for runs in self.known.values():
            await asyncio.to_thread(runs.close)
        await self.models.aclose()


def in_folder(folder: Path):
    """Stores by namespace, on SQLite."""

    def of(namespace: str) -> OpenStore:
        return lambda *, write: Store(folder / namespace, write=write)

    return of


@asynccontextmanager
async def serving(folder: Path | Any, **more: Any) -> AsyncIterator[Service]:
    service = Service(in_folder(folder) if isinstance(folder, Path) else folder, **more)
    await service.start()
    try:
        yield service
    finally:
        await service.drain()


def inline(size: int = 5, models: tuple[str, ...] = ("parrot",), **more: Any) -> evaluation_pb2.CreateRunRequest:
    """A request for a run of the stranger's evaluator."""
    request = evaluation_pb2.CreateRunRequest()
    task = {"evaluator": "stranger.echo", "options": {"size": size}}
    request.inline_suite.update({"suite": "mine", "models": list(models), "tasks": [task], "at_once": 4, **more})
    return request


async def until(stub: Any, name: str, *states: int, seconds: float = 20.0) -> evaluation_pb2.Run:
    """The run, once it is in one of these states."""
    async with asyncio.timeout(seconds):
        while True:
            run = await stub.GetRun(evaluation_pb2.GetRunRequest(name=name))
            if run.state in states:
                return run
            await asyncio.sleep(0.02)


async def watch(stub: Any, name: str, cursor: str = "", **more: Any) -> list[evaluation_pb2.WatchRunResponse]:
    """All responses of a watch that comes to its end."""
    return [each async for each in stub.WatchRun(evaluation_pb2.WatchRunRequest(name=name, cursor=cursor, **more))]


def keys(responses: Any) -> list[tuple[str, str, str]]:
    """The outcomes of responses, by task, model and case."""
    return [(each.task, each.model, each.case_id) for response in responses for each in response.outcomes]
