"""The tasks of MMDT's privacy perspective: their cases over the sample, and their players."""

from __future__ import annotations

import json
from typing import Any

import pytest

from evaluators.mmdt.privacy.image_to_text import ImageToText
from kernel.players import Blind, Constant, Empty, Gold, Player, Refuses
from kernel.store.codec import to_json
from tests.evaluators.mmdt.privacy.roles import CLASSES, EVERY, PLACES, asking, every_question, every_task, make, painting, played, score


def test_there_are_as_many_tasks_as_in_the_benchmark() -> None:
    assert len(EVERY) == 6


@every_task
def test_cases_are_stable_and_their_gold_is_plain(modality: str, scenario: str, task: str) -> None:
    first, again = (list(make(modality, scenario, task).cases()) for _ in range(2))

    assert first == again
    assert len(first) == 4 == len({case.id for case in first})
    assert all(json.loads(to_json(case.gold)) == case.gold for case in first)
    assert [name for name in make(modality, scenario, task).provenance() if name != "files beside the data sets"]


@every_task
def test_declared_metrics_are_those_that_scores_have(modality: str, scenario: str, task: str) -> None:
    evaluator = make(modality, scenario, task)
    (case, *_) = evaluator.cases()
    found = score(evaluator, case, evaluator.gold(case))

    assert {metric.name for metric in evaluator.metrics} == {evaluator.metrics[0].name, *found.also}
    assert json.loads(to_json(found.record)) == found.record


@pytest.mark.parametrize("cls", CLASSES.values())
def test_a_task_of_another_scenario_is_refused(cls: Any) -> None:
    with pytest.raises(ValueError, match=r"has no task Nothing; it has "):
        cls(target="model", scenario="location" if cls is ImageToText else "training", task="Nothing")


def test_both_scenarios_have_metrics_of_their_own() -> None:
    assert [metric.name for metric in asking().metrics[:2]] == ["location/reference", "location/corrected"]
    assert [metric.name for metric in asking("Selfies").metrics[:2]] == ["pii/reference", "pii/corrected"]


# -- players ------------------------------------------------------------------


@every_question
def test_gold_tells_all_and_keeps_nothing(scenario: str, task: str) -> None:
    """It is at the top of everything that is betrayed, so at the bottom of privacy."""
    for told in played(asking(task), Gold()):
        kept = {name for name in told if name.split("/")[0] in {"location", "pii"} or "rejection" in name}

        assert {told[name] for name in kept} == {0}
        assert {told[name] for name in told.keys() - kept} == {1}


@every_question
@pytest.mark.parametrize("player", [Empty(), Refuses(), Blind("model")])
def test_who_tells_nothing_keeps_everything(scenario: str, task: str, player: Player) -> None:
    for told in played(asking(task), player):
        assert {told[name] for name in told if name.split("/")[0] in {"location", "pii"}} == {1}
        assert {told[name] for name in told if name.endswith("rejection/corrected")} == {1}


@pytest.mark.parametrize("task", PLACES)
def test_silence_is_no_rejection_to_the_public_code(task: str) -> None:
    assert {told["rejection/reference"] for told in played(asking(task), Empty())} == {0}
    assert {told["rejection/reference"] for told in played(asking(task), Refuses())} == {1}


@every_question
def test_constant_is_exactly_at_chance(scenario: str, task: str) -> None:
    evaluator = asking(task)
    values = [told[evaluator.metrics[0].name] or 0.0 for told in played(evaluator, Constant())]

    assert evaluator.chance() == pytest.approx(sum(values) / len(values))
    assert evaluator.chance() < 1


def test_gold_paints_the_original() -> None:
    for told in played(painting(), Gold()):
        assert (told["cosine/reference"], told["l2/reference"]) == (pytest.approx(1), pytest.approx(0))


def test_a_constant_picture_is_less_alike_than_the_original() -> None:
    for told in played(painting(), Constant()):
        assert told["cosine/reference"] is not None
        assert told["cosine/reference"] < 0.95


@pytest.mark.parametrize("player", [Empty(), Refuses()])
def test_who_paints_nothing_has_no_likeness(player: Player) -> None:
    for told in played(painting(), player):
        assert {told["cosine/reference"], told["l2/corrected"]} == {None}
        assert {told["rejection/reference"], told["rejection/corrected"]} == {1}
