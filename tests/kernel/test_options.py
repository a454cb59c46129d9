"""Options of all tasks that have them: the catalog's under the suite's, an entry's own over both."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import stranger

from kernel import registry
from kernel.documents import validate
from kernel.errors import InvalidSpec
from kernel.registry import Registry, check_evaluator
from kernel.shell import running
from kernel.shell.progress import Progress
from kernel.spec import SuiteSpec, resolve, with_options
from kernel.store.store import Store

ECHO, DRAWN = {"evaluator": "stranger.echo"}, {"evaluator": "stranger.drawn"}


@dataclass(frozen=True, kw_only=True)
class Drawn(stranger.Echo):
    """Has an option that no other task has, and draws pictures itself."""

    name = "stranger.drawn"

    words: str = "few"
    k: int = 7


def known() -> Registry[Any]:
    found = Registry("evaluator", check_evaluator)
    for each in (stranger.Echo, Drawn):
        found.register(each.name, each)
    return found


def suite_of(*tasks: dict[str, Any], **changes: Any) -> SuiteSpec:
    return validate(SuiteSpec, {"suite": "s", "models": ["parrot"], "tasks": list(tasks), **changes}, "the test's suite")


async def evaluators(suite: SuiteSpec) -> list[Any]:
    return [task.evaluator for task in resolve(suite, known(), await stranger.open_gateway().cards()).tasks]


async def test_a_suite_s_options_are_for_every_task_that_has_them():
    echo, drawn = await evaluators(suite_of(ECHO, DRAWN, options={"size": 3, "words": "many"}, k=2))

    assert (echo.size, drawn.size, drawn.words, drawn.k) == (3, 3, "many", 2)


async def test_the_catalog_s_options_are_under_the_suite_s_and_an_entry_s_go_before_both():
    suite = suite_of(ECHO, {**DRAWN, "options": {"size": 5}}, {**ECHO, "each": {"size": [6]}}, options={"size": 4})

    merged = with_options(suite, known(), {"size": 3, "words": "many", "counting": "paper"})

    assert merged.options == {"size": 4, "words": "many"}
    assert [each.size for each in await evaluators(merged)] == [4, 5, 6]


async def test_an_option_that_no_task_has_is_refused_but_not_the_catalog_s():
    """A catalog is for many suites."""
    with pytest.raises(InvalidSpec, match="suite s: options: no option named 'wrods'; did you mean 'words'"):
        await evaluators(suite_of(ECHO, DRAWN, options={"wrods": "many"}))
    with pytest.raises(InvalidSpec, match="no option named 'target'"):
        await evaluators(suite_of(ECHO, options={"target": "other"}))
    assert with_options(suite_of(ECHO), known(), {"words": "many"}).options == {}


async def test_a_value_that_does_not_fit_is_refused():
    with pytest.raises(InvalidSpec, match="size: input should be a valid integer"):
        await evaluators(suite_of(ECHO, options={"size": "many"}))


async def test_a_setting_of_suites_is_no_option():
    with pytest.raises(InvalidSpec, match="suite s: options.seed: is a setting of suites; set it there as seed"):
        await evaluators(suite_of(ECHO, options={"seed": 3}))
    with pytest.raises(InvalidSpec, match="the catalog's options: options.k: is a setting of suites"):
        with_options(suite_of(DRAWN), known(), {"k": 3})


def test_settings_of_the_command_line():
    suite = suite_of(ECHO, options={"size": 3}, k=2)

    told = running.set_anew(suite, ["size=4", "words=", "pictures=true", "share=0.5", "code=010", "said=a=b"], k=5, pool="mine")

    assert told.options == {"size": 4, "words": "", "pictures": True, "share": 0.5, "code": "010", "said": "a=b"}
    assert (told.k, told.pool) == (5, str(Path("mine").absolute()))
    assert running.set_anew(suite, []) == suite


@pytest.mark.parametrize("text", ["size", "=3", "size={a: 1}", "size=[", "size=*other"])
def test_a_setting_that_cannot_be_read_is_refused(text: str):
    with pytest.raises(InvalidSpec, match="--set "):
        running.set_anew(suite_of(ECHO), [text])


async def test_a_run_has_the_catalog_s_options_in_its_plan(store: Store, monkeypatch):
    """So that a kept run is scored as it was, whatever the catalog says now; a run under other options is no resumed one."""
    said = {"words": "many", "size": 2}

    class Session(stranger.Session):
        task_options = said

    monkeypatch.setattr(running, "find_gateway", lambda name: Session)
    monkeypatch.setattr(registry, "evaluators", known)

    async def run(**more: Any) -> str:
        with Progress() as progress:
            return (await running.run_suite(suite_of(DRAWN, k=3), store, progress, **more))[0]

    first = await run()
    assert store.run(first)["manifest"]["suite"]["options"] == {"words": "many", "size": 2}
    said["words"] = "few"

    kept = running.kept_plan(store, first)

    assert [(task.evaluator.words, task.evaluator.size, task.evaluator.k) for task in kept.tasks] == [("many", 2, 3)]
    with pytest.raises(running.UserError, match="suite.options was"):
        await run(run=first)
    with Progress() as progress:
        again, notes = await running.score_again(store, first, progress)
    assert (notes, store.run(again)["manifest"]["suite"]) == ([], store.run(first)["manifest"]["suite"])
