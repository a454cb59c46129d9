"""Items between the one that makes them and those that take them: cases by the chunk, events one by one.

An `asyncio.Queue` does the same at five times the cost an item.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Supply(Generic[T]):
    """Holds one chunk and at most `low` items besides."""

    def __init__(self, low: int) -> None:
        self._ready: deque[T] = deque()
        self._low = low
        self._ended = False
        self.stopped = False
        self._more = asyncio.Event()
        self._fewer = asyncio.Event()

    async def put(self, chunk: list[T]) -> None:
        """Add a chunk, then wait until there are few left."""
        if self.stopped:
            return
        self._ready.extend(chunk)
        self._more.set()
        self._fewer.clear()
        while len(self._ready) > self._low:
            await self._fewer.wait()
            self._fewer.clear()

    def add(self, item: T) -> None:
        """Add one item, however many there are."""
        self._ready.append(item)
        self._more.set()

    def end(self) -> None:
        """Nothing more will come."""
        self._ended = True
        self._more.set()

    def stop(self) -> None:
        """Drop what is there and what still comes: nobody takes it any more."""
        self.stopped = True
        self._ready.clear()
        self._fewer.set()
        self.end()

    async def take(self) -> T | None:
        """The next item; `None` when nothing more will come."""
        if not self._ready and not await self._filled():
            return None
        if len(self._ready) == self._low:
            self._fewer.set()
        return self._ready.popleft()

    async def take_all(self) -> list[T]:
        """All items that are there, at least one; none when nothing more will come."""
        await self._filled()
        taken = list(self._ready)
        self._ready.clear()
        self._fewer.set()
        return taken

    async def _filled(self) -> bool:
        """Wait for an item; whether there is one."""
        while not self._ready and not self._ended:
            self._more.clear()
            await self._more.wait()
        return bool(self._ready)
