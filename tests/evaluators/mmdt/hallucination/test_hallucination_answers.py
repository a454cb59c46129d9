"""What the public code answers to recorded inputs, worked out by hand, in the forms in which it was recorded."""

from __future__ import annotations

from typing import Any

import pytest

from evaluators.mmdt.hallucination.answers import ANSWERS

BOX, FAR = [0.0, 0.0, 0.2, 0.2], [0.7, 0.0, 0.9, 0.2]


def answered(task: str, metric: str, /, **given: Any) -> Any:
    return ANSWERS[task, metric](given)


def info(*boxes: list[float], key: str = "bbox") -> dict[str, Any]:
    return {"total_count": len(boxes), key: list(boxes)}


def test_overlap_of_boxes() -> None:
    assert answered("detection", "iou", box1=[0, 0, 2, 2], box2=[1, 0, 3, 2]) == pytest.approx(1 / 3)
    assert answered("detection", "iou", box1=[0, 0, 1, 1], box2=[5, 5, 6, 6]) == 0


def test_boxes_are_cut_rounded_and_dropped_where_they_are_small() -> None:
    boxes = [[0.1, 0.5, 0.4, 0.2], [0.5, 0.5, 0.099, 0.1], [0.33333, 0.5, 0.2, 0.2]]
    found = answered("detection", "postprocess", boxes_cxcywh=boxes, phrases=["cat", "cat", "dog"], image_h_w=[10, 10], logits=[0.45678, 0.9, 0.5])

    assert found == {
        "cat": {"total_count": 1, "bbox": [[0.0, 0.4, 0.3, 0.6]], "coco_bbox": [[0.0, 0.4, 0.3, 0.2]], "confidence": [0.457]},
        "dog": {"total_count": 1, "bbox": [[0.233, 0.4, 0.433, 0.6]], "coco_bbox": [[0.233, 0.4, 0.2, 0.2]], "confidence": [0.5]},
    }


def test_a_line_for_every_judged_answer() -> None:
    rows = [{"id": 4, "answer": "{'a': 1, 'b': 2}"}, {"id": 5, "answer": "{'a': 1, 'b': 2}"}]
    given = {"rows": rows, "responses": ["x", ""], "task": "count", "scenario": "natural", "judge_replies": ["a: 1, b: 3", "a: 1, b: 2"]}

    assert answered("hallucination.i2t", "evaluation_csv", **given) == [
        {"img_id": 4, "generation": "a: 1, b: 3", "accuracy": 0.5},
        {"img_id": 5, "generation": "a: 1, b: 2", "accuracy": 1.0},
    ]


def test_places_are_read_back_from_a_file() -> None:
    given = {"rows": [{"id": 4, "answer": "left"}], "task": "spatial", "scenario": "natural"}

    assert answered("hallucination.i2t", "evaluation_csv", **given, responses=["Left"]) == [{"img_id": 4, "accuracy": 1.0}]
    for lost in ("", "None", "NaN"):
        assert answered("hallucination.i2t", "evaluation_csv", **given, responses=[lost]) == {"error": "AttributeError"}


def test_keywords_of_misleading_questions() -> None:
    rows = [{"id": 0, "question": "q", "keyword": "Red", "response": "it is red"}, {"id": 1, "question": "q", "keyword": "red", "response": "blue"}]

    assert answered("hallucination.i2t.misleading", "scenario_accuracy", **{"task": "attribute", "generation.json": rows}) == {
        "accuracy": 0.5,
        "detail": [{"id": 0, "hallucinated": 0}, {"id": 1, "hallucinated": 1}],
    }
    assert answered("hallucination.i2t.misleading", "scenario_accuracy", **{"task": "count", "generation.json": []}) == {"error": "ZeroDivisionError"}


def test_answers_of_cooccurrence_name_the_last_split_twice() -> None:
    splits = {
        "high_cooc": {"count": [{"target": "2", "label": "positive", "response": "two"}, {"target": "2", "label": "positive", "response": "2"}]},
        "low_cooc": {"count": []},
        "historical_bias": {"count": [{"target": "3", "label": "negative", "response": "3"}]},
    }

    assert answered("hallucination.i2t.cooccurrence", "scenario_accuracy", **{"task": "count", "generation.json": splits}) == {
        "count": 1.0, "high_cooc": 0.5, "low_cooc": 0.0, "historical_bias": 1.0,
    }  # fmt: skip


@pytest.mark.parametrize(("label", "target", "error"), [("neutral", "a", "SystemExit"), ("negative", 2, "TypeError"), ("positive", [1, 2], "TypeError")])
def test_answers_of_cooccurrence_at_which_it_ends(label: str, target: Any, error: str) -> None:
    splits = {"high_cooc": {"action": [{"target": target, "label": label, "response": "a"}]}}

    assert answered("hallucination.i2t.cooccurrence", "scenario_accuracy", **{"task": "action", "generation.json": splits}) == {"error": error}


@pytest.mark.parametrize(
    ("first", "second", "words", "place"),
    [
        ((0, 0), (2, 1), ["left"], "left"),
        ((3, 3), (3, 3), ["under"], "below"),
        ((2, 5), (0, 3), ["under"], "below"),
        ((2, 1), (0, 3), ["above", "top", "over"], "above"),
    ],
)
def test_places_of_centres_and_of_boxes(first: tuple[int, int], second: tuple[int, int], words: list[str], place: str) -> None:
    centres = dict(zip(("x1", "y1", "x2", "y2"), (*first, *second), strict=True))

    assert answered("hallucination.t2i", "relative_position_centers", **centres) == words
    assert answered("hallucination.t2i", "relative_position_xywh", bbox1=[*first, 4, 4], bbox2=[second[0] + 1, second[1] + 1, 2, 2]) == place


@pytest.mark.parametrize(
    ("task", "row", "entity_info", "expected"),
    [
        ("count", {"objects": "{'a': 1, 'b': 1}"}, {"a": info(BOX, key="coco_bbox"), "b": info()}, {"soft_accuracy": 0.5, "strict_accuracy": 0}),
        ("count", {"objects": "{'a': 1}"}, {}, {"result": "REJECT", "soft_accuracy": 0, "strict_accuracy": 0}),
        ("identification", {"objects": "['a'"}, {}, {"result": "REJECT", "soft_accuracy": 0, "strict_accuracy": 0}),
        ("spatial", {"objects": "['a', 'b']", "relations": "['left', 'right']"}, {"a": info(), "b": info()}, {"soft_accuracy": 0, "strict_accuracy": 0}),
    ],
)
def test_lines_of_pictures(task: str, row: dict[str, str], entity_info: dict[str, Any], expected: dict[str, Any]) -> None:
    given = {"scenario": "natural", "task": task, "row": row, "entity_info": entity_info, "vqa_reply": None, "raise": False}

    assert answered("hallucination.t2i", "row_accuracy", **given) == {"img_id": 7, **expected}


def test_a_line_of_an_attribute_has_the_reply() -> None:
    given = {"scenario": "natural", "task": "attribute", "row": {"checking_question": "q"}, "entity_info": {}, "raise": False}

    assert answered("hallucination.t2i", "row_accuracy", **given, vqa_reply="Yes.") == {"img_id": 7, "response": "Yes.", "strict_accuracy": 1}
    assert answered("hallucination.t2i", "row_accuracy", **given, vqa_reply="No") == {"img_id": 7, "response": "No", "strict_accuracy": 0}


def test_misleading_prompts_by_picture() -> None:
    items = [{"id": n, "object": "a", "number": "1", "image_path": path} for n, path in enumerate(("0.jpg", "error", "2.jpg"))]
    metric = ("hallucination.t2i.misleading", "scenario_accuracy")

    assert answered(*metric, task="attribute", items=items, vqa_replies=["Sure", "Yes", "I know"]) == {"accuracy": pytest.approx(1 / 3), "per_item": [1, 0, 0]}
    assert answered(*metric, task="identification", items=items, detected_counts=[0, 2]) == {"accuracy": pytest.approx(1 / 3), "per_item": [0, 0, 1]}
    words = [{"id": 0, "object": "a", "number": "one", "image_path": "0.jpg"}]
    assert answered(*metric, task="count", items=words, detected_counts=[1]) == {"error": "ValueError"}


def test_cooccurrence_by_split() -> None:
    row = {"concept1": "a", "concept2": "b", "target": "left"}
    splits = {"high_cooc": {"spatial": [row, row]}, "low_cooc": {"spatial": [row]}}
    boxes = [{"a": [BOX], "b": [FAR]}, {"a": [BOX], "b": []}, {"a": [FAR], "b": [BOX]}]
    metric = ("hallucination.t2i.cooccurrence", "scenario_accuracy")
    found = answered(*metric, **{"task": "spatial", "generation.json": splits}, detected_boxes_in_order=boxes)
    assert found == {"high_cooc": {"spatial": 0.5, "overall": 0.5}, "low_cooc": {"spatial": 0.0, "overall": 0.0}}

    splits = {"historical_bias": {"attribute": [{"target": "t", "label": "negative"}, {"target": "t", "label": "positive"}]}}
    found = answered(*metric, **{"task": "attribute", "generation.json": splits}, vqa_replies_in_order=["no", "YES"])
    assert found == {"historical_bias": {"attribute": 0.5, "overall": 0.5}}
    found = answered(*metric, **{"task": "count", "generation.json": {"low_cooc": {"count": []}}}, detected_boxes_in_order=[])
    assert found == {"error": "ZeroDivisionError"}
