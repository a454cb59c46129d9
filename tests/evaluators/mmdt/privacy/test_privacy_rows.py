"""What the tasks of MMDT's privacy perspective ask, over the official layout and with rows that are not as they should be."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluators.mmdt.privacy import sample
from evaluators.mmdt.privacy.questions import FOUR_PICTURES, ONE_PICTURE, PERSON
from evaluators.mmdt.sample import PAIRS, put_json, put_parquet
from evaluators.rows import RowFault
from kernel.contract import Deadline, Finish, Picture, Reply, Request, Sampling
from kernel.errors import InvalidSpec, Unavailable
from kernel.evaluator import Skip
from tests.evaluators.mmdt import layouts
from tests.evaluators.mmdt.layout_rows import picture
from tests.evaluators.mmdt.privacy.roles import Answers, asking, every_task, make, numbers, painting, probed, says, score, street_views, view


@pytest.mark.parametrize(("task", "pictures", "tokens", "questions"), [
    ("Pri-SV-without-text", 1, 512, ONE_PICTURE),
    ("Pri-4Loc-SV-without-text", 4, 1024, FOUR_PICTURES),
    ("Selfies", 1, 512, {"person": PERSON}),
])  # fmt: skip
def test_every_question_is_asked_greedily_of_the_same_pictures(task: str, pictures: int, tokens: int, questions: dict[str, str]) -> None:
    evaluator, model = asking(task), Answers("one", "two", "three", "four")
    case = next(evaluator.cases())
    reply = probed(evaluator, case, model)

    assert [request.text for request in model.asked] == list(questions.values())
    assert {request.pictures for request in model.asked} == {case.request.pictures}
    assert len(case.request.pictures) == pictures
    assert {request.sampling for request in model.asked} == {Sampling(temperature=0.0, max_tokens=tokens)}
    assert reply.texts == ("one", "two", "three", "four")[: len(questions)]
    assert reply.report == {"model": "scripted"}


def test_four_views_are_told_to_be_four_but_for_the_zip_code() -> None:
    told = {level: "North, East, South and West" in text for level, text in FOUR_PICTURES.items()}

    assert told == {"country": True, "state_province": True, "city": True, "zipcode": False}
    assert FOUR_PICTURES["zipcode"] == ONE_PICTURE["zipcode"]


def test_every_answer_counts_for_its_own_question() -> None:
    """A city that is told where the country was asked is not told."""
    evaluator = asking()
    case = next(evaluator.cases())
    found = numbers(evaluator, score(evaluator, case, says("Lyon", "France", "Lyon", "sorry")))

    assert [found[f"{name}/reference"] for name in ("country", "state_province", "city", "zipcode", "rejection")] == [0, 0, 1, 0, 1 / 4]
    assert found["location/reference"] == pytest.approx(1 - 4 / 31)


def test_an_outage_fails_the_case() -> None:
    class Down(Answers):
        async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
            raise Unavailable("down")

    evaluator = asking()
    with pytest.raises(Unavailable):
        probed(evaluator, next(evaluator.cases()), Down())


def test_the_judge_sees_the_original_and_the_model_does_not() -> None:
    evaluator, models = painting(), Answers()
    case = next(evaluator.cases())
    made = Picture(picture(5))
    score(evaluator, case, Reply(pictures=(made,), finish=(Finish.STOP,)), models)

    assert (case.request.pictures, case.request.text, case.request.sampling.seed) == ((), "a red circle", 0)
    assert models.asked[0].pictures == (evaluator.gold(case).pictures[0], made)


def test_a_picture_that_cannot_be_read_is_missing() -> None:
    evaluator = painting()
    case = next(evaluator.cases())
    found = score(evaluator, case, Reply(pictures=(Picture(picture()[:60]),), finish=(Finish.STOP,)))

    assert (found.value, found.also["rejection/reference"], found.found) == (None, 1, False)


# -- rows ---------------------------------------------------------------------


def test_four_views_of_a_place_come_together_in_the_order_of_their_names(tmp_path: Path) -> None:
    """However they lie between those of other places; a place with fewer fails alone."""
    names = ["index_12_3", "index_7_1", "index_12_10", "index_12_1", "index_12_2"]
    data = street_views(tmp_path, [view(name, "group_image_text", number) for number, name in enumerate(names)])
    whole, lacking = asking("Pri-4Loc-SV-with-text", data).cases()

    assert [each.data for each in whole.request.pictures] == [picture(number) for number in (3, 4, 0, 2)]
    assert whole.gold["place"] == 12
    with pytest.raises(RowFault, match="place 7 has 1 pictures; expected 4"):
        probed(asking(), lacking, Answers())


@pytest.mark.parametrize("task", ["Pri-SV-with-text", "Pri-4Loc-SV-with-text"])
def test_a_view_without_a_place_fails_alone(tmp_path: Path, task: str) -> None:
    kind = "group_image_text" if task.startswith("Pri-4Loc") else "single_image_text"
    data = street_views(tmp_path, [view("somewhere", kind)])
    evaluator = asking(task, data)
    (case,) = evaluator.cases()

    with pytest.raises(RowFault, match="expected index_PLACE_NUMBER"):
        score(evaluator, case, says("x"))
    assert evaluator.chance() is None


def test_a_row_without_a_picture_or_a_field_fails_alone(tmp_path: Path) -> None:
    put_parquet(tmp_path, "privacy", "selfies", [
        {"id": "a", "image": picture(), "ethnicity": None, "label_selfies": "age 30"},
        {"id": "b", "image": b"no picture", "ethnicity": "hispanics", "label_selfies": "age 30"},
        {"id": "c", "image": picture(), "ethnicity": "hispanics", "label_selfies": "age 30"},
    ])  # fmt: skip
    evaluator = asking("Selfies", tmp_path)
    lacking, unreadable, whole = evaluator.cases()

    with pytest.raises(RowFault, match="no field 'ethnicity'"):
        probed(evaluator, lacking, Answers())
    with pytest.raises(RowFault, match="no picture that can be read"):
        evaluator.gold(unreadable)
    assert score(evaluator, whole, says("x")).value == 1


def test_a_table_without_numbers_of_places_is_told(tmp_path: Path) -> None:
    street_views(tmp_path, [view("index_1_1")])
    layouts.write_table(tmp_path, "privacy/label_sum", [{"image_index": "one", "country": "France"}])

    with pytest.raises(InvalidSpec, match="image_index is 'one'; expected the number of a place"):
        next(asking(data=tmp_path).cases())


def test_a_prompt_without_an_original_is_skipped_and_one_without_a_number_fails(tmp_path: Path) -> None:
    put_json(tmp_path, "privacy", "laion_1k", [{"idx": 5, "prompt": "a"}, {"prompt": "b"}])
    put_parquet(tmp_path, "privacy", "laion_1k", [{"idx": 6, "prompt": "a", "image": picture()}], PAIRS)
    evaluator = painting(tmp_path)
    alone, lacking = evaluator.cases()

    with pytest.raises(Skip, match="no picture with idx 5"):
        score(evaluator, alone, Reply())
    with pytest.raises(RowFault, match="no field 'idx'"):
        probed(evaluator, lacking, Answers())


@every_task
def test_the_official_layout_is_read(tmp_path: Path, modality: str, scenario: str, task: str) -> None:
    evaluator = make(modality, scenario, task, layouts.write_official(tmp_path, 4))
    cases = list(evaluator.cases())

    assert cases
    assert not any("fault" in case.gold for case in cases)
    assert evaluator.how_many() in {len(cases), None}
    assert all(evaluator.gold(case).finish[0] is Finish.STOP for case in cases)


def test_the_sample_is_the_same_every_time(tmp_path: Path) -> None:
    for name in "ab":
        sample.write(tmp_path / name)
    made = [{path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*") if path.is_file()} for name in "ab"]

    assert made[0] == made[1]
    assert len(made[0]) == 5
