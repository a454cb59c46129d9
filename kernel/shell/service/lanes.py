"""Who is scored next: batches of one call or stream stand in its lane, small calls go before, and all lanes have their turn.

Scoring keeps the event loop for a short slice of time, and then lets everybody else run.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextvars import copy_context
from typing import Any, NamedTuple, Protocol

from kernel.contract import Deadline, Reply
from kernel.evaluator import Case
from kernel.judging import Verdict
from kernel.shell.service.faults import Fault
from kernel.shell.service.scorers import Scorer

SLICE = 0.001
"""Seconds that scoring keeps the loop, about, for small calls and for all others each."""
FEW = 8
"""Items of a call, or of a stream that have no result yet, up to which they go before the others."""


class Job(NamedTuple):
    """An item that can be scored. case: `None` where `case_id` names one of the evaluator's own that was not made yet."""

    scorer: Scorer
    case: Case | None
    reply: Reply
    case_id: str = ""


class Batch(Protocol):
    """Items that came together. deadline: when each has to have its result, by the clock of the engine."""

    deadline: Deadline

    def __len__(self) -> int:
        """How many items there are."""
        ...

    def read(self, index: int) -> Job:
        """The item at a place. Raises `Fault`."""
        ...

    def settle(self, index: int, found: Verdict | Fault, scorer: Scorer | None) -> None:
        """What became of the item at a place, and what scored it; told once for each, in any order."""
        ...


class Lane:
    """The batches of one call or stream, and what is under way of them. Made in the context of the call, such as its span."""

    __slots__ = ("batches", "closed", "context", "guard", "listed", "tasks", "timer", "waiting")

    def __init__(self) -> None:
        self.context = copy_context()
        """That of its call. Whoever works on the lane is in another's."""
        self.batches: deque[tuple[Batch, int]] = deque()
        self.waiting: deque[tuple[Batch, int, Job]] = deque()
        """Items that ask models and have to wait for others."""
        self.tasks: dict[asyncio.Task[Any], Batch] = {}
        self.timer: asyncio.TimerHandle | None = None
        """Goes off when the first of those that wait has waited too long."""
        self.guard: asyncio.TimerHandle | None = None
        """Goes off when what is under way may be overdue."""
        self.listed = False
        self.closed = False

    def close(self) -> None:
        """Nobody wants the results any more: what waits is dropped, what is under way cancelled."""
        self.closed = True
        self.batches.clear()
        self.waiting.clear()
        for timer in (self.timer, self.guard):
            if timer is not None:
                timer.cancel()
        for task in self.tasks:
            task.cancel()


class Turns:
    """Slices of the event loop for lanes that have batches, those of small calls first. `work` is done with one item of a lane, and told the time."""

    def __init__(self, work: Callable[[Lane, Batch, int, float], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._work = work
        self._clock = clock
        self._small: deque[Lane] = deque()
        self._bulk: deque[Lane] = deque()
        self._armed = False

    def put(self, lane: Lane, batch: Batch, *, small: bool) -> None:
        """A batch at the end of its lane."""
        lane.batches.append((batch, 0))
        if not lane.listed:
            lane.listed = True
            (self._small if small else self._bulk).append(lane)
        if not self._armed:
            self._armed = True
            asyncio.get_running_loop().call_soon(self._slice)

    def _slice(self) -> None:
        self._turn(self._small)
        self._turn(self._bulk)
        self._armed = bool(self._small or self._bulk)
        if self._armed:
            asyncio.get_running_loop().call_soon(self._slice)

    def _turn(self, lanes: deque[Lane]) -> None:
        """One slice. A lane that has not come to its end in it is none of a small call."""
        if not lanes:
            return
        now = self._clock()
        end = now + SLICE
        while lanes and now < end:
            lane = lanes.popleft()
            now = self._work_on(lane, now, end)
            lane.listed = bool(lane.batches)
            if lane.listed:
                self._bulk.append(lane)

    def _work_on(self, lane: Lane, now: float, end: float) -> float:
        """Work on a lane up to the end of the slice. The time then."""
        clock, work = self._clock, self._work
        while lane.batches:
            batch, at = lane.batches.popleft()
            for index in range(at, len(batch)):
                work(lane, batch, index, now)
                now = clock()
                if now >= end:
                    if index + 1 < len(batch):
                        lane.batches.appendleft((batch, index + 1))
                    return now
        return now
