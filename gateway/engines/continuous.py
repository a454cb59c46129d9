"""Continuous batching: texts are written on a thread of its own, and one that comes joins those that are being written at the next step.

Whoever is done leaves at once, so a short answer never waits for a long one; who gives up leaves as well.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

import structlog

from gateway.engines.rows import Row, Rows

T = TypeVar("T")
log = structlog.get_logger("assay.continuous")


class Continuous(Generic[T]):
    """Writes texts as they come. begin: makes rows of all that join together; like the rows, it is called on this thread alone."""

    def __init__(self, rows: Rows, begin: Callable[[Sequence[T]], Sequence[Row]]) -> None:
        self._rows, self._begin = rows, begin
        self._come: queue.SimpleQueue[tuple[T, Future[list[int]]] | None] = queue.SimpleQueue()
        self._waiting: deque[tuple[T, Future[list[int]]]] = deque()
        self._going: dict[Row, Future[list[int]]] = {}
        self._thread = threading.Thread(target=self._work, name="assay-writing", daemon=True)
        self._thread.start()

    async def write(self, items: Sequence[T]) -> list[list[int]]:
        """The tokens of each."""
        futures: list[Future[list[int]]] = [Future() for _ in items]
        for pair in zip(items, futures, strict=True):
            self._come.put(pair)
        return await asyncio.gather(*map(asyncio.wrap_future, futures))

    async def aclose(self) -> None:
        """Write no more; what is not done is cancelled."""
        self._come.put(None)
        await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        while self._took():
            try:
                self._turn()
            except Exception as error:
                log.exception("step_failed", rows=len(self._going))
                self._rows.leave(list(self._going))
                for future in self._going.values():
                    _settle(future, error)
                self._going.clear()
        for future in (*self._going.values(), *(future for _, future in self._waiting)):
            future.cancel()

    def _took(self) -> bool:
        """Take in what has come, and wait for something where there is nothing to do. Whether to go on."""
        while not (self._going or self._waiting) or not self._come.empty():
            if (pair := self._come.get()) is None:
                return False
            self._waiting.append(pair)
        return True

    def _turn(self) -> None:
        """Those who gave up leave, those who wait join, and everyone has a token more."""
        given_up = [row for row, future in self._going.items() if future.cancelled()]
        self._rows.leave(given_up)
        for row in given_up:
            del self._going[row]
        joining: list[tuple[T, Future[list[int]]]] = []
        while self._waiting and len(joining) < self._rows.free:
            item, future = self._waiting.popleft()
            if not future.cancelled():
                joining.append((item, future))
        if joining:
            self._join(joining)
        if self._rows:
            self._end(self._rows.step())

    def _join(self, joining: Sequence[tuple[T, Future[list[int]]]]) -> None:
        """What fails here concerns no one who is being written already."""
        try:
            fresh = self._begin([item for item, _ in joining])
            ended = self._rows.join(fresh)
        except Exception as error:
            log.exception("joining_failed", rows=len(joining))
            for _, future in joining:
                _settle(future, error)
        else:
            self._going |= dict(zip(fresh, (future for _, future in joining), strict=True))
            self._end(ended)

    def _end(self, ended: Sequence[Row]) -> None:
        for row in ended:
            _settle(self._going.pop(row), row.written)


def _settle(future: Future[list[int]], with_what: list[int] | Exception) -> None:
    if not future.set_running_or_notify_cancel():
        return
    if isinstance(with_what, Exception):
        future.set_exception(with_what)
    else:
        future.set_result(with_what)
