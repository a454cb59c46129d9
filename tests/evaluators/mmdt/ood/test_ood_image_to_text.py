"""Image to text out of distribution: players score what is known in advance, and each repair differs from the public code."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from evaluators.mmdt.ood.image_to_text import ImageToText
from evaluators.rows import RowFault
from kernel.contract import Deadline, Finish, Kind, Picture, Reply, Text
from kernel.evaluator import Case
from kernel.players import REFUSAL
from tests.evaluators.mmdt import layouts
from tests.evaluators.mmdt.layout_rows import image_to_text, picture
from tests.evaluators.mmdt.ood.roles import ASKED, Bundled, Scripted, both, says, score

BUNDLED = Bundled()


def task(scenario: str, name: str, data: str = "sample") -> ImageToText:
    return ImageToText(target="model", scenario=scenario, task=name, data=data)


def answered(name: str, answer: Any, *, question: str = "What is there?") -> Case:
    """A case with this right answer."""
    case = next(task("pixelate", name).cases())
    return Case(case.id, case.request, {"question": question, "answer": answer}, case.facts, case.cluster)


@pytest.mark.parametrize(("scenario", "name"), ASKED)
class TestEveryTask:
    """What holds for each style or corruption and task."""

    def test_gold_is_at_the_top_and_players_below(self, scenario: str, name: str) -> None:
        """The constant answer is right once in four."""
        evaluator = task(scenario, name)
        cases = list(evaluator.cases())
        assert len(cases) == evaluator.how_many() == 4

        for case in cases:
            assert both(score(evaluator, case, evaluator.gold(case), BUNDLED)) == (1, 1)
            for reply in (says(""), says(REFUSAL)):
                assert both(score(evaluator, case, reply, BUNDLED)) == (0, 0)
        constant = [both(score(evaluator, case, evaluator.constant(), BUNDLED)) for case in cases]
        assert sorted(constant) == [(0, 0)] * 3 + [(1, 1)]
        assert evaluator.chance() in {None, 1 / 4}

    def test_a_request_is_the_picture_and_the_question(self, scenario: str, name: str) -> None:
        for case in task(scenario, name).cases():
            shown, asked = case.request.parts

            assert isinstance(shown, Picture)
            assert isinstance(asked, Text)
            assert asked.text.startswith(f"{case.gold['question']} ")
            assert case.request.kind is Kind.GENERATE
            assert case.request.sampling.as_dict() == {"temperature": 0.0, "max_tokens": 128}

    def test_ids_come_from_the_content(self, scenario: str, name: str) -> None:
        ids = [case.id for case in task(scenario, name).cases()]

        assert len(set(ids)) == len(ids)
        assert ids == [case.id for case in ImageToText(target="other", scenario=scenario, task=name, data="sample").cases()]


def test_official_rows_are_asked(tmp_path: Path) -> None:
    folder = layouts.write_official(tmp_path, each=2)
    for scenario, name in ASKED:
        cases = list(task(scenario, name, str(folder)).cases())

        assert [case.facts["id"] for case in cases] == [f"{name}_0", f"{name}_1"]
        assert cases[0].gold == {"question": f"What of {name} 0?", "answer": OFFICIAL[name]}
        assert cases[0].request.pictures == (Picture(picture(0)),)
        assert len({case.cluster for case in cases}) == 2


OFFICIAL = {"identification": "a cat", "attribute": "black", "spatial": "left", "count": {"cat": 2, "dog": 1}}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"question": None}, "no field 'question'"),
        ({"answer": "two cats"}, "expected a literal"),
        ({"answer": "{}"}, "numbers by names"),
        ({"image": b"?"}, "no picture"),
    ],
)
def test_a_row_that_cannot_be_asked_fails_alone(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    rows = [row for row in image_to_text(2)["ood", "pixelate"] if row["task"] == "count"]
    layouts.write_parquet(tmp_path, "ood", "pixelate", [{**rows[0], **change}, rows[1]])
    evaluator = task("pixelate", "count", str(tmp_path))
    broken, sound = evaluator.cases()

    assert both(score(evaluator, sound, evaluator.gold(sound), BUNDLED)) == (1, 1)
    judge = Scripted("Yes")
    with pytest.raises(RowFault, match=reason):
        asyncio.run(evaluator.probe(broken, judge, Deadline.after(60)))
    with pytest.raises(RowFault, match=reason):
        score(evaluator, broken, says("2"), judge)
    assert judge.asked == []


class TestRepairs:
    """Each is told, and makes a difference."""

    def test_yes_or_no(self) -> None:
        evaluator, case = task("pixelate", "identification"), answered("identification", "cat")

        assert both(score(evaluator, case, says("a cat"), Scripted("I have eyes"))) == (1, None)
        assert both(score(evaluator, case, says("a cat"), Scripted("Yes, it agrees."))) == (1, None)
        assert both(score(evaluator, case, says("a cat"), Scripted("Yes", kept=False))) == (1, None)
        assert both(score(evaluator, case, says("a cat"), Scripted("yes."))) == (1, 1)
        assert both(score(evaluator, case, says("a cat"), Scripted("No"))) == (0, 0)

    def test_one_object(self) -> None:
        found = score(task("pixelate", "count"), answered("count", {"cat": 2}), says("two"), Scripted("cat: 2"))

        assert both(found) == (None, 1)
        assert "IndexError" in found.reason

    def test_names_of_objects(self) -> None:
        found = score(task("pixelate", "count"), answered("count", {"t-shirt": 2, "cat": 1}), says("two"), Scripted("t-shirt: 2\ncat: 1"))

        assert both(found) == (0, 1)

    @pytest.mark.parametrize("finish", [Finish.REFUSAL, Finish.CONTENT_FILTER])
    def test_refusal(self, finish: Finish) -> None:
        judge = Scripted("Yes")
        found = score(task("pixelate", "spatial"), answered("spatial", "left"), Reply(finish=(finish,)), judge)

        assert (both(found), found.found, judge.asked) == ((None, 0), False, [])

    def test_no_reply(self) -> None:
        found = score(task("pixelate", "attribute"), answered("attribute", "red"), says(" "), Scripted("Yes"))

        assert (both(found), found.found) == ((1, 0), False)

    def test_each_repair_has_its_test(self) -> None:
        assert {f"test_{name}" for name in ImageToText.repairs} <= set(dir(TestRepairs))


def test_counts_that_come_in_no_form_are_not_judged() -> None:
    found = score(task("pixelate", "count"), answered("count", {"cat": 2, "dog": 1}), says("two and one"), Scripted("cat: 2, dog: 1", kept=False))

    assert both(found) == (1, None)
    assert found.record["judge"] == "cat: 2, dog: 1"


def test_the_judge_is_asked_for_all_objects() -> None:
    judge = Scripted("cat: 2, dog: 2")
    found = score(task("pixelate", "count"), answered("count", {"cat": 2, "dog": 1}), says("two of each"), judge)

    assert both(found) == (0, 0)
    (asked,) = judge.asked
    assert (asked.model, asked.system.split("\n")[0]) == ("judge", "judge: counts")
    assert 'objects: ["cat", "dog"]' in asked.text
