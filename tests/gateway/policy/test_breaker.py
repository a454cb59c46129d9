"""When the other side is down: nobody hammers it, and the run stops before its cases fail."""

import pytest

from gateway.policy import Breaker, Retrying
from gateway.policy.breaker import FAILURES, Down
from kernel.contract import Deadline, Reply, Request, Text
from kernel.errors import InvalidRequest, RateLimited, Unavailable
from tests.gateway.policy.clock import Clock

ASKED = Request("m", (Text("a"),))
GOOD = Reply(texts=("yes",))


class Falls:
    """Down from one moment to another; every try costs a hundredth of a second."""

    def __init__(self, clock, begin, end, error=Unavailable):
        self.clock, self.begin, self.end, self.error = clock, begin, end, error
        self.tries = []

    async def infer(self, request, *, deadline):
        self.clock.now += 0.01
        self.tries.append(self.clock.now)
        if self.begin <= self.clock.now < self.end:
            raise self.error("the vendor answered 503")
        return GOOD


def guarded(model, clock):
    return Retrying(Breaker(model, "gpt", clock=clock, sleep=clock.sleep), sleep=clock.sleep, chance=lambda: 0.5)


async def test_who_is_down_for_long_is_asked_no_more():
    """After half a minute every call ends as `Down`, which stops the run; on the way it was tried seldom."""
    clock = Clock()
    model = Falls(clock, 0.0, 1e9)
    asking = guarded(model, clock)

    with pytest.raises(Down, match="--resume"):
        await asking.infer(ASKED, deadline=Deadline.after(600, clock))

    assert 30 <= clock.now < 60
    assert len(model.tries) < 20
    with pytest.raises(Down):
        await asking.infer(ASKED, deadline=Deadline.after(600, clock))
    assert len(model.tries) < 20
    assert (False, True) == (Down.retryable, Down.blocks)


async def test_a_short_fall_is_waited_for():
    """Down for twenty seconds: the call is answered when it is back, and the circuit is closed again."""
    clock = Clock()
    model = Falls(clock, 1.0, 21.0)
    asking = guarded(model, clock)

    for _ in range(150):
        assert GOOD == await asking.infer(ASKED, deadline=Deadline.after(60, clock))

    assert 21 < clock.now < 40
    during = sum(1.0 <= moment < 21.0 for moment in model.tries)
    assert FAILURES <= during < 20


@pytest.mark.parametrize("error", [RateLimited, InvalidRequest])
async def test_a_refusal_is_an_answer(error):
    """Who says "too often" or "wrong" is there: the breaker stays closed."""
    clock = Clock()
    breaker = Breaker(Falls(clock, 0.0, 1e9, error), "gpt", clock=clock, sleep=clock.sleep)

    for _ in range(50):
        with pytest.raises(error):
            await breaker.infer(ASKED, deadline=Deadline.after(60, clock))

    assert clock.now < 1
