"""The store behind asyncio: rows are gathered and written in batches by one thread, in the order they came.

An outcome is announced (its future is set) only after its batch was committed. A failed write stops everything:
nothing is announced any more, and every waiter gets the `StoreError`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, NamedTuple, Self, TypeVar

from kernel.contract import Deadline, Model, Picture, Reply, Request
from kernel.errors import NotKept
from kernel.store.codec import dump_reply, reply_key
from kernel.store.database import store_errors
from kernel.store.store import Batch, OutcomeRow, ReplyRow, ScoreRow, Store

BATCH = 512
PATIENCE = 0.2
"""Seconds that a row waits for company before it is written all the same."""

ROOM = 8 * BATCH
"""Rows that may wait; past that, whoever brings more waits too."""

T = TypeVar("T")


class Waiting(NamedTuple):
    """An outcome on its way to the disk, with the pictures of its case; `announce` is called with it once all of it is there."""

    row: OutcomeRow
    scores: list[ScoreRow]
    pictures: tuple[Picture, ...]
    announce: Callable[[Waiting], None]
    about: Any
    """For whoever announces."""


class Keeping:
    """An open `Store`, its thread, and the rows that are on their way to it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._loop = asyncio.get_running_loop()
        self._replies: dict[bytes, tuple[str, Reply]] = {}
        self._outcomes: list[Waiting] = []
        self._writing: dict[bytes, tuple[str, Reply]] = {}
        self._due: asyncio.TimerHandle | None = None
        self._batch: asyncio.Task[None] | None = None
        self._broken: BaseException | None = None
        self._room = asyncio.Event()
        self._room.set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            await self.flush()
        finally:
            self._thread.shutdown(wait=True)

    async def call(self, function: Callable[..., T], *args: Any) -> T:
        """Run a method of the store on its thread, after everything that is being written now."""
        return await self._loop.run_in_executor(self._thread, function, *args)

    def pending(self, key: bytes) -> Reply | None:
        """A reply that is kept but not yet written."""
        waiting = self._replies.get(key) or self._writing.get(key)
        return waiting[1] if waiting else None

    def keep_reply(self, key: bytes, model: str, reply: Reply) -> None:
        """Put a reply on its way. It is written no later than any outcome that is given after it."""
        self._check()
        self._replies[key] = (model, reply)
        if self._due is None or len(self._replies) >= BATCH:
            self._stir()

    def keep_outcome(self, waiting: Waiting) -> None:
        """Put an outcome on its way; it is announced once it is on disk."""
        self._check()
        self._outcomes.append(waiting)
        if self._due is None or len(self._outcomes) >= BATCH:
            self._stir()

    @property
    def crowded(self) -> bool:
        """Whether the store lags behind: whoever brings rows is to wait for `room`."""
        return len(self._outcomes) >= ROOM

    async def room(self) -> None:
        """Wait until the store has caught up."""
        self._room.clear()
        await self._room.wait()
        self._check()

    async def flush(self) -> None:
        """Write everything that waits. Raises `StoreError`."""
        while self._replies or self._outcomes or self._batch:
            self._check()
            self._start()
            if self._batch:
                await asyncio.wait([self._batch])
        self._check()

    def _check(self) -> None:
        if self._broken:
            raise self._broken

    def _stir(self) -> None:
        if len(self._outcomes) >= BATCH or len(self._replies) >= BATCH:
            self._start()
        elif self._due is None:
            self._due = self._loop.call_later(PATIENCE, self._start)

    def _start(self) -> None:
        if self._due:
            self._due.cancel()
            self._due = None
        if self._batch is None and not self._broken and (self._replies or self._outcomes):
            self._batch = self._loop.create_task(self._write())

    async def _write(self) -> None:
        self._writing, self._replies = self._replies, {}
        waiting, self._outcomes = self._outcomes, []
        try:
            await self._loop.run_in_executor(self._thread, self._commit, self._writing, waiting)
        except BaseException as error:  # noqa: BLE001  # whatever it is, nothing may be announced after it
            self._broken = error
        else:
            for outcome in waiting:
                outcome.announce(outcome)
        finally:
            self._writing = {}
            self._batch = None
            self._room.set()
        if not self._broken and (self._replies or self._outcomes):
            self._stir()

    def _commit(self, kept: dict[bytes, tuple[str, Reply]], waiting: list[Waiting]) -> None:
        keep = self.store.artifacts.keep
        with store_errors(f"{self.store.folder}: pictures cannot be written"):
            rows = [ReplyRow(key, model, dump_reply(reply, keep)) for key, (model, reply) in kept.items()]
            for outcome in waiting:
                for picture in outcome.pictures:
                    keep(picture.data)
        self.store.write(Batch(rows, [outcome.row for outcome in waiting], [score for outcome in waiting for score in outcome.scores]))


class Keeper:
    """A `Model` that answers from the store when it can, and keeps what it had to ask for. Nothing is asked twice.

    `identity` tells the identity of a model of the catalog. Without an inner model, what is not kept is `NotKept`.
    """

    def __init__(self, inner: Model | None, keeping: Keeping, identity: Callable[[str], str]) -> None:
        self._inner = inner
        self._keeping = keeping
        self._identity = identity
        self._asking: dict[bytes, asyncio.Future[Reply] | None] = {}

    def key(self, request: Request) -> bytes:
        """The key under which the reply to `request` is kept."""
        return reply_key(self._identity(request.model), request)

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        """The kept reply, or a new one that is kept."""
        key = self.key(request)
        found = await self.look_up([key])
        return found[key] if found else await self.ask(key, request, deadline)

    async def look_up(self, keys: Sequence[bytes]) -> dict[bytes, Reply]:
        """Those of the replies that are kept, written or not."""
        found = {key: reply for key in keys if (reply := self._keeping.pending(key)) is not None}
        if missing := [key for key in keys if key not in found]:
            found |= await self._keeping.call(self._keeping.store.kept, missing)
        return found

    async def ask(self, key: bytes, request: Request, deadline: Deadline) -> Reply:
        """Ask, and keep. Whoever asks the same meanwhile waits for this answer instead of asking too."""
        if self._inner is None:
            raise NotKept(f"the store holds no reply of {request.model} to this request; run the suite with --resume first")
        while key in self._asking:
            with suppress(Exception):  # the other's failure is the other's; we then ask for ourselves
                return await self._other(key)
        if (pending := self._keeping.pending(key)) is not None:
            return pending
        self._asking[key] = None
        try:
            reply = await self._inner.infer(request, deadline=deadline)
            self._keeping.keep_reply(key, request.model, reply)
        except BaseException as error:
            if (waited := self._asking.pop(key)) is not None:
                waited.set_exception(error)
                waited.exception()  # marks it as seen: whoever waited may have gone
            raise
        if (waited := self._asking.pop(key)) is not None:
            waited.set_result(reply)
        return reply

    async def _other(self, key: bytes) -> Reply:
        """The answer that somebody else is waiting for already."""
        waited = self._asking[key]
        if waited is None:
            waited = self._asking[key] = asyncio.get_running_loop().create_future()
        return await asyncio.shield(waited)

    async def aclose(self) -> None:
        """The inner model belongs to somebody else."""
