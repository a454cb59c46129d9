"""The server as a process: started and ended through the reaper, and known by its pid."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from gateway import reaper, stubs
from gateway.private import Private
from gateway.serverlog import ServerLog
from kernel.errors import GatewayError

STARTING_SECONDS = 30.0
NEEDED = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL")
"""All that the reaper is told of our environment, in which vendors' keys may stand."""
STOPPING_SECONDS = 15.0


class ServerProcess:
    """At most one running server. `ended` is set while none runs."""

    def __init__(self, private: Private) -> None:
        self.private = private
        self.log = ServerLog()
        self.pid: int | None = None
        self.status: int | None = None
        self.ended = asyncio.Event()
        self.ended.set()
        self._reaper: asyncio.subprocess.Process | None = None
        self._readers: set[asyncio.Task[None]] = set()
        self._started: asyncio.Future[int] | None = None

    async def start(self, argv: Sequence[str], environment: Mapping[str, str]) -> int:
        """Start a server; its pid. Raises `GatewayError`."""
        if self._reaper is None or self._reaper.returncode is not None:
            await self._start_reaper()
        self.log.last.clear()
        self._started = asyncio.get_running_loop().create_future()
        self._say({"run": list(argv), "env": dict(environment)})
        try:
            async with asyncio.timeout(STARTING_SECONDS):
                return await self._started
        except TimeoutError:
            raise GatewayError(f"the server's process did not start within {STARTING_SECONDS:.0f} s") from None

    async def stop(self, grace: float) -> None:
        """End the server, at the latest after `grace` seconds, and then the reaper. Nothing is left behind."""
        if self._reaper is None:
            return
        with contextlib.suppress(TimeoutError):
            self._say({"stop": grace})
            async with asyncio.timeout(grace + 2):
                await self.ended.wait()
        if self._reaper.stdin is not None:
            self._reaper.stdin.close()
        try:
            async with asyncio.timeout(STOPPING_SECONDS):
                await self._reaper.wait()
        except TimeoutError:
            self._reaper.kill()
            await self._reaper.wait()
        await asyncio.gather(*self._readers, return_exceptions=True)
        self._reaper = None

    def alive(self) -> bool:
        """Whether the server's process runs, as the kernel sees it just now."""
        seen = None if self.pid is None else stubs.vitals(self.pid)
        return seen is not None and not seen.dead

    def kill(self) -> None:
        """End the server at once."""
        self._say({"kill": True})

    def _say(self, message: Mapping[str, object]) -> None:
        if self._reaper is not None and self._reaper.stdin is not None and not self._reaper.stdin.is_closing():
            self._reaper.stdin.write(json.dumps(message).encode() + b"\n")

    async def _start_reaper(self) -> None:
        """`-I -S`: neither the caller's folder nor site-packages are looked at, and a session of its own keeps Ctrl-C out."""
        self._reaper = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", reaper.__file__, self.private.prefix, str(self.private.folder)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            pass_fds=self.private.locks,
            start_new_session=True,
            cwd=Path("/"),
            env={name: os.environ[name] for name in NEEDED if name in os.environ},
        )
        if self._reaper.stdout is None or self._reaper.stderr is None:
            raise GatewayError("the reaper has no pipes; a defect of Assay")
        for reading in (self._follow(self._reaper.stdout), self.log.drain(self._reaper.stderr)):
            task = asyncio.create_task(reading)
            self._readers.add(task)
            task.add_done_callback(self._readers.discard)

    async def _follow(self, pipe: asyncio.StreamReader) -> None:
        """Take in what the reaper tells; its own end is the server's end as well."""
        async for line in pipe:
            message = json.loads(line)
            if "started" in message:
                self.pid = message["started"]
                self.ended.clear()
            if "ended" in message:
                self._over(message["ended"])
            waiting = self._started
            if waiting is not None and not waiting.done():
                if "started" in message:
                    waiting.set_result(message["started"])
                elif "failed" in message:
                    waiting.set_exception(GatewayError(f"the server cannot be started: {message['failed']}"))
        await self._reaper_died()
        if self._started is not None and not self._started.done():
            self._started.set_exception(GatewayError(f"the reaper died at its start: {self.log.why()}"))

    async def _reaper_died(self) -> None:
        """The kernel has ended its server as well; what was below the server is ended here."""
        if self._reaper is not None:
            await self._reaper.wait()
        if not self.ended.is_set():
            stubs.kill(stubs.stubs_below(self.private.folder))
            reaper.remove_regions(self.private.regions)
            self._over(None)

    def _over(self, status: int | None) -> None:
        self.pid = None
        self.status = status
        self.ended.set()
