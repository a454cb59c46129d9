"""Running a plan: an async iterator of events, of which progress, log and summary are readers.

One lane per model keeps at most `at_once` cases in flight; cases are made a few hundred at a time, whatever the size of
the suite. An outcome is yielded only once it is on disk.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import structlog

from kernel.contract import Deadline, Model, Reply, Request
from kernel.errors import EvaluatorError, ModelError, NotKept, StoreError
from kernel.evaluator import Case, Evaluator, Metric, Skip
from kernel.judging import Judges, Verdict, conclude, failed, judge
from kernel.players import player_of
from kernel.spec import Plan, Task
from kernel.stats import Estimate
from kernel.store.codec import to_json
from kernel.store.keeping import Keeper, Keeping, Waiting
from kernel.store.store import OutcomeRow, ScoreRow, TaskRow, TotalRow
from kernel.supply import Supply

CHUNK = 128
REASON_LIMIT = 2_000
OBSERVED = ("model", "not_honoured")
"""Keys of a reply's report that belong into the manifest."""
MOST_OBSERVED, LONGEST_OBSERVED = 64, 200
"""Values of a key, and characters of a value, about: a report is the model's own words, of any shape and size."""

log = structlog.get_logger(__name__)


class Outcome(NamedTuple):
    """What became of one case. status: "scored", "failed", "unscored" or "skipped"; error: the class of the failure."""

    task: str
    model: str
    case: str
    status: str
    value: float | None
    error: str | None
    reason: str
    seconds: float


@dataclass(frozen=True, slots=True)
class TaskBegun:
    """A task's first cases are being made. `planned` is how many there will be, where the evaluator knows."""

    task: str
    model: str
    planned: int | None


@dataclass(frozen=True, slots=True)
class Restored:
    """So many cases of a task have their outcome from before the run was resumed."""

    task: str
    model: str
    number: int


@dataclass(frozen=True, slots=True)
class TaskEnded:
    """Every case of a task has an outcome, and the store has checked the sum. `planned` is `None` if it broke off."""

    task: str
    model: str
    planned: int | None
    note: str = ""


Event = TaskBegun | Restored | Outcome | TaskEnded


@dataclass(slots=True)
class _State:
    """A task while it runs."""

    task: Task
    row: TaskRow
    metrics: tuple[str, ...]
    judges: Judges
    planned: int = 0
    settled: int = 0
    exhausted: bool = False
    broken: str = ""

    @property
    def plain(self) -> bool:
        """The task asks one call a case, so that kept replies can be looked up many at a time."""
        return self.task.card.player is None and type(self.task.evaluator).probe is Evaluator.probe


class _Ready(NamedTuple):
    """A case to be settled; for a plain task with the key of its reply, and the reply if it is kept."""

    state: _State
    case: Case
    key: bytes | None
    reply: Reply | None


class Runner:
    """One run of one plan. Without a gateway, only what the store holds is scored."""

    def __init__(self, plan: Plan, run: str, keeping: Keeping, gateway: Model | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._plan = plan
        self._run = run
        self._keeping = keeping
        self._clock = clock
        self._keeper = Keeper(gateway, keeping, lambda model: plan.cards[model].identity)
        self._events = Supply[Event](0)
        self._closing: set[asyncio.Task[None]] = set()
        self._observed: dict[str, dict[str, set[str]]] = {}
        self.notes: list[str] = []

    async def events(self) -> AsyncIterator[Event]:
        """Run everything that has no outcome yet. Raises `StoreError` when nothing more can be kept."""
        store = self._keeping.store
        rows = await self._keeping.call(store.begin_tasks, self._run, [_row(task) for task in self._plan.tasks])
        states = [self._state(task, row) for task, row in zip(self._plan.tasks, rows, strict=True)]
        lanes = asyncio.create_task(self._lanes(states))
        lanes.add_done_callback(lambda _: self._events.end())
        try:
            while events := await self._events.take_all():
                for event in events:
                    yield event
            await lanes
        finally:
            lanes.cancel()
            with suppress(asyncio.CancelledError, Exception):  # a failure was raised above; here it only has to end
                await lanes
            for task in self._closing:
                task.cancel()

    @property
    def finished(self) -> bool:
        """Whether the last `events` left nothing to do."""
        return not self.notes

    def _state(self, task: Task, row: TaskRow) -> _State:
        judges = Judges(self._keeper, task.card.name, task.evaluator.roles, self._plan.cast)
        return _State(task, row, tuple(metric.name for metric in task.evaluator.metrics), judges)

    async def _lanes(self, states: list[_State]) -> None:
        by_model: dict[str, list[_State]] = {}
        for state in states:
            by_model.setdefault(state.task.card.name, []).append(state)
        try:
            async with asyncio.TaskGroup() as group:
                for lane in by_model.values():
                    group.create_task(self._lane(lane))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        await self._keeping.flush()
        while self._closing:
            await asyncio.gather(*self._closing)

    async def _lane(self, states: list[_State]) -> None:
        """All tasks of one model, one after the other, without a gap between them."""
        at_once = states[0].task.card.at_once or self._plan.suite.at_once
        supply = Supply[_Ready](2 * at_once)
        feeder = asyncio.create_task(self._feed(states, supply))
        workers = [asyncio.create_task(self._work(supply)) for _ in range(at_once)]
        try:
            done, _ = await asyncio.wait([feeder, *workers], return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        finally:
            for task in (feeder, *workers):
                task.cancel()
            await asyncio.gather(feeder, *workers, return_exceptions=True)

    async def _feed(self, states: list[_State], supply: Supply[_Ready]) -> None:
        for state in states:
            self._events.add(TaskBegun(state.task.name, state.task.card.name, state.task.evaluator.how_many()))
            if state.row.planned is not None:
                self._events.add(Restored(state.task.name, state.task.card.name, state.row.planned))
                self._events.add(TaskEnded(state.task.name, state.task.card.name, state.row.planned))
                continue
            try:
                if not await self._feed_task(state, supply):
                    return
            except EvaluatorError as error:
                state.broken = str(error)
                self.notes.append(f"{state.task.name}: {error}")
                self._events.add(TaskEnded(state.task.name, state.task.card.name, None, str(error)))
            else:
                state.exhausted = True
                self._close_if_complete(state)
        supply.end()

    async def _feed_task(self, state: _State, supply: Supply[_Ready]) -> bool:
        """Supply all cases of a task; whether the model may still be asked."""
        cases = _guarded(state.task.evaluator)
        while not supply.stopped and (chunk := await asyncio.to_thread(lambda: list(islice(cases, CHUNK)))):
            settled = await self._keeping.call(self._keeping.store.settled, state.row.task_id, [case.id for case in chunk])
            state.planned += len(chunk)
            state.settled += len(settled)
            if settled:
                self._events.add(Restored(state.task.name, state.task.card.name, len(settled)))
            fresh = [case for case in chunk if case.id not in settled]
            if not state.plain:
                await supply.put([_Ready(state, case, None, None) for case in fresh])
                continue
            keys = [self._keeper.key(case.request) for case in fresh]
            kept = await self._keeper.look_up(keys)
            await supply.put([_Ready(state, case, key, kept.get(key)) for case, key in zip(fresh, keys, strict=True)])
        return not supply.stopped

    async def _work(self, supply: Supply[_Ready]) -> None:
        while (ready := await supply.take()) is not None:
            try:
                await self._settle(*ready)
            except ModelError as error:
                self._stop_asking(ready.state.task.card.name, supply, error)
                return

    def _stop_asking(self, model: str, supply: Supply[_Ready], error: ModelError) -> None:
        """A model that a person must see to is asked no more; what is under way, and may be paid for, comes to its end."""
        if not supply.stopped:
            self.notes.append(f"{model}: {type(error).__name__}: {error}")
            log.warning("model_blocked", model=model, error=type(error).__name__)
        supply.stop()

    async def _settle(self, state: _State, case: Case, key: bytes | None, reply: Reply | None) -> None:
        """One case: ask, judge, keep."""
        task = state.task
        started = self._clock()
        deadline = Deadline(started + self._plan.suite.deadline, self._clock)
        keys: list[bytes] = [] if key is None else [key]
        try:
            if key is None:
                reply = await self._probe(task, case, _Recording(self._keeper, keys), deadline)
            elif reply is None:
                reply = await self._keeper.ask(key, case.request, deadline)
        except (ModelError, NotKept) as error:
            if getattr(error, "blocks", False):
                raise
            verdict = Verdict("failed", str(error), type(error).__name__)
        except Skip as error:
            verdict = Verdict("skipped", str(error))
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001  # a plugin may raise anything; its case fails, the others go on
            verdict = failed(task.evaluator, "probe", error)
        else:
            self._observe(task.card.name, reply.report)
            verdict = await judge(task.evaluator, case, reply, state.judges, deadline)
        self._keeping.keep_outcome(self._outcome(state, case, verdict, keys, self._clock() - started))
        if self._keeping.crowded:
            await self._keeping.room()

    def _observe(self, model: str, report: Mapping[str, Any]) -> None:
        """Note what a model says of itself that the manifest has to tell: its name as answered, and what it did not honour."""
        for name in OBSERVED:
            told = report.get(name) or []
            seen = self._observed.setdefault(model, {}).setdefault(name, set())
            if len(seen) < MOST_OBSERVED:
                seen.update(_storable(str(each))[:LONGEST_OBSERVED] for each in (told if isinstance(told, list) else [told])[:MOST_OBSERVED])

    @property
    def observed(self) -> dict[str, dict[str, list[str]]]:
        """What the models' reports said, by model: `OBSERVED` of all replies so far, sorted."""
        found = {model: {name: sorted(told) for name, told in seen.items() if told} for model, seen in sorted(self._observed.items())}
        return {model: told for model, told in found.items() if told}

    async def _probe(self, task: Task, case: Case, asked: _Recording, deadline: Deadline) -> Reply:
        player = player_of(task.card)
        if player is None:
            return await task.evaluator.probe(case, asked, deadline)
        reply = await player.play(task.evaluator, case, asked, deadline)
        if not asked.keys:  # the player answered by itself: keep what it said, for the reader of the report
            asked.keys.append(self._keeper.key(Request(task.card.name, case.request.parts, system=f"{task.name}\n{case.id}")))
            self._keeping.keep_reply(asked.keys[0], task.card.name, reply)
        return reply

    def _outcome(self, state: _State, case: Case, verdict: Verdict, keys: list[bytes], seconds: float) -> Waiting:
        task_id, pictures = state.row.task_id, case.request.pictures
        facts = {"question": case.request.text, "pictures": [p.digest for p in pictures], "gold": case.gold, "facts": dict(case.facts)}
        shown = to_json({**facts, "record": dict(verdict.record)} if verdict.record else facts)
        row = OutcomeRow(
            task_id,
            case.id,
            verdict.status,
            verdict.error,
            _storable(verdict.reason),
            int(verdict.found),
            round(seconds, 4),
            case.cluster,
            shown,
            b"".join(keys),
        )
        scores = []
        for metric in state.metrics:
            value = verdict.values.get(metric)
            status = "unscored" if value is None and verdict.status == "scored" else verdict.status
            scores.append(ScoreRow(task_id, metric, case.id, status, value if status == "scored" else None))
        return Waiting(row, scores, pictures, self._settled, state)

    def _settled(self, waiting: Waiting) -> None:
        """An outcome is on disk."""
        state, row = waiting.about, waiting.row
        task = state.task
        state.settled += 1
        self._events.add(Outcome(task.name, task.card.name, row.case_id, row.status, waiting.scores[0].value, row.error, row.reason, row.seconds))
        self._close_if_complete(state)

    def _close_if_complete(self, state: _State) -> None:
        if state.exhausted and state.settled == state.planned:
            task = asyncio.create_task(self._close(state))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def _close(self, state: _State) -> None:
        evaluator, totals = state.task.evaluator, []
        if evaluator.totals:
            records = await self._keeping.call(self._keeping.store.records, state.row.task_id)
            found = await asyncio.to_thread(conclude, evaluator, records)
            totals = [_total(metric, found[metric.name]) for metric in evaluator.totals]
        await self._keeping.call(self._keeping.store.finish_task, state.row, state.planned, totals)
        self._events.add(TaskEnded(state.task.name, state.task.card.name, state.planned))


class _Recording:
    """The keeper, for one case: notes which replies the case stands on."""

    __slots__ = ("_keeper", "keys")

    def __init__(self, keeper: Keeper, keys: list[bytes]) -> None:
        self._keeper = keeper
        self.keys = keys

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        self.keys.append(self._keeper.key(request))
        return await self._keeper.infer(request, deadline=deadline)

    async def aclose(self) -> None:
        """The keeper belongs to the runner."""


def _row(task: Task) -> dict[str, Any]:
    metrics = [_told(metric) for metric in task.evaluator.metrics]
    evaluator = task.evaluator
    return {
        "task": task.name,
        "model": task.card.name,
        "player": task.player,
        "perspective": evaluator.perspective,
        "chance": evaluator.chance(),
        "metrics": metrics,
    }


def _told(metric: Metric) -> dict[str, Any]:
    return {"name": metric.name, "higher_is_better": metric.higher_is_better, "unit": metric.unit}


def _total(metric: Metric, found: Estimate | str) -> TotalRow:
    if isinstance(found, str):
        return TotalRow(_told(metric), None, None, None, _storable(found))
    return TotalRow(_told(metric), found.mean, found.low, found.high, "")


def _guarded(evaluator: Evaluator) -> Iterator[Case]:
    """The cases of a plugin; whatever it raises becomes an `EvaluatorError` that names it."""
    try:
        yield from evaluator.cases()
    except Exception as error:
        raise EvaluatorError(f"{evaluator.name} cannot make its cases: {type(error).__name__}: {error}") from error


def _storable(text: str) -> str:
    """Text that any database takes: no lone surrogates, no NUL, bounded."""
    if not text.isascii():
        text = text.encode("utf-8", "backslashreplace").decode()
    return text[:REASON_LIMIT].replace("\x00", "\\x00")
