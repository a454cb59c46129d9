"""Requests and tokens a minute: whoever would be too early waits for his turn."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from gateway.policy.tokens import answer_tokens, question_tokens
from kernel.contract import Deadline, Model, Reply, Request

BURST_SECONDS = 1.0


class Meter:
    """So much a minute, spread evenly, with a second's worth at once (the generic cell rate algorithm, ITU-T I.371).

    In any minute at most `per_minute` and a sixtieth go through.
    """

    def __init__(self, per_minute: float, clock: Callable[[], float]) -> None:
        self._each = 60.0 / per_minute
        self._slack = max(0.0, BURST_SECONDS - self._each)
        self._clock = clock
        self._next = clock()

    def take(self, amount: float) -> float:
        """Take so much; the seconds to wait before it may be used."""
        now = self._clock()
        begins = max(self._next, now - self._slack)
        self._next = begins + amount * self._each
        return max(0.0, begins - now)

    def correct(self, amount: float) -> None:
        """It was so much more, or less, than was taken."""
        self._next += amount * self._each


class Paced:
    """Lets calls through at the entry's pace. Time in the line is not the call's."""

    def __init__(
        self,
        model: Model,
        *,
        requests: float | None,
        tokens: float | None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.model = model
        self._requests = Meter(requests, clock) if requests else None
        self._tokens = Meter(tokens, clock) if tokens else None
        self._sleep = sleep

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        """The answer of the model, in its turn. Raises `ModelError`."""
        expected = question_tokens(request) + answer_tokens(request)
        pause = max(self._requests.take(1) if self._requests else 0.0, self._tokens.take(expected) if self._tokens else 0.0)
        if pause:
            deadline.extend(pause)
            await self._sleep(pause)
        reply = await self.model.infer(request, deadline=deadline)
        if self._tokens and reply.input_tokens is not None:
            self._tokens.correct(reply.input_tokens + (reply.output_tokens or 0) - expected)
        return reply

    async def aclose(self) -> None:
        """Close the model."""
        await self.model.aclose()
