"""A run's own budget over models that it shares: no call passes it, and what is set aside comes back."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from kernel.contract import Deadline, Reply, Request, Text
from kernel.errors import QuotaExhausted, Unavailable
from kernel.shell.service.spending import Spending


class Priced:
    """Each call is foreseen at 2 and costs 1; a question `free` costs nothing, and `fails` fails."""

    spent = 0.0

    def __init__(self) -> None:
        self.under_way = self.most = 0

    def estimate(self, request: Request):
        return None if request.text == "free" else SimpleNamespace(input_tokens=1, output_tokens=1, cost=2.0)

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0.01)
        self.under_way -= 1
        if request.text == "fails":
            raise Unavailable("not now")
        return Reply(texts=("yes",), report={} if request.text == "free" else {"cost": 1.0})

    async def aclose(self) -> None: ...


async def ask(spending: Spending, text: str = "what?") -> Reply:
    return await spending.infer(Request("model", (Text(text),)), deadline=Deadline.after(5))


async def test_calls_wait_for_what_is_set_aside_and_none_passes_the_budget():
    models = Priced()
    spending = Spending(models, 6.0)
    found = await asyncio.gather(*(ask(spending) for _ in range(10)), return_exceptions=True)
    assert sum(isinstance(each, Reply) for each in found) == 5
    assert all(isinstance(each, (Reply, QuotaExhausted)) for each in found)
    assert spending.cost == 5.0
    assert models.most == 3


async def test_what_has_no_price_costs_nothing_and_what_fails_gives_back_what_was_set_aside():
    spending = Spending(Priced(), 2.0)
    await ask(spending, "free")
    assert spending.cost is None
    for _ in range(3):
        with pytest.raises(Unavailable):
            await ask(spending, "fails")
    assert (await ask(spending)).text == "yes"
    with pytest.raises(QuotaExhausted, match="the budget of 2 is used up: 1.0000 was spent"):
        await ask(spending)


async def test_without_a_budget_all_calls_go_at_once():
    models = Priced()
    spending = Spending(models, None)
    await asyncio.gather(*(ask(spending) for _ in range(20)))
    assert (spending.cost, models.most) == (20.0, 20)
