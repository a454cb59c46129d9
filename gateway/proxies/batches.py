"""A vendor's batch interface as a model: requests are collected, submitted, polled, and matched by their ids.

`Batched.infer` returns when the batch that holds its request has ended, hours later perhaps. What was submitted stands in a journal on
disk, so whoever asks the same again, after a kill too, waits for the batch that runs or gets the answer that is there. A request without
an answer (expired, cancelled, left out, failed at the vendor) is told as an error, costs nothing, and goes into a new batch when asked again.

Looking again is what this interface consists of, so it does not go through `gateway.policy`: one call every `poll_seconds`, whatever happens.
"""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Protocol, TypeVar

import structlog

from gateway.proxies.journal import Journal, Sent
from gateway.proxies.line import Answer
from kernel.contract import Deadline, Reply, Request
from kernel.errors import BadReply, DeadlineExceeded, ModelError, ModelFault, ModelNotFound, PermissionDenied, Unavailable

GATHER_SECONDS = 5.0
LONGEST_GATHERING = 60.0
POLL_SECONDS = 60.0
PATIENCE_SECONDS = 900.0
"""How long the vendor may fail to answer before those who wait are told."""
CHUNK = 256

T = TypeVar("T")
log = structlog.get_logger("assay.host")


class NotYet(Unavailable):
    """A batch runs; a later look will show what became of it."""


class Asker(Protocol):
    """A vendor's model that makes bodies of requests and replies of answers."""

    model: str

    def ask(self, request: Request) -> dict[str, Any]:
        """The body of a call. Raises `ModelError`."""
        ...

    def answer(self, request: Request, answer: Answer) -> Reply:
        """The reply in what the vendor answered. Raises `ModelError`."""
        ...

    async def aclose(self) -> None:
        """Let go of the connections."""
        ...


class Office(Protocol):
    """A vendor's counter for batches. Everything may raise `ModelError`."""

    most_requests: int
    most_bytes: int

    def line(self, identifier: str, body: Mapping[str, Any]) -> bytes:
        """One request of a batch, with our id of it."""
        ...

    async def submit(self, name: str, lines: Sequence[bytes]) -> str:
        """Hand in a batch, under our name for it; the vendor's identifier."""
        ...

    async def find(self, batch: Sent) -> str | None:
        """The vendor's identifier of a batch that may have been handed in. Raises `NotYet`."""
        ...

    async def over(self, identifier: str) -> Any:
        """What `results` wants once the batch has ended. Raises `NotYet`."""
        ...

    def results(self, ended: Any) -> AsyncIterator[tuple[str, int, Any]]:
        """Our ids, statuses and bodies of all answers, in any order."""
        ...


def by_mode(make: Callable[..., Asker], office: Callable[[Any], Office]) -> Callable[..., Awaitable[Asker | Batched]]:
    """What Triton hosts: the vendor's model itself, or its batches where a journal is given."""

    async def made(*, journal: str | None = None, gather_seconds: float = GATHER_SECONDS, poll_seconds: float = POLL_SECONDS, **given: Any) -> Asker | Batched:
        asker = make(**given)
        if journal is None:
            return asker
        return Batched(asker, office(asker), Path(journal), gather_seconds=gather_seconds, poll_seconds=poll_seconds)

    return made


@dataclass
class _Gathering:
    """A batch that is being collected: its name, the lines by their keys, their bytes, and when the first one came."""

    first: float
    name: str = field(default_factory=lambda: secrets.token_hex(8))
    lines: dict[str, bytes] = field(default_factory=dict)
    size: int = 0


class Batched:
    """Asks `asker` through `office`. Made inside the event loop that uses it, by one process for a journal."""

    def __init__(self, asker: Asker, office: Office, journal: Path, *, gather_seconds: float = GATHER_SECONDS, poll_seconds: float = POLL_SECONDS) -> None:
        self._asker, self._office = asker, office
        self._gather_seconds, self._poll_seconds = gather_seconds, poll_seconds
        self._path = journal
        self._journal = Journal(journal)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._gathering: _Gathering | None = None
        self._due: asyncio.TimerHandle | None = None
        self._batch_of: dict[str, str] = {}
        self._keys: dict[str, dict[int, str]] = {}
        self._here: set[str] = set()
        for key, name, row, here in self._journal.known():
            self._batch_of[key] = name
            self._keys.setdefault(name, {})[row] = key
            if here:
                self._here.add(key)
        self._waiting: dict[str, asyncio.Future[Answer]] = {}
        self._broken: dict[str, ModelError] = {}
        self._unsure: dict[str, asyncio.Event] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        for sent in self._journal.open():
            if sent.vendor is None:
                self._unsure[sent.name] = asyncio.Event()
                self._begin(sent.name, self._find(sent))
            else:
                self._begin(sent.name, self._follow(sent.name, sent.vendor))

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        """The answer, when the batch that holds the request has ended.

        Raises:
            DeadlineExceeded: No answer yet; it may still come.
            Unavailable: The batch ended without it.
            ModelError: What the vendor refused, or what its answer means.
        """
        body = self._asker.ask(request)
        try:
            async with asyncio.timeout(deadline.remaining()):
                answer = await self._answer(request.digest(), body)
        except TimeoutError:
            raise DeadlineExceeded(f"{self._asker.model}: the batch has not ended in time") from None
        return self._asker.answer(request, answer)

    async def aclose(self) -> None:
        """Stop looking. Batches go on at the vendor, and are found again by the journal."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._refuse(list(self._waiting), Unavailable(f"{self._asker.model}: nobody looks after its batches any more"))
        await asyncio.to_thread(self._thread.shutdown)
        self._journal.close()
        await self._asker.aclose()

    async def _answer(self, key: str, body: Mapping[str, Any]) -> Answer:
        if (name := self._batch_of.get(key)) in self._unsure:
            await self._unsure[name].wait()
            name = self._batch_of.get(key)
        if key in self._here:
            status, kept = await self._write(self._journal.kept, key)
            return Answer(status, kept, {})
        if name in self._broken:
            raise _again(self._broken[name])
        if name is None:
            self._gather(key, body)
        if key not in self._waiting:
            self._waiting[key] = asyncio.get_running_loop().create_future()
            self._waiting[key].add_done_callback(lambda done: done.cancelled() or done.exception())  # seen: whoever waited may have gone
        return await asyncio.shield(self._waiting[key])

    def _gather(self, key: str, body: Mapping[str, Any]) -> None:
        """Put a request into the batch that is being collected. It is sent when nobody has come for a while, or when it is full."""
        now = time.monotonic()
        into = self._gathering or _Gathering(now)
        line = self._office.line(f"{into.name}-{len(into.lines)}", body)
        if into.lines and (len(into.lines) >= self._office.most_requests or into.size + len(line) > self._office.most_bytes):
            self._send()
            into = _Gathering(now)
            line = self._office.line(f"{into.name}-0", body)
        self._gathering = into
        self._batch_of[key] = into.name
        self._keys.setdefault(into.name, {})[len(into.lines)] = key
        into.lines[key] = line
        into.size += len(line) + 1
        if self._due is not None:
            self._due.cancel()
        left = max(0.0, into.first + max(LONGEST_GATHERING, self._gather_seconds) - now)
        self._due = asyncio.get_running_loop().call_later(min(self._gather_seconds, left), self._send)

    def _send(self) -> None:
        if self._due is not None:
            self._due.cancel()
        if (gathered := self._gathering) is not None:
            self._gathering = self._due = None
            self._begin(gathered.name, self._submit(gathered.name, list(gathered.lines.values())))

    def _begin(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(self._told(name, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _told(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Look after a batch to its end; what ends that early is told to those who wait for it, and to those who still come."""
        keys = list(self._keys[name].values())
        try:
            await work
        except ModelError as error:
            log.warning("batch_broken", model=self._asker.model, batch=name, error=str(error))
            if name in self._keys:
                self._broken[name] = error
            self._refuse(keys, error)
        except Exception as error:
            log.exception("batch_broken", model=self._asker.model, batch=name)
            self._broken[name] = ModelFault(f"{self._asker.model}: looking after a batch ended with {type(error).__name__}; the trace is in the log")
            self._refuse(keys, self._broken[name])
        finally:
            if (event := self._unsure.pop(name, None)) is not None:
                event.set()

    async def _submit(self, name: str, lines: Sequence[bytes]) -> None:
        sent = await self._write(self._journal.intend, name, list(self._keys[name].values()))
        tried = False

        async def hand_in() -> str:
            nonlocal tried
            if tried and (found := await self._office.find(sent)) is not None:
                return found
            tried = True
            try:
                return await self._office.submit(name, lines)
            except ModelError as error:
                if not _passes(error):
                    await self._forget(name)
                raise

        await self._follow(name, await self._patiently(name, hand_in))

    async def _find(self, sent: Sent) -> None:
        """A batch that was about to be submitted when a process died."""
        found = await self._patiently(sent.name, partial(self._office.find, sent))
        if found is None:
            await self._forget(sent.name)
            return
        self._unsure.pop(sent.name).set()
        await self._follow(sent.name, found)

    async def _follow(self, name: str, identifier: str) -> None:
        await self._write(self._journal.submitted, name, identifier)
        log.info("batch_submitted", model=self._asker.model, batch=identifier, requests=len(self._keys[name]))
        try:
            ended = await self._patiently(name, partial(self._office.over, identifier))
            refused = await self._patiently(name, partial(self._collect, name, ended))
        except ModelNotFound as error:
            mend = f"take the key under which it was submitted, or remove {self._path} to ask and to pay anew"
            raise PermissionDenied(f"{self._asker.model}: the vendor knows no batch {identifier} under this key ({error}); {mend}") from None
        await self._write(self._journal.end, name)
        missing = [key for key in self._keys.pop(name).values() if key not in self._here]
        for key in missing:
            del self._batch_of[key]
        log.info("batch_ended", model=self._asker.model, batch=identifier, missing=len(missing))
        self._deliver(refused)
        self._refuse(missing, Unavailable(f"{self._asker.model}: the batch {identifier} ended without an answer to this request"))

    async def _collect(self, name: str, ended: Any) -> dict[str, Answer]:
        """Keep and hand out what was answered, each by its id and once; what was refused is returned."""
        refused: dict[str, Answer] = {}
        kept: dict[str, Answer] = {}
        strangers = 0
        async for identifier, status, body in self._office.results(ended):
            ours, _, row = identifier.rpartition("-")
            key = self._keys[name].get(int(row)) if ours == name and row.isdecimal() else None
            if key is None or key in self._here or key in kept:
                strangers += 1
            elif HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
                kept[key] = Answer(status, body, {})
            else:
                refused[key] = Answer(status, body, {})
            if len(kept) >= CHUNK:
                await self._keep(kept)
                kept = {}
        await self._keep(kept)
        if strangers:
            log.warning("batch_results_not_ours", model=self._asker.model, batch=name, number=strangers)
        return {key: answer for key, answer in refused.items() if key not in self._here}

    async def _keep(self, answers: Mapping[str, Answer]) -> None:
        await self._write(self._journal.keep, {key: (answer.status, answer.body) for key, answer in answers.items()})
        self._here.update(answers)
        self._deliver(answers)

    async def _patiently(self, name: str, act: Callable[[], Awaitable[T]]) -> T:
        """Do it, again and again while it fails in a way that passes. Who waits is told when that takes long; the looking goes on."""
        since: float | None = None
        while True:
            try:
                return await act()
            except ModelError as error:
                if not _passes(error):
                    raise
                since = self._impatient(name, error, since)
                await asyncio.sleep(max(self._poll_seconds, error.retry_after or 0.0))

    def _impatient(self, name: str, error: ModelError, since: float | None) -> float | None:
        """Since when there was nothing but failures."""
        if isinstance(error, NotYet):
            return None
        log.warning("batch_not_reached", model=self._asker.model, batch=name, error=str(error))
        now = time.monotonic()
        if since is None or now - since < PATIENCE_SECONDS:
            return now if since is None else since
        why = f"{self._asker.model}: the vendor's batches could not be reached for {(now - since) / 60:.0f} min ({error})"
        self._refuse(list(self._keys[name].values()), DeadlineExceeded(why))
        return now

    async def _forget(self, name: str) -> None:
        await self._write(self._journal.forget, name)
        for key in self._keys.pop(name).values():
            del self._batch_of[key]

    async def _write(self, act: Callable[..., T], *args: Any) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, act, *args)
        except sqlite3.Error as error:
            raise PermissionDenied(f"{self._path} cannot be written ({error}); make room or give access, and go on with --resume") from None

    def _deliver(self, answers: Mapping[str, Answer]) -> None:
        for key, answer in answers.items():
            if (future := self._waiting.pop(key, None)) is not None and not future.done():
                future.set_result(answer)

    def _refuse(self, keys: Iterable[str], error: ModelError) -> None:
        for key in keys:
            if (future := self._waiting.pop(key, None)) is not None and not future.done():
                future.set_exception(_again(error))


def _passes(error: ModelError) -> bool:
    return error.retryable or isinstance(error, DeadlineExceeded | BadReply)


def _again(error: ModelError) -> ModelError:
    """The same error for one more who is told it."""
    return type(error)(str(error), retry_after=error.retry_after)
