"""Further processes on the same port: started by the first one, started again when they die, and gone with it."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import structlog
from pydantic import TypeAdapter

from kernel.errors import GatewayError
from kernel.shell.service.settings import Settings

SET_PARENT_DEATH_SIGNAL = 1
STARTING_SECONDS = 60.0
ENDING_SECONDS = 30.0
"""How long they have to end by themselves."""
QUICK_SECONDS = 5.0
"""One that died sooner after its start is started after a pause, which doubles."""
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0
READY = b"ready\n"
COMMAND = (sys.executable, "-c", "from kernel.shell.service.worker import main; main()")

log = structlog.get_logger("assay.service")


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a further process is told. number: 1 for the second of all; parent: the process that started it.

    folder: where its socket is, and the catalog of the models that it keeps running, which are `kept`; others: those that are reached without it.
    roles: which model plays which.
    """

    settings: Settings
    number: int
    parent: int
    folder: Path
    kept: frozenset[str]
    others: frozenset[str]
    roles: Mapping[str, str]

    def written(self) -> bytes:
        """As it goes through the pipe."""
        return TypeAdapter(Order).dump_json(self)

    @staticmethod
    def read(data: bytes) -> Order:
        """What `written` made."""
        return TypeAdapter(Order).validate_json(data)


class Workers:
    """The further processes, kept alive between entering and leaving. Raises `GatewayError` when one cannot be started at first."""

    def __init__(self, orders: Sequence[Order]) -> None:
        self._orders = orders
        self._ready = {order.number: asyncio.Event() for order in orders}
        self._processes: dict[int, asyncio.subprocess.Process] = {}
        self._keeping: list[asyncio.Task[None]] = []
        self._ending = False

    async def __aenter__(self) -> Self:
        self._keeping = [asyncio.create_task(self._keep(order)) for order in self._orders]
        ready = [asyncio.ensure_future(event.wait()) for event in self._ready.values()]
        try:
            async with asyncio.timeout(STARTING_SECONDS):
                await asyncio.gather(*ready)
        except TimeoutError:
            await self.aclose()
            told = f"{len(self._orders)} further processes were asked for, and not all answer"
            raise GatewayError(f"{told}; look into the log, or leave out --processes") from None
        finally:
            for each in ready:
                each.cancel()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def end(self) -> None:
        """Tell them to come to their end."""
        self._ending = True
        for process in self._processes.values():
            with suppress(ProcessLookupError):
                process.terminate()

    async def aclose(self) -> None:
        """End them, and wait until they are gone."""
        self.end()
        with suppress(TimeoutError):
            async with asyncio.timeout(ENDING_SECONDS):
                await asyncio.gather(*(process.wait() for process in self._processes.values()))
        for task in self._keeping:
            task.cancel()
        for process in self._processes.values():
            with suppress(ProcessLookupError):
                process.kill()
        await asyncio.gather(*self._keeping, return_exceptions=True)

    async def _keep(self, order: Order) -> None:
        pause = FIRST_PAUSE
        while not self._ending:
            begun = asyncio.get_running_loop().time()
            status = await self._run(order)
            if self._ending:
                return
            pause = FIRST_PAUSE if asyncio.get_running_loop().time() - begun > QUICK_SECONDS else min(LONGEST_PAUSE, 2 * pause)
            log.error("process_died", number=order.number, status=status, pause=pause)
            await asyncio.sleep(pause)

    async def _run(self, order: Order) -> int:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*COMMAND, stdin=pipe, stdout=pipe, start_new_session=True)
        self._processes[order.number] = process
        with suppress(ConnectionError):
            await _tell(process, order)
        if process.stdout is not None and await process.stdout.readline() == READY:
            self._ready[order.number].set()
            log.info("process_ready", number=order.number, pid=process.pid)
        if self._ending:
            with suppress(ProcessLookupError):
                process.terminate()
        return await process.wait()


async def _tell(process: asyncio.subprocess.Process, order: Order) -> None:
    if process.stdin is not None:
        process.stdin.write(order.written())
        await process.stdin.drain()
        process.stdin.close()


def die_with(parent: int) -> None:
    """Let the kernel kill this process when its parent dies; at once where that has happened already."""
    ctypes.CDLL(None, use_errno=True).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)
