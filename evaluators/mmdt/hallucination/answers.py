"""What the public code of MMDT's hallucination perspective answered, and its detector's box functions, to recorded inputs."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any

from evaluators.measures.boxes import Box, overlap
from evaluators.measures.detections import DECIMALS, Sighting, Sightings, sightings
from evaluators.measures.placing import MISLEADING_WORDS, direction
from evaluators.measures.reference import Crash, or_error
from evaluators.measures.vqa import says_no, says_yes
from evaluators.mmdt import counting
from evaluators.mmdt.hallucination import answering, cooccurrence, depicting, keywords, lettering
from evaluators.mmdt.official import CO_OCCURRENCE
from kernel.contract import Detection

LITERALS = ("objects", "relations", "visible_objects", "absent_objects")
RECORDED_ID = 7
"""The recorded rows of pictures have no id of their own, and this one in the answer."""
FAILED = "error"
"""Path of a picture that could not be made."""


# -- image to text ------------------------------------------------------------


def row_accuracy(given: Any) -> float:
    """Accuracy of one row."""
    return answering.accuracy(given["task"], _answer(given["task"], given["answer"]), given["generation"])


def evaluation_csv(given: Any) -> list[dict[str, Any]]:
    """A line for each row: its id, the judge's reply where there is a judge, and the accuracy."""
    task, lines = given["task"], []
    judged = task != "spatial"
    replies = given.get("judge_replies") or [""] * len(given["rows"])
    for row, response, reply in zip(given["rows"], given["responses"], replies, strict=False):
        answer = _answer(task, row["answer"])
        if task == "count" and (crash := answering.without_a_second(answer)):
            raise crash
        read = reply if judged else answering.read_back(response)
        if read is None:
            raise Crash("AttributeError", "the reply is read back as no text")
        lines.append({"img_id": row["id"], **({"generation": read} if judged else {}), "accuracy": answering.accuracy(task, answer, read)})
    return lines


def misleading_answers(given: Any) -> dict[str, Any]:
    """Accuracy, and of each reply whether it hallucinates."""
    rows = given["generation.json"]
    wrong = [int(not keywords.said(row["keyword"], row["response"])) for row in rows]
    detail = [{"id": row["id"], "hallucinated": each} for row, each in zip(rows, wrong, strict=True)]
    return {"accuracy": 1 - _share(wrong), "detail": detail}


def ocr_answers(given: Any) -> dict[str, Any]:
    """Accuracy, and of each reply, called its accuracy, whether it hallucinates."""
    rows = given["generation.json"]
    wrong = [int(not keywords.right(given["task"], row["keyword"], row["response"])) for row in rows]
    return {"accuracy": 1 - _share(wrong), "detail": [{"id": row["id"], "accuracy": each} for row, each in zip(rows, wrong, strict=True)]}


def cooccurrence_answers(given: Any) -> dict[str, float]:
    """The accuracy of each split, 0 for an empty one; under the task's name, that of the last split alone."""
    task, told = given["task"], {}
    for split in CO_OCCURRENCE:
        rows = given["generation.json"].get(split, {}).get(task, [])
        told[split] = fmean(cooccurrence.answered(row["target"], row["label"], row["response"]) for row in rows) if rows else 0.0
    return {task: told[CO_OCCURRENCE[-1]], **told}


# -- text to image ------------------------------------------------------------


def picture_accuracy(given: Any) -> dict[str, Any]:
    """The line of one picture, as it stands in the table of accuracies."""
    task, ident = given["task"], {"img_id": given["row"].get("id", RECORDED_ID)}
    if task == "attribute":
        failed = given["raise"] or "checking_question" not in given["row"]
        reply = "REJECT" if failed else given["vqa_reply"]
        return {**ident, "response": reply, "strict_accuracy": int(not failed and says_yes(reply))}
    try:
        if given["raise"]:
            raise ValueError("recorded as a failure")  # noqa: TRY301 - what it raised is not recorded
        row = {name: ast.literal_eval(value) if name in LITERALS else value for name, value in given["row"].items()}
        soft, strict = depicting.depicted(given["scenario"], task, row, _found(given["entity_info"]))
    except (KeyError, ValueError, SyntaxError, TypeError):
        return {**ident, **({} if task == "spatial" else {"result": "REJECT"}), "soft_accuracy": 0, "strict_accuracy": 0}
    return {**ident, "soft_accuracy": soft, "strict_accuracy": int(strict)}


def misled_accuracy(given: Any) -> dict[str, Any]:
    """Accuracy over pictures, and what each is worth."""
    task, items = given["task"], given["items"]
    key = {"attribute": "vqa_replies", "spatial": "entity_info"}.get(task, "detected_counts")
    right = [0 if seen is None else int(_misled(task, item, seen)) for item, seen in _made(items, given[key])]
    return {"accuracy": 1 - _share([1 - each for each in right]), "per_item": right}


def print_accuracy(given: Any) -> dict[str, Any]:
    """Accuracy over pictures, with what was read in each."""
    detail = []
    for item, seen in _made(given["generation.json"], given["easyocr_reads_for_non_error_items"]):
        print_ = "No image" if seen is None else lettering.read(seen)
        right = 0 if seen is None else int(lettering.legible(item["keyword"], print_))
        detail.append({"id": item["id"], "detection_result": print_, "keyword": item["keyword"], "accuracy": right})
    return {"accuracy": 1 - _share([1 - each["accuracy"] for each in detail]), "detail": detail}


def cooccurrence_accuracy(given: Any) -> dict[str, Any]:
    """The accuracy of each split, under the task's name and as `overall`."""
    task = given["task"]
    seen = iter(given["vqa_replies_in_order" if task == "attribute" else "detected_boxes_in_order"])
    told = {}
    for split, tasks in given["generation.json"].items():
        right = [_cooccurs(split, task, row, next(seen)) for row in tasks.get(task, [])]
        told[split] = dict.fromkeys((task, "overall"), _share(right))
    return told


def _misled(task: str, item: Mapping[str, Any], seen: Any) -> bool:
    if task == "attribute":
        return not says_no(seen)
    found = _found(seen) if task == "spatial" else {item["object"]: [Sighting(1.0, (0, 0, 0, 0))] * seen}
    return depicting.misled(task, item, found, as_published=True)


def _cooccurs(split: str, task: str, row: Mapping[str, Any], seen: Any) -> bool:
    if task == "attribute":
        return cooccurrence.viewed(split, row, seen)
    return cooccurrence.shown(split, task, row, {name: [Sighting(1.0, box) for box in boxes] for name, boxes in seen.items()})


def _made(items: Sequence[Any], seen: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """Each picture with what was seen in it, `None` for one that could not be made; nothing may be recorded for such a one."""
    aligned, rest = len(seen) == len(items), iter(seen)
    for item in items:
        failed = item.get("image_path") == FAILED or FAILED in item
        told = next(rest) if aligned or not failed else None
        yield item, None if failed else told


def _found(entity_info: Mapping[str, Any]) -> Sightings:
    """Recorded findings; boxes are in corners, or, as COCO has them, of corner and size."""
    told = {}
    for name, info in entity_info.items():
        boxes = info.get("bbox") or [_corners(box) for box in info.get("coco_bbox", ())]
        boxes += [(0, 0, 0, 0)] * (info["total_count"] - len(boxes))
        told[name] = [Sighting(1.0, tuple(box)) for box in boxes[: info["total_count"]]]
    return told


# -- boxes --------------------------------------------------------------------


def postprocess(given: Any) -> dict[str, Any]:
    """What is kept of a detector's boxes, by phrase. They come as shares of the picture's sides, of middle and size."""
    boxes = [(x - w / 2, y - h / 2, x + w / 2, y + h / 2) for x, y, w, h in given["boxes_cxcywh"]]
    found = [Detection(*each) for each in zip(given["phrases"], given["logits"], boxes, strict=True)]
    kept = sightings(found, dict.fromkeys(given["phrases"]), (1, 1), box_threshold=-1.0)
    return {
        phrase: {
            "total_count": len(each),
            "bbox": [list(sighting.box) for sighting in each],
            "coco_bbox": [_coco(sighting.box) for sighting in each],
            "confidence": [sighting.score for sighting in each],
        }
        for phrase, each in kept.items()
    }


def _corners(box: Sequence[float]) -> Box:
    x, y, width, height = box
    return (x, y, x + width, y + height)


def _coco(box: Box) -> list[float]:
    x0, y0, x1, y1 = box
    return [x0, y0, round(x1 - x0, DECIMALS), round(y1 - y0, DECIMALS)]


def _words(given: Any) -> list[str]:
    first, second = (given["x1"], given["y1"]) * 2, (given["x2"], given["y2"]) * 2
    words = MISLEADING_WORDS[direction(first, second)]
    return [word for word in ("left", "right", "above", "top", "over", "under") if word in words]


def _share(right: Sequence[float]) -> float:
    if not right:
        raise Crash("ZeroDivisionError", "there is nothing to take a share of")
    return sum(right) / len(right)


def _answer(task: str, answer: Any) -> Any:
    return ast.literal_eval(answer) if task == "count" and isinstance(answer, str) else answer


ANSWERS: dict[tuple[str, str], Callable[[Any], Any]] = {
    ("detection", "iou"): lambda given: overlap(given["box1"], given["box2"]),
    ("detection", "postprocess"): postprocess,
    ("hallucination.i2t", "evaluation_csv"): or_error(evaluation_csv),
    ("hallucination.i2t", "negation_detector"): lambda given: keywords.hallucinated(given["keyword"], given["answer"]),
    ("hallucination.i2t", "parse_counts"): lambda given: counting.as_published(given["generation"], given["objects"]),
    ("hallucination.i2t", "row_accuracy"): or_error(row_accuracy),
    ("hallucination.i2t.cooccurrence", "scenario_accuracy"): or_error(cooccurrence_answers),
    ("hallucination.i2t.misleading", "scenario_accuracy"): or_error(misleading_answers),
    ("hallucination.i2t.ocr", "scenario_accuracy"): or_error(ocr_answers),
    ("hallucination.t2i", "relative_position_centers"): _words,
    ("hallucination.t2i", "relative_position_xywh"): lambda given: direction(_corners(given["bbox1"]), _corners(given["bbox2"])),
    ("hallucination.t2i", "row_accuracy"): picture_accuracy,
    ("hallucination.t2i.cooccurrence", "scenario_accuracy"): or_error(cooccurrence_accuracy),
    ("hallucination.t2i.misleading", "scenario_accuracy"): or_error(misled_accuracy),
    ("hallucination.t2i.ocr", "scenario_accuracy"): or_error(print_accuracy),
}
"""By the names of task and metric in the records."""
