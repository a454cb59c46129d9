"""Carrying runs out: those of one namespace that nobody carries out, as many at a time as the server has places.

A run that is carried out has a lease in the store, which is renewed as long as this process lives. Whoever loses it stops at once: by then another
server may have taken the run up. What was left by a server that ended, or that was killed, has no living lease, and is taken up.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import Context
from typing import Any, Literal, TypeVar

import structlog

from kernel.documents import validate
from kernel.errors import AssayError, StoreError, UnknownName
from kernel.runner import Event, Outcome
from kernel.shell import running
from kernel.shell.service import tracing
from kernel.shell.service.metrics import Metrics
from kernel.shell.service.models import Models
from kernel.shell.service.spending import Spending
from kernel.spec import SuiteSpec
from kernel.store.keeping import Keeping
from kernel.store.store import Store

BEAT_SECONDS = 5.0
SHARED_BEAT_SECONDS = 1.0
"""The same where other servers have the store too: by it a run hears that it was cancelled elsewhere."""
LOST_SECONDS = 20.0
LOOK_SECONDS = 10.0
"""How often it is looked for runs that nobody carries out."""
COSTS_KEPT = 1024
"""Runs whose cost is remembered after they ended here."""
PATIENCE = 10.0
"""Seconds in which a run that is stopped has to put away what it has."""
SERVED = "served"
"""What the manifest of a run that was created here has of it: its budget, and the trace of the call that created it."""
CANCELLED = "cancelled"
SERVER_ENDED = "its server ended; it goes on by itself"

T = TypeVar("T")
Why = Literal["cancelled", "lost", "drained"]

log = structlog.get_logger("assay.service")


class Places:
    """How many runs a server carries out at once. Namespaces take turns: each waits for one place at a time."""

    def __init__(self, number: int) -> None:
        self._free = asyncio.Semaphore(number)

    async def take(self) -> None:
        """Wait for a place."""
        await self._free.acquire()

    def give_back(self) -> None:
        """A place is free again."""
        self._free.release()


class _Carried:
    """A run that is carried out here. seen: when its lease was last ours for certain. why: why it is being stopped."""

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None
        self.spending: Spending | None = None
        self.seen = time.monotonic()
        self.why: Why | None = None

    def stop(self, why: Why) -> None:
        if self.why is None and self.task is not None:
            self.why = why
            self.task.cancel()


class _RunsKeeping(Keeping):
    """The way of one run to a store that others write to as well: on the one thread that all of them share."""

    def __init__(self, store: Store, thread: ThreadPoolExecutor) -> None:
        super().__init__(store)
        self._thread = thread

    async def __aexit__(self, *_: object) -> None:
        await self.flush()


class Carrying:
    """The runs of one namespace that this process carries out. owner: its name in leases, unlike that of every other process."""

    def __init__(self, store: Store, models: Models, places: Places, owner: str, metrics: Metrics | None = None) -> None:
        self._store = store
        self._models = models
        self._places = places
        self._owner = owner
        self._metrics = metrics
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._carried: dict[str, _Carried] = {}
        self._not_before: dict[str, float] = {}
        self._costs: OrderedDict[str, float | None] = OrderedDict()
        self._lost = LOST_SECONDS if store.shared else 0.0
        """Whoever had the lease of a run in a store that only we write to is not there any more."""
        self._stirred = asyncio.Event()
        self._loops: list[asyncio.Task[None]] = []

    def begin(self) -> None:
        """Take up what nobody carries out, from now on. What is carried out belongs to no call."""
        self._loops = [asyncio.create_task(loop, context=Context()) for loop in (self._take_up(), self._beat())]

    def stir(self) -> None:
        """There may be a run to be taken up."""
        self._stirred.set()

    async def call(self, function: Callable[..., T], *args: Any, **more: Any) -> T:
        """Call a method of the store, on the thread that writes to it."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: function(*args, **more))

    def has(self, run: str) -> bool:
        """Whether the run is carried out here."""
        return run in self._carried

    def cost(self, run: str) -> float | None:
        """What the run has cost in this process; `None` where nothing of it had a price."""
        carried = self._carried.get(run)
        return self._costs.get(run) if carried is None or carried.spending is None else carried.spending.cost

    async def stop(self, run: str) -> None:
        """End a run here, which was put into another state before; come back when what it had is on disk, or after `PATIENCE`."""
        if (carried := self._carried.get(run)) is not None and carried.task is not None:
            carried.stop("cancelled")
            await asyncio.wait([carried.task], timeout=PATIENCE)

    async def drain(self) -> None:
        """End all runs here so that they go on at the next start, here or elsewhere."""
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        tasks = [carried.task for carried in self._carried.values() if carried.task is not None]
        for carried in self._carried.values():
            carried.stop("drained")
        if tasks:
            await asyncio.wait(tasks, timeout=PATIENCE)

    def close(self) -> None:
        """Let go of the thread, after what it has to write."""
        self._thread.shutdown(wait=True)

    async def _take_up(self) -> None:
        while True:
            self._stirred.clear()
            try:
                while await self._waits():
                    await self._places.take()
                    if not await self._taken_first():
                        break
            except Exception as error:  # noqa: BLE001  # whatever it is, runs are to be taken up after it
                log.warning("runs_not_taken_up", error=type(error).__name__, words=str(error))
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._stirred.wait()

    async def _waits(self) -> list[str]:
        now = time.monotonic()
        return [run for run in await self.call(self._store.expired, self._lost) if run not in self._carried and self._not_before.get(run, now) <= now]

    async def _taken_first(self) -> bool:
        """Begin the first run that waits, in the place that was taken for it; whether there was one."""
        begun = False
        try:
            for run in await self._waits():
                self._not_before.pop(run, None)
                if await self.call(self._may_be_taken, run) and await self.call(self._store.take_lease, run, self._owner, self._lost):
                    carried = self._carried[run] = _Carried()
                    carried.task = asyncio.create_task(self._carry(run, carried))
                    begun = True
                    break
        finally:
            if not begun:
                self._places.give_back()
        return begun

    def _may_be_taken(self, run: str) -> bool:
        """Whether it was created or resumed by a server, and is still there: what a command line left behind is its user's to resume."""
        try:
            return self._store.run_row(run).state == "pending" or SERVED in self._store.run(run)["manifest"]
        except UnknownName:
            return False

    async def _beat(self) -> None:
        pause = SHARED_BEAT_SECONDS if self._store.shared else BEAT_SECONDS
        while True:
            await asyncio.sleep(pause)
            for run, carried in tuple(self._carried.items()):
                began = time.monotonic()
                try:
                    holds = await self.call(self._store.renew_lease, run, self._owner)
                except Exception as error:  # noqa: BLE001  # the leases of the others are to be renewed after it
                    log.warning("lease_not_renewed", run=run, error=type(error).__name__)
                    holds = began - carried.seen < LOST_SECONDS - pause
                else:
                    carried.seen = began if holds else carried.seen
                if not holds:
                    carried.stop("lost")

    async def _carry(self, run: str, carried: _Carried) -> None:
        """Carry a run out and write down how it ended; whatever happens, its place is given back."""
        try:
            if self._metrics is not None:
                self._metrics.runs.labels("running").inc()
            await self._ended(run, await self._carried_out(run, carried))
        except asyncio.CancelledError:
            if carried.why is None:  # nobody of ours stopped it: the process ends as if it were killed
                raise
            await self._put_away(run, carried.why)
        except StoreError as error:  # it is tried again, by whoever takes it up
            log.exception("run_not_kept", run=run, error=type(error).__name__)
            self._not_before[run] = time.monotonic() + LOOK_SECONDS
            await self._put_away(run, "lost")
        except AssayError as error:
            await self._ended(run, [f"{type(error).__name__}: {error}"])
        except Exception as error:
            log.exception("run_failed", run=run)
            await self._ended(run, [f"the server failed: {type(error).__name__}"])
        finally:
            if self._metrics is not None:
                self._metrics.runs.labels("running").dec()
            self._remember_cost(run, carried)
            self._carried.pop(run, None)
            self._places.give_back()
            self.stir()

    async def _carried_out(self, run: str, carried: _Carried) -> list[str]:
        manifest: Mapping[str, Any] = (await self.call(self._store.run, run))["manifest"]
        plan = await self._models.plan(validate(SuiteSpec, manifest["suite"], f"the manifest of {run}"))
        running.refuse_other_plan(run, manifest, plan.manifest)
        served: Mapping[str, Any] = manifest.get(SERVED, {})
        carried.spending = Spending(await self._models.started(), served.get("budget"), self._costs.get(run))
        with tracing.span_of_run(run, plan.suite.suite, served.get("trace", {})):
            async with _RunsKeeping(self._store, self._thread) as keeping:
                return await running.carry_out(plan, run, keeping, carried.spending, self._tell)

    def _remember_cost(self, run: str, carried: _Carried) -> None:
        if carried.spending is not None and carried.spending.cost is not None:
            self._costs[run] = carried.spending.cost
            self._costs.move_to_end(run)
            if len(self._costs) > COSTS_KEPT:
                self._costs.popitem(last=False)

    def _tell(self, event: Event) -> None:
        if self._metrics is not None and isinstance(event, Outcome):
            self._metrics.outcomes.labels(event.status).inc()

    async def _ended(self, run: str, notes: list[str]) -> None:
        """Write down how a run ended, unless somebody else put it into another state meanwhile."""
        try:
            state = "interrupted" if notes else "finished"
            await self.call(self._store.set_state, run, state, "; ".join(notes), among=("running", "pending"), owner=self._owner)
        except StoreError as error:
            log.exception("run_not_ended", run=run, error=type(error).__name__)
        await self._put_away(run, "cancelled")

    async def _put_away(self, run: str, why: Why) -> None:
        """Let go of a run. What was drained waits for its turn again."""
        try:
            await self.call(self._store.release_lease, run, self._owner)
            if why == "drained":
                await self.call(self._store.set_state, run, "pending", SERVER_ENDED, among=("running",))
        except StoreError as error:
            log.warning("lease_not_released", run=run, error=type(error).__name__)
