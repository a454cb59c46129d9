"""Text to image out of distribution: players score what is known in advance, in three trials."""

from __future__ import annotations

import asyncio
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from evaluators.mmdt.official import TASKS
from evaluators.mmdt.ood.text_to_image import TextToImage
from evaluators.rows import RowFault
from kernel.contract import Deadline, Kind, Reply, Request, Text
from kernel.evaluator import Case, Skip
from tests.evaluators.mmdt import layouts
from tests.evaluators.mmdt.layout_rows import text_to_image
from tests.evaluators.mmdt.ood.roles import BLANK, NOTHING, PAINTED, Bundled, Scripted, both, painting, score, shows

BUNDLED = Bundled()


def first_trial(evaluator: TextToImage) -> list[Case]:
    """Each row once."""
    return [case for case in evaluator.cases() if case.gold["trial"] == 0]


def _corrected(evaluator: TextToImage, case: Case, reply: Reply) -> float:
    value = score(evaluator, case, reply, BUNDLED).also["score/corrected"]
    assert value is not None
    return value


@pytest.mark.parametrize(("scenario", "name"), PAINTED)
class TestEveryTask:
    """What holds for each style of writing and task."""

    def test_gold_is_at_the_top(self, scenario: str, name: str) -> None:
        """To the public code spatial has no score, and helpfulness is no share."""
        evaluator = painting(scenario, name)
        for case in first_trial(evaluator):
            found = score(evaluator, case, evaluator.gold(case), BUNDLED)

            if name == "helpfulness":
                assert found.value == found.also["score/corrected"]
                assert found.value is not None
                assert found.value > 0.8
            else:
                assert both(found) == (None if name == "spatial" else 100, 1), found.reason

    def test_constant_is_right_once_in_four(self, scenario: str, name: str) -> None:
        evaluator = painting(scenario, name)
        cases = first_trial(evaluator)
        found, right = (
            [_corrected(evaluator, case, reply) for case, reply in zip(cases, replies, strict=True)]
            for replies in ([evaluator.constant()] * len(cases), [evaluator.gold(case) for case in cases])
        )

        assert sum(a == pytest.approx(b, abs=0.05) for a, b in zip(found, right, strict=True)) == len(cases) / 4
        assert fmean(found) < fmean(right) / 1.3

    @pytest.mark.parametrize("reply", [Reply(), NOTHING])
    def test_who_paints_nothing_gets_nothing(self, scenario: str, name: str, reply: Reply) -> None:
        """And nobody is asked about it."""
        evaluator, instruments = painting(scenario, name), Scripted("Yes")
        found = score(evaluator, next(evaluator.cases()), reply, instruments)

        assert both(found) == (None if name in {"spatial", "helpfulness"} else 0, 0)
        assert (found.found, instruments.asked) == (False, [])

    def test_each_prompt_is_painted_in_three_trials(self, scenario: str, name: str) -> None:
        """Each trial has a seed, and a request is the prompt and nothing else."""
        evaluator = painting(scenario, name)
        cases = list(evaluator.cases())

        assert len({case.id for case in cases}) == len(cases) == evaluator.how_many() == 12
        assert len({case.cluster for case in cases}) == 4
        for at, case in enumerate(cases):
            assert case.request.sampling.as_dict() == {"n": 1, "seed": 42 + at % 3}
            assert (case.gold["trial"], case.facts["trial"], case.facts["seed"]) == (at % 3, at % 3, 42 + at % 3)
            (prompt,) = case.request.parts
            assert isinstance(prompt, Text)
            assert case.request.kind is Kind.IMAGINE

    def test_ids_come_from_the_content(self, scenario: str, name: str) -> None:
        ids = [case.id for case in painting(scenario, name).cases()]

        assert ids == [case.id for case in TextToImage(target="other", scenario=scenario, task=name, data="sample").cases()]


def test_official_rows_are_asked(tmp_path: Path) -> None:
    folder = layouts.write_official(tmp_path, each=2)
    for scenario, name in PAINTED:
        cases = list(painting(scenario, name, str(folder)).cases())

        assert [case.facts["id"] for case in cases] == [f"{name}_0"] * 3 + [f"{name}_1"] * 3
        assert cases[0].request.text == f"{scenario} a cat 0"
        assert cases[0].gold.get("plain") == ("original a cat 0" if name == "helpfulness" else None)
        with pytest.raises(Skip):
            painting(scenario, name, str(folder)).gold(cases[0])


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("count", {"objects": []}, "expected a list of objects with 'object' (str), 'counts' (int)"),
        ("count", {"objects": [{"object": "cat"}]}, "'counts' (int)"),
        ("count", {"objects": None}, "no field 'objects'"),
        ("size", {"meta_prompt": None}, "no field 'meta_prompt'"),
        ("spatial", {"objects": [{"objs": ["cat", 1], "rel": []}]}, "'objs' (list)"),
        ("helpfulness", {"id": "another"}, "original has no row with its id 'another'"),
        ("helpfulness", {"id": None}, "no field 'id'"),
    ],
)
def test_a_row_that_cannot_be_asked_fails_alone(tmp_path: Path, name: str, change: dict[str, Any], reason: str) -> None:
    made = text_to_image(2)
    rows = [row for row in made["ood", "Shake_"] if row["task"] == name]
    layouts.write_json(tmp_path, "ood", "Shake_", [{**rows[0], **change}, rows[1]])
    layouts.write_json(tmp_path, "ood", "original", made["ood", "original"])
    evaluator = painting("Shake_", name, str(tmp_path))
    *broken, sound = list(evaluator.cases())[:4]

    assert "fault" not in sound.gold
    painter = Scripted()
    for case in broken:
        with pytest.raises(RowFault) as probed:
            asyncio.run(evaluator.probe(case, painter, Deadline.after(60)))
        assert reason in str(probed.value)
        with pytest.raises(RowFault):
            score(evaluator, case, shows(BLANK), painter)
    assert painter.asked == []


class TestTrials:
    """Trials are averaged by themselves."""

    def test_over_the_sample(self) -> None:
        """Blue circles and red ones: right where the prompt wants them."""
        evaluator = painting("Shake_", "color")
        records = [score(evaluator, case, evaluator.constant(), BUNDLED).record for case in evaluator.cases()]

        assert evaluator.over(records) == {"trial_mean/reference": 25, "trial_mean/corrected": 0.25}

    def test_spatial_has_none_in_the_public_code(self) -> None:
        evaluator = painting("Shake_", "spatial")
        records = [score(evaluator, case, evaluator.gold(case), BUNDLED).record for case in evaluator.cases()]

        assert evaluator.over(records) == {"trial_mean/reference": None, "trial_mean/corrected": 1}

    def test_a_missing_picture_takes_helpfulness_away(self) -> None:
        evaluator = painting("Shake_", "helpfulness")
        records = [
            score(evaluator, case, NOTHING if case.gold["trial"] == at == 1 else evaluator.gold(case), BUNDLED).record
            for at, case in enumerate(evaluator.cases())
        ]
        found = evaluator.over(records)

        assert found["trial_mean/reference"] is None
        assert 0.6 < (found["trial_mean/corrected"] or 0) < 1


def test_every_role_of_the_table_is_named() -> None:
    assert {role for each in TASKS if (each.perspective, each.modality) == ("ood", "text_to_image") for role in each.roles} == set(TextToImage.roles)


def test_blind_models_get_a_seed_and_no_prompt() -> None:
    """What a case asks comes through probe alone."""
    asked: list[Request] = []

    class Painter:
        async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
            asked.append(request)
            return shows(BLANK)

        async def aclose(self) -> None:
            """Nothing is held."""

    evaluator = painting("Shake_", "count")
    case = next(evaluator.cases())
    asyncio.run(evaluator.probe(case, Painter(), Deadline.after(60)))

    assert asked == [case.request]
