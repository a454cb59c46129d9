"""How much one token may: calls and streams in flight, items, bytes, runs. One token at its limit moves no other's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from kernel.errors import AssayError
from kernel.shell.service.tokens import Caller

SOON = 1.0
"""Seconds after which to ask again, where nobody knows when a place will be free."""


class OverLimit(AssayError):
    """A token is at one of its limits. `retry_after` is in seconds."""

    def __init__(self, limit: str, allowed: float, retry_after: float = SOON) -> None:
        self.limit = limit
        self.retry_after = retry_after
        super().__init__(f"over this token's limit of {allowed:,.0f} {limit}; ask again in {retry_after:.1f} s, or ask for less at once")


@dataclass(frozen=True)
class Limits:
    """What each token may. 0 of a rate is without limit.

    A message may be larger than what a rate allows in a second: it passes when nothing was used for a second, and is made up for afterwards.
    """

    calls: int = 256
    streams: int = 64
    items_in_flight: int = 65_536
    items_per_second: float = 200_000.0
    bytes_per_second: float = 256.0 * 1024 * 1024
    runs: int = 16


class _Bucket:
    """What is left of a rate; it is full after a second without use, and refills steadily."""

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        self.rate = rate
        self._clock = clock
        self._level = rate
        self._at = clock()

    def lacks(self, amount: float) -> float:
        """Seconds until so much can be taken; 0 where it can be now."""
        if not self.rate or not amount:
            return 0.0
        now = self._clock()
        self._level = min(self.rate, self._level + (now - self._at) * self.rate)
        self._at = now
        return max(0.0, (min(amount, self.rate) - self._level) / self.rate)

    def take(self, amount: float) -> None:
        """Use so much up."""
        self._level -= amount


class Allowance:
    """What one token has in flight, and what is left of its rates."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits
        self.calls = 0
        self.streams = 0
        self.items = 0
        self._item_rate = _Bucket(limits.items_per_second, clock)
        self._byte_rate = _Bucket(limits.bytes_per_second, clock)
        self._waiting: set[asyncio.Future[None]] = set()

    @contextmanager
    def call(self, *, stream: bool) -> Iterator[None]:
        """Hold the place of one call, and of one stream where it is one. Raises `OverLimit`."""
        if self.calls >= self.limits.calls:
            raise OverLimit("calls in flight", self.limits.calls)
        if stream and self.streams >= self.limits.streams:
            raise OverLimit("open streams", self.limits.streams)
        self.calls += 1
        self.streams += stream
        try:
            yield
        finally:
            self.calls -= 1
            self.streams -= stream

    def take(self, items: int, size: int) -> None:
        """Take a message of so many items and bytes, at once. The items are in flight until they are given back. Raises `OverLimit`."""
        if seconds := self._item_rate.lacks(items):
            raise OverLimit("items a second", self.limits.items_per_second, seconds)
        if seconds := self._byte_rate.lacks(size):
            raise OverLimit("bytes a second", self.limits.bytes_per_second, seconds)
        if not self._fits(items):
            raise OverLimit("items in flight", self.limits.items_in_flight)
        self._use(items, size)

    async def take_when_free(self, items: int, size: int) -> None:
        """As `take`, after as long as it needs."""
        while True:
            if seconds := max(self._item_rate.lacks(items), self._byte_rate.lacks(size)):
                await asyncio.sleep(seconds)
            elif not self._fits(items):
                await self._something_given_back()
            else:
                self._use(items, size)
                return

    def give_back(self, items: int) -> None:
        """So many items are in flight no longer."""
        self.items -= items
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)

    def _fits(self, items: int) -> bool:
        return not items or not self.items or self.items + items <= self.limits.items_in_flight

    def _use(self, items: int, size: int) -> None:
        self._item_rate.take(items)
        self._byte_rate.take(size)
        self.items += items

    async def _something_given_back(self) -> None:
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting)
        try:
            await waiting
        finally:
            self._waiting.discard(waiting)


class Limiter:
    """The allowance of every token. A token that is made anew under an old name goes on with what that one had used."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits
        self._clock = clock
        self._allowances: dict[tuple[str, str], Allowance] = {}

    def of(self, caller: Caller) -> Allowance:
        """What this caller may."""
        key = (caller.namespace, caller.name)
        if key not in self._allowances:
            self._allowances[key] = Allowance(self.limits, self._clock)
        return self._allowances[key]
