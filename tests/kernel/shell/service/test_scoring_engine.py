"""The engine: whose turn it is, what becomes of every item, and what is let go."""

from __future__ import annotations

import asyncio
import gc
import time

import pytest

from kernel.contract import Deadline
from kernel.evaluator import Case
from kernel.judging import Verdict
from kernel.shell.service.engine import Engine
from kernel.shell.service.faults import Fault
from kernel.shell.service.lanes import Job, Lane
from kernel.shell.service.own_cases import OwnCases, Room
from kernel.shell.service.scorers import KEPT, OUTPUT
from tests.kernel.shell.service.scoring_parts import Judge, Same, job, scorers, until


class Batch:
    """Jobs, and the order in which batches of one list had their results."""

    def __init__(self, jobs, order=None, name="", seconds=60.0):
        self.jobs, self.order, self.name = jobs, [] if order is None else order, name
        self.deadline = Deadline.after(seconds)
        self.found = {}

    def __len__(self):
        return len(self.jobs)

    def read(self, index):
        return self.jobs[index]

    def settle(self, index, found, scorer):
        assert index not in self.found
        self.found[index] = found
        self.order.append(self.name)

    async def ended(self, number=None):
        wanted = len(self.jobs) if number is None else number
        await until(lambda: len(self.found) >= wanted)
        assert len(self.found) >= wanted


async def test_a_batch_has_a_verdict_for_every_item_in_its_place():
    held = scorers()
    found = await Engine().score([job(held, "right"), job(held, "wrong"), job(held, "yes", name="test.asking")])

    assert [(each.status, each.values) for each in found] == [
        ("scored", {"accuracy": 1.0, "length": 5.0}),
        ("scored", {"accuracy": 0.0, "length": 5.0}),
        ("scored", {"accuracy": 1.0}),
    ]
    assert await Engine().score([]) == []


@pytest.mark.parametrize(("ends", "status", "told"), [("badly", "failed", "KeyError"), ("oddly", "failed", "nan"), ("late", "scored", "compared")])
async def test_an_evaluator_that_fails_or_waits_concerns_its_own_item_alone(ends, status, told):
    held = scorers()
    odd, plain = await Engine().score([job(held, "right", ends=ends), job(held, "right")])

    assert (odd.status, plain.status) == (status, "scored")
    assert told in odd.reason


async def test_an_item_that_cannot_be_read_stops_no_other():
    held = scorers()

    class Odd(Batch):
        def read(self, index):
            if index == 0:
                raise Fault.invalid("reply", "is missing")
            if index == 1:
                raise ZeroDivisionError
            return super().read(index)

    batch = Odd([job(held, "right")] * 3)
    Engine().put(Lane(), batch, pending=3)
    await batch.ended()

    assert [each.code for each in (batch.found[0], batch.found[1])] == ["INVALID_ARGUMENT", "INTERNAL"]
    assert "Zero" not in str(batch.found[1])
    assert batch.found[2].status == "scored"


async def test_small_calls_go_before_bulk_that_came_first_and_bulk_goes_on():
    held, order, engine = scorers(), [], Engine()
    slow = job(held, "right", seconds=0.001)
    bulk, small = Batch([slow] * 100, order, "bulk"), Batch([slow] * 2, order, "small")
    engine.put(Lane(), bulk, pending=100)
    await bulk.ended(2)
    engine.put(Lane(), small, pending=2)
    await small.ended()
    between = len(bulk.found)
    await bulk.ended()

    assert between <= 12
    assert order.count("bulk") == 100


async def test_endless_small_calls_do_not_starve_bulk():
    held, engine = scorers(), Engine()
    slow = job(held, "right", seconds=0.001)
    bulk = Batch([slow] * 20)
    engine.put(Lane(), bulk, pending=20)
    for _ in range(200):
        if len(bulk.found) == 20:
            break
        engine.put(Lane(), Batch([slow]), pending=1)
        await asyncio.sleep(0)

    assert len(bulk.found) == 20


async def test_bulk_of_several_lanes_takes_turns_and_others_run_in_between():
    held, order, engine, beats = scorers(), [], Engine(), 0
    slow = job(held, "right", seconds=0.001)
    one, other = Batch([slow] * 60, order, "one"), Batch([slow] * 60, order, "other")
    engine.put(Lane(), one, pending=60)
    engine.put(Lane(), other, pending=60)
    while len(order) < 120:
        await asyncio.sleep(0)
        beats += 1

    assert {"one", "other"} == set(order[:12])
    assert beats >= 20


async def test_what_is_late_when_its_turn_comes_is_not_scored():
    held = scorers()
    first, late = Batch([job(held, "right", seconds=0.05)]), Batch([job(held, "right"), job(held, "right", name="test.asking")], seconds=0.01)
    engine, lane = Engine(), Lane()
    engine.put(lane, first, pending=1)
    engine.put(lane, late, pending=3)
    await late.ended()

    assert [each.code for each in late.found.values()] == ["DEADLINE_EXCEEDED"] * 2


async def test_a_scorer_that_keeps_to_no_deadline_is_ended_soon_after_it():
    judge = Judge(60)
    held, begun = scorers(judge), time.monotonic()
    (found,) = await Engine().score([job(held, "x", name="test.asking")], seconds=0.05)

    assert found.code == "DEADLINE_EXCEEDED"
    assert time.monotonic() - begun < 5
    assert (judge.given_up, judge.under_way) == (1, 0)


async def test_an_item_waits_for_others_no_longer_than_its_deadline():
    held, engine, lane = scorers(Judge(60)), Engine(at_once=4), Lane()
    asking = job(held, "x", name="test.asking")
    engine.put(lane, Batch([asking] * 10), pending=10)
    await asyncio.sleep(0.02)
    begun = time.monotonic()
    found = await engine.score([asking] * 20, seconds=0.1)
    spent = time.monotonic() - begun
    lane.close()

    assert [each.code for each in found] == ["DEADLINE_EXCEEDED"] * 20
    assert spent < 1


async def test_so_many_items_ask_models_at_once_and_small_calls_find_room():
    judge = Judge(0.2)
    held, engine = scorers(judge), Engine(at_once=8)
    asking = job(held, "x", name="test.asking")
    bulk, small = Batch([asking] * 20), Batch([asking])
    engine.put(Lane(), bulk, pending=20)
    await asyncio.sleep(0.05)
    assert judge.under_way == 4
    engine.put(Lane(), small, pending=1)
    await asyncio.sleep(0.05)
    assert judge.under_way == 5
    await bulk.ended()

    assert judge.most <= 8
    assert all(isinstance(each, Verdict) for each in [*bulk.found.values(), *small.found.values()])


async def test_a_lane_that_is_closed_cancels_what_is_under_way_and_gives_its_room_back():
    judge = Judge(60)
    held, engine, lane = scorers(judge), Engine(at_once=4), Lane()
    asking = job(held, "x", name="test.asking")
    engine.put(lane, Batch([asking] * 50), pending=50)
    engine.put(lane, Batch([job(held, "right")] * 50), pending=100)
    await asyncio.sleep(0.02)
    lane.close()
    judge.seconds = 0
    found = await engine.score([asking] * 10)

    assert judge.given_up == 2
    assert [each.status for each in found] == ["scored"] * 10


async def test_cases_are_made_as_far_as_they_are_asked_for_and_pictures_held_once():
    own = OwnCases(Same(target=OUTPUT, size=10**9), Room())
    first, later = await own.find("case-0"), await own.find("case-200")

    assert own.get("case-300") is None
    assert later.gold == "hello 200"
    assert first.request.pictures[0] is later.request.pictures[0]


async def test_whoever_gives_up_a_look_leaves_it_to_the_others():
    own = OwnCases(Same(target=OUTPUT, size=10_000), Room())
    given_up, waiting = asyncio.create_task(own.find("case-9999")), asyncio.create_task(own.find("case-9000"))
    await asyncio.sleep(0)
    given_up.cancel()

    assert (await waiting).gold == "hello 9000"


async def test_a_case_that_is_not_there_or_cannot_be_made_is_told_without_places():
    with pytest.raises(Fault, match="has no case 'other'") as missing:
        await OwnCases(Same(target=OUTPUT), Room()).find("other")
    gone = OwnCases(Same(target=OUTPUT, data="gone"), Room())
    for _ in range(2):
        with pytest.raises(Fault, match="cannot make its cases") as broken:
            await gone.find("case-1")

    assert (missing.value.code, missing.value.faults[0][0]) == ("NOT_FOUND", "case_id")
    assert broken.value.code == "FAILED_PRECONDITION"
    assert "secret" not in str(broken.value)


async def test_cases_take_no_more_than_their_room_and_the_longest_unused_go():
    room = Room(1_000_000)
    one, other, endless = (OwnCases(Same(target=OUTPUT, size=size), room) for size in (300, 301, 10**9))
    await one.find("case-299")
    await other.find("case-299")
    assert (one.get("case-0"), other.get("case-0") is not None) == (None, True)
    with pytest.raises(Fault, match="more cases than the server holds"):
        await endless.find("none")

    assert (await one.find("case-299")).gold == "hello 299"


def test_scorers_are_built_once_and_kept_as_long_as_they_are_in_use():
    held = scorers()
    first = held.get("test.same", {"size": 1, "ends": "well"})

    assert held.get("test.same", {"ends": "well", "size": 1}) is first
    for size in range(2, KEPT + 2):
        held.get("test.same", {"size": size})
    assert held.get("test.same", {"size": 1, "ends": "well"}) is not first


@pytest.mark.parametrize(
    ("name", "options", "code", "path"),
    [
        ("", {}, "INVALID_ARGUMENT", "scorer.name"),
        ("test.sane", {}, "NOT_FOUND", "scorer.name"),
        ("test.same", {"sise": 3}, "INVALID_ARGUMENT", "scorer.options.sise"),
        ("test.same", {"size": "many"}, "INVALID_ARGUMENT", "scorer.options.size"),
        ("test.same", {"ends": "never"}, "INVALID_ARGUMENT", "scorer.options.ends"),
        ("test.same", {"target": "somebody"}, "INVALID_ARGUMENT", "scorer.options.target"),
        ("test.same", {"data": "/etc"}, "INVALID_ARGUMENT", "scorer.options.data"),
        ("test.same", {"frame": "/etc/passwd"}, "INVALID_ARGUMENT", "scorer.options.frame"),
    ],
)
def test_a_scorer_that_is_none_is_told_by_its_field(name, options, code, path):
    with pytest.raises(Fault) as fault:
        scorers().get(name, options)

    assert (fault.value.code, [at for at, _ in fault.value.faults]) == (code, [path])


def test_the_server_says_where_data_is_and_a_sample_may_be_asked_for():
    held = scorers(data="/data")

    assert held.get("test.same", {}).evaluator.data == "/data"
    assert held.get("test.same", {"data": "sample"}).evaluator.data == "sample"


def test_what_can_score_is_described_without_what_only_the_server_sets():
    asking, painted, same = scorers().described()

    assert (same.title, same.reference) == ("Is the reply the reference?", "a text.")
    assert same.options["properties"].keys() == {"size", "data", "seconds", "ends"}
    assert same.options["properties"]["data"]["const"] == "sample"
    assert [metric.name for metric in same.metrics] == ["accuracy", "length"]
    assert (asking.evaluator.roles, painted.options["properties"]) == (("judge",), {})


async def test_nothing_is_held_of_items_that_are_done():
    held, engine = scorers(), Engine()
    before = None
    for _ in range(4):
        for _ in range(10):
            jobs = [Job(held.get("test.same", {}), Case(str(at), job(held, "x").case.request, "x"), job(held, "x").reply) for at in range(100)]
            await engine.score(jobs)
        del jobs
        gc.collect()
        count = len(gc.get_objects())
        assert before is None or count <= before + 200
        before = max(before or 0, count)
