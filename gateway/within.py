"""A model whose calls may each take only so long, however much time the caller has."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.contract import Deadline, Model, Reply, Request
from kernel.errors import DeadlineExceeded, Unavailable


@dataclass(frozen=True)
class Within:
    """Gives each call at most `seconds`. One that takes longer is `Unavailable`: while the caller has time, it is asked again."""

    model: Model
    seconds: float

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        """The answer of the model. Raises `ModelError`."""
        if deadline.remaining() <= self.seconds:
            return await self.model.infer(request, deadline=deadline)
        try:
            return await self.model.infer(request, deadline=Deadline.after(self.seconds))
        except DeadlineExceeded:
            raise Unavailable(f"{request.model}: no answer within the {self.seconds:g} s that the catalog gives a call") from None

    async def aclose(self) -> None:
        """Close the model."""
        await self.model.aclose()
