"""Scoring of items: rules in the event loop, slice by slice, what asks models as tasks, so many at once. Knows nothing of gRPC.

Whatever happens to an item is its own: every item of a batch ends as a verdict or a fault, unless its lane is closed before.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any

import structlog

from kernel.contract import Deadline
from kernel.judging import Verdict, judge
from kernel.shell.service.faults import Fault
from kernel.shell.service.lanes import FEW, Batch, Job, Lane, Turns
from kernel.shell.service.scorers import Scorer

AT_ONCE = 256
"""Items under way that ask models."""
RESERVED = 16
"""Of these, those that only small calls may take."""
SECONDS = 60.0
"""How long an item may take, where nobody says."""
GRACE = 1.0
"""Seconds after the deadline at which a scorer that does not keep to it is ended."""

log = structlog.get_logger(__name__)


class Engine:
    """Scores the batches of all calls and streams."""

    def __init__(self, *, at_once: int = AT_ONCE, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._turns = Turns(self._begin, clock)
        self._room = at_once
        self._reserved = min(RESERVED, at_once // 2)
        self._small: deque[Lane] = deque()
        self._bulk: deque[Lane] = deque()

    def put(self, lane: Lane, batch: Batch, *, pending: int) -> None:
        """Take on a batch. pending: items of the lane that have no result yet, this batch among them; few ones go before everybody's many."""
        self._turns.put(lane, batch, small=pending <= FEW)

    async def score(self, jobs: Sequence[Job], seconds: float = SECONDS) -> list[Verdict | Fault]:
        """One batch, from its beginning to its end."""
        batch, lane = _Known(jobs, Deadline.after(seconds, self.clock)), Lane()
        if not jobs:
            return []
        self.put(lane, batch, pending=len(jobs))
        try:
            await batch.ended
        finally:
            lane.close()
        return [found for found in batch.found if found is not None]

    def _begin(self, lane: Lane, batch: Batch, index: int, now: float) -> None:
        """Score an item, if that can be done at once; else see to it that it will be."""
        try:
            job = batch.read(index)
        except Fault as fault:
            batch.settle(index, fault, None)
            return
        except Exception as error:  # noqa: BLE001  # an item that trips us up stops no other
            batch.settle(index, _unforeseen(error), None)
            return
        scorer, case = job.scorer, job.case
        if case is None or scorer.asks or job.reply.pictures:
            self._wait(lane, batch, index, job)
            return
        if now >= batch.deadline.at:
            batch.settle(index, _late(), scorer)
            return
        if scorer.fault is not None and (told := scorer.fault(case)):
            batch.settle(index, Fault.invalid("reference", told), scorer)
            return
        if (found := _at_once(judge(scorer.evaluator, case, job.reply, scorer.judges, batch.deadline))) is None:
            scorer.asks = True
            self._wait(lane, batch, index, job)
        else:
            batch.settle(index, found, scorer)

    def _wait(self, lane: Lane, batch: Batch, index: int, job: Job) -> None:
        if not lane.waiting:
            (self._small if len(batch) <= FEW and len(lane.tasks) <= FEW else self._bulk).append(lane)
        lane.waiting.append((batch, index, job))
        self._start()
        if lane.waiting and lane.timer is None:
            lane.timer = asyncio.get_running_loop().call_later(batch.deadline.remaining(), self._give_up, lane)

    def _give_up(self, lane: Lane) -> None:
        """End the items of a lane that have waited for their turn up to their deadline. Batches that came later have later ones."""
        lane.timer = None
        while lane.waiting:
            batch, index, job = lane.waiting[0]
            if (left := batch.deadline.remaining()) > 0:
                lane.timer = asyncio.get_running_loop().call_later(left, self._give_up, lane)
                return
            lane.waiting.popleft()
            batch.settle(index, _late(), job.scorer)

    def _start(self) -> None:
        """Begin with items that wait, lane by lane, as many as there is room for."""
        while self._room > 0 and (lane := self._next()) is not None:
            batch, index, job = lane.waiting.popleft()
            if lane.waiting:
                self._bulk.append(lane)
            self._room -= 1
            task = asyncio.create_task(self._ask(batch, job), context=lane.context.copy())
            lane.tasks[task] = batch
            task.add_done_callback(partial(self._ended, lane, index, job))
            if lane.guard is None:
                lane.guard = asyncio.get_running_loop().call_later(batch.deadline.remaining() + GRACE, self._end_overdue, lane)

    def _next(self) -> Lane | None:
        for lanes, least in ((self._small, 1), (self._bulk, self._reserved + 1)):
            while lanes and self._room >= least:
                if (lane := lanes.popleft()).waiting:
                    return lane
        return None

    def _end_overdue(self, lane: Lane) -> None:
        """Cancel what of a lane has not kept to its deadline. One timer for the lane: one for each item costs as much as a rule."""
        lane.guard = None
        left = []
        for task, batch in lane.tasks.items():
            overdue = self.clock() - batch.deadline.at - GRACE
            if overdue >= 0:
                task.cancel()
            else:
                left.append(-overdue)
        if left:
            lane.guard = asyncio.get_running_loop().call_later(min(left), self._end_overdue, lane)

    def _ended(self, lane: Lane, index: int, job: Job, task: asyncio.Task[Verdict | Fault]) -> None:
        batch = lane.tasks.pop(task)
        self._room += 1
        if not task.cancelled():
            batch.settle(index, task.result(), job.scorer)
        elif not lane.closed:
            batch.settle(index, _late(), job.scorer)
        self._start()

    async def _ask(self, batch: Batch, job: Job) -> Verdict | Fault:
        try:
            return await self._judged(batch, job)
        except Fault as fault:
            return fault
        except Exception as error:  # noqa: BLE001  # an item that trips us up stops no other
            return _unforeseen(error)

    async def _judged(self, batch: Batch, job: Job) -> Verdict | Fault:
        scorer = job.scorer
        case = await scorer.own.find(job.case_id) if job.case is None else job.case
        deadline = Deadline(batch.deadline.at, self.clock)
        if not deadline.remaining():
            return _late()
        if scorer.fault is not None and (told := scorer.fault(case)):
            return Fault.invalid("reference", told)
        if not scorer.asks:
            found = await asyncio.to_thread(_at_once, judge(scorer.evaluator, case, job.reply, scorer.judges, deadline))
            if found is not None:
                return found
            scorer.asks = True
        return await judge(scorer.evaluator, case, job.reply, scorer.judges, deadline)


class _Known:
    """Jobs that are at hand."""

    def __init__(self, jobs: Sequence[Job], deadline: Deadline) -> None:
        self.deadline = deadline
        self.found: list[Verdict | Fault | None] = [None] * len(jobs)
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._jobs = jobs
        self._left = len(jobs)

    def __len__(self) -> int:
        return len(self._jobs)

    def read(self, index: int) -> Job:
        return self._jobs[index]

    def settle(self, index: int, found: Verdict | Fault, scorer: Scorer | None) -> None:
        self.found[index] = found
        self._left -= 1
        if not self._left and not self.ended.done():
            self.ended.set_result(None)


def _at_once(judging: Coroutine[Any, Any, Verdict]) -> Verdict | Fault | None:
    """The verdict of a scorer that waits for nobody; `None` for one that does, which is ended."""
    try:
        judging.send(None)
    except StopIteration as ended:
        found: Verdict = ended.value
        return found
    except Exception as error:  # noqa: BLE001  # an item that trips us up stops no other
        return _unforeseen(error)
    judging.close()
    return None


def _late() -> Fault:
    return Fault("DEADLINE_EXCEEDED", ("", "not scored in time; give each item longer, or send fewer at once"))


def _unforeseen(error: Exception) -> Fault:
    log.error("scoring_failed", error=type(error).__name__, exc_info=error)
    return Fault("INTERNAL", ("", "the server could not score the item"))
