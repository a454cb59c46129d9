"""What one run costs over models that it shares with others, and a budget of its own."""

from __future__ import annotations

import asyncio

from kernel.contract import Deadline, Model, Reply, Request
from kernel.errors import QuotaExhausted
from kernel.shell.foresee import Paying

COST = "cost"
"""In a reply's report: what the call cost, in the currency of the catalog."""


class Spending:
    """A run's way to the models. Money for calls under way is set aside, as a session does for all its calls.

    budget: what the run's calls may cost together, in the currency of the catalog. cost: what they did, with those of earlier sittings; `None` before
    the first that had a price.
    """

    def __init__(self, models: Model, budget: float | None, cost: float | None = None) -> None:
        self.cost = cost
        self._models = models
        self._budget = budget
        self._aside = 0.0
        self._under_way = 0
        self._changed = asyncio.Event()

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        """The answer of the model. Raises `QuotaExhausted` before a call that the budget does not allow."""
        foreseen = self._models.estimate(request) if isinstance(self._models, Paying) else None
        if foreseen is None or foreseen.cost is None:
            return await self._models.infer(request, deadline=deadline)
        began = deadline.clock()
        await self._set_aside(foreseen.cost)
        deadline.extend(deadline.clock() - began)
        cost = 0.0
        try:
            reply = await self._models.infer(request, deadline=deadline)
            told = reply.report.get(COST)
            cost = float(told) if isinstance(told, int | float) else foreseen.cost
        finally:
            self._aside -= foreseen.cost
            self._under_way -= 1
            self.cost = (self.cost or 0.0) + cost
            self._changed.set()
        return reply

    async def aclose(self) -> None:
        """The models belong to somebody else."""

    async def _set_aside(self, amount: float) -> None:
        while self._budget is not None and (self.cost or 0.0) + self._aside + amount > self._budget:
            if not self._under_way:
                spent = self.cost or 0.0
                raise QuotaExhausted(f"the budget of {self._budget:g} is used up: {spent:.4f} was spent, and the next call may cost {amount:.4f}")
            self._changed.clear()
            await self._changed.wait()
        self._aside += amount
        self._under_way += 1
