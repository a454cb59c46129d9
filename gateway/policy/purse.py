"""Money: what calls cost, and a budget that no call may pass."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gateway.policy.tokens import answer_tokens, question_tokens
from gateway.vendors import Price
from kernel.contract import Deadline, Kind, Model, Reply, Request
from kernel.errors import QuotaExhausted

COST = "cost"
"""In a report: what the call cost, in the currency of the catalog."""
MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a call takes at most: tokens in and out, and money; `None` where the catalog has no price."""

    input_tokens: int
    output_tokens: int
    cost: float | None


class Purse:
    """What was spent in a session, and what may be. Money for calls under way is set aside."""

    def __init__(self, budget: float | None = None, spent: float = 0.0) -> None:
        self.budget = budget
        self.spent = spent
        self._aside = 0.0
        self._changed = asyncio.Event()

    async def set_aside(self, amount: float) -> None:
        """Set so much aside. Waits while calls under way may turn out cheaper. Raises `QuotaExhausted`."""
        while self.budget is not None and self.spent + self._aside + amount > self.budget:
            if self._aside <= 0:
                raise QuotaExhausted(
                    f"the budget of {self.budget:g} is used up: {self.spent:.4f} was spent, and the next call may cost {amount:.4f}; "
                    "go on with --resume and a higher --budget"
                )
            self._changed.clear()
            await self._changed.wait()
        self._aside += amount

    def settle(self, amount: float, cost: float) -> None:
        """What was set aside for a call, and what it cost."""
        self._aside = max(0.0, self._aside - amount) if self._aside - amount > 1e-12 else 0.0
        self.spent += cost
        self._changed.set()


def estimate(request: Request, price: Price | None, usual: int | None = None) -> Estimate:
    """What a call takes at most, from its text and limits."""
    if request.kind is Kind.IMAGINE:
        return Estimate(question_tokens(request), 0, None if price is None else _money(price, question_tokens(request), 0, request.sampling.n or 1))
    into, out = question_tokens(request), answer_tokens(request, usual)
    return Estimate(into, out, None if price is None else _money(price, into, out, 0))


def _money(price: Price, into: int, out: int, pictures: int) -> float:
    return (into * price.input + out * price.output) / MILLION + pictures * price.picture


class Priced:
    """Writes what a call cost into its report, and asks the purse first."""

    def __init__(self, model: Model, price: Price, purse: Purse, *, usual_answer: int | None = None) -> None:
        self.model = model
        self._price = price
        self._purse = purse
        self._usual = usual_answer

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        """The answer of the model, with its cost. Raises `QuotaExhausted` before a call that the budget does not allow."""
        aside = estimate(request, self._price, self._usual).cost or 0.0
        began = deadline.clock()
        await self._purse.set_aside(aside)
        deadline.extend(deadline.clock() - began)
        cost = 0.0
        try:
            reply = await self.model.infer(request, deadline=deadline)
            cost = self.cost(request, reply)
        finally:
            self._purse.settle(aside, cost)
        report: Mapping[str, Any] = {**reply.report, COST: round(cost, 8)}
        return replace(reply, report=report)

    def cost(self, request: Request, reply: Reply) -> float:
        """What the answer cost by its counted tokens; where the vendor counted none, what was expected."""
        if reply.input_tokens is None and reply.output_tokens is None:
            guessed = estimate(request, self._price, self._usual)
            return _money(self._price, guessed.input_tokens, guessed.output_tokens, len(reply.pictures))
        return _money(self._price, reply.input_tokens or 0, reply.output_tokens or 0, len(reply.pictures))

    async def aclose(self) -> None:
        """Close the model."""
        await self.model.aclose()
