"""A model of our own server as its callers see it: they wait while it is being healed, and count as its work meanwhile."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.watch import State, Watch
from kernel.contract import Deadline, Model, Reply, Request
from kernel.errors import ModelNotFound, Unavailable


@dataclass(frozen=True)
class Supervised:
    """Lets a call through when the model is ready."""

    model: Model
    watch: Watch

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        """Answer, or raise `Unavailable` when the model died or is not ready in time."""
        watch = self.watch
        if watch.state is not State.READY:
            await watch.ready(deadline)
        watch.busy += 1
        try:
            reply = await self.model.infer(request, deadline=deadline)
        except ModelNotFound as error:
            # A server that has just come back does not know its models before they are loaded.
            raise Unavailable(f"{watch.name} is not loaded just now: {error}") from error
        finally:
            watch.busy -= 1
        watch.circuit.proved()
        return reply

    async def aclose(self) -> None:
        """Close the connection."""
        await self.model.aclose()
