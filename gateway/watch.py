"""One model under watch: its state, its processes, when it last answered, and how long it may be silent."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass, field
from enum import StrEnum

from gateway import stubs
from gateway.circuit import Circuit
from gateway.repository import LaidOut
from kernel.contract import Deadline, Request
from kernel.errors import ModelNotFound, Unavailable

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
FRESH_SECONDS = 5.0
QUIET_SECONDS = 3.5
LONGEST_QUIET_SECONDS = 30.0
CANARY_SHARE = 0.02
IDLE_PATIENCE_SECONDS = 4.5
IDLE_SHARE = 0.03


class State(StrEnum):
    """How a model stands. `LOADING` ends by itself, `UNAVAILABLE` after the circuit's pause or never."""

    LOADING = "loading"
    READY = "ready"
    UNAVAILABLE = "unavailable"


@dataclass(eq=False)
class Watch:
    """What is known of a model.

    broken: it stays unavailable until a person acts. refused: it answered a canary with an error, which is told once.
    busy: our own calls that are under way. answered: requests that it answered, as the server counts. asked_at: when the
    first canary since its last answer was asked, and `ticks` the processor time that its processes had used by then.
    """

    model: LaidOut
    question: Request | None = None
    state: State = State.LOADING
    reason: str = ""
    broken: bool = False
    refused: bool = False
    busy: int = 0
    pids: set[int] = field(default_factory=set)
    circuit: Circuit = field(default_factory=Circuit)
    answered: int = 0
    alive_at: float = 0.0
    asked_at: float = 0.0
    canary_seconds: float = 0.0
    ticks: int = 0
    stopped_looks: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def name(self) -> str:
        """Its name in the catalog, and on the wire."""
        return self.model.name

    def turn(self, state: State, reason: str = "", *, broken: bool = False) -> None:
        """Take a new state and wake all who wait for one. `broken` needs a person."""
        self.state, self.reason, self.broken = state, reason, broken
        self.changed.set()
        self.changed = asyncio.Event()

    def alive(self) -> None:
        """It answered just now."""
        self.alive_at = time.monotonic()

    def asked(self) -> None:
        """A canary is asked now; the first since its last answer is the one that counts."""
        if self.asked_at <= self.alive_at:
            self.asked_at = time.monotonic()
            self.ticks = self.used()

    def silence(self) -> float:
        """Seconds since it last answered anything."""
        return time.monotonic() - self.alive_at

    def overdue(self) -> float:
        """Seconds for which a canary has been waiting; zero when none is."""
        return time.monotonic() - self.asked_at if self.asked_at > self.alive_at else 0.0

    def used_since_asked(self) -> float:
        """Seconds of processor time that its processes have used since it was asked."""
        return (self.used() - self.ticks) / TICKS_A_SECOND

    def quiet(self) -> float:
        """Seconds of silence after which it is asked a canary, more for one whose canary costs more."""
        return min(max(QUIET_SECONDS, self.canary_seconds / CANARY_SHARE), LONGEST_QUIET_SECONDS)

    def used(self) -> int:
        """Processor time that its processes have used, in clock ticks."""
        return sum(seen.ticks for pid in self.pids if (seen := stubs.vitals(pid)) is not None)

    def patience(self) -> float:
        """Seconds that a canary may wait before the model counts as hung.

        Few only for one that has nothing of ours to do and does not compute; else as many as its longest call takes.
        """
        computes = self.used_since_asked() > self.overdue() * IDLE_SHARE
        idle = self.busy == 0 and not computes
        return min(IDLE_PATIENCE_SECONDS, self.model.longest_seconds) if idle else self.model.longest_seconds

    async def ready(self, deadline: Deadline) -> None:
        """Wait until the model can be asked. Raises `ModelNotFound` or `Unavailable` when it will not be in time."""
        while self.state is not State.READY:
            if self.broken:
                raise ModelNotFound(f"{self.name} is not served: {self.reason}")
            pause = self.circuit.remaining()
            left = deadline.remaining()
            if pause > left:
                raise Unavailable(f"{self.name}: {self.reason}", retry_after=pause)
            try:
                async with asyncio.timeout(left):
                    await self.changed.wait()
            except TimeoutError:
                raise Unavailable(f"{self.name} is not ready: {self.reason or self.state}", retry_after=pause) from None
