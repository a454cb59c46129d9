"""Suites are refused before anything is asked, with what was found and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import stranger
from kernel_runs import plan_of

from kernel import registry
from kernel.contract import Kind, ModelCard
from kernel.documents import validate
from kernel.errors import GatewayError, InvalidSpec, UnknownName, WrongKind
from kernel.registry import Registry, check_evaluator
from kernel.spec import SuiteSpec, differences, read_suite, resolve


async def resolved(**changes):
    suite = {"suite": "s", "models": ["parrot"], "tasks": [{"evaluator": "stranger.echo"}], **changes}
    cards = await stranger.open_gateway().cards()
    cards["painter"] = ModelCard(name="painter", kind=Kind.IMAGINE, backend="x", state="ready", identity="p")
    cards["gone"] = ModelCard(name="gone", kind=Kind.GENERATE, backend="unknown", state="unavailable", identity="")
    return resolve(validate(SuiteSpec, suite, "suite.yaml"), registry.evaluators(), cards)


async def test_each_makes_one_task_of_every_combination():
    plan = await resolved(tasks=[{"evaluator": "stranger.echo", "each": {"size": [1, 2], "pictures": [True, False]}}])
    names = ["stranger.echo/1/true", "stranger.echo/1/false", "stranger.echo/2/true", "stranger.echo/2/false"]
    assert [task.name for task in plan.tasks] == names
    assert [task.evaluator.size for task in plan.tasks] == [1, 1, 2, 2]


async def test_the_manifest_says_what_can_change_a_number():
    plan = await plan_of("parrot", "gold", size=3)
    manifest = plan.manifest
    assert manifest["suite"]["tasks"][0]["options"] == {"size": 3}
    assert manifest["models"]["parrot"] == {"kind": "generate", "identity": "parrot-1", "player": None}
    assert manifest["models"]["gold"]["player"] == {"player": "gold"}
    assert manifest["evaluators"] == {"stranger.echo": 1}
    assert "python" in manifest["versions"]


async def test_differences_name_what_changed():
    old, new = await plan_of("parrot", size=3), await plan_of("parrot", size=4)
    assert differences(old.manifest, old.manifest) == []
    assert len(differences(old.manifest, new.manifest)) == 1


@pytest.mark.parametrize(
    ("changes", "error", "told"),
    [
        ({"modles": []}, InvalidSpec, "modles: unknown key; did you mean 'models'?"),
        ({"tasks": []}, InvalidSpec, "tasks"),
        ({"at_once": 0}, InvalidSpec, "at_once: input should be greater than or equal to 1"),
        ({"at_once": True}, InvalidSpec, "at_once: input should be a valid integer (found True)"),
        ({"deadline": -1.0}, InvalidSpec, "deadline"),
        ({"suite": "../x"}, InvalidSpec, "suite"),
        ({"models": ["parot"]}, UnknownName, "no model named 'parot'; did you mean 'parrot'?"),
        ({"tasks": [{"evaluator": "stranger.eko"}]}, UnknownName, "did you mean 'stranger.echo'?"),
        ({"tasks": [{"evaluator": "stranger.echo", "options": {"sise": 1}}]}, InvalidSpec, "no option named 'sise'; did you mean 'size'?"),
        ({"tasks": [{"evaluator": "stranger.echo", "options": {"size": "many"}}]}, InvalidSpec, "size: input should be a valid integer"),
        ({"tasks": [{"evaluator": "stranger.echo"}, {"evaluator": "stranger.echo"}]}, InvalidSpec, "stands twice"),
        ({"tasks": [{"evaluator": "stranger.echo", "models": ["painter"]}]}, WrongKind, "'painter' is of kind imagine; stranger.echo asks generate models"),
        ({"models": ["painter"]}, WrongKind, "no task asks painter (imagine)"),
    ],
)
async def test_mistakes_are_refused_with_what_to_do(changes, error, told):
    with pytest.raises(error) as caught:
        await resolved(**changes)
    assert told in str(caught.value)


async def test_a_model_of_unknown_identity_is_not_asked():
    """Its replies could not be told from another's."""
    with pytest.raises(GatewayError, match="cannot be reached"):
        await resolved(models=["gone"])


def test_a_suite_is_read_from_a_file(tmp_path: Path):
    path = tmp_path / "s.yaml"
    path.write_text("suite: mine\ntasks: [{evaluator: stranger.echo}]\n")
    assert read_suite(path).suite == "mine"


def test_a_stranger_is_found_like_one_of_ours():
    assert registry.evaluators().get("stranger.echo") is stranger.Echo


def test_plugins_are_checked_at_the_door():
    """The plugin's name, what it gave, and what was wanted."""
    registered = Registry("evaluator", check_evaluator)

    with pytest.raises(InvalidSpec, match="is no subclass of kernel.evaluator.Evaluator"):
        registered.register("x", object())
    with pytest.raises(InvalidSpec, match="calls itself 'stranger.echo'"):
        registered.register("x", stranger.Echo)
    registered.register("stranger.echo", stranger.Echo)
    with pytest.raises(InvalidSpec, match="the name is taken"):
        registered.register("stranger.echo", stranger.Echo)


@dataclass(frozen=True, kw_only=True)
class Sourced(stranger.Echo):
    """Says where its cases come from, if that is here."""

    def provenance(self):
        if self.size > 10:
            raise InvalidSpec("the data", ["is not here; fetch it"])
        return {"greetings": {"revision": self.size}}


def sourced(*sizes: int):
    found = Registry("evaluator", check_evaluator)
    found.register("stranger.echo", Sourced)
    tasks = [{"evaluator": "stranger.echo", "each": {"size": list(sizes)}}]
    suite = validate(SuiteSpec, {"suite": "s", "models": ["parrot"], "tasks": tasks}, "the test's suite")
    return found, suite


async def test_the_manifest_tells_where_the_cases_come_from_and_for_which_tasks():
    evaluators, suite = sourced(3, 4)

    plan = resolve(suite, evaluators, await stranger.open_gateway().cards())

    assert plan.manifest["data"] == {"greetings": [{"revision": 3, "tasks": ["stranger.echo/3"]}, {"revision": 4, "tasks": ["stranger.echo/4"]}]}


async def test_data_that_is_not_here_stops_only_the_tasks_that_need_it():
    evaluators, suite = sourced(3, 40)

    plan = resolve(suite, evaluators, await stranger.open_gateway().cards())

    assert [each["tasks"] for each in plan.manifest["data"]["greetings"]] == [["stranger.echo/3"]]


async def test_a_suite_without_any_data_is_refused():
    evaluators, suite = sourced(30, 40)

    with pytest.raises(InvalidSpec, match="is not here; fetch it"):
        resolve(suite, evaluators, await stranger.open_gateway().cards())
