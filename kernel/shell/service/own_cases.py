"""An evaluator's own cases by their ids, made as far as they are asked for, and held as long as there is room."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import structlog

from kernel.contract import Part, Picture
from kernel.errors import AssayError
from kernel.evaluator import Case, Evaluator
from kernel.shell.service.faults import Fault

CHUNK = 64
MOST_BYTES = 512 * 1024 * 1024
"""What the cases of all evaluators may take together, about."""
CASE_BYTES = 2048
"""What a case takes besides its pictures and its words, about."""

log = structlog.get_logger(__name__)


class Room:
    """How much the cases of all evaluators take. Where there is no more room, those that were asked for the longest ago are let go."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most = most
        self._held: OrderedDict[OwnCases, int] = OrderedDict()

    def take(self, owner: OwnCases, size: int) -> bool:
        """Room for so many bytes more; whether there is any, when all others are gone."""
        self._held[owner] = self._held.get(owner, 0) + size
        self._held.move_to_end(owner)
        while sum(self._held.values()) > self._most and len(self._held) > 1:
            other, _ = self._held.popitem(last=False)
            other.forget()
        return self._held[owner] <= self._most

    def leave(self, owner: OwnCases) -> None:
        """What an owner holds is gone."""
        self._held.pop(owner, None)


class OwnCases:
    """The cases of one evaluator. Made in a thread, a few at a time; a picture that several cases share is held once."""

    def __init__(self, evaluator: Evaluator, room: Room) -> None:
        self._evaluator = evaluator
        self._room = room
        self._growth: asyncio.Task[None] | None = None
        self.forget()

    def forget(self) -> None:
        """Let go of all cases; the next one that is asked for is looked for from the beginning."""
        self._known: dict[str, Case] = {}
        self._pictures: dict[str, Picture] = {}
        self._left: Iterator[Case] | None = None
        self._ended = False
        self._broken: Fault | None = None

    def get(self, ident: str) -> Case | None:
        """A case that was made already."""
        return self._known.get(ident)

    async def find(self, ident: str) -> Case:
        """The case of that id. Raises `Fault` where the evaluator has none, or its data is not here."""
        while (case := self._known.get(ident)) is None and not self._ended:
            if self._growth is None:
                self._growth = asyncio.create_task(self._grow())
            await asyncio.shield(self._growth)
            if self._broken is not None:
                raise self._broken
        if case is None:
            raise Fault.missing("case_id", f"{self._evaluator.name} has no case {ident[:128]!r} under these options")
        return case

    async def _grow(self) -> None:
        """Some more cases."""
        left = self._left = self._left or self._evaluator.cases()
        self._broken = None
        try:
            chunk = await asyncio.to_thread(lambda: list(islice(left, CHUNK)))
        except Exception as error:  # noqa: BLE001  # a plugin may raise anything
            log.warning("evaluator_failed", evaluator=self._evaluator.name, where="cases", error=f"{type(error).__name__}: {error}")
            told = "the data of this scorer is not on the server" if isinstance(error, AssayError) else "this scorer cannot make its cases"
            self.forget()
            self._broken = Fault("FAILED_PRECONDITION", ("case_id", f"{told}; send prompt, pictures, reference and facts instead"))
        else:
            if left is self._left:
                self._hold(chunk)
        finally:
            self._growth = None

    def _hold(self, chunk: list[Case]) -> None:
        size = 0
        for case in chunk:
            parts: list[Part] = []
            for part in case.request.parts:
                if isinstance(part, Picture):
                    digest = part.digest
                    size += 0 if digest in self._pictures else len(part.data)
                    parts.append(self._pictures.setdefault(digest, part))
                else:
                    size += len(part.text)
                    parts.append(part)
            size += CASE_BYTES
            self._known[case.id] = replace(case, request=replace(case.request, parts=tuple(parts)))
        self._ended = len(chunk) < CHUNK
        if not self._room.take(self, size):
            self.forget()
            self._room.leave(self)
            told = "this scorer has more cases than the server holds; send prompt, pictures, reference and facts instead"
            self._broken = Fault("FAILED_PRECONDITION", ("case_id", told))
