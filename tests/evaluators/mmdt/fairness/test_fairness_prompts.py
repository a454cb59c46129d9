"""Prompts for pictures of people: which belong together, rows that lack something, the official files, and who tells of faces."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluators.mmdt.fairness import sample
from evaluators.mmdt.fairness.prompts import DECISIONS, triples
from evaluators.mmdt.fairness.text_to_image import TASKS
from evaluators.rows import Row
from kernel.contract import Deadline, Detection, Reply, Request
from kernel.errors import EvaluatorError, InvalidSpec, RoleUnfilled
from kernel.evaluator import Skip
from tests.evaluators.mmdt.fairness.instruments import Answers, asked, painting, scored
from tests.evaluators.mmdt.layouts import write_lines, write_official

MAN = sample.picture("red circle")


def row(number: int, **fields: object) -> Row:
    return Row({"fairness": "individual_fairness", "prompt": f"prompt {number}", **fields}, {}, number, "individual", f"row {number}")


def test_published_prompts_are_parted_by_position() -> None:
    """One occupation: 3 neutral, then 3 and 3 for each of three attributes; then 90 of education and 90 of activities."""
    rows = [row(number) for number in range(21 + 90 + 90)]

    def numbers(domain: str, attribute: str, at: int) -> list[int]:
        triple = triples(rows, domain, attribute)[at]
        return [each.position for each in (triple.neutral, triple.favoured, triple.other, *(triple.mistaken or ()))]

    assert numbers("occupation", "gender", 0) == [0, 3, 6, 3, 6]
    assert numbers("occupation", "age", 2) == [2, 17, 20, 17, 20]
    assert numbers("education", "gender", 4) == [25, 46, 49, 46, 49]
    assert numbers("education", "race", 0) == [21, 75, 78, 75, 78]
    assert numbers("activity", "sex", 17) == [128, 173, 176, 107, 110]
    assert numbers("activity", "sex", 18) == [129, 177, 180]
    assert [len(triples(rows, *task.split("/"))) for task in TASKS["individual"]] == [3, 3, 3, 18, 18, 30]
    with pytest.raises(InvalidSpec, match=r"202 prompts; expected 21 for each occupation, then 90 of education and 90 of activity"):
        triples([*rows, row(201)], "occupation", "gender")


def test_prompts_that_make_no_triples_are_refused() -> None:
    rows = [row(0, domain="occupation", attribute="", variant="neutral"), row(1, domain="occupation", attribute="gender", variant="male")]

    with pytest.raises(InvalidSpec, match="1 neutral prompts, 1 favoured and 0 others"):
        triples(rows, "occupation", "gender")


def test_a_row_that_lacks_something_fails_alone(tmp_path: Path) -> None:
    whole = {"fairness": "overkill", "details": "samurai", "race": "asian", "race2": "Asian", "gender": "male", "prompt": "samurai"}
    write_lines(tmp_path, "fairness/overkill", [{**whole, "gender": None}, whole])
    lists = {"demographic attribute": "race", "prompt": ["one", "two"]}
    for system in DECISIONS:
        write_lines(tmp_path, f"fairness/{system}", [lists, {**lists, "prompt": "no list"}])
    evaluator = painting(str(tmp_path), "overkill")
    faulty, good = evaluator.cases()
    decisions = list(painting(str(tmp_path), "decision_making", "hiring").cases())

    with pytest.raises(Exception, match=r"row 0: no field 'gender'"):
        asked(evaluator, faulty, Answers(MAN))
    with pytest.raises(Exception, match=r"row 0: no field 'gender'"):
        scored(evaluator, faulty, evaluator.constant())
    assert scored(evaluator, good, evaluator.constant()).value == 1
    assert ["fault" in case.gold for case in decisions] == [False, False, True] * 3
    with pytest.raises(Skip):
        evaluator.gold(good)


def test_official_files_make_cases(tmp_path: Path) -> None:
    data = str(write_official(tmp_path))

    assert [
        len(list(painting(data, scenario, name).cases()))
        for scenario, name in (("social_stereotype", ""), ("social_stereotype", "education"), ("decision_making", "finance"), ("overkill", ""))
    ] == [2, 0, 12, 2]


def test_a_finder_of_faces_needs_fairface_beside_it(data: str) -> None:
    """Landmarks are cut out for two classifiers; a finder without either is told what it lacks."""
    evaluator = painting(data, "overkill")
    case = next(evaluator.cases())
    eyes_nose_mouth = [[30, 40], [60, 40], [45, 55], [33, 70], [57, 70]]

    class Finder:
        def __init__(self, more: dict[str, object], *, alone: bool = False) -> None:
            self.more, self.alone, self.sizes = more, alone, set()

        async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
            if request.model == "face":
                return Reply(detections=(Detection("face", 1.0, (20, 20, 70, 80), self.more),))
            if self.alone:
                raise RoleUnfilled(request.model)
            self.sizes.add(request.pictures[0].data[16:24])
            classes = ["race4/White", "race4/Asian"] if request.model == "face_races" else ["race/White", "gender/Male", "gender/Female", "age/0-2"]
            return Reply(rows=((0.0, 1.0) if len(classes) == 2 else (0.0, 1.0, 2.0, 3.0),), report={"classes": classes})

    finder = Finder({"landmarks": eyes_nose_mouth})
    score = scored(evaluator, case, evaluator.constant(), finder)

    assert score.record["faces"][0] == [("Female", "Asian", "0-2")]
    assert finder.sizes == {(300).to_bytes(4) * 2}
    with pytest.raises(RoleUnfilled):
        scored(evaluator, case, evaluator.constant(), Finder({"landmarks": eyes_nose_mouth}, alone=True))
    with pytest.raises(EvaluatorError, match="expected gender, race4, age, or landmarks"):
        scored(evaluator, case, evaluator.constant(), Finder({}))


@pytest.mark.parametrize(("scenario", "name"), [("overkill", "hiring"), ("decision_making", ""), ("individual", "activity/race")])
def test_a_task_that_is_none_is_refused(data: str, scenario: str, name: str) -> None:
    with pytest.raises(ValueError, match="has no task"):
        painting(data, scenario, name)
