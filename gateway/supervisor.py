"""Keeps one server alive, and with it everyone who cares for a model in it.

A server that died is started again on its port, with its key and its models, while the calls wait; so is one that hangs,
after it was ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping

import structlog

from gateway import stubs
from gateway.caretaker import Caretaker
from gateway.circuit import Circuit
from gateway.client import Server, TritonModel
from gateway.control import Control, ControlFailed
from gateway.process import ServerProcess
from gateway.repository import LaidOut
from gateway.watch import State, Watch
from kernel.errors import GatewayError

LOOK_SECONDS = 1.0
CONTROL_SECONDS = 3.0
MUTE_LOOKS = 3

log = structlog.get_logger("assay.gateway")


class Supervisor:
    """Watches one server. `start` brings the process up again, so that it answers at the same address."""

    def __init__(
        self,
        process: ServerProcess,
        control: Control,
        server: Server,
        models: Mapping[str, LaidOut],
        start: Callable[[], Awaitable[None]],
    ) -> None:
        self.models = {
            name: Caretaker(Watch(model), process, control, TritonModel(server, model.model.description.signature)) for name, model in models.items()
        }
        self._process = process
        self._control = control
        self._start = start
        self._circuit = Circuit()
        self._tasks: set[asyncio.Task[None]] = set()
        self._mute_looks = 0

    async def open(self) -> None:
        """Load all models side by side, then keep watching. Raises `GatewayError` when not one can be loaded."""
        await asyncio.gather(*(caretaker.bring_first() for caretaker in self.models.values()))
        watches = [caretaker.watch for caretaker in self.models.values()]
        if watches and all(watch.broken for watch in watches):
            raise GatewayError("no model can be served; " + "; ".join(f"{it.name}: {it.reason}" for it in watches))
        self._spawn(self._look_after())
        self._spawn(self._revive())

    async def aclose(self) -> None:
        """Stop watching; the server goes on until its process is ended."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._halt()

    async def _halt(self) -> None:
        await asyncio.gather(*(caretaker.halt() for caretaker in self.models.values()))

    async def _look_after(self) -> None:
        """Look at everything once a second."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            pid = self._process.pid
            if pid is not None:
                await self._look(pid)

    async def _look(self, pid: int) -> None:
        """A server that is stopped or mute for too long is ended; `_revive` sees to the rest."""
        counts = await self._counts(pid)
        self._mute_looks = self._mute_looks + 1 if counts is None else 0
        if self._mute_looks >= MUTE_LOOKS and self._process.pid == pid:
            log.error("server_hung", pid=pid)
            self._mute_looks = 0
            self._process.kill()
        for name, caretaker in self.models.items():
            caretaker.look(caretaker.watch.answered if counts is None else counts.get(name, 0))

    async def _counts(self, pid: int) -> Mapping[str, int] | None:
        """How many requests each model has answered; `None` from a server that does not say."""
        seen = stubs.vitals(pid)
        if seen is not None and seen.stopped:
            return None
        try:
            return await self._control.answered(CONTROL_SECONDS)
        except ControlFailed:
            return None

    async def _revive(self) -> None:
        """Start the server again whenever it has died."""
        while True:
            await self._process.ended.wait()
            await self._halt()
            log.error("server_died", status=self._process.status, last=self._process.log.why())
            opened = self._circuit.died()
            self._tell("the server died and is being started again")
            if opened:
                pause = self._circuit.remaining()
                log.error("circuit_opened", server=True, seconds=round(pause))
                self._tell(f"the server keeps dying and is left alone for {pause:.0f} s: {self._process.log.why()}")
                await asyncio.sleep(pause)
            try:
                await self._start()
            except GatewayError as error:
                log.warning("server_not_started", error=str(error))
                continue
            for caretaker in self.models.values():
                caretaker.bring_again()

    def _tell(self, reason: str) -> None:
        for caretaker in self.models.values():
            if not caretaker.watch.broken:
                caretaker.watch.turn(State.LOADING, reason)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(_tell_defect)


def _tell_defect(task: asyncio.Task[None]) -> None:
    """A defect of ours must not pass in silence."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.critical("supervisor_failed", exc_info=error)
