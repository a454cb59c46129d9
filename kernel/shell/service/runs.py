"""The runs of one namespace, as its callers have them: created, listed, cancelled, resumed, forgotten; and read without hindering who writes."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import socket
from collections.abc import Collection, Iterator
from os import getpid

from assay.v1 import evaluation_pb2
from kernel.errors import GatewayError, InvalidSpec, StoreInUse, UnknownName, WrongKind
from kernel.shell.running import new_run
from kernel.shell.service import tracing
from kernel.shell.service.carrying import CANCELLED, SERVED, Carrying, Places
from kernel.shell.service.limits import OverLimit
from kernel.shell.service.metrics import Metrics
from kernel.shell.service.models import Models
from kernel.shell.service.reading import OpenStore, Reading
from kernel.shell.service.remote_suites import Suites
from kernel.shell.service.statuses import AlreadyThere, BadFields, Violation, WrongState, violations_of
from kernel.shell.service.watching import Watching
from kernel.spec import Plan, SuiteSpec
from kernel.store.rows import RequestRow, RunRow
from kernel.store.store import Store

LIVE = ("pending", "running")
MOST_REQUEST_ID = 128
"""Bytes of a request's id."""


class Runs:
    """The runs of a namespace, and those of them that this process carries out.

    opening: opens its store; on SQLite no other process may have it open for writing. reading: for watchers and small questions, reports: for
    what takes longer.
    """

    def __init__(self, opening: OpenStore, models: Models, suites: Suites, places: Places, metrics: Metrics | None = None) -> None:
        self._store = opening(write=True)
        self._models = models
        self._suites = suites
        self.carrying = Carrying(self._store, models, places, f"{socket.gethostname()}:{getpid()}:{secrets.token_hex(4)}", metrics)
        self.reading = Reading(opening, "reading")
        self.reports = Reading(opening, "reports")
        self.watching = Watching(self.reading)

    def begin(self) -> None:
        """Take up what nobody carries out, from now on."""
        self.carrying.begin()

    async def drain(self) -> None:
        """End the runs that are carried out here, so that they go on by themselves at the next start."""
        await self.carrying.drain()

    def close(self) -> None:
        """Let go of the store."""
        self.carrying.close()
        self.reading.close()
        self.reports.close()
        self._store.close()

    async def create(self, request: evaluation_pb2.CreateRunRequest, at_once: int) -> str:
        """The name of the run that the request makes, or made before. at_once: how many runs may wait and run at the same time.

        Raises `BadFields` with every fault, `AlreadyThere`, `OverLimit`, or `WrongState` for a model that cannot be reached.
        """
        _check_request_id(request.request_id)
        digest = _digest(request)
        if request.request_id and (before := await self.carrying.call(self._store.request, request.request_id)) is not None:
            return _same(before, digest)
        await self._check_room(at_once)
        plan = await self._planned(request)
        run = new_run(plan.suite.suite)
        budget = request.overrides.budget if request.overrides.HasField("budget") else None
        trace = tracing.carried()
        manifest = {**plan.manifest, SERVED: {"budget": budget, **({"trace": trace} if trace else {})}}
        row = await self.carrying.call(self._store.create_run, run, plan.suite.suite, manifest, request_id=request.request_id, digest=digest)
        self.carrying.stir()
        return _same(row, digest)

    async def row(self, run: str) -> RunRow:
        """A run as it is now. Raises `NotThere`."""
        return await self.reading(Store.run_row, run)

    async def page(self, after: tuple[str, str] | None, limit: int, suite: str, states: Collection[str]) -> list[RunRow]:
        """Runs, newest first."""
        return await self.reading(Store.runs_page, after, limit, suite=suite, states=states)

    async def cancel(self, run: str) -> None:
        """Stop a run; one that has ended stays as it is. Raises `NotThere`."""
        await self.row(run)
        await self.carrying.call(self._store.set_state, run, "interrupted", CANCELLED, among=LIVE)
        await self.carrying.stop(run)

    async def resume(self, run: str, at_once: int) -> None:
        """Let a run that was interrupted wait for its turn again. Raises `NotThere` or `OverLimit`."""
        row = await self.row(run)
        left_behind = row.state == "running" and not self._store.shared and not self.carrying.has(run)
        if row.state == "interrupted" or left_behind:
            await self._check_room(at_once + left_behind)
            await self.carrying.call(self._store.set_state, run, "pending", among=("interrupted", "running"))
            self.carrying.stir()

    async def delete(self, run: str) -> None:
        """Forget a run. Raises `NotThere`, or `WrongState` while it runs or waits."""
        row = await self.row(run)
        if row.state in LIVE:
            raise WrongState(f"{run} is {row.state}; cancel it first")
        try:
            await self.carrying.call(self._store.delete_run, run)
        except StoreInUse:
            raise WrongState(f"{run} is being stopped; try again in a few seconds") from None

    async def _check_room(self, at_once: int) -> None:
        if len(await self.reading(Store.runs_page, None, at_once, states=LIVE)) >= at_once:
            raise OverLimit("runs at once", at_once)

    async def _planned(self, request: evaluation_pb2.CreateRunRequest) -> Plan:
        suite = await asyncio.to_thread(self._suites.asked, request)
        if faults := list(_unknown_models(request, suite, await self._models.cards())):
            raise BadFields(faults)
        try:
            return await self._models.plan(suite)
        except InvalidSpec as error:
            raise BadFields(violations_of(error, _source(request))) from error
        except (UnknownName, WrongKind) as error:
            raise BadFields([Violation(_source(request), str(error))]) from error
        except GatewayError as error:
            raise WrongState("a model of the suite cannot be reached; ListModels tells which are unavailable") from error


def _source(request: evaluation_pb2.CreateRunRequest) -> str:
    return request.WhichOneof("source") or "source"


def _unknown_models(request: evaluation_pb2.CreateRunRequest, suite: SuiteSpec, cards: Collection[str]) -> Iterator[Violation]:
    """Models that a suite names and that the catalog does not have, where the request names them."""
    overrides, source = request.overrides, _source(request)
    named = {f"{'overrides' if overrides.models else source}.models[{at}]": name for at, name in enumerate(suite.models)}
    named |= {f"{'overrides' if role in overrides.roles else source}.roles.{role}": name for role, name in suite.roles.items()}
    for position, task in enumerate(suite.tasks):
        named |= {f"{source}.tasks[{position}].models[{at}]": name for at, name in enumerate(task.models or ())}
    for path, name in named.items():
        if name not in cards:
            yield Violation(path, str(UnknownName("model", name, cards)))


def _check_request_id(told: str) -> None:
    if told and not (told.isprintable() and len(told.encode()) <= MOST_REQUEST_ID):
        raise BadFields([Violation("request_id", f"has {len(told.encode())} bytes; expected 1 to {MOST_REQUEST_ID}, all of them printable")])


def _digest(request: evaluation_pb2.CreateRunRequest) -> str:
    """SHA-256 of everything that a request says but its id."""
    told = evaluation_pb2.CreateRunRequest()
    told.CopyFrom(request)
    told.ClearField("request_id")
    return hashlib.sha256(told.SerializeToString(deterministic=True)).hexdigest()


def _same(before: RequestRow, digest: str) -> str:
    if before.digest != digest:
        ident = before.request_id
        raise AlreadyThere("request", ident, f"request_id {ident!r} made a run by another request; repeat that one as it was, or take another request_id")
    return before.run
