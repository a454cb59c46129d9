"""Every repair that is named makes a difference: the same answer or picture, counted in both ways by the evaluators themselves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from evaluators.mmdt.hallucination.image_to_text import ImageToText
from evaluators.mmdt.hallucination.text_to_image import TextToImage
from evaluators.mmdt.sample import put_json, put_parquet
from kernel.contract import Detection, Finish, Reply
from tests.evaluators.mmdt.hallucination.roles import Scripted, both, says, score, shows
from tests.evaluators.mmdt.layout_rows import picture

IMAGE = picture()


def found(label: str, x: float = 0, y: float = 0) -> Detection:
    """A thing of 8 by 8 pixels in a picture of 24 by 24."""
    return Detection(label, 0.9, (x, y, x + 8, y + 8))


PAINTED: dict[str, tuple[str, str, str, dict[str, Any], Scripted, float | None, float | None]] = {
    "yes_or_no": ("natural", "attribute", "natural", {"checking_question": "Is the cat black?"}, Scripted("It has eyes"), 1, None),
    "unjudgeable_row": ("natural", "identification", "natural", {"objects": "['nonesuch']"}, Scripted(), 0, None),
    "impossible_places": (
        "natural",
        "spatial",
        "natural",
        {"objects": "['a', 'b', 'c']", "relations": "['left', 'left', 'left']"},
        Scripted(finds=[found("a"), found("b", 8), found("c", 16)]),
        0,
        None,
    ),
    "below": (
        "misleading",
        "spatial",
        "misleading",
        {"object": "a", "relation_object": "b", "spatial_relation": "below"},
        Scripted(finds=[found("a", 8, 16), found("b", 8, 0)]),
        0,
        1,
    ),
    "empty_print": ("ocr", "complex", "ocr", {"keyword": "STOP"}, Scripted(), 1, 0),
    "part_of_keyword": ("ocr", "complex", "ocr", {"keyword": "MAIN STREET"}, Scripted(finds=[found("street")]), 1, 0),
    "number_types": ("cooccurrence", "count", "cooccurrence_high_cooc", {"object": "a", "target": "1"}, Scripted(finds=[found("a")]), 0, 1),
    "unknown_direction": (
        "cooccurrence",
        "spatial",
        "cooccurrence_low_cooc",
        {"concept1": "a", "concept2": "b", "target": "near"},
        Scripted(finds=[found("a"), found("b", 8)]),
        0,
        None,
    ),
    "refusal": ("cooccurrence", "identification", "cooccurrence_low_cooc", {"concept1": "a", "concept2": "b"}, Scripted(), None, 0),
}
"""Scenario, task, split, fields of the row, the judge; and what a picture is worth, but with `refusal` no picture."""

TWO = {"answer": "{'tv2': 4, 'cat': 2}"}
ASKED: dict[str, tuple[str, str, str, dict[str, Any], Reply, Scripted, float | None, float | None]] = {
    "yes_or_no": ("natural", "action", "natural", {"answer": "runs"}, says("sits"), Scripted("eyes"), 1, None),
    "one_object": ("natural", "count", "natural", {"answer": "{'cat': 2}"}, says("two"), Scripted("cat: 2"), None, 1),
    "names_of_objects": ("natural", "count", "natural", TWO, says("4 and 2"), Scripted("tv2: 4\ncat: two"), 0, 1),
    "one_place": ("natural", "spatial", "natural", {"answer": "left"}, says("left, right, above or below"), Scripted(), 1, 0),
    "read_back": ("natural", "spatial", "natural", {"answer": "left"}, says("None"), Scripted(), None, 0),
    "whole_words": ("misleading", "identification", "misleading", {"keyword": "cat"}, says("a catalogue"), Scripted(), 1, 0),
    "denial": ("ocr", "scene", "ocr", {"keyword": "STOP"}, says("I know it says STOP"), Scripted(), 1, 0),
    "targets": ("cooccurrence", "action", "cooccurrence_low_cooc", {"target": "runs", "label": "positive"}, says("Runs."), Scripted(), 0, 1),
    "no_reply": ("cooccurrence", "action", "cooccurrence_low_cooc", {"target": "runs", "label": "negative"}, says(""), Scripted(), 1, 0),
    "refusal": ("ocr", "doc", "ocr", {"keyword": "STOP"}, says("", Finish.CONTENT_FILTER), Scripted(), None, 0),
}
"""The same with the reply."""


def of_task(folder: Path, cls: type[Any], scenario: str, task: str, split: str, fields: Mapping[str, Any]) -> Any:
    """An evaluator with one row in one split, and none in the other splits of its task."""
    evaluator = cls(target="m", scenario=scenario, task=task, data=str(folder))
    for source in evaluator.listed.sources:
        rows = [{"id": "1", "task": task, **fields}] if source.split == split else []
        if cls is TextToImage:
            put_json(folder, "hallucination", source.split, [{**row, "prompt": "a prompt"} for row in rows])
        else:
            other = {"task": "another", **dict.fromkeys(("answer", "keyword", "target", "label"), "x"), "question": "What?", "image": IMAGE}
            put_parquet(folder, "hallucination", source.split, [{**row, "question": "What?", "image": IMAGE} for row in rows] or [other])
    return evaluator


def test_every_repair_is_tried() -> None:
    assert set(PAINTED) == set(TextToImage.repairs)
    assert set(ASKED) == set(ImageToText.repairs)


@pytest.mark.parametrize("repair", PAINTED)
def test_a_repair_of_pictures_makes_a_difference(tmp_path: Path, repair: str) -> None:
    scenario, task, split, fields, models, reference, corrected = PAINTED[repair]
    evaluator = of_task(tmp_path, TextToImage, scenario, task, split, fields)
    (case,) = evaluator.cases()
    given = Reply(finish=(Finish.REFUSAL,)) if repair == "refusal" else shows(IMAGE)

    assert both(score(evaluator, case, given, models)) == (reference, corrected)


@pytest.mark.parametrize("repair", ASKED)
def test_a_repair_of_answers_makes_a_difference(tmp_path: Path, repair: str) -> None:
    scenario, task, split, fields, reply, models, reference, corrected = ASKED[repair]
    evaluator = of_task(tmp_path, ImageToText, scenario, task, split, fields)
    (case,) = evaluator.cases()

    assert both(score(evaluator, case, reply, models)) == (reference, corrected)


def test_a_crash_of_the_public_code_stands_in_the_reason(tmp_path: Path) -> None:
    evaluator = of_task(tmp_path, ImageToText, "natural", "count", "natural", {"answer": "{'cat': 2}"})
    (case,) = evaluator.cases()
    found_ = score(evaluator, case, says("two"), Scripted("cat: 2"))

    assert "the reference ends in IndexError" in found_.reason
    assert found_.record == {"split": "natural", "reference": None, "corrected": 1.0}
    json.dumps(found_.record)


def test_a_judge_that_keeps_to_no_form_is_read_by_the_reference_alone(tmp_path: Path) -> None:
    evaluator = of_task(tmp_path, ImageToText, "natural", "count", "natural", {"answer": "{'cat': 2, 'dog': 1}"})
    (case,) = evaluator.cases()

    assert both(score(evaluator, case, says("two"), Scripted("cat: 2, dog: 1", kept=False))) == (1, None)


def test_a_judge_sees_an_empty_reply_as_the_public_code_shows_it(tmp_path: Path) -> None:
    evaluator = of_task(tmp_path, ImageToText, "natural", "action", "natural", {"answer": "runs"})
    (case,) = evaluator.cases()
    told = {"": ['"nan"'], "NA": ['"NA"', '"nan"'], "runs": ['"runs"']}
    for reply, shown in told.items():
        judge = Scripted("No")
        score(evaluator, case, says(reply), judge)
        assert [request.text.split("response: ")[1].split("\n")[0] for request in judge.asked] == shown

    judge = Scripted("No")
    refused = score(evaluator, case, says("", Finish.REFUSAL), judge)
    assert ['response: "REJECT"' in request.text for request in judge.asked] == [True]
    assert both(refused) == (0, 0)
