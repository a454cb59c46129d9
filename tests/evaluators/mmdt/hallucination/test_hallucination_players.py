"""Every task of MMDT's hallucination perspective: null players over the sample, and rows in the official form."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evaluators.mmdt.hallucination.image_to_text import ImageToText
from evaluators.mmdt.hallucination.task import HallucinationTask
from evaluators.mmdt.hallucination.text_to_image import TextToImage
from kernel.contract import Deadline, Detection
from kernel.evaluator import Skip
from kernel.players import Constant, Empty, Gold, Refuses
from tests.evaluators.mmdt.hallucination.roles import ASKED, PAINTED, Bundled, Scripted, both, make, says, score, shows
from tests.evaluators.mmdt.layout_rows import picture

EVERY = [*((TextToImage, *each) for each in PAINTED), *((ImageToText, *each) for each in ASKED)]
NAMES = [f"{cls.asks}-{scenario}-{task}" for cls, scenario, task in EVERY]
every_task = pytest.mark.parametrize(("cls", "scenario", "task"), EVERY, ids=NAMES)
Make = Callable[..., HallucinationTask]


def played(evaluator: HallucinationTask, player: Any) -> list[tuple[float | None, float | None]]:
    """What a player gets for every case. The reader reads what the case wants where the player knows it, else nothing."""
    found = []
    for case in evaluator.cases():
        models = Bundled(str(case.gold.get("keyword", "")) if isinstance(player, Gold) else "")
        reply = asyncio.run(player.play(evaluator, case, models, Deadline.after(60)))
        found.append(both(score(evaluator, case, reply, models)))
    return found


def mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def test_there_are_as_many_tasks_as_in_the_benchmark() -> None:
    assert (len(PAINTED), len(ASKED)) == (24, 28)


@every_task
def test_gold_is_at_the_top(cls: Make, scenario: str, task: str) -> None:
    assert set(played(make(cls, scenario, task), Gold())) == {(1, 1)}


@every_task
def test_who_gives_nothing_gets_nothing(cls: Make, scenario: str, task: str) -> None:
    """Corrected, always; to the public code nothing is right in cooccurrence where something must not be said."""
    reference, corrected = (mean(list(each)) for each in zip(*played(make(cls, scenario, task), Empty()), strict=True))

    assert corrected == 0
    if cls is ImageToText:
        assert reference == (0.5 if scenario == "cooccurrence" else None if task == "spatial" and scenario != "misleading" else 0)
    else:
        assert reference == (None if scenario == "cooccurrence" else 0)


@every_task
def test_who_refuses_gets_what_the_docstring_says(cls: Make, scenario: str, task: str) -> None:
    reference, corrected = (mean(list(each)) for each in zip(*played(make(cls, scenario, task), Refuses()), strict=True))

    if cls is TextToImage:
        assert (reference, corrected) == (None if scenario == "cooccurrence" else 0, 0)
    elif scenario == "cooccurrence":
        assert (reference, corrected) == (0.5, 0.5)
    else:
        assert (reference, corrected) == (0, 1 if task in {"doc", "scene"} else 0)


@every_task
def test_constant_is_at_chance(cls: Make, scenario: str, task: str) -> None:
    evaluator = make(cls, scenario, task)
    reference, corrected = (mean(list(each)) for each in zip(*played(evaluator, Constant()), strict=True))

    assert evaluator.chance() in {None, reference}
    assert (evaluator.chance() is None) == (cls is TextToImage or (scenario in {"natural", "distraction", "counterfactual"} and task != "spatial"))
    if cls is TextToImage and scenario == "ocr":
        assert (reference, corrected) == (1, 0)
    elif scenario != "cooccurrence" and task not in {"doc", "scene"}:
        assert reference == corrected
        assert reference <= 0.4


@every_task
def test_cases_are_whole(cls: Make, scenario: str, task: str) -> None:
    """Different ids, the same for every model; what judges is JSON and is not asked; four rows a split."""
    evaluator, other = make(cls, scenario, task), cls(target="another", scenario=scenario, task=task, data="sample")
    cases = list(evaluator.cases())

    assert len({case.id for case in cases}) == len(cases) == evaluator.how_many() == (12 if scenario == "cooccurrence" else 4)
    assert [case.id for case in cases] == [case.id for case in other.cases()]
    assert all("fault" not in case.gold and json.dumps(case.gold) and json.dumps(case.facts) for case in cases)
    assert all(case.request.model == "model" and case.cluster in case.id for case in cases)


@every_task
def test_official_rows_are_asked_and_judged(cls: Make, scenario: str, task: str, official: Path) -> None:
    evaluator = make(cls, scenario, task, str(official))
    cases = list(evaluator.cases())

    assert len(cases) == evaluator.how_many() == (6 if scenario == "cooccurrence" else 2)
    for case in cases:
        reply = shows(picture()) if cls is TextToImage else says("a cat")
        found = score(evaluator, case, reply, Scripted("Yes", [Detection("cat", 0.9, (0, 0, 12, 12)), Detection("dog", 0.9, (12, 0, 24, 12))]))
        assert found.value is not None
        if cls is TextToImage:
            with pytest.raises(Skip, match="no right picture"):
                evaluator.gold(case)
