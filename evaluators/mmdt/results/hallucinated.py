"""Stored results of hallucination: tables of accuracies, or replies and results as JSON, by scenario."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from evaluators.mmdt.official import CO_OCCURRENCE, I2T, T2I
from evaluators.mmdt.results import files
from evaluators.mmdt.results.cells import IN_THE_DATA, Again, Cell, Known, counted, reference
from evaluators.mmdt.results.summarize import accuracy

ANSWERS = {I2T: "hallucination.i2t", T2I: "hallucination.t2i"}
COMPARED = ("natural", "distraction", "counterfactual")
NO_PICTURE, NO_OBJECT = "No image", "no object"
REJECTED = "REJECT"


def hallucination(base: Path, modality: str, known: Known) -> Iterator[Cell]:
    """The accuracy of every model, scenario and task."""
    for model in files.folders(base):
        for scenario in files.folders(model):
            for folder in files.folders(scenario):
                again = partial(_compared, known) if scenario.name in COMPARED else _AGAIN.get((modality, scenario.name))
                if again is None:
                    continue
                try:
                    stored = accuracy(modality.replace("_", "-"), scenario.name, folder)
                except TypeError:
                    stored = None
                metric = "split_mean" if scenario.name == "cooccurrence" else "accuracy"
                yield Cell(
                    found=model.name, perspective="hallucination", modality=modality, scenario=scenario.name, task=folder.name, metric=metric,
                    stored=stored, where=folder, again=partial(_or_why, again, folder, modality, scenario.name),
                )  # fmt: skip


def _or_why(again: Callable[[Path, str, str], Again], folder: Path, modality: str, scenario: str) -> Again:
    """What counting anew brings; where a file that it needs is not there, that."""
    try:
        return again(folder, modality, scenario)
    except FileNotFoundError as error:
        return Again(why=f"{Path(str(error.filename)).name} is not there")


def _compared(known: Known, folder: Path, modality: str, scenario: str) -> Again:
    """From the judge's replies, or from what the instruments found; what was wanted is in the data, or is told by what was looked for."""
    task, table = folder.name, files.table(_there(folder / "evaluation.csv"))
    blind = task in {"count", "spatial"} or (modality, scenario, task) == (T2I, "counterfactual", "identification")
    right = known.right(modality, "hallucination", scenario, task) if blind else {}
    if right is None:
        return Again(why=IN_THE_DATA)
    if modality == T2I:
        column = {"attribute": "response", "spatial": "detection_results"}.get(task, "detection_result")
        if any(column not in row for row in table):
            return Again(why="what the instruments found is not in the tree")
        return counted({row["img_id"]: _picture(row, scenario, folder, column, right) for row in table})
    if task == "spatial":
        table = files.table(_there(folder / "generation.csv"))
    column = "response" if task == "spatial" else "generation"
    if any(column not in row for row in table):
        return Again(why="the judge's replies are not in the tree")
    given = {row["img_id"]: {"task": task, "answer": right[row["img_id"]]["answer"] if right else "", "generation": row[column]} for row in table}
    return counted({name: float(_answered(modality, "row_accuracy", each)) for name, each in given.items()})


def _picture(row: Mapping[str, str], scenario: str, folder: Path, column: str, right: Mapping[str, Mapping[str, Any]]) -> float:
    task, cell = folder.name, row[column]
    failed = row.get("result") == REJECTED or not cell
    wanted: dict[str, Any] = {"id": row["img_id"], "checking_question": "", **right.get(row["img_id"], {})}
    found = {} if failed or task == "attribute" else files.literal(cell, folder)
    if task == "identification":
        wanted.setdefault("objects", repr(list(found)))
    given = {"scenario": scenario, "task": task, "row": wanted, "entity_info": found, "vqa_reply": cell, "raise": failed}
    return float(_answered(T2I, "row_accuracy", given)["soft_accuracy" if task in {"identification", "count"} else "strict_accuracy"])


def _replied(folder: Path, modality: str, scenario: str) -> Again:
    """From the replies, which stand beside what they should have or have not said."""
    rows = files.document(_there(folder / "generation.json"))
    told = _answered(modality, "scenario_accuracy", {"task": folder.name, "generation.json": rows}, scenario)
    wrong = {str(each["id"]): each.get("hallucinated", each.get("accuracy")) for each in told["detail"]}
    return Again(told["accuracy"], {name: 1.0 - value for name, value in wrong.items()} if len(wrong) == len(rows) else {})


def _cooccurring(folder: Path, modality: str, scenario: str) -> Again:
    """The mean of the accuracies of the three splits."""
    told = _answered(modality, "scenario_accuracy", {"task": folder.name, "generation.json": files.document(_there(folder / "generation.json"))}, scenario)
    return Again(sum(told[split] for split in CO_OCCURRENCE) / len(CO_OCCURRENCE))


def _misled(folder: Path, modality: str, scenario: str) -> Again:
    """From what the instruments were kept to have found in each picture."""
    details, made = files.document(_there(folder / "result.json"))["detail"], files.document(_there(folder / "generation.json"))
    if len(details) != len(made):
        return Again(why=f"{len(made)} pictures, and findings of {len(details)}")
    task, seen = folder.name, [each["detection_result"] for each in details]
    items = [{**item, **({"error": NO_PICTURE} if found == NO_PICTURE else {})} for item, found in zip(made, seen, strict=True)]
    key = {"attribute": "vqa_replies", "spatial": "entity_info"}.get(task, "detected_counts")
    given = {"task": task, "items": items, key: [_found(task, item, found) for item, found in zip(items, seen, strict=True)]}
    return Again(_answered(modality, "scenario_accuracy", given, scenario)["accuracy"])


def _found(task: str, item: Mapping[str, Any], found: Any) -> Any:
    """In the form in which findings were recorded: a reply, a number, or what is where."""
    if task == "attribute":
        return found
    if task == "spatial":
        return found if isinstance(found, dict) else {name: {"total_count": 0, "bbox": []} for name in (item["object"], item["relation_object"])}
    if isinstance(found, dict):
        return found.get(item["object"], {}).get("total_count", 0)
    return found if isinstance(found, int) else 0


def _written(folder: Path, modality: str, scenario: str) -> Again:
    """From the print that was read in each picture."""
    details = files.document(_there(folder / "result.json"))["detail"]
    items = [{"id": each["id"], "keyword": each["keyword"], "image_path": "error" if each["detection_result"] == NO_PICTURE else ""} for each in details]
    reads = [[each["detection_result"]] for each in details if each["detection_result"] != NO_PICTURE]
    told = _answered(modality, "scenario_accuracy", {"generation.json": items, "easyocr_reads_for_non_error_items": reads}, scenario)
    return Again(told["accuracy"], {str(at): float(each["accuracy"]) for at, each in enumerate(told["detail"])})


_AGAIN: Mapping[tuple[str, str], Callable[[Path, str, str], Again]] = {
    (I2T, "misleading"): _replied,
    (I2T, "ocr"): _replied,
    (I2T, "cooccurrence"): _cooccurring,
    (T2I, "misleading"): _misled,
    (T2I, "ocr"): _written,
    (T2I, "cooccurrence"): lambda *_: Again(why="the instruments have to look at the pictures again"),
}


def _answered(modality: str, metric: str, given: Any, scenario: str = "") -> Any:
    return reference("hallucination", ".".join(filter(None, (ANSWERS[modality], scenario))), metric, given)


def _there(path: Path) -> Path:
    """A file. Raises `FileNotFoundError`, with its name."""
    if not path.is_file():
        raise FileNotFoundError(2, "no such file", str(path))
    return path
