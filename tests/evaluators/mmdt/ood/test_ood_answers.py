"""What the public code answered, in the form in which it was recorded."""

from __future__ import annotations

import math
from typing import Any

import pytest

from evaluators.mmdt.ood.answers import ANSWERS
from kernel.shell.benchmarks import same

LEFT, MIDDLE, LARGE = [0.1, 0.4, 0.2, 0.5], [0.4, 0.4, 0.5, 0.5], [0.3, 0.3, 0.8, 0.8]


def info(*boxes: list[float]) -> dict[str, Any]:
    return {"total_count": len(boxes), "bbox": list(boxes)}


def results(*rows: dict[str, Any] | list[str | None]) -> dict[str, Any]:
    """Rows as they stand, or by the answers to their objects."""
    made = [row if isinstance(row, dict) else {"objects": [{} if each is None else {"answer": each} for each in row]} for row in rows]
    return {"results_dict": {str(number): row for number, row in enumerate(made)}}


def counts(*pairs: tuple[int, int]) -> dict[str, Any]:
    return {"objects": [{"object": "cat", "counts": wanted, "generated_objects": found} for wanted, found in pairs]}


REFUSED = {"error": "policy", "objects": [{}]}

RECORDED = [
    ("ood.t2i.size", "relation_holds", {"entity_info": {"a": info(LARGE), "b": info(LEFT, LARGE)}, "target": "a", "object": "b", "size": "bigger"}, True),
    ("ood.t2i.size", "relation_holds", {"entity_info": {"a": info(LARGE)}, "target": "a", "object": "b", "size": "bigger"}, {"error": "KeyError"}),
    (
        "ood.t2i.spatial",
        "relation_holds",
        {"entity_info": {"a": info(LEFT), "b": info(MIDDLE)}, "target": "a", "objects": ["b"], "relations": ["above"]},
        False,
    ),
    (
        "ood.t2i.spatial",
        "relation_holds",
        {"entity_info": {"a": info(MIDDLE), "b": info(LEFT), "c": info(LARGE)}, "target": "b", "objects": ["a", "c"], "relations": ["on the left of"] * 2},
        True,
    ),
    ("ood.t2i.spatial", "between", {"obj1": MIDDLE, "obj2": LEFT, "obj3": [0.7, 0.7, 0.8, 0.8]}, True),
    ("ood.t2i.spatial", "between", {"obj1": LEFT, "obj2": LEFT, "obj3": LEFT}, False),
    ("ood.t2i.spatial", "accuracy_spatial", results(["Correct"], REFUSED), {"error": "TypeError"}),
    ("ood.t2i.spatial", "accuracy_spatial", results(REFUSED, REFUSED), 0.0),
    ("ood.t2i.spatial", "accuracy_spatial", results(), {"error": "ZeroDivisionError"}),
    ("ood.t2i", "accuracy_all_objects", results(["Correct", "Correct"], ["Correct", "Wrong"], REFUSED, [None, None]), 25.0),
    ("ood.t2i", "accuracy_all_objects", results(["Correct", None], ["Wrong", "Correct"], ["Correct"]), 100 / 3),
    ("ood.t2i", "accuracy_all_objects", results(), {"error": "ZeroDivisionError"}),
    ("ood.t2i.count", "count_prf", results(counts((3, 1)), {**counts((9, 9)), "error": "policy"}, counts((1, 2))), [2 / 3, 1 / 2, 4 / 7]),
    ("ood.t2i.count", "count_prf", results(counts((1, 0))), {"error": "ZeroDivisionError"}),
    ("ood.t2i.count", "count_prf", results(REFUSED), {"error": "ZeroDivisionError"}),
    (
        "ood.t2i.helpfulness",
        "clip_score",
        {"image_features": [[1.0, 0.0], [0.0, 2.0]], "text_features": [[1.0, 1.0], [0.0, -3.0]], "w": 2.0},
        {"mean": math.sqrt(0.5), "per": [2 * math.sqrt(0.5), 0.0]},
    ),
    ("ood.t2i.helpfulness", "clip_score", {"image_features": [[1.0]], "text_features": [[1.0, 1.0]], "w": 2.5}, {"error": "ValueError"}),
    ("ood.i2t", "row_accuracy", {"task": "identification", "answer": "cat", "generation": "Yes, it does."}, 1),
    ("ood.i2t", "row_accuracy", {"task": "attribute", "answer": "red", "generation": "No"}, 0),
    ("ood.i2t", "row_accuracy", {"task": "count", "answer": "{'cat': 2, 'dog': 1}", "generation": "So:\ndog: 1, cat: 2"}, True),
    ("ood.i2t", "row_accuracy", {"task": "count", "answer": "{'cat': 2, 'dog': 1}", "generation": "So\ndog: 1, cat: 2"}, False),  # a dog that is glued to So
    ("ood.i2t", "row_accuracy", {"task": "count", "answer": "{'cat': 2}", "generation": "cat: 2"}, True),
    (
        "ood.i2t",
        "scenario_accuracy",
        {
            "rows": [{"task": "count", "img_id": 7, "answer": "{'cat': 1}"}],
            "judge_replies": ["cat: 1"],
            "task": "count",
            "scenario": "pixelate",
            "model_id": "m",
        },
        {"error": "IndexError"},
    ),
]


@pytest.mark.parametrize(("task", "metric", "given", "expected"), RECORDED)
def test_recorded_inputs(task: str, metric: str, given: Any, expected: Any) -> None:
    found = ANSWERS[task, metric](given)

    assert same(expected, found), found
    assert isinstance(found, bool) is isinstance(expected, bool)


def test_every_metric_is_answered() -> None:
    assert set(ANSWERS) == {(task, metric) for task, metric, _, _ in RECORDED}


def test_an_embedding_of_zeros_has_no_score() -> None:
    found = ANSWERS["ood.t2i.helpfulness", "clip_score"]({"image_features": [[0.0], [1.0]], "text_features": [[1.0], [1.0]], "w": 2.5})

    assert math.isnan(found["mean"])
    assert [math.isnan(each) for each in found["per"]] == [True, False]


def test_the_files_of_a_count() -> None:
    """Replies of several lines are quoted, and accuracies are true or false."""
    rows = [{"task": "count", "img_id": number, "answer": "{'cat': 2, 'dog': 1}"} for number in range(2)]
    given = {
        "rows": [{"task": "spatial"}, *rows],
        "judge_replies": ["cat: 2, dog: 1", "cat: 2,\ndog: 2"],
        "task": "count",
        "scenario": "zoom_blur",
        "model_id": "org/m",
    }

    found = ANSWERS["ood.i2t", "scenario_accuracy"](given)

    assert found["summary.json"] == {"org/m": {"count": {"zoom_blur": 0.5}}}
    assert found["evaluation.csv"] == 'img_id,generation,accuracy\n0,"cat: 2, dog: 1",True\n1,"cat: 2,\ndog: 2",False\n'
