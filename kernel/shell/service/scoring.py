"""The service `Scoring`: batches and endless streams of items, scored by the engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from functools import cache
from typing import Any

from google.protobuf.struct_pb2 import Struct

from assay.v1 import scoring_pb2, types_pb2
from assay.v1.scoring_pb2_grpc import ScoringServicer
from kernel.contract import Deadline, Kind
from kernel.judging import Verdict
from kernel.shell.service.engine import SECONDS, Engine
from kernel.shell.service.faults import Fault
from kernel.shell.service.item_results import refused, scored
from kernel.shell.service.items import Reader, wrong_id
from kernel.shell.service.lanes import Job, Lane
from kernel.shell.service.metrics import Metrics
from kernel.shell.service.scorers import Described, Scorer, Scorers
from kernel.shell.service.statuses import BadFields, Violation

MOST_ITEMS = 4096
"""Items of one message."""
LONGEST_SECONDS = 600.0
IN_FLIGHT = 8192
"""Items of a stream without a result, up to which more is read of it."""
BYTES_IN_FLIGHT = 64 * 1024 * 1024
GATHERED = 256
"""Results that a stream's message has at most."""
GATHERING, GATHERING_BULK = 0.001, 0.005
"""Seconds for which results are gathered, where more are on their way: few, or more than one message holds."""
PAGE, MOST_PAGE = 100, 1000
KINDS = {kind: types_pb2.ModelKind.Value(f"MODEL_KIND_{kind.name}") for kind in Kind}


class Scoring(ScoringServicer):
    """Scores outputs. A call that is wrong as a whole raises `BadFields`; all else is the items' own."""

    def __init__(self, engine: Engine, scorers: Scorers, metrics: Metrics) -> None:
        self._engine = engine
        self._scorers = scorers
        self._tally = _Tally(metrics)

    async def ListScorers(self, request: scoring_pb2.ListScorersRequest, context: Any) -> scoring_pb2.ListScorersResponse:  # noqa: N802
        """A page of what can score, by name."""
        known = await asyncio.to_thread(self._scorers.described)
        size = request.page_size or PAGE
        if not 0 < size <= MOST_PAGE:
            raise _wrong("page_size", f"is {size}; expected 1 to {MOST_PAGE}, or 0 for {PAGE}")
        names = [each.evaluator.name for each in known]
        if request.page_token and request.page_token not in names:
            raise _wrong("page_token", "is none of this list's; expected next_page_token of the page before")
        first = names.index(request.page_token) if request.page_token else 0
        more = names[first + size] if first + size < len(names) else ""
        return scoring_pb2.ListScorersResponse(scorers=map(_info, known[first : first + size]), next_page_token=more)

    async def Score(self, request: scoring_pb2.ScoreRequest, context: Any) -> scoring_pb2.ScoreResponse:  # noqa: N802
        """The results of a batch, in the order of its items."""
        seconds = _seconds(request)
        idents = _idents(request)
        if (left := context.time_remaining()) is not None:
            seconds = min(seconds, left)
        batch = _Whole(request, idents, Reader(self._scorers, follows=False), Deadline.after(seconds, self._engine.clock), self._tally)
        lane = Lane()
        self._engine.put(lane, batch, pending=len(idents))
        try:
            await batch.ended
        finally:
            lane.close()
        return scoring_pb2.ScoreResponse(results=(each for each in batch.results if each is not None))

    async def ScoreStream(  # noqa: N802
        self, request_iterator: AsyncIterator[scoring_pb2.ScoreStreamRequest], context: Any
    ) -> AsyncIterator[scoring_pb2.ScoreStreamResponse]:
        """Results as they are known, until the caller has ended its half and every item has its result."""
        stream = _Stream(self._engine, Reader(self._scorers, follows=True), self._tally)
        reading = asyncio.create_task(stream.read(request_iterator))
        try:
            while results := await stream.gathered():
                yield scoring_pb2.ScoreStreamResponse(results=[message for message, _, _ in results])
                stream.sent(results)
        finally:
            stream.lane.close()
            reading.cancel()
            with suppress(asyncio.CancelledError, Exception):  # what it failed by was raised by `gathered`
                await reading


class _Tally:
    """Counts items by what scored them and what became of them."""

    def __init__(self, metrics: Metrics) -> None:
        self._count = cache(metrics.items.labels)

    def add(self, scorer: Scorer | None, status: str) -> None:
        """One more."""
        self._count("none" if scorer is None else scorer.evaluator.name, status).inc()


class _Batch:
    """The items of one message, as the engine takes them."""

    __slots__ = ("deadline", "idents", "items", "reader", "tally")

    def __init__(self, items: Sequence[scoring_pb2.Item], idents: Sequence[str], reader: Reader, deadline: Deadline, tally: _Tally) -> None:
        self.items = items
        self.idents = idents
        self.reader = reader
        self.deadline = deadline
        self.tally = tally

    def __len__(self) -> int:
        return len(self.idents)

    def read(self, index: int) -> Job:
        """The item at a place. Raises `Fault`."""
        return self.reader.job(self.items[index])

    def message(self, index: int, found: Verdict | Fault, scorer: Scorer | None) -> scoring_pb2.ItemResult:
        """The result of an item."""
        if isinstance(found, Fault):
            self.tally.add(scorer, "refused")
            return refused(self.idents[index], found, f"items[{index}]")
        self.tally.add(scorer, found.status)
        return scored(self.idents[index], found, () if scorer is None else scorer.metrics)


class _Whole(_Batch):
    """The items of a call."""

    __slots__ = ("_left", "ended", "results")

    def __init__(self, request: scoring_pb2.ScoreRequest, idents: Sequence[str], reader: Reader, deadline: Deadline, tally: _Tally) -> None:
        super().__init__(request.items, idents, reader, deadline, tally)
        self.results: list[scoring_pb2.ItemResult | None] = [None] * len(idents)
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._left = len(idents)

    def settle(self, index: int, found: Verdict | Fault, scorer: Scorer | None) -> None:
        """Keep the result in its place."""
        self.results[index] = self.message(index, found, scorer)
        self._left -= 1
        if not self._left and not self.ended.done():
            self.ended.set_result(None)


class _Part(_Batch):
    """The items of one message of a stream. size: its bytes; doubles: places of items whose id has no result yet; left: items without a result."""

    __slots__ = ("_stream", "doubles", "left", "size")

    def __init__(self, stream: _Stream, request: scoring_pb2.ScoreStreamRequest, reader: Reader, deadline: Deadline, tally: _Tally) -> None:
        super().__init__(request.items, [item.id for item in request.items], reader, deadline, tally)
        self._stream = stream
        self.size = request.ByteSize()
        self.left = len(self.idents)
        self.doubles = set[int]()

    def read(self, index: int) -> Job:
        """The item at a place. Raises `Fault`."""
        if index in self.doubles:
            raise Fault("ALREADY_EXISTS", ("id", "is that of another item of the stream that has no result yet; expected another one"))
        if told := wrong_id(self.idents[index]):
            raise Fault.invalid("id", told)
        return self.reader.job(self.items[index])

    def settle(self, index: int, found: Verdict | Fault, scorer: Scorer | None) -> None:
        """Give the result to the stream."""
        self._stream.add((self.message(index, found, scorer), self, index))


_Result = tuple[scoring_pb2.ItemResult, _Part, int]
"""A result that has not been sent, with the place of its item."""


class _Stream:
    """What of a stream is in flight: read, and its result not sent."""

    def __init__(self, engine: Engine, reader: Reader, tally: _Tally) -> None:
        self._tally = tally
        self.lane = Lane()
        self._engine = engine
        self._reader = reader
        self._idents: set[str] = set()
        self._items = 0
        self._bytes = 0
        self._results: list[_Result] = []
        self._known = asyncio.Event()
        self._room = asyncio.Event()
        self._ended = False
        self._failed: Exception | None = None

    async def read(self, requests: AsyncIterator[scoring_pb2.ScoreStreamRequest]) -> None:
        """Take on what comes, as long as there is room for it."""
        try:
            async for request in requests:
                self._take(request)
                while self._items >= IN_FLIGHT or self._bytes >= BYTES_IN_FLIGHT:
                    self._room.clear()
                    await self._room.wait()
        except Exception as error:  # noqa: BLE001 - raised where the stream is written
            self._failed = error
        finally:
            self._ended = True
            self._known.set()

    def _take(self, request: scoring_pb2.ScoreStreamRequest) -> None:
        if len(request.items) > MOST_ITEMS:
            raise _wrong("items", f"has {len(request.items):,} items; expected at most {MOST_ITEMS:,}")
        part = _Part(self, request, self._reader, Deadline.after(SECONDS, self._engine.clock), self._tally)
        for index, ident in enumerate(part.idents):
            if ident in self._idents:
                part.doubles.add(index)
            else:
                self._idents.add(ident)
        if part.idents:
            self._items += len(part)
            self._bytes += part.size
            self._engine.put(self.lane, part, pending=self._items)

    def add(self, result: _Result) -> None:
        """A result that is to be sent."""
        self._results.append(result)
        if len(self._results) in (1, GATHERED):
            self._known.set()

    async def gathered(self) -> list[_Result]:
        """The next results to be sent; none at the end of the stream. Raises what its reading failed by."""
        while not self._results and not (self._ended and (self._failed or not self._items)):
            self._known.clear()
            await self._known.wait()
        if self._failed is not None:
            raise self._failed
        if 0 < len(self._results) < min(GATHERED, self._items):
            self._known.clear()
            timer = asyncio.get_running_loop().call_later(GATHERING if self._items <= GATHERED else GATHERING_BULK, self._known.set)
            await self._known.wait()
            timer.cancel()
        results, self._results = self._results[:GATHERED], self._results[GATHERED:]
        return results

    def sent(self, results: Sequence[_Result]) -> None:
        """These are not in flight any more."""
        for _, part, index in results:
            part.left -= 1
            if not part.left:
                self._bytes -= part.size
            if index not in part.doubles:
                self._idents.discard(part.idents[index])
        self._items -= len(results)
        self._room.set()


def _seconds(request: scoring_pb2.ScoreRequest) -> float:
    """Seconds for each item. Raises `BadFields`."""
    if not request.HasField("item_deadline"):
        return SECONDS
    seconds = request.item_deadline.seconds + request.item_deadline.nanos / 1e9
    if not 0 < seconds <= LONGEST_SECONDS:
        raise _wrong("item_deadline", f"is {seconds:g} s; expected more than 0 and at most {LONGEST_SECONDS:g} s")
    return seconds


def _idents(request: scoring_pb2.ScoreRequest) -> list[str]:
    """The ids of a batch. Raises `BadFields` with every fault of the batch as a whole."""
    number = len(request.items)
    if not 0 < number <= MOST_ITEMS:
        raise _wrong("items", f"has {number:,} items; expected 1 to {MOST_ITEMS:,}")
    idents = [item.id for item in request.items]
    if faults := list(_faults(idents)):
        raise BadFields(faults)
    return idents


def _faults(idents: Sequence[str]) -> Iterator[Violation]:
    first: dict[str, int] = {}
    for index, ident in enumerate(idents):
        if told := wrong_id(ident):
            yield Violation(f"items[{index}].id", told)
        elif first.setdefault(ident, index) != index:
            yield Violation(f"items[{index}].id", f"is that of items[{first[ident]}] too; expected every id once")


def _wrong(path: str, told: str) -> BadFields:
    return BadFields([Violation(path, told)])


def _info(known: Described) -> scoring_pb2.ScorerInfo:
    cls, schema = known.evaluator, Struct()
    schema.update(dict(known.options))
    metrics = [types_pb2.Metric(name=each.name, higher_is_better=each.higher_is_better, unit=each.unit) for each in known.metrics]
    return scoring_pb2.ScorerInfo(
        name=cls.name,
        title=known.title,
        asks=KINDS[cls.asks],
        options_schema=schema,
        metrics=metrics,
        roles=cls.roles,
        reference=known.reference,
    )
