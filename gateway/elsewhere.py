"""A model on servers that are not ours, under its own name there.

Each address is asked what it serves before its first call, and again after its connection was lost: another server may answer there
now, and its answers would pass for this model's. Calls go to the address that has the fewest, and from one that fails to the next.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog

from gateway.access import Access
from gateway.client import Server
from gateway.place import Place, Sought, concerns_all
from gateway.signature import Description
from gateway.status import ProcessDied
from kernel.contract import Deadline, Reply, Request
from kernel.errors import DeadlineExceeded, ModelError, ModelNotFound, Unavailable

log = structlog.get_logger("assay.gateway")


class Elsewhere:
    """Behaves like its model. `expected` is what it was when somebody first looked.

    access: tells how the servers let us in, when that is first needed; what it raises comes through.
    """

    def __init__(self, addresses: Sequence[str], sought: Sought, access: Callable[[], Access] = Access) -> None:
        self.sought = sought
        self.expected: Description | None = None
        self._addresses = addresses
        self._access = access
        self._first = ""
        self._places: tuple[Place, ...] = ()
        self._news = asyncio.Event()
        self._turns = itertools.count(1)

    def reach(self) -> tuple[Place, ...]:
        """Its addresses, with channels to them. Raises `InvalidSpec` when a header or certificate cannot be read."""
        if not self._places:
            access = self._access()
            servers = [Server(address, metadata=access.headers, credentials=access.credentials) for address in self._addresses]
            self._places = tuple(Place(server, self.sought, self._admit, self._told) for server in servers)
        return self._places

    async def describe(self) -> Description:
        """What the servers say of the model just now. Raises `ModelError` when none does, or only of another model."""
        places = self.reach()
        answers = await asyncio.gather(*(place.describe() for place in places), return_exceptions=True)
        errors: list[ModelError] = []
        for place, answer in zip(places, answers, strict=True):
            try:
                if isinstance(answer, BaseException):
                    raise answer
                self._admit(place.server.address, answer)
            except ModelError as error:
                log.warning("address_not_described", model=self.sought.model, address=place.server.address, error=str(error))
                errors.append(error)
        if self.expected is None or len(errors) == len(places):
            raise errors[0]
        return self.expected

    async def ready(self) -> bool:
        """Whether a server says that the model can be asked."""
        return any(await asyncio.gather(*(place.ready() for place in self._places)))

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        """The answer of the model at one of its addresses. Raises `ModelError`."""
        asked = replace(request, model=self.sought.model)
        tried: list[Place] = []
        while (place := await self._free(tried, deadline)) is not None:
            tried.append(place)
            try:
                return await place.infer(asked, deadline=deadline)
            except ProcessDied:
                raise  # whether the request did that is for `gateway.policy` to find out
            except ModelError as error:
                if not concerns_all(error) or len(tried) == len(self._places):
                    raise
                log.debug("call_moved", model=request.model, address=place.server.address, error=type(error).__name__)
        raise self._why_not()

    async def aclose(self) -> None:
        """Close the connections."""
        places, self._places = self._places, ()
        await asyncio.gather(*(place.aclose() for place in places))

    async def _free(self, tried: Sequence[Place], deadline: Deadline) -> Place | None:
        """The address with the fewest calls among those that are up; `None` when there is no other. Waits while nobody knows."""
        while True:
            others = [place for place in self.reach() if place not in tried]
            if up := [place for place in others if place.up]:
                free = min(up, key=lambda place: (place.running, place.turn))
                free.turn = next(self._turns)
                return free
            unknown = [place for place in others if place.error is None]
            if not unknown:
                return None
            for place in unknown:
                place.look()
            try:
                await asyncio.wait_for(self._news.wait(), deadline.remaining())
            except TimeoutError:
                raise DeadlineExceeded(f"{self.sought.model}: no server said in time what it is") from None

    def _told(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def _admit(self, address: str, found: Description) -> None:
        """Refuse what is another model than the first that was found. Raises `ModelNotFound`."""
        if self.expected is None:
            self.expected, self._first = found, address
        elif found.identity != self.expected.identity:
            differs = "its version or configuration differs"
            if address == self._first:
                raise ModelNotFound(f"{self.sought.model} at {address} is not the model any more that it was: {differs}")
            raise ModelNotFound(f"{self.sought.model} at {address} is not the model that {self._first} serves: {differs}; give it an entry of its own")

    def _why_not(self) -> ModelError:
        """Why nobody can be asked: what may pass, if it is so at one address."""
        errors = [(place.server.address, place.error) for place in self._places if place.error is not None]
        told = "; ".join(f"{address}: {error}" for address, error in errors)
        if any(error.retryable for _, error in errors):
            return Unavailable(told)
        return type(errors[0][1])(told)
