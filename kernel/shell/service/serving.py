"""`assay serve`: models, stores, scoring and evaluation are put together here, opened in order, and brought to their end in order."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import grpc.aio
import structlog

from assay.v1 import evaluation_pb2, scoring_pb2
from assay.v1.evaluation_pb2_grpc import add_EvaluationServicer_to_server
from assay.v1.scoring_pb2_grpc import add_ScoringServicer_to_server
from kernel import registry
from kernel.contract import Model
from kernel.errors import GatewayError, UserError
from kernel.shell.running import OpenGateway, find_gateway
from kernel.shell.service import tracing, transport
from kernel.shell.service.calls import Calls
from kernel.shell.service.carrying import Places
from kernel.shell.service.engine import Engine
from kernel.shell.service.evaluation import Evaluation
from kernel.shell.service.front import Front
from kernel.shell.service.limits import Limiter
from kernel.shell.service.metrics import Metrics
from kernel.shell.service.models import Models
from kernel.shell.service.passing import Told
from kernel.shell.service.processes import Order, Workers
from kernel.shell.service.reaching import CATALOG, AtFirstUse, catalog_of
from kernel.shell.service.remote_suites import Suites
from kernel.shell.service.runs import Runs
from kernel.shell.service.scorers import Scorers
from kernel.shell.service.scoring import Scoring
from kernel.shell.service.settings import Settings, refuse_exposed
from kernel.shell.service.stores import Stores
from kernel.shell.service.tokens import Anyone, Callers, TokenFile

EVALUATION = evaluation_pb2.DESCRIPTOR.services_by_name["Evaluation"]
SCORING = scoring_pb2.DESCRIPTOR.services_by_name["Scoring"]
SERVICES = (EVALUATION.full_name, SCORING.full_name)
SOCKET = "keeper.sock"
LOG = "log.jsonl"
PREFIX = "assay-serve-"
"""How the names of private folders begin; the process that made one follows."""

log = structlog.get_logger("assay.service")


def log_of(settings: Settings) -> Path:
    """Where the server writes its log."""
    return Stores(settings).folder / LOG


async def serve(settings: Settings, say: Callable[[str], None]) -> None:
    """Serve until this is cancelled; then drain. `say` is told the address once it answers.

    Raises `UserError` for what cannot be served so, `StoreError`, and `GatewayError` when models that have to be there cannot be started.
    """
    refuse_exposed(settings)
    tracing.set_up()
    metrics, limiter = Metrics(), Limiter(settings.limits)
    calls = Calls(callers_of(settings), limiter, metrics)
    async with AsyncExitStack() as closing:
        closing.enter_context(told_metrics(settings, metrics, 0))
        kept = await closing.enter_async_context(_kept(settings, metrics))
        front = Front(calls, metrics, shared=settings.processes > 1)
        add_EvaluationServicer_to_server(kept.evaluation, front.server)
        add_ScoringServicer_to_server(kept.scoring, front.server)
        port = transport.listen(front.server, settings)
        workers = await _workers(replace(settings, port=port), kept, limiter, metrics, closing) if settings.processes > 1 else None
        await front.start(SERVICES)
        warming = asyncio.create_task(asyncio.to_thread(kept.described))  # plugins are imported before somebody waits for one
        say(f"serving at {transport.address(settings.host, port)}; end with Ctrl-C")
        log.info("serving", host=settings.host, port=port, processes=settings.processes)
        try:
            await asyncio.Event().wait()
        finally:
            log.info("draining")
            warming.cancel()
            if workers is not None:
                workers.end()
            await asyncio.gather(kept.drain(), front.drain())


def callers_of(settings: Settings) -> Callers:
    """Who may call. Raises `InvalidSpec` for a file of tokens that cannot be read."""
    return Anyone() if settings.tokens is None else TokenFile(settings.tokens)


@contextmanager
def told_metrics(settings: Settings, metrics: Metrics, number: int) -> Any:
    """Tell the metrics of the process of that number, where that is wanted."""
    if settings.metrics_port is None:
        yield
        return
    with metrics.told_at(settings.metrics_port + number if settings.metrics_port else 0, settings.metrics_host):
        yield


def scoring_of(judges: Model, roles: Mapping[str, str], metrics: Metrics) -> tuple[Scoring, Scorers]:
    """The service that scores, with models that judge and who plays which role."""
    scorers = Scorers(registry.evaluators(), judges, roles)
    return Scoring(Engine(), scorers, metrics), scorers


class Kept:
    """What the first process has and nobody else: models, stores, runs."""

    def __init__(self, settings: Settings, stores: Stores, models: Models, metrics: Metrics) -> None:
        self.models = models
        self.scoring, scorers = scoring_of(AtFirstUse(models), models.roles, metrics)
        self.described = scorers.described
        self._stores = stores
        self._metrics = metrics
        self._places = Places(settings.runs_at_once)
        self._suites = Suites(models.evaluators, scorers.described, {name: str(folder) for name, folder in settings.data.items()})
        self._runs: dict[str, Runs] = {}
        self._draining = False
        self.evaluation = Evaluation(self.runs, models, self._suites)

    def runs(self, namespace: str) -> Runs:
        """The runs of a namespace. Its store is made where there is none. Raises `StoreError`."""
        found = self._runs.get(namespace)
        if found is None:
            found = self._runs[namespace] = Runs(partial(self._stores.open, namespace), self.models, self._suites, self._places, self._metrics)
            if not self._draining:
                found.begin()
        return found

    def begin(self) -> None:
        """Take up the runs of all namespaces. Raises `StoreError`."""
        for namespace in self._stores.namespaces():
            self.runs(namespace)

    async def drain(self) -> None:
        """End runs so that they go on at the next start."""
        self._draining = True
        await asyncio.gather(*(runs.drain() for runs in self._runs.values()))

    async def aclose(self) -> None:
        """Let go of everything. What is still under way is lost as by a kill."""
        await self.drain()
        await self.models.aclose()
        for runs in self._runs.values():
            await asyncio.to_thread(runs.close)


@asynccontextmanager
async def _kept(settings: Settings, metrics: Metrics) -> AsyncIterator[Kept]:
    stores = Stores(settings)
    opening = find_gateway(settings.gateway)
    models = Models(_described(opening) if settings.processes > 1 else opening, settings.catalog, journals=stores.folder / "batches")
    kept = Kept(settings, stores, models, metrics)
    try:
        if settings.processes > 1:
            await models.started()
        kept.begin()
        yield kept
    finally:
        await kept.aclose()


def _described(opening: OpenGateway) -> OpenGateway:
    """Opens sessions whose models tell other processes what they are."""
    return partial(opening, described=True)


async def _workers(settings: Settings, kept: Kept, limiter: Limiter, metrics: Metrics, closing: AsyncExitStack) -> Workers:
    """The further processes, and the socket at which what they take in is answered."""
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    closing.callback(shutil.rmtree, folder, ignore_errors=True)
    addresses: Mapping[str, str] = {}
    with suppress(GatewayError):  # all models are elsewhere
        addresses = kept.models.session.addresses
    cards = await kept.models.cards()
    if addresses:
        await asyncio.to_thread((folder / CATALOG).write_text, catalog_of(addresses, cards), "utf-8")
    socket = folder / SOCKET
    server = grpc.aio.server(interceptors=[Calls(Told(), limiter, metrics)], options=transport.options(shared=False))
    add_EvaluationServicer_to_server(kept.evaluation, server)
    if not server.add_insecure_port(f"unix:{socket}"):
        raise UserError(f"cannot listen at {socket}; set TMPDIR to a folder whose path is short")
    await server.start()
    closing.push_async_callback(server.stop, 1.0)
    others = frozenset(name for name, card in cards.items() if name not in addresses and card.player is None)
    orders = [
        Order(settings=settings, number=number, parent=os.getpid(), folder=folder, kept=frozenset(addresses), others=others, roles=dict(kept.models.roles))
        for number in range(1, settings.processes)
    ]
    return await closing.enter_async_context(Workers(orders))


def _sweep() -> None:
    """Remove the folders that servers left which were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*"):
        pid = folder.name.removeprefix(PREFIX).partition("-")[0]
        with suppress(OSError):
            if pid.isdecimal() and folder.stat().st_uid == os.getuid() and not Path(f"/proc/{pid}").exists():
                shutil.rmtree(folder, ignore_errors=True)
