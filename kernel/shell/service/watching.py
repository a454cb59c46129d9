"""Runs that are watched here: each is looked at once for all who watch it, and they are woken when something is new.

What is told comes from the store alone, so that it does not matter which server carries the run out.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from contextvars import Context
from typing import Any, NamedTuple

import structlog

from kernel.shell.service.reading import Reading
from kernel.shell.service.statuses import NotThere
from kernel.store.rows import Progress, RunRow
from kernel.store.store import Store

POLL_SECONDS = 0.1
AT_LEAST_SECONDS = 10.0
"""How often a watcher hears of a run in which nothing happens."""

log = structlog.get_logger("assay.service")


class Seen(NamedTuple):
    """A run as it was when it was looked at. The row was read first: if it has ended, all of its outcomes were there."""

    row: RunRow
    progress: tuple[Progress, ...]

    @property
    def settled(self) -> int:
        """How many outcomes it has, which is the position of the last."""
        return sum(sum(each.counts.values()) for each in self.progress)


def look(store: Store, run: str) -> Seen:
    """A run as it is now. Raises `UnknownName`."""
    row = store.run_row(run)
    return Seen(row, tuple(store.progress(run)))


class Watched:
    """A run that somebody watches."""

    def __init__(self, run: str, seen: Seen, reading: Reading) -> None:
        self.run = run
        self.watchers = 0
        self._seen = seen
        self._reading = reading
        self._version = 1
        self._gone: NotThere | None = None
        self._report: tuple[Seen, asyncio.Future[Any]] | None = None
        self._news = asyncio.Event()
        self._looking = asyncio.create_task(self._look(), context=Context())

    async def newer(self, version: int) -> tuple[int, Seen]:
        """What is known of the run once it is newer than `version`, or after `AT_LEAST_SECONDS`; with its version. Raises `NotThere`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(AT_LEAST_SECONDS):
                while self._gone is None and self._version == version:
                    await self._news.wait()
        if self._gone is not None:
            raise self._gone
        return self._version, self._seen

    def tell(self, seen: Seen) -> None:
        """The run as it was just now."""
        if seen != self._seen:
            self._seen = seen
            self._wake()

    async def report(self, make: Callable[[], Awaitable[Any]]) -> Any:
        """The report on the run as it is, made once for all who watch it."""
        if self._report is None or self._report[0] != self._seen:
            self._report = self._seen, asyncio.ensure_future(make())
        return await asyncio.shield(self._report[1])

    def end(self) -> None:
        """Look no more."""
        self._looking.cancel()

    async def _look(self) -> None:
        while self._gone is None:
            try:
                seen = await self._reading(look, self.run)
            except NotThere as gone:
                self._gone = gone
                self._wake()
            except Exception as error:  # noqa: BLE001  # whoever watches is to hear of the run after it
                log.warning("run_not_read", run=self.run, error=type(error).__name__)
            else:
                self.tell(seen)
            await asyncio.sleep(POLL_SECONDS)

    def _wake(self) -> None:
        self._version += 1
        self._news.set()
        self._news = asyncio.Event()


class Watching:
    """The runs of a namespace that are watched."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._watched: dict[str, Watched] = {}

    @asynccontextmanager
    async def watched(self, run: str, seen: Seen) -> AsyncIterator[Watched]:
        """The run, for one who watches it and has just seen it so."""
        found = self._watched.get(run)
        if found is None:
            found = self._watched[run] = Watched(run, seen, self._reading)
        found.tell(seen)
        found.watchers += 1
        try:
            yield found
        finally:
            found.watchers -= 1
            if not found.watchers:
                found.end()
                if self._watched.get(run) is found:
                    del self._watched[run]
