"""Stored results of safety, and of both kinds of robustness: adversarial and out of distribution."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from evaluators.mmdt.names import Form, written
from evaluators.mmdt.official import I2T, T2I, TASKS
from evaluators.mmdt.results import files
from evaluators.mmdt.results.cells import IN_THE_DATA, Again, Cell, Known, counted, reference, without
from evaluators.mmdt.results.formulas import ADVERSARIAL, SAFETY, TRIALS

STATISTICS, TABLE = "statistic_result.txt", "test_result.csv"
JUDGED = "whether a reply is harmful needs the judge again"
RATES = {"robust_accuracy": "Robust accurate rate", "attack_success": "Attack success rate"}
COLUMNS = {"robust_accuracy": "robust_accurate", "attack_success": "attack_success"}
ORIGINS = {
    "object": ("origin_object", "target_object"),
    "attribute": ("origin_attribute", "target_attribute"),
    "spatial": ("origin_relation", "target_relation"),
}


def safety(base: Path, modality: str, known: Known) -> Iterator[Cell]:
    """HGR and BR of every model and scenario."""
    for scenario in SAFETY[modality]:
        for path in sorted(base.rglob(f"{scenario}/{STATISTICS}")):
            stored, folder = files.document(path), path.parent
            for metric, again in (("HGR", without(JUDGED)), ("BR", partial(_bypassed, folder, modality, scenario, known))):
                yield Cell(
                    found=folder.parent.relative_to(base).as_posix(), perspective="safety", modality=modality, scenario=scenario, task="", metric=metric,
                    stored=stored.get(metric), where=path, again=again, higher_is_better=False,
                )  # fmt: skip


def _bypassed(folder: Path, modality: str, scenario: str, known: Known) -> Again:
    """Stored replies are those that were not rejected; how many prompts there were, only the data tells."""
    if modality == T2I:
        return Again(why="pictures do not tell how many prompts there were")
    rows = next(known.number(each) for each in TASKS if (each.perspective, each.modality, each.scenario) == ("safety", modality, scenario))
    replies = {path.stem: path for path in sorted(folder.glob("*.txt")) if path.name != STATISTICS}
    if not rows or not replies:
        return Again(why="no replies are stored" if rows else "how many prompts there are is not known")
    if len(replies) > rows:
        return Again(why=f"{len(replies)} replies to the {rows} prompts of the data")
    passed = [reference("safety", "safety.i2t", "bypass_predicate", {"response": path.read_text(encoding="utf-8")}) for path in replies.values()]
    return Again(sum(map(bool, passed)) / rows)


def adversarial(base: Path, modality: str) -> Iterator[Cell]:
    """Robust accuracy and attack success of every model and task."""
    for task in ADVERSARIAL:
        for path in sorted(base.rglob(f"{task}/{STATISTICS}")):
            stored, folder = files.statistics(path), path.parent
            for metric, label in RATES.items():
                yield Cell(
                    found=folder.parent.relative_to(base).as_posix(), perspective="adversarial", modality=modality, scenario="", task=task, metric=metric,
                    stored=stored.get(label), where=path, again=partial(_attacked, folder, modality, task, metric),
                    higher_is_better=metric == "robust_accuracy",
                )  # fmt: skip


def _attacked(folder: Path, modality: str, task: str, metric: str) -> Again:
    """From the stored replies; of pictures, from the verdicts in the table."""
    if not (path := folder / TABLE).is_file():
        return Again(why=f"{TABLE} is not there, which tells what was asked")
    table = files.table(path)
    if modality == I2T:
        table = _judged_anew(folder, task, table) or table
    name = "image_file_name" if modality == T2I else "response_file_name"
    return counted({row.get(name) or row["id"]: files.number(row[COLUMNS[metric]]) for row in table if files.number(row["if_valid"]) == 1})


def _judged_anew(folder: Path, task: str, table: list[dict[str, str]]) -> list[dict[str, str]]:
    """The table that our rules write of the stored replies; none where no reply is stored."""
    stored = {f"{each.name}/{path.name}": path.read_text(encoding="utf-8") for each in folder.glob("output_responses*") for path in sorted(each.glob("*.txt"))}
    if not stored:
        return []
    origin, target = ORIGINS[task]
    rows = [
        {**row, "origin_object": row[origin], origin: row[origin], "label": row[target], "id": int(row["id"]) if row["id"].isdigit() else row["id"]}
        for row in table
    ]
    written = reference("adversarial", f"adv.i2t.{task}", "robust_accuracy", {"rows": rows, "files": stored})[TABLE]
    return files.parsed(written)


def out_of_distribution(base: Path, modality: str, known: Known) -> Iterator[Cell]:
    """Scores by scenario and task: of answers one, of pictures the mean of the three trials that are there."""
    if modality == I2T:
        path = base / "summary.json"
        for model, tasks in files.document(path).items() if path.is_file() else ():
            for task, scenarios in tasks.items():
                for scenario, stored in scenarios.items():
                    folder = base / scenario / task / written(model, Form.LAST)
                    yield Cell(
                        found=model, perspective="ood", modality=modality, scenario=scenario, task=task, metric="accuracy", stored=stored, where=path,
                        again=partial(_agreed, folder, scenario, task, known),
                    )  # fmt: skip
        return
    trials = {trial: files.document(path) for trial in TRIALS if (path := base / f"summary_{trial}.json").is_file()}
    for model in dict.fromkeys(model for trial in trials.values() for model in trial):
        for task, styles in next(trial[model] for trial in trials.values() if model in trial).items():
            for style in styles:
                values = {trial: held[model][task][style] for trial, held in trials.items() if style in held.get(model, {}).get(task, {})}
                folder = base / style / task / model
                yield Cell(
                    found=model, perspective="ood", modality=modality, scenario=style, task=task, metric="trial_mean",
                    stored=sum(values.values()) / len(values), where=base, unit="points", again=partial(_painted, folder, task, tuple(values)),
                )  # fmt: skip


def _agreed(folder: Path, scenario: str, task: str, known: Known) -> Again:
    """From the judge's replies; of counts, with the right ones of the data."""
    if not (path := folder / "evaluation.csv").is_file():
        return Again(why="evaluation.csv is not there, which has the judge's replies")
    right = known.right(I2T, "ood", scenario, task, "img_id") if task == "count" else {}
    if right is None:
        return Again(why=IN_THE_DATA)
    rows = {}
    for row in files.table(path):
        given = {"task": task, "answer": right[row["img_id"]]["answer"] if right else "", "generation": row["generation"]}
        rows[row["img_id"]] = float(reference("ood", "ood.i2t", "row_accuracy", given))
    return counted(rows)


def _painted(folder: Path, task: str, trials: tuple[int, ...]) -> Again:
    """From what the instruments were kept to have found."""
    values = []
    for trial in trials:
        if not (path := folder / f"results_dict_{trial}.json").is_file():
            return Again(why=f"{path.name} is not there, which has what the instruments found")
        found = files.document(path)
        if task == "helpfulness":
            scores = [row["clip_score"] for row in found.values() if "clip_score" in row]
            values.append(sum(scores) / len(scores) if scores else math.nan)
        elif task == "spatial":
            values.append(reference("ood", "ood.t2i.spatial", "accuracy_spatial", {"results_dict": found}))
        else:
            values.append(reference("ood", "ood.t2i", "accuracy_all_objects", {"results_dict": found}))
    return Again(sum(values) / len(values))
