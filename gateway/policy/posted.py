"""Calls that are answered with a batch, within a day: that time is the vendor's, not the call's."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.policy.breaker import Down
from gateway.vendors import LONGEST_BATCH_SECONDS
from kernel.contract import Deadline, Model, Reply, Request
from kernel.errors import DeadlineExceeded


@dataclass(frozen=True)
class Posted:
    """Gives each call as long as a batch may take. One that got no answer by then stops the run, and its case is asked again."""

    model: Model
    name: str

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        """The answer of the model. Raises `Down` where it may still come, and `ModelError`."""
        began = deadline.clock()
        try:
            return await self.model.infer(request, deadline=Deadline(began + LONGEST_BATCH_SECONDS, deadline.clock))
        except DeadlineExceeded as error:
            raise Down(f"{self.name}: {error}; what was submitted goes on at the vendor, fetch it with --resume") from error
        finally:
            deadline.extend(deadline.clock() - began)

    async def aclose(self) -> None:
        """Close the model."""
        await self.model.aclose()
