"""A suite's conditions make one task each, and the report holds them against text alone, case by case."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
import stranger
from kernel_runs import carry_out
from rich.console import Console

from kernel import registry
from kernel.condition import Condition, conditioned
from kernel.contract import Kind, ModelCard, Picture, Reply
from kernel.documents import validate
from kernel.errors import InvalidSpec, UnknownName, WrongKind
from kernel.registry import Registry, check_condition
from kernel.report import scorecard
from kernel.shell import html, running, terminal
from kernel.spec import SuiteSpec, resolve
from kernel.stats import difference_sums, estimate, mean_of_means, paired_difference

SEES = {number: number != 2 for number in range(8)}
"""What the model below makes of eight greetings without a picture; with a wild one it errs in half of the draws of each of the first two."""


class Bare(Condition):
    name: ClassVar[str] = "text"

    def apply(self, case):
        yield conditioned(case, self.name, [part for part in case.request.parts if not isinstance(part, Picture)])

    def how_many(self, cases):
        return cases


@dataclass(frozen=True, kw_only=True)
class Wild(Condition):
    name: ClassVar[str] = "wild"

    k: int = 1

    def apply(self, case):
        for draw in range(1, self.k + 1):
            yield conditioned(case, self.name, (*case.request.parts, Picture(b"%d" % draw)), of=self.k, draw=draw)


def known() -> Registry[type[Condition]]:
    found = Registry("condition", check_condition)
    found.register("text", Bare)
    found.register("wild", Wild)
    return found


class Startled:
    """Says what it is told, but not of the third greeting, nor of the first two when it sees an odd picture."""

    async def infer(self, request, *, deadline):
        number = int(request.text.rsplit(" ", 1)[1])
        startled = number in (0, 1) and any(picture.data == b"1" for picture in request.pictures)
        return Reply(texts=("what?" if startled or not SEES[number] else request.text,))

    async def aclose(self): ...


async def planned(**changes):
    suite = {"suite": "s", "models": ["parrot"], "tasks": [{"evaluator": "stranger.echo", "options": {"size": 8}}], "conditions": ["text", "wild"], **changes}
    cards = await stranger.open_gateway().cards()
    cards["painter"] = ModelCard(name="painter", kind=Kind.IMAGINE, backend="x", state="ready", identity="p")
    return resolve(validate(SuiteSpec, suite, "suite.yaml"), registry.evaluators(), cards, conditions=known())


async def test_every_condition_makes_a_task_and_the_manifest_tells_of_it():
    plan = await planned(k=2)
    assert [(task.name, task.base, task.condition) for task in plan.tasks] == [
        ("stranger.echo@text", "stranger.echo", "text"),
        ("stranger.echo@wild", "stranger.echo", "wild"),
    ]
    assert plan.manifest["conditions"]["stranger.echo@wild"] == {"task": "stranger.echo", "condition": "wild"}
    assert plan.manifest["evaluators"] == {"stranger.echo": 1}
    assert [len(list(task.evaluator.cases())) for task in plan.tasks] == [8, 16]


async def test_without_conditions_nothing_changes():
    plan = await planned(conditions=[])
    assert [(task.name, task.base, type(task.evaluator)) for task in plan.tasks] == [("stranger.echo", "stranger.echo", stranger.Echo)]
    assert plan.manifest["conditions"] == {}


async def test_an_entry_s_own_conditions_go_before_the_suite_s():
    task = {"evaluator": "stranger.echo"}
    plan = await planned(tasks=[{**task, "conditions": ["wild"]}])
    assert [task.name for task in plan.tasks] == ["stranger.echo@wild"]
    plan = await planned(tasks=[{**task, "conditions": []}])
    assert [task.name for task in plan.tasks] == ["stranger.echo"]


async def test_what_is_wrong_is_refused_before_anything_is_asked():
    with pytest.raises(UnknownName, match="no condition named 'wilt'; did you mean 'wild'"):
        await planned(conditions=["wilt"])
    with pytest.raises(InvalidSpec, match="k: input should be greater than or equal to 1"):
        await planned(k=0)
    with pytest.raises(InvalidSpec, match="calls itself 'wild'; make the two names equal"):
        check_condition("tame", Wild)
    with pytest.raises(InvalidSpec, match=r"no subclass of kernel.condition.Condition"):
        check_condition("text", stranger.Echo)


async def test_a_suite_s_conditions_pass_over_tasks_that_make_pictures_and_an_entry_s_own_do_not(monkeypatch):
    monkeypatch.setattr(stranger.Echo, "asks", Kind.IMAGINE)
    plan = await planned(models=["painter"])
    assert [task.name for task in plan.tasks] == ["stranger.echo"]
    with pytest.raises(WrongKind, match="the condition 'text' is for generate"):
        await planned(models=["painter"], tasks=[{"evaluator": "stranger.echo", "conditions": ["text"]}])


async def test_the_report_has_each_condition_and_the_paired_difference(store, tmp_path):
    plan = await planned(k=2)
    await carry_out(plan, store, Startled())
    store.end_run("one", "finished")
    card = scorecard(store, "one")
    means = {line.condition: line.mean for line in card.lines if line.metric == "accuracy"}
    assert means == {"text": 0.875, "wild": 0.75}
    (found,) = [each for each in card.differences if each.metric == "accuracy"]
    assert (found.task, found.condition, found.against, found.n) == ("stranger.echo", "wild", "text", 8)
    # 0 and 1 are one cluster of four and lose half each. It is drawn three times or more in 5.1 % of all draws, four times in 0.4 %.
    assert (found.mean, found.low, found.high) == (-0.125, -0.375, 0.0)
    console = Console(width=140, record=True, file=io.StringIO())
    terminal.scorecard(card, console)
    told = console.export_text()
    assert "-0.12 [-0.38, +0.00]" in told
    assert "mean of 2 tasks" not in told
    assert "manners, wild" in told
    html.write(card, [], tmp_path / "page.html")
    assert "-0.12 [-0.38, +0.00]" in (tmp_path / "page.html").read_text()


async def test_a_perspective_s_difference_is_the_mean_over_its_tasks(store):
    tasks = [{"evaluator": "stranger.echo", "each": {"size": [2, 4]}}]
    plan = await planned(k=2, tasks=tasks)
    await carry_out(plan, store, Startled())
    found = {each.task: each.mean for each in scorecard(store, "one").differences if each.metric == "accuracy"}
    assert found == {"stranger.echo/2": -0.5, "stranger.echo/4": -0.25, "": pytest.approx(-0.375)}


async def test_a_run_without_conditions_has_no_differences(store):
    await carry_out(await planned(conditions=[]), store, Startled())
    card = scorecard(store, "one")
    assert card.differences == ()
    assert {line.condition for line in card.lines} == {""}


def test_conditions_of_the_command_line():
    suite = SuiteSpec(suite="s", tasks=[{"evaluator": "stranger.echo"}])
    assert running.changed(suite, [], None, conditions="text, color").conditions == ["text", "color"]
    assert running.changed(suite, [], None).conditions == []
    with pytest.raises(InvalidSpec, match="conditions.1: string should match"):
        running.changed(suite, [], None, conditions="text,")


def test_cases_of_one_cluster_are_drawn_together():
    first, second = {"a": 1.0, "b": 1.0, "c": 0.0, "x": 9.0}, {"a": 0.0, "b": 0.0, "c": 0.0, "y": 9.0}
    together = paired_difference(first, second, clusters={"a": "s", "b": "s"})
    assert (together.n, together.clusters) == (3, 2)
    assert together.mean == pytest.approx(2 / 3)
    assert paired_difference(first, second).clusters == 3


def test_the_mean_of_means_weighs_groups_alike_and_is_surer_than_its_parts():
    values = {str(number): float(number % 2) for number in range(40)}
    zeros = dict.fromkeys(values, 0.0)
    many, few = difference_sums(values, zeros), difference_sums(dict.fromkeys(list(values)[:10], 1.0), zeros)
    found = mean_of_means([many, few])
    assert found.mean == pytest.approx((0.5 + 1) / 2)
    assert found.n == 50
    alone, both = estimate(many), mean_of_means([many, many])
    assert both.high - both.low == pytest.approx((alone.high - alone.low) / 2**0.5, rel=0.15)
    assert mean_of_means([many, []]).mean is None
    assert replace(mean_of_means([[(1.0, 2, 1)], many]), clusters=0).low is None
