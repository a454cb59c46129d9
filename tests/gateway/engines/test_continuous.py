"""Continuous batching: who comes joins a running batch, who is done leaves it, and what fails or gives up costs no other."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

import pytest
import torch

from gateway.engines.continuous import Continuous
from gateway.engines.rows import Row, Rows
from tests.gateway.engines.test_rows import LENGTHS, PROMPTS
from tests.gateway.engines.tiny_decoder import END, PLACES, ROOM, model, networks, written

Asked = tuple[list[int], int]


@pytest.fixture(scope="module")
def network():
    return model()


@pytest.fixture
async def writing(network):
    def begun(items: list[Asked]) -> list[Row]:
        return [Row(network.get_input_embeddings()(torch.tensor(prompt)).detach(), most) for prompt, most in items]

    made = Continuous(Rows(networks(network), end=END), begun)
    yield made
    await made.aclose()


async def until(so: Callable[[], bool]) -> None:
    """What the other thread does cannot be awaited."""
    while not so():  # noqa: ASYNC110
        await asyncio.sleep(0.001)


async def test_each_gets_what_it_would_get_alone_whenever_it_comes(network, writing: Continuous):
    """Twice as many as there is room for, at different times, of very different lengths."""
    wanted = [written(network, prompt, most) for prompt, most in zip(PROMPTS, LENGTHS, strict=True)]

    async def later(number: int) -> list[int]:
        await asyncio.sleep(0.01 * (number % 3))
        [found] = await writing.write([(PROMPTS[number], LENGTHS[number])])
        return found

    assert len(PROMPTS) == 2 * ROOM
    assert await asyncio.gather(*map(later, range(8))) == wanted


async def test_a_short_text_does_not_wait_for_a_long_one(writing: Continuous, monkeypatch: pytest.MonkeyPatch):
    """Counted in steps, each of which is let through: the short one comes after the first and is done with the third at the latest."""
    real, gate = writing._rows.step, threading.Semaphore(0)
    monkeypatch.setattr(writing._rows, "step", lambda: gate.acquire() and real())
    long = asyncio.create_task(writing.write([([1], 10**6)]))
    gate.release()
    await until(lambda: writing._rows.steps == 1)
    short = asyncio.create_task(writing.write([([2, 3], 2)]))
    await asyncio.sleep(0)

    gate.release(2)
    [found] = await short

    assert (len(found), long.done()) == (2, False)
    assert writing._rows.steps <= 3
    gate.release(PLACES)
    [found] = await long
    assert len(found) == writing._rows.steps + 1 > 3


async def test_many_texts_of_one_call_come_back_in_order(network, writing: Continuous):
    asked = [(prompt, 3) for prompt in PROMPTS]

    assert await writing.write(asked) == [written(network, *each) for each in asked]


async def test_who_gives_up_leaves(writing: Continuous, monkeypatch: pytest.MonkeyPatch):
    """Its row is out after the step that runs, and its place is free."""
    real = writing._rows.step
    monkeypatch.setattr(writing._rows, "step", lambda: time.sleep(0.02) or real())
    call = asyncio.create_task(writing.write([([1], 10**6), ([1, 2], 10**6)]))
    await until(lambda: len(writing._rows) == 2)
    call.cancel()
    steps = writing._rows.steps
    await until(lambda: not len(writing._rows))

    assert writing._rows.steps <= steps + 2
    assert call.cancelled()


async def test_what_cannot_begin_fails_alone(network, writing: Continuous, monkeypatch: pytest.MonkeyPatch):
    real, gate = writing._rows.step, threading.Semaphore(0)
    monkeypatch.setattr(writing._rows, "step", lambda: gate.acquire() and real())
    good = asyncio.create_task(writing.write([(PROMPTS[0], 12)]))
    await until(lambda: len(writing._rows) == 1)
    bad = asyncio.create_task(writing.write([([10**6], 3)]))
    await asyncio.sleep(0)
    gate.release(PLACES)

    with pytest.raises(IndexError):
        await bad
    assert await good == [written(network, PROMPTS[0], 12)]


async def test_after_a_step_that_fails_the_next_text_is_written(network, writing: Continuous, monkeypatch: pytest.MonkeyPatch):
    """Those in it are told; nothing of them stays behind."""
    monkeypatch.setattr(writing._rows, "step", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        await writing.write([([1], 5), ([2, 3], 5)])
    monkeypatch.undo()

    assert await writing.write([(PROMPTS[1], 6)]) == [written(network, PROMPTS[1], 6)]


async def test_what_is_not_done_at_the_end_is_cancelled(network):
    rows = Rows(networks(network), end=END)
    made = Continuous(rows, lambda items: [Row(torch.zeros(1, 16), 10**6, draw=lambda _: 5) for _ in items])
    call = asyncio.create_task(made.write([0]))
    await until(lambda: len(rows) == 1)

    await made.aclose()

    with pytest.raises(asyncio.CancelledError):
        await call
