"""Waiting in a line of our own: at most until the deadline, which moves on with the line.

What waits for our own limits has not been asked yet. Were that time the call's, a low limit would make cases fail.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from kernel.contract import Deadline, Model, Reply, Request
from kernel.errors import DeadlineExceeded


async def in_time(waiting: Awaitable[object], deadline: Deadline) -> None:
    """Wait, at most until the deadline. Raises `DeadlineExceeded`."""
    try:
        await asyncio.wait_for(waiting, deadline.remaining())
    except TimeoutError:
        raise DeadlineExceeded("no answer in time; the call waited for others to end") from None


class Limited:
    """Lets at most `at_once` calls through at a time; the others wait in line, and their deadlines with them."""

    def __init__(self, model: Model, at_once: int) -> None:
        self.model = model
        self._places = asyncio.Semaphore(at_once)

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        """The answer of the model. Raises `ModelError`."""
        if self._places.locked():
            began = deadline.clock()
            await self._places.acquire()
            deadline.extend(deadline.clock() - began)
        else:
            await self._places.acquire()
        try:
            return await self.model.infer(request, deadline=deadline)
        finally:
            self._places.release()

    async def aclose(self) -> None:
        """Close the model."""
        await self.model.aclose()
