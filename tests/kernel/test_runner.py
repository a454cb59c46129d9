"""What the runner owes whatever the models and evaluators do."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, replace
from typing import Any

import pytest
import stranger
from kernel_runs import carry_out, plan_of

from kernel.contract import Finish, Reply
from kernel.errors import Unauthenticated, Unavailable
from kernel.evaluator import Score, Skip
from kernel.report import scorecard
from kernel.runner import Outcome, TaskEnded


class Counting:
    """A model that answers what it is told and counts how often, and how many at once."""

    def __init__(self, fails: Exception | None = None, pause: float = 0.0) -> None:
        self.asked, self.now, self.most = 0, 0, 0
        self.fails, self.pause = fails, pause

    async def infer(self, request, *, deadline):
        self.asked += 1
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(self.pause)
        self.now -= 1
        if self.fails and request.text.endswith("3"):
            raise self.fails
        return Reply(texts=(request.text,), finish=(Finish.STOP,))

    async def aclose(self): ...


def with_score(plan, behaviour):
    """The plan with an evaluator whose `score` is another."""

    @dataclass(frozen=True, kw_only=True)
    class Other(stranger.Echo):
        async def score(self, case, reply, models, deadline):
            return await behaviour(case, reply, models, deadline)

    tasks = [replace(task, evaluator=Other(target=task.evaluator.target, size=task.evaluator.size)) for task in plan.tasks]
    return replace(plan, tasks=tuple(tasks))


def outcomes(events):
    return {event.case: event for event in events if isinstance(event, Outcome)}


async def test_every_case_is_asked_once_and_scored(store):
    """The plain way: as many calls as cases, all right."""
    model = Counting()

    events, runner = await carry_out(await plan_of("parrot", size=300), store, model)

    assert model.asked == 300
    assert all(outcome.value == 1.0 for outcome in outcomes(events).values())
    assert events[-1] == TaskEnded("stranger.echo", "parrot", 300)
    assert runner.finished


async def test_no_more_calls_are_in_flight_than_the_suite_allows(store):
    model = Counting(pause=0.001)

    await carry_out(await plan_of("parrot", size=200), store, model)

    assert model.most == 8


async def test_a_second_run_asks_nothing_again(store):
    """Replies are kept under model and request, whichever run asked."""
    model = Counting()
    await carry_out(await plan_of("parrot", size=40), store, model, "one")

    events, _ = await carry_out(await plan_of("parrot", size=50), store, model, "two")

    assert model.asked == 50
    assert len(outcomes(events)) == 50


async def test_a_resumed_run_does_only_what_is_left(store):
    model = Counting()
    plan = await plan_of("parrot", size=40)
    await carry_out(plan, store, model)
    before = store.every_outcome("one")

    events, _ = await carry_out(plan, store, model)

    assert outcomes(events) == {}
    assert model.asked == 40
    assert store.every_outcome("one") == before


async def test_a_case_without_a_reply_is_failed_and_changes_no_mean(store):
    """An outage is a status with a reason, never a zero."""
    events, _ = await carry_out(await plan_of("parrot", size=10), store, Counting(Unavailable("gone fishing")))

    failed = outcomes(events)["case-3"]
    line = scorecard(store, "one").lines[0]
    assert (failed.status, failed.error, failed.reason, failed.value) == ("failed", "Unavailable", "gone fishing", None)
    assert (line.planned, line.scored, line.failed, line.mean) == (10, 9, 1, 1.0)


async def test_a_blocked_model_ends_its_lane_and_scores_nothing_wrong(store):
    """A wrong key is nobody's wrong answer: the run is left to be resumed."""
    events, runner = await carry_out(await plan_of("parrot", "gold", size=10), store, Counting(Unauthenticated("no such key")))

    assert not runner.finished
    assert "no such key" in runner.notes[0]
    assert all(event.status == "scored" for event in events if isinstance(event, Outcome))
    assert TaskEnded("stranger.echo", "gold", 10) in events


@pytest.mark.parametrize(
    ("given", "status", "error"),
    [
        (Score(None, "cannot tell"), "unscored", None),
        (Score(math.nan), "failed", "EvaluatorError"),
        (Score(math.inf), "failed", "EvaluatorError"),
        (Score("1.0"), "failed", "EvaluatorError"),
        (Score(1.0, also={"unheard of": 1.0}), "failed", "EvaluatorError"),
        (None, "failed", "EvaluatorError"),
        (RuntimeError("defect"), "failed", "EvaluatorError"),
        (Unavailable("the judge is out"), "unscored", "Unavailable"),
        (Skip("not for this one"), "skipped", None),
    ],
)
async def test_what_is_no_score_never_becomes_a_number(store, given: Any, status: str, error: str | None):
    """One case of ten is judged oddly: it is counted as what it is, the other nine are not touched."""

    async def score(case, reply, models, deadline):
        if case.id != "case-3":
            return Score(1.0, also={"length": 7.0})
        if isinstance(given, Exception):
            raise given
        return given

    events, runner = await carry_out(with_score(await plan_of("parrot", size=10), score), store, Counting())

    line = scorecard(store, "one").lines[0]
    assert (outcomes(events)["case-3"].status, outcomes(events)["case-3"].error) == (status, error)
    assert (line.planned, line.scored, line.mean) == (10, 9, 1.0)
    assert line.planned == line.scored + line.failed + line.unscored + line.skipped
    assert runner.finished


async def test_a_scorer_cannot_ask_the_model_under_test(store):
    """A score must be possible from kept replies alone."""

    async def score(case, reply, models, deadline):
        await models.infer(case.request, deadline=deadline)

    events, _ = await carry_out(with_score(await plan_of("parrot", size=1), score), store, Counting())

    assert outcomes(events)["case-0"].status == "failed"
    assert "model under test" in outcomes(events)["case-0"].reason


async def test_reasons_are_stored_whatever_characters_they_have(store):
    """Lone surrogates and NULs of a model do not stop the store."""

    async def score(case, reply, models, deadline):
        return Score(1.0, "\ud800 and \x00 and " + "x" * 10_000_000, also={"length": 1.0})

    events, runner = await carry_out(with_score(await plan_of("parrot", size=1), score), store, Counting())

    assert runner.finished
    assert outcomes(events)["case-0"].reason.startswith("\\ud800 and \\x00 and xxx")
    assert len(outcomes(events)["case-0"].reason) < 3_000


async def test_cases_that_cannot_be_made_leave_the_task_open(store):
    """A plugin that breaks off is named, and nothing pretends to be whole."""

    @dataclass(frozen=True, kw_only=True)
    class Broken(stranger.Echo):
        def cases(self):
            yield from list(super().cases())[:2]
            raise OSError("the data is gone")

    plan = await plan_of("parrot", size=5)
    plan = replace(plan, tasks=(replace(plan.tasks[0], evaluator=Broken(target="parrot", size=5)),))

    _, runner = await carry_out(plan, store, Counting())

    assert "the data is gone" in runner.notes[0]
    assert store.tasks("one")[0].planned is None


async def test_two_cases_with_one_id_are_found(store):
    """An id that stands twice would silently drop a case: the balance finds it."""

    @dataclass(frozen=True, kw_only=True)
    class Doubled(stranger.Echo):
        def cases(self):
            for case in super().cases():
                yield replace(case, id="same")

    plan = await plan_of("parrot", size=2)
    plan = replace(plan, tasks=(replace(plan.tasks[0], evaluator=Doubled(target="parrot", size=2)),))

    with pytest.raises(Exception, match="planned 2, outcomes 1"):
        await carry_out(plan, store, Counting())


async def test_null_players_score_what_is_known_in_advance(store):
    await carry_out(await plan_of("gold", "constant", "empty", "refuses", size=4), store, Counting())

    means = {line.model: line.mean for line in scorecard(store, "one").lines if line.metric == "accuracy"}
    assert means == {"gold": 1.0, "constant": 0.25, "empty": 0.0, "refuses": 0.0}


async def test_kept_replies_are_scored_anew_without_a_model(store):
    """`None` for the gateway: whatever is not kept is a failure, and nothing is asked."""
    plan = await plan_of("parrot", size=20)
    await carry_out(plan, store, Counting())

    async def harsh(case, reply, models, deadline):
        return Score(0.0, f"read {reply.text}", also={"length": 1.0})

    events, runner = await carry_out(with_score(plan, harsh), store, None, "again")

    assert runner.finished
    assert {outcome.value for outcome in outcomes(events).values()} == {0.0}
    assert scorecard(store, "one").lines[0].mean == 1.0


async def test_equal_questions_at_one_moment_are_asked_once(store):
    """Two cases with one request share the answer."""

    @dataclass(frozen=True, kw_only=True)
    class Same(stranger.Echo):
        def cases(self):
            first = next(super().cases())
            for number in range(self.size):
                yield replace(first, id=f"c{number}")

    plan = await plan_of("parrot", size=6)
    plan = replace(plan, tasks=(replace(plan.tasks[0], evaluator=Same(target="parrot", size=6)),))
    model = Counting(pause=0.01)

    events, _ = await carry_out(plan, store, model)

    assert model.asked == 1
    assert len(outcomes(events)) == 6


async def test_when_a_shared_question_fails_every_case_has_its_own_failure(store):
    """Those who waited ask again, one after the other, and nobody trips over the others."""

    @dataclass(frozen=True, kw_only=True)
    class Same(stranger.Echo):
        def cases(self):
            first = list(super().cases())[3]
            for number in range(self.size):
                yield replace(first, id=f"c{number}")

    plan = await plan_of("parrot", size=6)
    plan = replace(plan, tasks=(replace(plan.tasks[0], evaluator=Same(target="parrot", size=6)),))
    model = Counting(Unavailable("down"), pause=0.01)

    events, _ = await carry_out(plan, store, model)

    assert {(each.status, each.error) for each in outcomes(events).values()} == {("failed", "Unavailable")}
    assert (model.asked, model.most) == (6, 1)


@pytest.mark.parametrize("told", [5, True, {"a": 1}, "gpt-4o-2024", ["a", "b"], [["deep"]], ["x" * 10_000] * 3, [str(n) for n in range(5_000)], "\ud800\x00"])
async def test_what_a_model_says_of_itself_breaks_nothing(store, told):
    """A report is the model's own words, of any shape: noted for the manifest, within bounds, and never a reason to stop."""

    class Telling(Counting):
        async def infer(self, request, *, deadline):
            return replace(await super().infer(request, deadline=deadline), report={"model": told, "not_honoured": told, "other": told})

    events, runner = await carry_out(await plan_of("parrot", size=20), store, Telling())

    assert len(outcomes(events)) == 20
    seen = runner.observed["parrot"]["model"]
    assert 1 <= len(seen) <= 64
    assert max(map(len, seen)) <= 200
    store.observe("one", runner.observed)
    store.observe("one", runner.observed)
    assert store.run("one")["manifest"]["observed"]["parrot"]["model"] == seen


async def test_what_is_under_way_ends_when_the_model_is_blocked(store):
    """It may be paid for: its replies are kept, and only what was not asked yet is left."""

    class Late(Counting):
        async def infer(self, request, *, deadline):
            self.asked += 1
            await asyncio.sleep(0.01)
            if request.text.endswith("hello 3"):
                raise Unauthenticated("no such key")
            await asyncio.sleep(0.05)
            return Reply(texts=(request.text,), finish=(Finish.STOP,))

    model = Late()
    events, runner = await carry_out(await plan_of("parrot", size=100), store, model)

    assert len(outcomes(events)) == 7
    assert model.asked == 8
    assert not runner.finished
