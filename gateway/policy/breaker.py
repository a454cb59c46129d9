"""While the other side is down, one call at a time finds out whether it is back; after a while nobody asks any more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from gateway.policy.line import in_time
from kernel.contract import Deadline, Model, Reply, Request
from kernel.errors import ModelError, Unavailable

FAILURES = 5
DOWN_SECONDS = 30.0
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 10.0

log = structlog.get_logger("assay.gateway")


class Down(Unavailable):
    """Not reachable for so long that the run stops asking; it can be resumed when the other side is back. Never on the wire."""

    retryable = False
    blocks = True


class Breaker:
    """Open after `FAILURES` calls in a row that reached nobody: then calls go one by one, after pauses that double.

    When nobody has answered for `DOWN_SECONDS`, every call ends as `Down`, which stops the run before its cases fail. An answer of
    any kind, a refusal too, closes it again.
    """

    def __init__(
        self,
        model: Model,
        name: str,
        *,
        down_seconds: float = DOWN_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.model = model
        self._name = name
        self._down_seconds = down_seconds
        self._clock = clock
        self._sleep = sleep
        self._failures = 0
        self._since = 0.0
        self._turn = asyncio.Lock()
        self._down: str | None = None

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        """The answer of the model. Raises `Down` and whatever the model raises."""
        if self._failures < FAILURES:
            return await self._ask(request, deadline)
        await in_time(self._turn.acquire(), deadline)
        try:
            if self._failures >= FAILURES:
                self._refuse_when_down()
                await self._sleep(self._pause())
            return await self._ask(request, deadline)
        finally:
            self._turn.release()

    async def aclose(self) -> None:
        """Close the model."""
        await self.model.aclose()

    async def _ask(self, request: Request, deadline: Deadline) -> Reply:
        self._refuse_when_down()
        try:
            reply = await self.model.infer(request, deadline=deadline)
        except Unavailable as error:
            self._failed(str(error))
            self._refuse_when_down()
            raise
        except ModelError:
            self._failures = 0
            raise
        self._failures = 0
        return reply

    def _failed(self, why: str) -> None:
        if not self._failures:
            self._since = self._clock()
        self._failures += 1
        if self._failures == FAILURES:
            log.warning("breaker_opened", model=self._name, failures=FAILURES)
        if self._failures >= FAILURES and self._clock() - self._since >= self._down_seconds:
            log.error("model_down", model=self._name, seconds=round(self._clock() - self._since))
            self._down = why

    def _refuse_when_down(self) -> None:
        if self._down is not None:
            raise Down(f"{self._name} has not answered for {self._down_seconds:.0f} s ({self._down}); go on with --resume when it is back")

    def _pause(self) -> float:
        return min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(self._failures - FAILURES, 10))
