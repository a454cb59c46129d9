"""Brings one model up, asks it when it is silent, and brings it back when it died or hangs.

Triton does not restart a dead Python stub and calls its model ready for ever; only unloading and loading helps. What dies
three times in a minute is left alone for a while.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import time
from collections.abc import Coroutine

import structlog

from gateway import repository, stubs
from gateway.canary import canary
from gateway.circuit import DEATHS, WINDOW_SECONDS
from gateway.client import TritonModel
from gateway.control import Control, ControlFailed
from gateway.process import ServerProcess
from gateway.watch import FRESH_SECONDS, State, Watch
from kernel.contract import Deadline
from kernel.errors import Cancelled, DeadlineExceeded, ModelCrashed, ModelError, ModelNotFound, Unavailable

UNLOADING_SECONDS = 20.0
RETRY_SECONDS = 0.1
STOPPED_LOOKS = 2
NO_ANSWER = (Cancelled, DeadlineExceeded, ModelCrashed, ModelNotFound, Unavailable)
LONGEST_CAUSE = 500
RAISED = re.compile(r"state: \w+: (?P<cause>.+?)(?:\n\nAt:|;?\s*$)", re.DOTALL)

log = structlog.get_logger("assay.gateway")


class Caretaker:
    """Cares for one model. It does one thing at a time: `_work` is loading or healing, `_asking` a canary under way."""

    def __init__(self, watch: Watch, process: ServerProcess, control: Control, client: TritonModel) -> None:
        self.watch = watch
        self._process = process
        self._control = control
        self.client = client
        self._work: asyncio.Task[None] | None = None
        self._asking: asyncio.Task[None] | None = None
        self._pidfds: dict[int, int] = {}

    async def bring_first(self) -> None:
        """Bring it up for the first time: what cannot be loaded is broken, what died on the way is healed later."""
        if not await self._bring(first=True) and not self.watch.broken:
            self._heal_soon(self.watch.reason)

    def bring_again(self) -> None:
        """Bring it up in a new server."""
        if not self.watch.broken:
            self._work = self._spawn(self._settle())

    async def halt(self) -> None:
        """End all care; the server is gone or going."""
        tasks = [task for task in (self._work, self._asking) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._forget()

    async def probe(self, seconds: float) -> bool:
        """Ask a canary now; whether the model answered. An error that the model raises is an answer as well."""
        watch = self.watch
        if watch.question is None:
            return watch.state is not State.UNAVAILABLE
        watch.asked()
        try:
            await self.client.infer(watch.question, deadline=Deadline.after(seconds))
        except NO_ANSWER as error:
            log.debug("canary_unanswered", model=watch.name, error=str(error))
            return False
        except ModelError as error:
            level = "debug" if watch.refused else "warning"
            watch.refused = True
            getattr(log, level)("canary_refused", model=watch.name, error=str(error))
        watch.canary_seconds = watch.used_since_asked()
        watch.alive()
        return True

    async def state(self) -> State:
        """Its state; ready only if it answered within the last seconds, for which a silent one is asked."""
        fresh = self.watch.silence() < FRESH_SECONDS or await self.probe(FRESH_SECONDS)
        return State.UNAVAILABLE if self.watch.state is State.READY and not fresh else self.watch.state

    def look(self, answered: int) -> None:
        """Take in how many requests it answered; ask it when it is silent, end it when it is silent for too long."""
        watch = self.watch
        if watch.state is not State.READY:
            return
        if answered != watch.answered:
            watch.answered = answered
            watch.alive()
        seen = {pid: stubs.vitals(pid) for pid in watch.pids}
        stopped = any(vitals is not None and vitals.stopped for vitals in seen.values())
        watch.stopped_looks = watch.stopped_looks + 1 if stopped else 0
        dead = [pid for pid, vitals in seen.items() if vitals is None or vitals.dead]
        if dead:
            self._lost(dead[0])
        elif watch.stopped_looks >= STOPPED_LOOKS:
            self._end_hung("its process was stopped")
        elif watch.overdue() > watch.patience():
            self._end_hung(f"it answered nothing for {watch.silence():.0f} s")
        elif watch.question is not None and watch.silence() > watch.quiet() and self._asking is None:
            self._asking = self._spawn(self._ask())

    async def _bring(self, *, first: bool = False) -> bool:
        """Load it, find its processes, ask a canary: then it is ready. Otherwise the watch says why."""
        watch, model = self.watch, self.watch.model
        watch.turn(State.LOADING, "it is being loaded")
        if await asyncio.to_thread(repository.identity, model.model.source) != model.model.files:
            self._give_up("its files changed since the gateway was started; start the gateway anew")
            return False
        try:
            await self._control.load(model.name, model.loading_seconds)
        except ControlFailed as error:
            self._not_loaded(error, first=first)
            return False
        self._follow()
        if not await self._first_answer():
            watch.reason = "it answered no canary after it was loaded"
            return False
        watch.turn(State.READY)
        log.info("model_ready", model=watch.name)
        return True

    async def _first_answer(self) -> bool:
        """Ask until it answers, dies, or its longest call would be over; a connection may still be coming up."""
        watch, folder = self.watch, self.watch.model.model
        watch.question = canary(watch.name, folder.description.signature, folder.parameter("canary"))
        limit = Deadline.after(watch.model.longest_seconds)
        while len(watch.pids) >= watch.model.processes and limit.remaining() > 0:
            if await self.probe(limit.remaining()):
                return True
            await asyncio.sleep(RETRY_SECONDS)
        return False

    def _not_loaded(self, error: ControlFailed, *, first: bool) -> None:
        """Say why. A process that hangs while it loads is ended, or the server would wait for it for ever."""
        watch, model = self.watch, self.watch.model
        late = f"it did not finish loading within {model.loading_seconds:.0f} s"
        log.debug("load_failed", model=model.name, error=str(error))
        watch.reason = late if error.late else f"it could not be loaded: {_cause(str(error))}"
        if self._process.alive() and self._process.pid is not None:
            stubs.kill(stubs.stubs_of(self._process.pid, model.folder))
            if first:
                self._give_up(watch.reason)

    def _give_up(self, reason: str) -> None:
        """Leave it until a person acts."""
        log.error("model_unavailable", model=self.watch.name, reason=reason)
        self.watch.turn(State.UNAVAILABLE, reason, broken=True)

    async def _settle(self) -> None:
        if not await self._bring() and not self.watch.broken:
            await self._heal(self.watch.reason)

    def _heal_soon(self, why: str) -> None:
        """Have it healed, unless that is under way."""
        if self._work is None:
            self.watch.turn(State.LOADING, why)
            self._work = self._spawn(self._heal(why))

    async def _heal(self, why: str) -> None:
        """Unload and load, until it answers again. The death of the whole server is not this model's."""
        began = time.monotonic()
        while self._process.alive() and not self.watch.broken:
            log.warning("model_died", model=self.watch.name, why=why)
            self._forget()
            opened = self.watch.circuit.died()
            await self._unload()
            if opened:
                await self._pause()
            if await self._bring():
                log.info("model_healed", model=self.watch.name, seconds=round(time.monotonic() - began, 2))
                return
            why = self.watch.reason

    async def _unload(self) -> None:
        """Unload what is dead. A server that cannot even do that is ended, and will be started again."""
        try:
            await self._control.unload(self.watch.name, UNLOADING_SECONDS)
        except ControlFailed as error:
            if error.late and self._process.alive():
                log.warning("server_stuck", model=self.watch.name, error=str(error))
                self._process.kill()

    async def _pause(self) -> None:
        pause = self.watch.circuit.remaining()
        log.error("circuit_opened", model=self.watch.name, seconds=round(pause))
        reason = f"it died {DEATHS} times within {WINDOW_SECONDS:.0f} s and is left alone for {pause:.0f} s"
        self.watch.turn(State.UNAVAILABLE, reason)
        await asyncio.sleep(pause)

    async def _ask(self) -> None:
        await self.probe(self.watch.model.longest_seconds)

    def _end_hung(self, why: str) -> None:
        log.warning("model_hung", model=self.watch.name, why=why)
        if self._asking is not None:
            self._asking.cancel()
        stubs.kill(self.watch.pids)
        self._heal_soon(why)

    def _follow(self) -> None:
        """Note the model's processes; the end of each is told by the kernel at once."""
        self.watch.answered = self.watch.stopped_looks = 0
        if self._process.pid is None:
            return
        for pid in stubs.stubs_of(self._process.pid, self.watch.model.folder):
            with contextlib.suppress(OSError):
                self._pidfds[pid] = os.pidfd_open(pid)
                asyncio.get_running_loop().add_reader(self._pidfds[pid], self._lost, pid)
                self.watch.pids.add(pid)

    def _lost(self, pid: int) -> None:
        """One of its processes ended. What happens in the middle of loading is seen there.

        Triton would never answer the calls that the process had taken, so they are ended here.
        """
        self._release(pid)
        self.client.server.abandon(self.watch.name)
        if self.watch.state is State.READY:
            self._heal_soon(f"its process {pid} ended")

    def _forget(self) -> None:
        for pid in list(self.watch.pids):
            self._release(pid)

    def _release(self, pid: int) -> None:
        self.watch.pids.discard(pid)
        pidfd = self._pidfds.pop(pid, None)
        if pidfd is not None:
            asyncio.get_running_loop().remove_reader(pidfd)
            os.close(pidfd)

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        if task is self._work:
            self._work = None
        if task is self._asking:
            self._asking = None
        if not task.cancelled() and (error := task.exception()) is not None:
            log.critical("care_failed", model=self.watch.name, exc_info=error)


def _cause(text: str) -> str:
    """What the model raised, in one line, out of what Triton made of it: without states, codes and the way it came."""
    match = RAISED.search(text)
    return " ".join((match["cause"] if match else text).split())[:LONGEST_CAUSE]
