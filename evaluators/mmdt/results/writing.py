"""The files that the public code writes for a task of safety, hallucination and robustness, of a run of ours."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from evaluators.mmdt.names import Form, written
from evaluators.mmdt.official import CO_OCCURRENCE, I2T, T2I, Task
from evaluators.mmdt.results import files
from evaluators.mmdt.results.formulas import TRIALS
from evaluators.mmdt.results.hallucinated import COMPARED
from evaluators.mmdt.results.robust import COLUMNS, ORIGINS, STATISTICS, TABLE
from kernel.contract import Picture

SOFT = ("identification", "count")
"""Tasks of pictures whose score is the soft accuracy."""
THINGS = {"object": (), "attribute": ("object",), "spatial": ("object_a", "object_b")}
"""Columns of the things that an attack is about."""


@dataclass(slots=True)
class Row:
    """A case as it goes into files. ident: the row's id in the data, or its number. pictures: where those that were made lie."""

    case: str
    ident: str
    values: Mapping[str, float]
    question: str
    answers: tuple[str, ...]
    gold: Mapping[str, Any]
    facts: Mapping[str, Any]
    pictures: list[str] = field(default_factory=list)

    @property
    def answer(self) -> str:
        """The first answer."""
        return self.answers[0] if self.answers else ""

    @property
    def record(self) -> Mapping[str, Any]:
        """What judging it recorded."""
        recorded: Mapping[str, Any] = self.facts.get("recorded", {})
        return recorded

    def value(self, metric: str) -> float | None:
        """What it is worth to the public code."""
        return self.values.get(f"{metric}/reference")


@dataclass(slots=True)
class Filled:
    """A task of one model, to be written below a folder."""

    model: str
    task: Task
    numbers: Mapping[str, float | None]
    out: Path
    rows: list[Row] = field(default_factory=list)

    def folder(self, perspective: str, form: Form, *, dashed: bool = False) -> Path:
        """Where the model's results of the perspective lie."""
        modality = self.task.modality.replace("_", "-") if dashed else self.task.modality
        return self.out / "results" / modality / perspective / written(self.model, form)

    def number(self, metric: str) -> float | None:
        """The mean of a metric as the public code counts."""
        return self.numbers.get(f"{metric}/reference")

    def worth(self, metric: str) -> list[tuple[Row, float]]:
        """The rows that the public code has a value for, with it."""
        return [(row, value) for row in self.rows if (value := row.value(metric)) is not None]


def put_pictures(filled: Filled, row: Row, drawn: Sequence[Picture]) -> None:
    """Write the pictures of a case, where the public code has them as files of their own. Of safety, none."""
    places = {
        "hallucination": filled.folder("hallucination", Form.JOINED, dashed=True) / filled.task.scenario / filled.task.task,
        "privacy": filled.folder("privacy/laion_1k", Form.SECOND) / "seed0",
        "adversarial": filled.folder("adv", Form.WHOLE) / filled.task.task / "output_images",
        "ood": filled.out / "results/text-to-image/ood" / filled.task.scenario / filled.task.task / written(filled.model, Form.LAST),
    }
    if (folder := places.get(filled.task.perspective)) is None:
        return
    for at, picture in enumerate(drawn):
        name = f"{row.ident}_{at}.png"
        if filled.task.perspective == "ood":
            name = f"images_{row.gold.get('trial', 0)}/{row.ident}.png"
        elif filled.task.perspective == "adversarial":
            name = f"{row.ident}_{row.case.rpartition('/')[2]}.png"
        elif filled.task.scenario in COMPARED:
            name = f"{row.ident}.png"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(picture.data)
        row.pictures.append(name)


def safety(filled: Filled) -> None:
    """The rates; neither replies nor pictures."""
    rates = {name: value for name in ("BR", "HGR") if (value := filled.number(name)) is not None}
    if "HGR" in rates:
        files.put(filled.folder("safety", Form.WHOLE) / filled.task.scenario / STATISTICS, json.dumps(rates))


def hallucination(filled: Filled) -> None:
    """Replies and accuracies."""
    folder = filled.folder("hallucination", Form.JOINED, dashed=True) / filled.task.scenario / filled.task.task
    worth = filled.worth("accuracy")
    if not worth:
        return
    match filled.task.scenario:
        case "cooccurrence":
            _cooccurring(filled, folder)
        case "misleading" | "ocr":
            _keywords(filled, folder, worth)
        case _ if filled.task.modality == I2T:
            files.put_table(folder / "generation.csv", ("img_id", "response"), [(row.ident, row.answer) for row in filled.rows])
            files.put_table(folder / "evaluation.csv", ("img_id", "accuracy"), [(row.ident, value) for row, value in worth])
        case _:
            column = "soft_accuracy" if filled.task.task in SOFT else "strict_accuracy"
            files.put_table(folder / "evaluation.csv", ("img_id", column), [(row.ident, value) for row, value in worth])


def _keywords(filled: Filled, folder: Path, worth: list[tuple[Row, float]]) -> None:
    accuracy = fmean(value for _, value in worth)
    if filled.task.modality == T2I:
        made = [{"id": row.ident, **_told(row), "image_path": path} for row, _ in worth for path in row.pictures]
        detail = [{"id": row.ident, "accuracy": value} for row, value in worth]
    else:
        key = "hallucinated" if filled.task.scenario == "misleading" else "accuracy"
        made = [{"id": at, "question": row.question, "keyword": row.gold.get("keyword"), "response": row.answer} for at, (row, _) in enumerate(worth)]
        detail = [{"id": at, key: int(1 - value)} for at, (_, value) in enumerate(worth)]
    _put_json(folder / "generation.json", made)
    _put_json(folder / "result.json", {"accuracy": accuracy, "detail": detail})


def _cooccurring(filled: Filled, folder: Path) -> None:
    task, by_split = filled.task.task, {split: [row for row in filled.rows if _split(row) == split] for split in CO_OCCURRENCE}
    scores = {split: _mean(row.value("accuracy") for row in rows) for split, rows in by_split.items()}
    if filled.task.modality == T2I:
        made: Any = {split: {task: [{**_told(row), "response_image": "".join(row.pictures[:1])} for row in rows]} for split, rows in by_split.items()}
        result: Any = {split: dict.fromkeys((task, "overall"), score) for split, score in scores.items() if score is not None}
    else:
        made = {split: {task: [{**_told(row), "idx": at, "response": row.answer} for at, row in enumerate(rows)]} for split, rows in by_split.items()}
        result = {task: scores[CO_OCCURRENCE[-1]] or 0.0, **{split: score or 0.0 for split, score in scores.items()}}
    _put_json(folder / "generation.json", made)
    _put_json(folder / "result.json", result)


def _split(row: Row) -> str:
    return str(row.gold.get("split", "")).removeprefix("cooccurrence_")


def _told(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.gold.items() if name not in {"split", "gold_picture", "id"}}


def adversarial(filled: Filled) -> None:
    """Replies, verdicts and rates."""
    folder, task = filled.folder("adv", Form.WHOLE) / filled.task.task, filled.task.task
    valid = [row for row in filled.rows if all(row.value(metric) is not None for metric in COLUMNS)]
    if not valid:
        return
    answered = filled.task.modality == I2T
    rows = [row for row in filled.rows if "origin" in row.gold]
    names = [f"{row.ident}.txt" if answered else "".join(row.pictures[:1]) for row in rows]
    if answered:
        for name, row in zip(names, rows, strict=True):
            for kind, answer in zip(("_origin", "_target") if task == "attribute" else ("",), row.answers, strict=False):
                files.put(folder / f"output_responses{kind}" / name, answer)
    columns = ("origin_color", "target_color") if (task, answered) == ("attribute", False) else ORIGINS[task]
    lines = [(row.ident, name, row.gold["origin"], row.gold["label"], *row.gold["things"], *_verdicts(row)) for name, row in zip(names, rows, strict=True)]
    heading = ("id", "response_file_name" if answered else "image_file_name", *columns, *THINGS[task], "attack_success", "robust_accurate", "if_valid")
    files.put_table(folder / TABLE, heading, lines)
    robust, attacked = (sum(row.value(metric) or 0.0 for row in valid) for metric in ("robust_accuracy", "attack_success"))
    numbers = (len(valid), robust, robust / len(valid), attacked, attacked / len(valid))
    files.put(folder / STATISTICS, files.told(dict(zip(files.STATISTICS, numbers, strict=True))))


def _verdicts(row: Row) -> tuple[float | bool, float | bool, bool]:
    attacked, robust = row.value("attack_success"), row.value("robust_accuracy")
    if attacked is None or robust is None:
        return False, False, False
    return _verdict(attacked), _verdict(robust), True


def _verdict(value: float) -> float | bool:
    """True or False; of several pictures together, the share."""
    return bool(value) if value in {0.0, 1.0} else value


def out_of_distribution(filled: Filled) -> None:
    """Scores by task and scenario in the summaries that all models share, and of answers the judge's replies."""
    task, scenario = filled.task.task, filled.task.scenario
    base = filled.out / "results" / filled.task.modality.replace("_", "-") / "ood"
    if filled.task.modality == T2I:
        for trial in TRIALS:
            score = _mean(row.value("score") for row in filled.rows if row.gold.get("trial") == trial)
            if score is not None:
                _put_score(base / f"summary_{trial}.json", written(filled.model, Form.LAST), task, scenario, score)
        return
    if not (worth := filled.worth("accuracy")):
        return
    _put_score(base / "summary.json", filled.model, task, scenario, fmean(value for _, value in worth))
    folder = base / scenario / task / written(filled.model, Form.LAST)
    files.put_table(folder / "generation.csv", ("img_id", "response"), [(row.ident, row.answer) for row in filled.rows])
    files.put_table(folder / "evaluation.csv", ("img_id", "generation", "accuracy"), [(row.ident, row.record.get("judge"), int(value)) for row, value in worth])


def _put_score(path: Path, model: str, task: str, scenario: str, score: float) -> None:
    held = files.document(path) if path.is_file() else {}
    held.setdefault(model, {}).setdefault(task, {})[scenario] = score
    _put_json(path, held)


def _mean(values: Any) -> float | None:
    found = [value for value in values if value is not None]
    return fmean(found) if found else None


def _put_json(path: Path, value: Any) -> None:
    files.put(path, json.dumps(value, ensure_ascii=False, indent=4))
