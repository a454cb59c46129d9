"""POPE: how replies are read, what is counted, and what is missing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from evaluators.public.pope import Pope, as_published
from evaluators.public.task import says
from evaluators.public.yes_shares import NAMES, shares, shares_as_published
from evaluators.rows import RowFault
from kernel.contract import Deadline
from kernel.errors import InvalidSpec
from kernel.players import Constant, Empty, Gold, Refuses
from tests.evaluators.public.public_players import Nobody, judged, played, put_lines

SPLITS = ("random", "popular", "adversarial", "v2")
WAYS = ("reference", "corrected")


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("way", WAYS)
def test_always_yes_is_at_chance_and_gold_at_the_top(sampled: Path, split: str, way: str):
    task = Pope(target="model", data=str(sampled), split=split)
    yes, gold = played(task, Constant()), played(task, Gold())

    assert yes[f"accuracy/{way}"] == task.chance() == 0.5
    assert [yes[f"{name}/{way}"] for name in NAMES] == [0.5, 1.0, pytest.approx(2 / 3), 1.0]
    assert gold[f"accuracy/{way}"] == gold[f"f1/{way}"] == 1
    assert gold[f"yes_share/{way}"] == 0.5


@pytest.mark.parametrize("player", [Empty(), Refuses()])
def test_who_does_not_answer_says_yes_to_the_public_code_alone(sampled: Path, player: Empty | Refuses):
    found = played(Pope(target="model", data=str(sampled), split="random"), player)

    assert (found["accuracy/reference"], found["yes_share/reference"]) == (0.5, 1)
    assert (found["accuracy/corrected"], found["f1/corrected"], found["precision/corrected"]) == (0, 0, None)


@pytest.mark.parametrize(
    ("reply", "yes"),
    [
        ("No, there is none.", False), ("There is not one", False), ("I see no dog. Yes, a cat.", False), ("Yes. No, wait.", True), ("NO", True), ("no!", True),
        ("", True), ("Nothing of that kind", True), ("there is a cat,not a dog", True), ("Yes,no", True), ("no, sir", False),
    ],
)  # fmt: skip
def test_the_public_code_looks_for_three_words_in_the_first_sentence(reply: str, yes: bool):
    assert as_published(reply) is yes


def test_shares_are_those_worked_out_by_hand():
    said = [(True, True), (True, True), (True, False), (True, None), (False, True), (False, False), (False, None)]

    assert shares(said) == {"precision": 2 / 3, "recall": 2 / 4, "f1": 4 / 7, "yes_share": 3 / 7}
    assert shares([]) == dict.fromkeys(NAMES)


def test_the_public_code_has_no_number_where_no_yes_is_right():
    assert shares_as_published([(True, False), (False, False)]) == dict.fromkeys(NAMES)
    assert shares_as_published([(True, False), (False, True)]) == dict.fromkeys(NAMES)
    assert shares([(True, False), (False, True)])["f1"] == 0


def test_questions_of_one_picture_are_one_cluster_and_the_label_is_not_in_the_request(sampled: Path):
    task = Pope(target="model", data=str(sampled), split="random")
    cases = list(task.cases())

    assert len(cases) == task.how_many() == 2 * len({case.cluster for case in cases}) == len({case.id for case in cases})
    assert all(len(case.request.pictures) == 1 for case in cases)
    assert {case.request.text for case in cases if case.gold["yes"]} == {case.request.text for case in cases if not case.gold["yes"]}


def test_without_pictures_models_are_not_asked_and_null_players_are_scored(tmp_path: Path):
    row = {"question_id": 1, "image": "gone.jpg", "text": "Is there a cup in the image?", "label": "yes"}
    put_lines(tmp_path / "output/coco/coco_pope_random.json", [row, {**row, "label": "no"}, {**row, "label": "perhaps"}])
    task = Pope(target="model", data=str(tmp_path), split="random")
    case, _, lame = task.cases()

    with pytest.raises(RowFault, match="pictures of MS COCO val2014"):
        asyncio.run(task.probe(case, Nobody(), Deadline.after(60)))
    assert judged(task, case, says("Yes")).values == {"accuracy/reference": 1, "accuracy/corrected": 1}
    assert "expected yes or no" in judged(task, lame, says("Yes")).reason
    assert played(task, Constant())["ended"] == {"scored": 2, "failed": 1}


def test_pictures_may_lie_elsewhere(sampled: Path, tmp_path: Path):
    row = {"question_id": 1, "image": "red_circle.png", "text": "Is there a red circle in the image?", "label": "yes"}
    put_lines(tmp_path / "POPE/output/coco/coco_pope_popular.json", [row])
    (case,) = Pope(target="model", data=str(tmp_path), split="popular", pictures=sampled / "POPE/val2014").cases()

    assert case.request.pictures[0].data == (sampled / "POPE/val2014/red_circle.png").read_bytes()


@pytest.mark.parametrize(("data", "told"), [("", "do not come with Assay"), ("empty", "no output/coco")])
def test_a_copy_that_is_not_here_is_told_with_what_to_do(tmp_path: Path, data: str, told: str):
    task = Pope(target="model", data=str(tmp_path) if data else "", split="random")

    with pytest.raises(InvalidSpec, match=told) as error:
        task.provenance()
    assert "AoiDragon/POPE" in str(error.value)
    assert task.how_many() is None


def test_the_manifest_tells_the_copy_and_the_checksum_of_the_split(sampled: Path):
    (told,) = Pope(target="model", data=str(sampled), split="random").provenance().values()
    (other,) = Pope(target="model", data=str(sampled), split="popular").provenance().values()

    assert (told["where"], told["revision"], told["files"]) == (str(sampled / "POPE"), "local", 1)
    assert told["sha256"] != other["sha256"]
