"""Asking again: what is asked again, how often, how long, and who is blamed for a dead process."""

import asyncio

import pytest

from gateway.policy import Limited, Retrying
from gateway.policy.retrying import ATTEMPTS
from gateway.status import ProcessDied
from kernel.contract import Deadline, Reply, Request, Text
from kernel.errors import (
    BadReply,
    DeadlineExceeded,
    ModelCrashed,
    RateLimited,
    Unavailable,
    model_errors,
)
from tests.gateway.policy.clock import Clock

ASKED = Request("m", (Text("a"),))
GOOD = Reply(texts=("a",))


class Scripted:
    """Does what the script says, call by call; then answers."""

    def __init__(self, *script):
        self.script = list(script)
        self.calls = 0
        self.closed = 0

    async def infer(self, request, *, deadline):
        self.calls += 1
        if self.script:
            raise self.script.pop(0)
        return GOOD

    async def aclose(self):
        self.closed += 1


@pytest.fixture
def clock():
    """A clock at zero."""
    return Clock()


def retrying(model, clock, **more):
    """With waits that are in the middle of what chance allows."""
    return Retrying(model, sleep=clock.sleep, chance=lambda: 0.5, **more)


async def test_a_good_call_is_asked_once(clock):
    """And nothing is waited for."""
    model = Scripted()

    assert GOOD == await retrying(model, clock).infer(ASKED, deadline=clock.deadline(60))
    assert (1, []) == (model.calls, clock.slept)


@pytest.mark.parametrize("cls", model_errors().values())
async def test_only_what_may_pass_is_asked_again(clock, cls):
    """The class says it; nobody else decides."""
    model = Scripted(cls("once"))
    asking = retrying(model, clock).infer(ASKED, deadline=clock.deadline(60))

    if cls.retryable:
        assert GOOD == await asking
    else:
        with pytest.raises(cls):
            await asking
    assert 1 + cls.retryable == model.calls


async def test_waits_grow_to_a_limit_and_last_half_a_minute(clock):
    """A server that is started anew is waited for."""
    model = Scripted(*[Unavailable("not yet")] * 100)

    with pytest.raises(Unavailable, match="not yet"):
        await retrying(model, clock).infer(ASKED, deadline=clock.deadline(600))

    assert ATTEMPTS == model.calls
    assert [0.075, 0.15, 0.3, 0.6] == pytest.approx(clock.slept[:4])
    assert 3.75 == max(clock.slept)
    assert sum(clock.slept) * (0.5 / 0.75) > 30


async def test_no_wait_goes_past_the_deadline(clock):
    """When there is no time for another try, the error comes at once."""
    model = Scripted(*[Unavailable("not yet")] * 100)

    with pytest.raises(Unavailable):
        await retrying(model, clock).infer(ASKED, deadline=clock.deadline(2.0))

    assert clock.now < 2.0


async def test_the_other_sides_wish_is_followed(clock):
    """As long as it says, at most a minute, and not at all when that is too late."""
    model = Scripted(RateLimited("slow", retry_after=7.0), RateLimited("slow", retry_after=3600.0))

    assert GOOD == await retrying(model, clock).infer(ASKED, deadline=clock.deadline(100))
    assert [7.05, 60.05] == pytest.approx(clock.slept)


async def test_being_put_off_is_not_the_calls_time(clock):
    """A side that says "too often" moves the deadline on, for ten minutes at most; then the waiting counts."""
    busy = Scripted(RateLimited("slow", retry_after=7.0))
    assert GOOD == await retrying(busy, clock).infer(ASKED, deadline=clock.deadline(5))

    ever = Scripted(*[RateLimited("slow", retry_after=3600.0)] * 100)
    with pytest.raises(RateLimited):
        await retrying(ever, clock).infer(ASKED, deadline=clock.deadline(5))
    assert 10 == ever.calls


async def test_another_error_on_the_way_ends_it(clock):
    """A second try may fail in another way."""
    with pytest.raises(BadReply):
        await retrying(Scripted(Unavailable("a"), BadReply("b")), clock).infer(ASKED, deadline=clock.deadline(60))


async def test_three_deaths_on_one_request_are_its_own_fault(clock):
    """It ends as crashed, not as unavailable, and is not asked a fourth time."""
    model = Scripted(*[ProcessDied("gone")] * 100)

    with pytest.raises(ModelCrashed, match="died 3 times"):
        await retrying(model, clock).infer(ASKED, deadline=clock.deadline(600))
    assert 3 == model.calls


async def test_a_dead_process_that_nobody_restarts_is_nobodys_fault(clock):
    """Without a supervisor a death counts only after a sign of life; the error is a plain one of the tree."""
    model = Scripted(*[ProcessDied("gone")] * 100)

    with pytest.raises(Unavailable) as caught:
        await retrying(model, clock, supervised=False).infer(ASKED, deadline=clock.deadline(600))
    assert Unavailable is type(caught.value)


class Stub:
    """A process that dies of one request, with all who are in it; it is back for the next."""

    def __init__(self):
        self.running = set()
        self.deaths = 0

    async def infer(self, request, *, deadline):
        call = asyncio.get_running_loop().create_future()
        self.running.add(call)
        try:
            if request.text == "kill":
                await asyncio.sleep(0.002)
                self.deaths += 1
                for other in self.running:
                    if not other.done():
                        other.set_exception(ProcessDied("gone"))
            async with asyncio.timeout(0.005):
                await call
        except TimeoutError:
            return Reply(texts=(request.text,))
        finally:
            self.running.discard(call)

    async def aclose(self):
        """Nothing is held."""


async def test_only_the_guilty_request_is_blamed():
    """Sixty-three good requests that die beside a bad one are all answered; the bad one dies three times."""
    stub = Stub()

    async def at_once(seconds):
        await asyncio.sleep(0)

    model = Retrying(stub, sleep=at_once)
    words = [f"good {number}" for number in range(63)]
    asked = [Request("m", (Text(word),)) for word in [*words[:30], "kill", *words[30:]]]

    replies = await asyncio.gather(*(model.infer(one, deadline=Deadline.after(20)) for one in asked), return_exceptions=True)

    assert [ModelCrashed] == [type(reply) for reply in replies if isinstance(reply, Exception)]
    assert words == [reply.text for reply in replies if isinstance(reply, Reply)]
    assert 3 == stub.deaths


async def test_a_suspect_waits_no_longer_than_its_deadline():
    """Someone who hangs does not hold up those who want to be alone."""

    class Hangs:
        async def infer(self, request, *, deadline):
            if request.text == "hang":
                await asyncio.sleep(3600)
            raise ProcessDied("gone")

    async def at_once(seconds):
        await asyncio.sleep(0)

    model = Retrying(Hangs(), sleep=at_once)
    hanging = asyncio.create_task(model.infer(Request("m", (Text("hang"),)), deadline=Deadline.after(60)))
    await asyncio.sleep(0)

    with pytest.raises(DeadlineExceeded):
        await model.infer(ASKED, deadline=Deadline.after(0.6))
    hanging.cancel()


async def test_at_most_so_many_at_once():
    """The others wait in line, until their deadline at most."""
    most = now = 0

    class Counts:
        closed = 0

        async def infer(self, request, *, deadline):
            nonlocal most, now
            now += 1
            most = max(most, now)
            await asyncio.sleep(0.01)
            now -= 1
            return GOOD

        async def aclose(self):
            self.closed += 1

    inner = Counts()
    model = Limited(inner, 3)

    replies = await asyncio.gather(*(model.infer(ASKED, deadline=Deadline.after(10)) for _ in range(10)))

    assert ([GOOD] * 10, 3) == (replies, most)
    await model.aclose()
    assert 1 == inner.closed
