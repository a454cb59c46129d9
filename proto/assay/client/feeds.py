"""What reads the items of a stream while it is sent, so that an item goes out as soon as it is there, whatever the next one waits for.

An error of the source ends the stream as its end does: the results of what was sent still come, and then the error is raised.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterable, Iterable, Iterator
from typing import Any

import grpc

from assay.client.backlog import Backlog
from assay.v1.scoring_pb2 import Item, ItemResult, ScoreStreamRequest


class ThreadFeed:
    """Reads in a thread of its own."""

    def __init__(self, source: Iterable[Item], backlog: Backlog) -> None:
        self.error: BaseException | None = None
        self._source = source
        self._backlog = backlog
        self._changed = threading.Condition()
        self._streams = 0
        self._ended = self._closed = False
        threading.Thread(target=self._read, name="assay-items", daemon=True).start()

    def _read(self) -> None:
        try:
            for item in self._source:
                with self._changed:
                    self._changed.wait_for(lambda: self._closed or not self._backlog.full)
                    if self._closed:
                        return
                    self._backlog.add(item)
                    self._changed.notify_all()
        except BaseException as error:  # noqa: BLE001  # raised where the results are read
            self.error = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def wait(self) -> bool:
        """Wait for something to send; False where nothing is left, because every item has its result."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or not self._backlog.empty)
            return not self._backlog.empty

    def requests(self) -> Iterator[ScoreStreamRequest]:
        """The messages of a new stream: what has no result yet, then what comes. Those of the stream before end."""
        with self._changed:
            self._streams += 1
            self._backlog.again()
            self._changed.notify_all()
            return self._messages(self._streams)

    def _messages(self, stream: int) -> Iterator[ScoreStreamRequest]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or stream != self._streams or self._ended or self._backlog.unsent)
                if self._closed or stream != self._streams or not self._backlog.unsent:
                    return
                items = self._backlog.take()
            yield ScoreStreamRequest(items=items)

    def settle(self, results: Iterable[ItemResult]) -> list[ItemResult]:
        """Those of the results that an item waits for."""
        with self._changed:
            settled = self._backlog.settle(results)
            self._changed.notify_all()
            return settled

    def close(self) -> None:
        """Read and send no more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class TaskFeed:
    """Reads in a task of its own. Made inside the event loop that uses it."""

    def __init__(self, source: Iterable[Item] | AsyncIterable[Item], backlog: Backlog) -> None:
        self.error: BaseException | None = None
        self._source = source
        self._backlog = backlog
        self._changed = asyncio.Condition()
        self._ended = False
        self._reading = asyncio.ensure_future(self._read())

    async def _read(self) -> None:
        try:
            if isinstance(self._source, AsyncIterable):
                async for item in self._source:
                    await self._add(item)
            else:
                for item in self._source:
                    await self._add(item)
        except Exception as error:  # noqa: BLE001  # raised where the results are read
            self.error = error
        async with self._changed:
            self._ended = True
            self._changed.notify_all()

    async def _add(self, item: Item) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: not self._backlog.full)
            self._backlog.add(item)
            self._changed.notify_all()

    async def wait(self) -> bool:
        """Wait for something to send; False where nothing is left, because every item has its result."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._ended or not self._backlog.empty)
            return not self._backlog.empty

    async def send(self, call: grpc.aio.StreamStreamCall[Any, Any]) -> None:
        """Write a new stream: what has no result yet, then what comes. Ends with the stream, whose status its reader sees."""
        self._backlog.again()
        try:
            while True:
                async with self._changed:
                    await self._changed.wait_for(lambda: self._ended or self._backlog.unsent)
                    items = self._backlog.take()
                if not items:
                    await call.done_writing()
                    return
                await call.write(ScoreStreamRequest(items=items))
        except (grpc.RpcError, asyncio.InvalidStateError):
            return

    async def settle(self, results: Iterable[ItemResult]) -> list[ItemResult]:
        """Those of the results that an item waits for."""
        async with self._changed:
            settled = self._backlog.settle(results)
            self._changed.notify_all()
            return settled

    async def aclose(self) -> None:
        """Read no more."""
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
