"""Money: what a call costs, and a budget that holds with many calls in flight."""

import asyncio

import pytest

from gateway.policy import Priced, Purse
from gateway.policy.purse import estimate
from gateway.vendors import Price
from kernel.contract import Deadline, Kind, Picture, Reply, Request, Sampling, Text
from kernel.errors import QuotaExhausted, Unavailable

PRICE = Price(input=2.0, output=8.0, picture=0.04)
ASKED = Request("m", (Text("How many?"),), sampling=Sampling(max_tokens=1000))


class Answers:
    """So many tokens for each answer; every tenth call breaks when asked to."""

    def __init__(self, breaks=False):
        self.calls = 0
        self.breaks = breaks

    async def infer(self, request, *, deadline):
        self.calls += 1
        number = self.calls
        await asyncio.sleep(0.001)
        if self.breaks and number % 10 == 0:
            raise Unavailable("gone")
        return Reply(texts=("2",), input_tokens=1_000, output_tokens=500, report={"model": "m-1"})


def soon():
    return Deadline.after(60)


async def test_the_cost_stands_in_the_report():
    """A thousand tokens in and five hundred out, by the price of a million."""
    purse = Purse()
    reply = await Priced(Answers(), PRICE, purse).infer(ASKED, deadline=soon())

    assert {"model": "m-1", "cost": 0.006} == reply.report
    assert 0.006 == pytest.approx(purse.spent)


async def test_pictures_have_their_price():
    """Where the vendor counts no tokens, what was expected is taken."""

    class Paints:
        async def infer(self, request, *, deadline):
            return Reply(pictures=(Picture(b"p"), Picture(b"q")))

    purse = Purse()
    asked = Request("m", (Text("a red circle"),), Kind.IMAGINE, sampling=Sampling(n=2))

    await Priced(Paints(), PRICE, purse).infer(asked, deadline=soon())

    assert 0.08 == pytest.approx(purse.spent, abs=1e-4)


@pytest.mark.parametrize("budget", [0.02, 0.1, 1.0])
async def test_no_call_passes_the_budget(budget):
    """With 256 in flight: never more than the budget is spent, and no less than what leaves no room for a call."""
    model, purse = Answers(), Purse(budget)
    priced = Priced(model, PRICE, purse)

    results = await asyncio.gather(*(priced.infer(ASKED, deadline=soon()) for _ in range(256)), return_exceptions=True)

    refused = [result for result in results if isinstance(result, QuotaExhausted)]
    assert len(refused) == 256 - model.calls > 0
    assert "--resume" in str(refused[0])
    assert purse.spent <= budget
    assert purse.spent > budget - estimate(ASKED, PRICE).cost


async def test_a_call_that_broke_gives_back_what_was_set_aside():
    """Nothing stays set aside for ever."""
    purse = Purse(100.0)
    priced = Priced(Answers(breaks=True), PRICE, purse)

    results = await asyncio.gather(*(priced.infer(ASKED, deadline=soon()) for _ in range(50)), return_exceptions=True)

    assert 5 == sum(isinstance(result, Unavailable) for result in results)
    assert 45 * 0.006 == pytest.approx(purse.spent)
    await purse.set_aside(100.0 - purse.spent - 1e-9)


def test_a_budget_of_nothing_allows_nothing_that_costs():
    """Zero is a budget too."""
    with pytest.raises(QuotaExhausted):
        asyncio.run(Priced(Answers(), PRICE, Purse(0.0)).infer(ASKED, deadline=soon()))
