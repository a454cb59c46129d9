"""One address of a model that is served elsewhere: whether it may be asked just now, and if not, when to look again.

Before its first call, after it failed and after every loss of the connection it is asked what it is and whether it is ready: at once
after a call that was answered, then after pauses that double. gRPC connects again by itself, so an answer that comes after a loss may be
another server's, and is not taken.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from gateway.client import Server, TritonModel
from gateway.dialects import KSERVE, Dialect
from gateway.signature import Description
from kernel.contract import Deadline, Kind, Reply, Request
from kernel.errors import DeadlineExceeded, ModelError, Unavailable

FIRST_SECONDS = 0.1
LONGEST_SECONDS = 10.0

log = structlog.get_logger("assay.gateway")


@dataclass(frozen=True, slots=True)
class Sought:
    """The model that every address has to serve: its name there, and what the catalog says of it."""

    model: str
    kind: Kind | None = None
    dialect: Dialect = KSERVE


def concerns_all(error: ModelError) -> bool:
    """Whether others who ask there would get this error, too."""
    return error.blocks or isinstance(error, Unavailable)


class Place:
    """Asked while it is `up`; `error` says why it is not. It has neither while nobody knows.

    admit: raises a `ModelError` for a description that is another model's. told: called when a look has ended. turn: the number of
    the call that it had last.
    """

    def __init__(self, server: Server, sought: Sought, admit: Callable[[str, Description], None], told: Callable[[], None]) -> None:
        self.server = server
        self.running = 0
        self.turn = 0
        self.error: ModelError | None = None
        self._sought = sought
        self._admit = admit
        self._told = told
        self._model: TritonModel | None = None
        self._pause = 0.0
        self._losses = 0
        self._looking: asyncio.Task[None] | None = None

    @property
    def up(self) -> bool:
        """Whether it may be asked."""
        return self._model is not None

    def look(self) -> None:
        """Begin to look, if that was never done."""
        if self._looking is None:
            self._look_again()

    async def describe(self) -> Description:
        """What the server says of the model just now. Raises `ModelError`."""
        try:
            return await self.server.describe(self._sought.model, self._sought.kind, self._sought.dialect)
        except DeadlineExceeded as error:
            raise Unavailable(str(error)) from error

    async def ready(self) -> bool:
        """Whether the server says that the model can be asked."""
        return await self.server.ready(self._sought.model)

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        """The answer of the model. Raises `ModelError`; after one that concerns all, it is not `up` any more."""
        model = self._model
        if model is None:
            raise Unavailable(f"{request.model}: {self.server.address} is not up")
        self.running += 1
        losses = self._losses
        try:
            reply = await model.infer(request, deadline=deadline)
            if losses != self._losses:
                raise Unavailable(f"{request.model}: the connection to {self.server.address} was lost meanwhile; the answer may be another server's")
        except ModelError as error:
            if model is self._model and concerns_all(error):
                self._model, self.error = None, error if self._pause else None
                self._look_again()
            raise
        finally:
            self.running -= 1
        self._pause = 0.0
        return reply

    async def aclose(self) -> None:
        """Look no more, and close the connection."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait([self._looking])
        self._model = None
        await self.server.aclose()

    def _look_again(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
        self._looking = asyncio.create_task(self._look())

    async def _look(self) -> None:
        """Look until it can be asked, and again when the connection is lost."""
        while True:
            await self._found()
            await self.server.disconnected()
            self._losses += 1
            self._model = None

    async def _found(self) -> None:
        while self._model is None:
            await asyncio.sleep(self._pause * (1 + random.random()) / 2)
            self._pause = min(max(self._pause * 2, FIRST_SECONDS), LONGEST_SECONDS)
            try:
                found = await self.describe()
                self._admit(self.server.address, found)
                if not await self.ready():
                    raise Unavailable(f"{self._sought.model}: not ready")
            except ModelError as error:
                if str(error) != str(self.error):
                    log.warning("address_left_out", model=self._sought.model, address=self.server.address, error=str(error))
                self.error = error
            else:
                if self.error is not None:
                    log.info("address_is_back", model=self._sought.model, address=self.server.address)
                self._model, self.error = TritonModel(self.server, found.signature), None
            self._told()
