"""A model on a server that is not ours, under its own name there.

It is asked what it is at the first use, and again after it could not be reached: another server may answer at the address
now, and its answers would pass for this model's.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from gateway.client import Server, TritonModel
from gateway.signature import Description
from kernel.contract import Deadline, Kind, Reply, Request
from kernel.errors import ModelNotFound, Unavailable


class Elsewhere:
    """Behaves like its model. `expected` is what it was when somebody first looked."""

    def __init__(self, address: str, model: str, kind: Kind | None) -> None:
        self.address = address
        self.model = model
        self.kind = kind
        self.expected: Description | None = None
        self._server: Server | None = None
        self._checked: TritonModel | None = None
        self._checking = asyncio.Lock()

    async def describe(self) -> Description:
        """What the server says of the model just now. Raises `ModelError`."""
        if self._server is None:
            self._server = Server(self.address)
        description = await self._server.describe(self.model, self.kind)
        self.expected = self.expected or description
        return description

    async def ready(self) -> bool:
        """Whether the server says that the model can be asked."""
        return self._server is not None and await self._server.ready(self.model)

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        """The answer of the model. Raises `ModelError`."""
        async with self._checking:
            model = self._checked = self._checked or await self._check()
        try:
            return await model.infer(replace(request, model=self.model), deadline=deadline)
        except Unavailable:
            self._checked = None
            raise

    async def aclose(self) -> None:
        """Close the connection."""
        if self._server is not None:
            await self._server.aclose()
            self._server = self._checked = None

    async def _check(self) -> TritonModel:
        """The model, if it is still the one that it was. Raises `ModelError`."""
        found = await self.describe()
        if self._server is None or self.expected is None or found.identity != self.expected.identity:
            raise ModelNotFound(f"{self.model} at {self.address} is not the model any more that it was: its version or configuration differs")
        return TritonModel(self._server, found.signature)
