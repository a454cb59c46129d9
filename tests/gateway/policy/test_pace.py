"""Requests and tokens a minute, on a clock of our own."""

import asyncio

import pytest

from gateway.policy import Limited, Paced
from gateway.policy.pace import Meter
from gateway.policy.tokens import answer_tokens, question_tokens
from kernel.contract import Deadline, Picture, Reply, Request, Sampling, Text
from tests.gateway.policy.clock import Clock

ASKED = Request("m", (Text("a" * 300),), sampling=Sampling(max_tokens=100))


class Counting:
    """Answers with so many tokens, and notes when it was asked and how much time was left."""

    def __init__(self, clock, tokens=None):
        self.clock = clock
        self.tokens = tokens
        self.asked = []
        self.left = []

    async def infer(self, request, *, deadline):
        self.asked.append(self.clock.now)
        self.left.append(deadline.remaining())
        return Reply(texts=("yes",), input_tokens=self.tokens, output_tokens=None if self.tokens is None else 0)


@pytest.mark.parametrize("per_minute", [1, 30, 60, 600])
def test_no_minute_has_more_than_was_allowed(per_minute):
    """Whenever a minute begins: the allowed number and a sixtieth of it at most, and no less in the long run."""
    clock = Clock()
    meter = Meter(per_minute, clock)
    moments = []
    for _ in range(3 * per_minute):
        clock.now += meter.take(1)
        moments.append(clock.now)

    most = max(sum(begin <= moment < begin + 60 for moment in moments) for begin in moments)

    assert most <= per_minute + per_minute / 60 + 1
    assert moments[-1] == pytest.approx(180, rel=0.02, abs=61 if per_minute == 1 else 3)


def test_idle_time_is_not_saved_up():
    """After an hour of silence a second's worth may come at once, no more."""
    clock = Clock()
    meter = Meter(600, clock)
    clock.now = 3600.0

    waits = [meter.take(1) for _ in range(20)]

    assert 10 == sum(wait == 0 for wait in waits)


async def test_time_in_the_line_is_not_the_calls():
    """One request a second, ten seconds for each: the hundredth has its ten seconds too."""
    clock = Clock()
    model = Counting(clock)
    paced = Paced(model, requests=60, tokens=None, clock=clock, sleep=clock.sleep)

    for _ in range(100):
        await paced.infer(ASKED, deadline=Deadline.after(10, clock))

    assert [10.0] * 100 == pytest.approx(model.left)
    assert 99 == pytest.approx(model.asked[-1], abs=1)


async def test_tokens_are_counted_beforehand_and_put_right_afterwards():
    """What was expected and did not come makes room for the next calls."""
    clock, thrifty = Clock(), Clock()
    expected = question_tokens(ASKED) + answer_tokens(ASKED)
    full = Paced(Counting(clock), requests=None, tokens=expected * 60, clock=clock, sleep=clock.sleep)
    half = Paced(Counting(thrifty, tokens=expected // 2), requests=None, tokens=expected * 60, clock=thrifty, sleep=thrifty.sleep)

    for _ in range(60):
        await full.infer(ASKED, deadline=Deadline.after(10, clock))
        await half.infer(ASKED, deadline=Deadline.after(10, thrifty))

    assert clock.now == pytest.approx(59, abs=1)
    assert thrifty.now == pytest.approx(clock.now / 2, rel=0.05)


def test_pictures_and_limits_count():
    """A picture is many tokens; an answer is as long as it may be, as often as it is asked for."""
    seeing = Request("m", (Text("a"), Picture(b"p"), Picture(b"p")), sampling=Sampling(max_tokens=10, n=3))

    assert question_tokens(seeing) > 3_000
    assert 30 == answer_tokens(seeing)
    assert 7 == answer_tokens(Request("m", (Text("a"),)), 7)


async def test_a_line_moves_the_deadline_on():
    """Calls at once, one of them long: who waits for a place has its whole time afterwards."""
    left = []

    class Slow:
        async def infer(self, request, *, deadline):
            left.append(deadline.remaining())
            await asyncio.sleep(0.05)
            return Reply(texts=("yes",))

    limited = Limited(Slow(), 1)
    await asyncio.gather(*(limited.infer(ASKED, deadline=Deadline.after(0.06)) for _ in range(4)))

    assert min(left) > 0.03
