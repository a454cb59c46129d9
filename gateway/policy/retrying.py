"""Asking again: bounded by attempts and by the request's deadline, with jitter, after what may pass.

A call that goes well pays nothing but two additions. Not stamina or tenacity: the bound here is a deadline that comes with
every call and runs on a clock of its own, the first try stands outside the loop, and what a call does next depends on how
its model died, which their hooks do not see.

A request in whose time the model's process died twice is a suspect. Its next try is made alone, so that who dies with it
is not blamed, and should the process die again, the request ends as `ModelCrashed`. All who are suspects on its account
are free again.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

from gateway.policy.line import in_time
from gateway.status import ProcessDied
from kernel.contract import Deadline, Model, Reply, Request
from kernel.errors import ModelCrashed, ModelError, RateLimited, Unavailable

ATTEMPTS = 20
FIRST_SECONDS = 0.1
LONGEST_SECONDS = 5.0
LONGEST_RETRY_AFTER = 60.0
LONGEST_WAIT_SECONDS = 600.0
"""How long a call may be put off by a side that says "too often" before that counts as time of the call."""
SETTLING_SECONDS = 0.5
SUSPECT, GUILTY = 2, 3

log = structlog.get_logger("assay.gateway")


class Retrying:
    """Asks `model` again after errors that are `retryable`.

    supervised: a call reaches the model only when it is alive, as behind `Supervised`. Where nobody sees to that, a death
    counts only after an answer showed that the model was back.
    """

    def __init__(
        self,
        model: Model,
        *,
        attempts: int = ATTEMPTS,
        supervised: bool = True,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.model = model
        self._attempts = attempts
        self._supervised = supervised
        self._sleep = sleep
        self._chance = chance
        self._lane = _Lane()
        self._answers = 0
        self._verdicts = 0

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        """The answer of the model, or the last error."""
        try:
            return await self._ask(request, deadline)
        except ModelError as error:
            if not error.retryable:
                raise
            return await self._again(request, deadline, error)

    async def aclose(self) -> None:
        """Close the model."""
        await self.model.aclose()

    async def _again(self, request: Request, deadline: Deadline, error: ModelError) -> Reply:
        deaths = int(isinstance(error, ProcessDied))
        answers = self._answers
        waited = 0.0
        for attempt in range(1, self._attempts):
            pause = self._pause(attempt, error)
            if isinstance(error, RateLimited) and waited + pause <= LONGEST_WAIT_SECONDS:
                waited += pause
                deadline.extend(pause)
            if pause >= deadline.remaining():
                break
            log.debug("call_retried", model=request.model, error=type(error).__name__, attempt=attempt, seconds=round(pause, 2))
            await self._sleep(pause)
            alone = deaths >= SUSPECT
            verdicts = self._verdicts
            try:
                if not alone:
                    return await self._ask(request, deadline)
                async with self._lane.alone(deadline):
                    if self._verdicts == verdicts:
                        return await self._ask(request, deadline, alone=True)
                deaths = 0
                return await self._ask(request, deadline)
            except ModelError as fresh:
                if not fresh.retryable:
                    raise
                error = fresh
            if isinstance(error, ProcessDied):
                deaths += self._supervised or self._answers != answers
                answers = self._answers
                if alone and deaths >= GUILTY:
                    self._verdicts += 1
                    log.error("request_convicted", model=request.model, request=request.digest()[:16])
                    raise ModelCrashed(f"{request.model}: its process died {deaths} times on this request") from error
        raise _plain(error) from error

    async def _ask(self, request: Request, deadline: Deadline, *, alone: bool = False) -> Reply:
        lane = self._lane
        if lane.closed and not alone:
            await lane.opened(deadline)
        lane.running += 1
        try:
            reply = await self.model.infer(request, deadline=deadline)
        except ModelError as error:
            self._answers += not isinstance(error, Unavailable)
            raise
        finally:
            lane.running -= 1
            if lane.closed:
                lane.left()
        self._answers += 1
        return reply

    def _pause(self, attempt: int, error: ModelError) -> float:
        if error.retry_after is not None:
            return min(max(0.0, error.retry_after), LONGEST_RETRY_AFTER) + self._chance() * FIRST_SECONDS
        pause = min(LONGEST_SECONDS, FIRST_SECONDS * 2.0 ** (attempt - 1)) * (1 + self._chance()) / 2
        return max(pause, SETTLING_SECONDS) if isinstance(error, ProcessDied) else pause


def _plain(error: ModelError) -> ModelError:
    """The error as the rest of the house knows it."""
    return Unavailable(str(error)) if isinstance(error, ProcessDied) else error


class _Lane:
    """Lets many through together or one alone."""

    def __init__(self) -> None:
        self.running = 0
        self.closed = False
        self._turn = asyncio.Lock()
        self._open = asyncio.Event()
        self._empty = asyncio.Event()

    @asynccontextmanager
    async def alone(self, deadline: Deadline) -> AsyncIterator[None]:
        """While nobody else runs. Raises `DeadlineExceeded`."""
        await in_time(self._turn.acquire(), deadline)
        self.closed = True
        self._open.clear()
        self._empty.clear()
        try:
            if self.running:
                await in_time(self._empty.wait(), deadline)
            yield
        finally:
            self.closed = False
            self._open.set()
            self._turn.release()

    async def opened(self, deadline: Deadline) -> None:
        """Wait until many may pass. Raises `DeadlineExceeded`."""
        while self.closed:
            await in_time(self._open.wait(), deadline)

    def left(self) -> None:
        """One who ran is out."""
        if not self.running:
            self._empty.set()
