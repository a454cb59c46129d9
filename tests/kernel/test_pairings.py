"""Tasks that data has under several conditions itself: they stand on the same axis as conditions that are put on tasks."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
import stranger
from kernel_runs import carry_out
from rich.console import Console

from kernel import registry
from kernel.condition import FACT, named
from kernel.contract import Finish, Kind, Picture, Reply, Request, Text
from kernel.documents import validate
from kernel.errors import InvalidSpec, UnknownName
from kernel.evaluator import Case, Metric, Score
from kernel.registry import Registry, check_evaluator
from kernel.report import scorecard
from kernel.shell import html, rejudging, running, terminal
from kernel.shell.contrasts import contrasts
from kernel.spec import Plan, SuiteSpec, differences, resolve
from kernel.store.keeping import Keeper, Keeping
from kernel.store.store import Store

OWN = {"text": "text", "image": "given/clear", "own": "given", "noise": "noise", "any": "irrelevant"}
"""The condition of each set of the data below."""


@dataclass(frozen=True, kw_only=True)
class Paired(stranger.Echo):
    """Greetings, for which the data has sets of its own: alone, with a picture, and with `k` drawn ones. Cases of each set have ids of their own."""

    name = "stranger.paired"

    theme: Literal["greeting", "farewell"] = "greeting"
    shown: Literal["text", "image", "own", "noise", "any"] = "text"
    k: int = 1
    size: int = 8

    @property
    def pairing(self) -> tuple[str, str]:
        return f"stranger.paired/{self.theme}", OWN[self.shown]

    def cases(self) -> Iterator[Case]:
        for number in range(self.size):
            text = f"{self.theme} {number}"
            for draw in range(1, self.k + 1) if self.shown == "noise" else (1,):
                parts = (Text(text),) if self.shown == "text" else (Text(text), Picture(f"{self.shown} {draw}".encode()))
                facts = {FACT: {"name": OWN[self.shown], "case": f"{self.theme}-{number}"}}
                yield Case(f"{self.shown}-{number}@{draw}", Request(self.target, parts), gold=text, facts=facts, cluster=f"{self.theme}-{number}")

    def how_many(self) -> int:
        return self.size * (self.k if self.shown == "noise" else 1)


@dataclass(frozen=True, kw_only=True)
class Seen(Paired):
    """The same with one more number where there is a picture, asked of an instrument that only this evaluator has."""

    name = "stranger.seen"

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return (Metric("accuracy"),) if self.shown == "text" else (Metric("accuracy"), Metric("seen"))

    async def score(self, case: Case, reply: Reply, models: Any, deadline: Any) -> Score:
        return Score(float(reply.text == case.gold), also={} if self.shown == "text" else {"seen": 1.0})


@dataclass(frozen=True, kw_only=True)
class Pictured(stranger.Echo):
    """Greetings with pictures, which the data has once."""

    name = "stranger.pictured"
    instruments: ClassVar = ("gold",)

    def cases(self) -> Iterator[Case]:
        for case in stranger.Echo.cases(replace(self, pictures=False)):
            yield replace(case, request=replace(case.request, parts=(*case.request.parts, Picture(b"own"))))


class Distracted:
    """Says what it is told, but not of the first four with a clear picture, nor of the first two with the first of the drawn ones."""

    async def infer(self, request: Request, *, deadline: Any) -> Reply:
        number = int(request.text.rsplit(" ", 1)[1])
        seen = [picture.data for picture in request.pictures]
        wrong = (b"image 1" in seen and number < 4) or (b"noise 1" in seen and number < 2) or (number == 0 and any(each.startswith(b"own") for each in seen))
        return Reply(texts=("what?" if wrong else request.text,), finish=(Finish.STOP,))

    async def aclose(self) -> None: ...


def known() -> Registry[Any]:
    found = Registry("evaluator", check_evaluator)
    for each in (Paired, Seen, Pictured, stranger.Echo):
        found.register(each.name, each)
    return found


EACH = {"theme": ["greeting"], "shown": ["text", "image", "noise"]}


async def planned(*tasks: dict[str, Any], **changes: Any) -> Plan:
    suite = {"suite": "s", "models": ["parrot"], "tasks": list(tasks) or [{"evaluator": "stranger.paired", "each": EACH}], **changes}
    return resolve(validate(SuiteSpec, suite, "suite.yaml"), known(), await stranger.open_gateway().cards())


def found_in(store: Store, metric: str = "accuracy") -> dict[tuple[str, str], tuple[int, float | None]]:
    return {(each.task, each.condition): (each.n, each.mean) for each in scorecard(store, "one").differences if each.metric == metric}


def names(plan: Plan) -> list[str]:
    return [task.name for task in plan.tasks]


async def test_tasks_that_belong_together_tell_what_they_share_and_keep_their_names():
    plan = await planned(k=2)

    base = "stranger.paired/greeting"
    assert [(task.name, task.base, task.condition) for task in plan.tasks] == [
        (f"{base}/text", base, "text"),
        (f"{base}/image", base, "given/clear"),
        (f"{base}/noise", base, "noise"),
    ]
    assert plan.manifest["conditions"][f"{base}/image"] == {"task": base, "condition": "given/clear"}
    assert [task.evaluator.how_many() for task in plan.tasks] == [8, 8, 16]
    assert {type(task.evaluator) for task in plan.tasks} == {Paired}


async def test_their_differences_are_told_without_naming_a_condition(store: Store, tmp_path: Path):
    await carry_out(await planned(k=2), store, Distracted())
    store.end_run("one", "finished")

    card = scorecard(store, "one")

    assert {line.condition: line.mean for line in card.lines if line.metric == "accuracy"} == {"text": 1.0, "given/clear": 0.5, "noise": 0.875}
    base = "stranger.paired/greeting"
    assert found_in(store) == {(base, "given/clear"): (8, -0.5), (base, "noise"): (8, -0.125)}
    console = Console(width=160, record=True, file=io.StringIO())
    terminal.scorecard(card, console)
    told = console.export_text()
    assert "case by case, less text" in told
    assert "manners, given/clear" in told
    assert "-0.50 [" in told
    html.write(card, [], tmp_path / "page.html")
    assert "manners, given/clear" in (tmp_path / "page.html").read_text()
    assert "-0.12 [" in (tmp_path / "page.html").read_text()


async def test_the_difference_of_a_perspective_is_over_its_tasks_under_the_same_condition(store: Store):
    paired = {"evaluator": "stranger.paired", "each": {"theme": ["greeting", "farewell"], "shown": ["text", "noise"]}}
    await carry_out(await planned(paired, {"evaluator": "stranger.paired", "options": {"shown": "image"}}), store, Distracted())

    assert found_in(store) == {
        ("stranger.paired/greeting", "given/clear"): (8, -0.5),
        ("stranger.paired/greeting", "noise"): (8, -0.25),
        ("stranger.paired/farewell", "noise"): (8, -0.25),
        ("", "noise"): (16, -0.25),
    }


async def test_conditions_of_data_and_of_plugins_are_one_axis(store: Store):
    paired = {"evaluator": "stranger.paired", "each": {"shown": ["text", "own"]}}
    await carry_out(await planned(paired, {"evaluator": "stranger.pictured"}, conditions=["text", "given"]), store, Distracted())

    assert found_in(store) == {
        ("stranger.paired/greeting", "given"): (8, -0.125),
        ("stranger.pictured", "given"): (10, -0.1),
        ("", "given"): (18, pytest.approx(-0.1125)),
    }


async def test_a_number_that_is_not_under_both_conditions_has_no_difference(store: Store):
    await carry_out(await planned({"evaluator": "stranger.seen", "each": EACH}), store, Distracted())

    assert {key[1] for key in found_in(store)} == {"given/clear", "noise"}
    assert found_in(store, "seen") == {}


async def test_rows_that_are_held_against_different_conditions_say_so(store: Store, tmp_path: Path):
    without = {"evaluator": "stranger.paired", "each": {"theme": ["farewell"], "shown": ["image", "noise"]}}
    await carry_out(await planned({"evaluator": "stranger.paired", "each": EACH}, without), store, Distracted())
    card = scorecard(store, "one")

    assert [row.name for row in contrasts(card) if row.metric == "accuracy"] == [
        "stranger.paired/greeting · accuracy, less text",
        "stranger.paired/farewell · accuracy, less given/clear",
    ]
    html.write(card, [], tmp_path / "page.html")
    assert "the condition that the row names" in (tmp_path / "page.html").read_text()


async def test_named_conditions_pick_from_what_the_data_has_and_are_put_on_the_rest():
    paired, once = {"evaluator": "stranger.paired", "each": EACH}, {"evaluator": "stranger.pictured"}
    plan = await planned(paired, once, conditions=["text", "given"])

    picked = ["stranger.paired/greeting/text", "stranger.paired/greeting/image"]
    assert names(plan) == [*picked, "stranger.pictured@text", "stranger.pictured@given"]
    assert [task.base for task in plan.tasks] == ["stranger.paired/greeting"] * 2 + ["stranger.pictured"] * 2
    assert names(await planned({**paired, "conditions": ["noise"]}, once, conditions=["text"])) == ["stranger.paired/greeting/noise", "stranger.pictured@text"]
    assert names(await planned({**paired, "conditions": []}, conditions=["text"])) == [*picked, "stranger.paired/greeting/noise"]


@pytest.mark.parametrize(
    ("own", "conditions", "is_named"),
    [
        ("given/clear", ["text", "given"], True),
        ("given/clear", ["given/clear"], True),
        ("given", ["given/clear"], False),
        ("given-clear", ["given"], False),
        ("irrelevant", ["color"], True),
        ("irrelevant", ["noise", "text"], True),
        ("irrelevant", ["irrelevant"], True),
        ("irrelevant", ["text"], False),
        ("color", ["irrelevant"], False),
    ],
)
def test_what_data_has_is_meant_by_its_name_by_its_kind_or_as_several_in_one(own: str, conditions: list[str], is_named: bool):
    assert named(own, conditions) is is_named


async def test_conditions_that_leave_a_model_nothing_are_refused():
    with pytest.raises(InvalidSpec, match="leave no task for gold, parrot, whose tasks are under text, given/clear, noise; name one of these"):
        await planned(models=["parrot", "gold"], conditions=["color"])
    two = [{"evaluator": "stranger.paired", "each": {"shown": ["noise"]}, "models": ["moody"]}, {"evaluator": "stranger.echo", "models": ["parrot"]}]
    with pytest.raises(InvalidSpec, match="leave no task for moody"):
        await planned(*two, models=[], conditions=["text"])


async def test_a_condition_that_neither_a_plugin_nor_the_data_has_is_refused():
    with pytest.raises(UnknownName, match="no condition named 'txet'; did you mean 'text'"):
        await planned(conditions=["given", "txet"])
    any_of_them = {"evaluator": "stranger.paired", "each": {"shown": ["any", "text"]}}
    assert names(await planned(any_of_them, conditions=["irrelevant"])) == ["stranger.paired/any"]


async def test_one_task_twice_under_one_condition_is_refused():
    """Its differences could be of either."""
    with pytest.raises(InvalidSpec, match="are both 'stranger.paired/greeting' under 'text' for parrot; leave one out"):
        await planned({"evaluator": "stranger.paired", "each": {"size": [1, 2]}})


async def test_an_instrument_is_needed_only_where_a_task_is_asked(monkeypatch):
    """The manifest has no other, and a kept plan must find all that it needs."""
    monkeypatch.setattr(Pictured, "asks", Kind.IMAGINE)
    plan = await planned({"evaluator": "stranger.paired"}, {"evaluator": "stranger.pictured"})
    assert set(plan.manifest["models"]) == {"parrot"}
    cards = {name: card for name, card in plan.cards.items() if name == "parrot"}
    assert names(resolve(plan.suite, known(), cards)) == ["stranger.paired"]


async def test_a_kept_plan_has_the_same_tasks_scores_and_differences(store: Store, monkeypatch):
    monkeypatch.setattr(registry, "evaluators", known)
    plan = await planned({"evaluator": "stranger.paired", "each": EACH}, {"evaluator": "stranger.pictured"}, conditions=["text", "given"], k=2)
    await carry_out(plan, store, Distracted())
    first = found_in(store)

    kept = running.kept_plan(store, "one")

    assert [(task.name, task.base, task.condition) for task in kept.tasks] == [(task.name, task.base, task.condition) for task in plan.tasks]
    assert differences(plan.manifest, kept.manifest) == []
    await carry_out(kept, store, None, "two")
    assert scorecard(store, "two").differences == scorecard(store, "one").differences
    assert {condition for _, condition in first} == {"given/clear", "given"}


async def test_kept_replies_of_such_tasks_are_judged_again(store: Store, monkeypatch):
    monkeypatch.setattr(registry, "evaluators", known)

    async def score(self: Any, case: Case, reply: Reply, models: Any, deadline: Any) -> Score:
        said = await models.infer(Request("gold", case.request.parts), deadline=deadline)
        return Score(float(said.text == case.gold), also={"length": 1.0})

    monkeypatch.setattr(Paired, "score", score)
    monkeypatch.setattr(Paired, "instruments", ("gold",))
    await carry_out(await planned(), store, Distracted())
    plan = running.kept_plan(store, "one")
    async with Keeping(store) as keeping:
        kept = Keeper(None, keeping, lambda model: plan.cards[model].identity)
        found = [each async for each in rejudging.again(plan, kept, Distracted(), times=2, most=50, metric=None)]

    assert {each.task.rpartition("/")[2]: (each.cases, each.score.mean) for each in found} == {"text": (8, 1.0), "image": (8, 0.5), "noise": (8, 0.75)}


class Own:
    """A benchmark that only tells which numbers it was given."""

    name, title = "own", "Own"

    def __init__(self) -> None:
        self.given: list[dict[str, Any]] = []

    def aggregates(self, numbers: Any) -> Iterator[Any]:
        self.given.append({task: held["accuracy"] for task, held in numbers.items()})
        return iter(())

    def published(self) -> list[Any]:
        return []


async def test_a_benchmark_s_own_scores_stand_on_its_tasks_as_given(store: Store):
    once = {"evaluator": "stranger.pictured"}
    plan = await planned(once, {"evaluator": "stranger.paired", "each": EACH, "conditions": []}, conditions=["text", "given"], benchmark="own")
    await carry_out(plan, store, Distracted())
    benchmark = Own()

    scorecard(store, "one", {"own": benchmark}.get)

    base = "stranger.paired/greeting"
    assert benchmark.given == [{"stranger.pictured": 0.9, f"{base}/text": 1.0, f"{base}/image": 0.5, f"{base}/noise": 0.75}]
