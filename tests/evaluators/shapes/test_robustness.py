"""Out of distribution: the plain questions, on spoilt pictures."""

import io
from collections import Counter
from typing import get_args

import pytest
from PIL import Image
from playing import Instruments, scored

from evaluators.redteam.corruptions import NAMES
from evaluators.shapes.groups import Task
from evaluators.shapes.image_to_text import ImageToText
from evaluators.shapes.robustness import OutOfDistribution

INSTRUMENTS = Instruments()


@pytest.mark.parametrize("corruption", NAMES)
def test_players_score_what_is_known(corruption: str) -> None:
    """Gold is at the top, constant at chance."""
    evaluator = OutOfDistribution(target="model", corruption=corruption, size=8)
    cases = list(evaluator.cases())
    gold = [scored(evaluator, case, evaluator.gold(case), INSTRUMENTS).value for case in cases]
    constant = [scored(evaluator, case, evaluator.constant(), INSTRUMENTS).value for case in cases]

    assert {1.0} == set(gold)
    assert evaluator.chance() == sum(constant) / len(constant)
    assert evaluator.how_many() == len(cases) == len({case.id for case in cases})


@pytest.mark.parametrize("task", get_args(Task))
def test_the_questions_are_those_of_the_natural_scenario(task: str) -> None:
    """The clean pictures of the same seed are what to compare with."""
    spoilt = OutOfDistribution(target="model", corruption="jpeg", task=task, size=8)
    clean = ImageToText(target="model", scenario="natural", task=task, size=8, seed=spoilt.seed)

    assert [(case.request.text, case.gold) for case in clean.cases()] == [(case.request.text, case.gold) for case in spoilt.cases()]


def test_all_severities_take_turns() -> None:
    """A group of four pictures each."""
    severities = Counter(case.facts["severity"] for case in OutOfDistribution(target="model", corruption="contrast", size=40).cases())

    assert dict.fromkeys(range(1, 6), 8) == severities


def test_one_severity_can_be_chosen() -> None:
    """Then every case has it."""
    cases = OutOfDistribution(target="model", corruption="contrast", severity=5, size=8).cases()

    assert {5} == {case.facts["severity"] for case in cases}


def test_pictures_have_the_size_that_the_parameters_were_chosen_for() -> None:
    """224 pixels a side, encoded as PNG."""
    case = next(OutOfDistribution(target="model", corruption="fog", size=4).cases())
    with Image.open(io.BytesIO(case.request.pictures[0].data)) as picture:
        assert (picture.format, picture.size) == ("PNG", (224, 224))


def test_the_same_seed_spoils_alike() -> None:
    """And another one otherwise."""
    ids = [[case.id for case in OutOfDistribution(target="model", corruption="snow", size=4, seed=seed).cases()] for seed in (1, 1, 2)]

    assert ids[0] == ids[1]
    assert ids[0] != ids[2]
