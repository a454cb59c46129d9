"""What the public code of MMDT's adversarial perspective answered to recorded inputs."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from evaluators.measures.reference import or_error
from evaluators.mmdt.adversarial import rules
from evaluators.mmdt.adversarial.rules import NEITHER, Held

TABLE, STATISTICS = "test_result.csv", "statistic_result.txt"
VERDICTS = ("attack_success", "robust_accurate", "if_valid")
FOLDERS: Mapping[str, tuple[str, ...]] = {
    "object": ("output_responses",),
    "attribute": ("output_responses_origin", "output_responses_target"),
    "spatial": ("output_responses",),
}
"""Where responses lie, a file for each row: of attributes one for each question."""
COLUMNS: Mapping[str, Mapping[str, str]] = {
    "object": {"origin_object": "origin_object", "target_object": "label"},
    "attribute": {"origin_attribute": "origin_attribute", "target_attribute": "label", "object": "object"},
    "spatial": {"object_a": "object_a", "object_b": "object_b", "origin_relation": "origin_relation", "target_relation": "label"},
}
"""The table's own columns, and the fields that they have of a row; things that no row names have no column."""


def robust_accuracy(task: str, given: Any) -> dict[str, str]:
    """The two files that a run over written responses leaves."""
    rows, files = given["rows"], given["files"]
    columns = {name: field for name, field in COLUMNS[task].items() if not field.startswith("object") or any(field in row for row in rows)}
    table = [_row(task, row, columns, files) for row in rows]
    text = io.StringIO()
    writer = csv.DictWriter(text, ["id", "response_file_name", *columns, *VERDICTS], lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return {TABLE: text.getvalue(), STATISTICS: _told(table)}


def _row(task: str, row: Mapping[str, Any], columns: Mapping[str, str], files: Mapping[str, str]) -> dict[str, Any]:
    name = f"{row['id']}.txt"
    paths = [f"{folder}/{name}" for folder in FOLDERS[task]]
    valid = all(path in files for path in paths)
    held = _held(task, row, [files[path] for path in paths]) if valid else NEITHER
    named = {column: row[field] for column, field in columns.items()}
    return {"id": row["id"], "response_file_name": name, **named, "attack_success": held.attacked, "robust_accurate": held.robust, "if_valid": valid}


def _held(task: str, row: Mapping[str, Any], responses: Sequence[str]) -> Held:
    if task == "attribute":
        return rules.affirmed(*responses)
    return rules.mentions(responses[0], row["origin_object" if task == "object" else "origin_relation"], row["label"])


def statistics_from_csv(given: Any) -> str:
    """The statistics of a table that is already there."""
    return _told([{name: row[name] == "True" for name in VERDICTS} for row in csv.DictReader(io.StringIO(given[TABLE]))])


def _told(rows: Sequence[Mapping[str, Any]]) -> str:
    return "".join(f"{name}: {value}\n" for name, value in rules.statistics(rows).items())


def relation_holds(given: Any) -> bool:
    """Whether two things, each there exactly once, lie so."""
    once = given["count_a"] == 1 == given["count_b"]
    return once and rules.lies_so(tuple(given["bbox_a"]), tuple(given["bbox_b"]), given["relation"])


ANSWERS: dict[tuple[str, str], Callable[[Any], Any]] = {
    ("adv", "statistics_from_csv"): or_error(statistics_from_csv),
    ("adv.t2i.spatial", "relation_holds"): or_error(relation_holds),
    **{(f"adv.i2t.{task}", "robust_accuracy"): or_error(partial(robust_accuracy, task)) for task in FOLDERS},
}
"""By the names of task and metric in the records."""
