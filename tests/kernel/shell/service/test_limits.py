"""Limits of one token: what is over them is told with when to ask again, and what is given back can be had again."""

from __future__ import annotations

import asyncio

import pytest

from kernel.shell.service.limits import Allowance, Limiter, Limits, OverLimit
from kernel.shell.service.tokens import Caller

SMALL = Limits(calls=2, streams=1, items_in_flight=10, items_per_second=100, bytes_per_second=1000)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def allowance(clock: Clock) -> Allowance:
    return Allowance(SMALL, clock)


def test_calls_and_streams_are_counted_while_they_last(allowance: Allowance):
    with allowance.call(stream=True):
        with pytest.raises(OverLimit, match="1 open streams"), allowance.call(stream=True):
            pass
        with allowance.call(stream=False), pytest.raises(OverLimit, match="2 calls in flight"), allowance.call(stream=False):
            pass
    with pytest.raises(ZeroDivisionError), allowance.call(stream=True):
        raise ZeroDivisionError
    assert (allowance.calls, allowance.streams) == (0, 0)


def test_what_is_over_a_rate_can_be_had_after_the_time_that_is_told(allowance: Allowance, clock: Clock):
    for _ in range(10):
        allowance.take(10, 0)
        allowance.give_back(10)
    with pytest.raises(OverLimit, match="items a second") as caught:
        allowance.take(5, 0)
    assert caught.value.retry_after == pytest.approx(0.05)
    clock.now += caught.value.retry_after
    allowance.take(5, 0)


def test_what_is_refused_uses_nothing_up(allowance: Allowance, clock: Clock):
    allowance.take(1, 1000)
    for _ in range(100):
        with pytest.raises(OverLimit, match="bytes a second"):
            allowance.take(1, 500)
    clock.now += 0.5
    allowance.take(1, 500)
    assert allowance.items == 2


def test_a_message_larger_than_the_rate_passes_when_nothing_was_used_and_is_made_up_for(allowance: Allowance, clock: Clock):
    allowance.take(0, 3000)
    with pytest.raises(OverLimit) as caught:
        allowance.take(0, 1)
    assert caught.value.retry_after == pytest.approx(2.001)
    clock.now += 3.0
    allowance.take(0, 3000)


def test_items_in_flight_are_limited_but_a_message_alone_always_passes(allowance: Allowance):
    allowance.take(25, 0)
    with pytest.raises(OverLimit, match="10 items in flight"):
        allowance.take(1, 0)
    allowance.give_back(25)
    allowance.take(10, 0)


def test_no_rate_is_no_limit(clock: Clock):
    free = Allowance(Limits(items_per_second=0, bytes_per_second=0), clock)
    for _ in range(1000):
        free.take(65_536, 1 << 40)
        free.give_back(65_536)


async def test_streams_wait_until_items_are_given_back_in_any_order():
    allowance = Allowance(SMALL)
    allowance.take(10, 0)
    waiting = [asyncio.create_task(allowance.take_when_free(5, 0)) for _ in range(4)]
    await asyncio.sleep(0.01)
    assert not any(task.done() for task in waiting)

    allowance.give_back(10)
    await asyncio.sleep(0.01)
    assert sum(task.done() for task in waiting) == 2
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert allowance.items == 10
    assert not allowance._waiting


async def test_streams_wait_for_their_rate():
    allowance = Allowance(Limits(items_per_second=1000, items_in_flight=10**6))
    begun = asyncio.get_running_loop().time()
    for _ in range(12):
        await allowance.take_when_free(100, 0)

    assert asyncio.get_running_loop().time() - begun > 0.18


def test_each_token_has_its_own_and_keeps_it():
    limiter = Limiter(SMALL)
    one, other = (Caller(name, "team", frozenset()) for name in ("one", "other"))
    limiter.of(one).take(10, 1000)

    limiter.of(other).take(10, 1000)
    limiter.of(Caller("one", "elsewhere", frozenset())).take(10, 1000)
    with pytest.raises(OverLimit):
        limiter.of(Caller("one", "team", frozenset({"read"}))).take(1, 1)
