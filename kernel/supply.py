"""Cases between the one that makes them, by the chunk, and the many that settle them, one by one.

An `asyncio.Queue` does the same at five times the cost a case.
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
        self._more = asyncio.Event()
        self._fewer = asyncio.Event()

    async def put(self, chunk: list[T]) -> None:
        """Add a chunk, then wait until there are few left."""
        self._ready.extend(chunk)
        self._more.set()
        while len(self._ready) > self._low:
            self._fewer.clear()
            await self._fewer.wait()

    def end(self) -> None:
        """Nothing more will come."""
        self._ended = True
        self._more.set()

    async def take(self) -> T | None:
        """The next case; `None` when nothing more will come."""
        while not self._ready:
            if self._ended:
                return None
            self._more.clear()
            await self._more.wait()
        if len(self._ready) <= self._low:
            self._fewer.set()
        return self._ready.popleft()
