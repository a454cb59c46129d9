"""A model whose calls may each take only so long, however much time the caller has."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.contract import Deadline, Model, Reply, Request


@dataclass(frozen=True)
class Within:
    """Gives each call at most `seconds`."""

    model: Model
    seconds: float

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        """The answer of the model. Raises `ModelError`."""
        own = Deadline.after(self.seconds)
        return await self.model.infer(request, deadline=min(deadline, own, key=Deadline.remaining))

    async def aclose(self) -> None:
        """Close the model."""
        await self.model.aclose()
