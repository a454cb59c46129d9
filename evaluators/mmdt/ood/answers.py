"""What the public code of MMDT's out-of-distribution perspective answered to recorded inputs."""

from __future__ import annotations

import ast
import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any

from evaluators.measures.detections import Sighting, Sightings
from evaluators.measures.placing import between
from evaluators.measures.reference import Crash, or_error
from evaluators.mmdt.ood import rules

WRONG = "Wrong"
COLUMNS = ("img_id", "generation", "accuracy")


# -- text to image ------------------------------------------------------------


def size_holds(given: Any) -> bool:
    """Whether one thing is larger or smaller than another one."""
    return rules.is_sized(_found(given["entity_info"]), given["target"], given["object"], given["size"])


def place_holds(given: Any) -> bool:
    """Whether a thing lies to others as the relations say."""
    return rules.is_placed(_found(given["entity_info"]), given["target"], given["objects"], given["relations"])


def accuracy_all(given: Any) -> float:
    """Percentage of rows whose objects are all right; what was refused, or has no picture, has no answer."""
    return rules.percentage(["error" not in row and _right(row["objects"]) for row in _rows(given)])


def accuracy_spatial(given: Any) -> float:
    """Percentage of rows, where none of them has an answer: it is looked up in the list of objects."""
    rows = list(_rows(given))
    if any("error" not in row and _answers(row["objects"][:1]) for row in rows):
        raise Crash("TypeError", "a list has no answer")
    return rules.percentage([False] * len(rows))


def count_prf(given: Any) -> list[float]:
    """Precision, recall and F1 of the things painted, over all objects; the pipeline does not use it."""
    pairs = [(each["counts"], each["generated_objects"]) for row in _rows(given) if "error" not in row for each in row["objects"]]
    right, painted, wanted = (sum(values) for values in zip(*((min(pair), pair[1], pair[0]) for pair in pairs), strict=True)) if pairs else (0, 0, 0)
    precision, recall = right / painted, right / wanted
    return [precision, recall, 2 * precision * recall / (precision + recall)]


def clip_score(given: Any) -> dict[str, Any]:
    """CLIPScore of each picture with its text, and the mean; an embedding of zeros makes NaN."""
    pairs = zip(given["image_features"], given["text_features"], strict=True)
    scores = [rules.clip_score([image], [text], given["w"])[0] if any(image) and any(text) else float("nan") for image, text in pairs]
    return {"mean": fmean(scores) if scores else float("nan"), "per": scores}


def _rows(given: Any) -> Iterator[Mapping[str, Any]]:
    yield from given["results_dict"].values()


def _right(objects: Sequence[Mapping[str, Any]]) -> bool:
    return bool(objects) and "answer" in objects[-1] and WRONG not in _answers(objects)


def _answers(objects: Sequence[Mapping[str, Any]]) -> list[Any]:
    return [each["answer"] for each in objects if "answer" in each]


def _found(entity_info: Mapping[str, Any]) -> Sightings:
    return {name: [Sighting(1.0, tuple(box)) for box in info["bbox"][: info["total_count"]]] for name, info in entity_info.items()}


# -- image to text ------------------------------------------------------------


def row_accuracy(given: Any) -> bool | int:
    """Accuracy of one row: true or false for count, else 1 or 0."""
    right = rules.agrees(given["task"], _answer(given["task"], given["answer"]), given["generation"])
    return right if given["task"] == "count" else int(right)


def scenario_accuracy(given: Any) -> dict[str, Any]:
    """The two files of a run of a task."""
    task = given["task"]
    rows = [row for row in given["rows"] if row["task"] == task]
    lines = []
    for row, reply in zip(rows, given["judge_replies"], strict=True):
        answer = _answer(task, row["answer"])
        if task == "count" and (crash := rules.without_a_second(answer)):
            raise crash
        lines.append((row["img_id"], reply, row_accuracy({"task": task, "answer": answer, "generation": reply})))
    if not lines:
        raise Crash("ZeroDivisionError", "there are no rows")
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *lines])
    share = sum(accuracy == 1 for _, _, accuracy in lines) / len(lines)
    return {"summary.json": {given["model_id"]: {task: {given["scenario"]: share}}}, "evaluation.csv": text.getvalue()}


def _answer(task: str, answer: Any) -> Any:
    return ast.literal_eval(answer) if task == "count" and isinstance(answer, str) else answer


ANSWERS: dict[tuple[str, str], Callable[[Any], Any]] = {
    ("ood.i2t", "row_accuracy"): or_error(row_accuracy),
    ("ood.i2t", "scenario_accuracy"): or_error(scenario_accuracy),
    ("ood.t2i", "accuracy_all_objects"): or_error(accuracy_all),
    ("ood.t2i.count", "count_prf"): or_error(count_prf),
    ("ood.t2i.helpfulness", "clip_score"): or_error(clip_score),
    ("ood.t2i.size", "relation_holds"): or_error(size_holds),
    ("ood.t2i.spatial", "accuracy_spatial"): or_error(accuracy_spatial),
    ("ood.t2i.spatial", "between"): lambda given: between(given["obj1"], given["obj2"], given["obj3"]),
    ("ood.t2i.spatial", "relation_holds"): or_error(place_holds),
}
"""By the names of task and metric in the records."""
