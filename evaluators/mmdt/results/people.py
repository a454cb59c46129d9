"""Stored results about people: what models tell of places and faces, how near their pictures are to those they learned from, and fairness."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from evaluators.measures.reference import Crash
from evaluators.mmdt.official import I2T, STREET_VIEWS, T2I
from evaluators.mmdt.results import files, formulas
from evaluators.mmdt.results.cells import PERCENT, Again, Cell, Ends, Known, counted, reference, without
from evaluators.mmdt.results.summarize import DECISIONS, NAMED_INDIVIDUALS, PAINTED_INDIVIDUALS, STEREOTYPES, cut

SELFIES = {
    "age_exact": "age_accuracy_exact",
    "age_within_3": "age_accuracy_within_3",
    "age_within_5": "age_accuracy_within_5",
    "ethnicity": "ethnicity_accuracy",
    "age_rejection": "age_rejection_rate",
    "ethnicity_rejection": "ethnicity_rejection_rate",
}
"""Our metrics and their columns."""
FACTUAL = "analyze_results/factual_result.csv"
NAMED_ANSWERS = "temp_results/i2t/individual_model_id.jsonl"
PROMPT = "_prompt"
UNLABELLED = "where the street views are is in the data: name it with --data"
LOOK_AGAIN = "CLIP has to look at the pictures again"
NO_FACES = "the faces and the prompts of the pictures are not both there"


def privacy(base: Path, modality: str, known: Known) -> Iterator[Cell]:
    """Memorised pictures, or places and people that are told."""
    if modality == T2I:
        for path in sorted(base.glob("laion_1k/*/*.csv")):
            for metric, column, unit in (("cosine", "cossim", "cosine"), ("l2", "l2dist", "distance")):
                table = files.table(path)
                yield Cell(
                    found=path.parent.name, perspective="privacy", modality=modality, scenario="training", task="laion_1k", metric=metric,
                    stored=files.mean(table, column), where=path, unit=unit, higher_is_better=metric == "l2",
                    again=partial(counted, {row["img_id"]: files.number(row[column]) for row in table}),
                )  # fmt: skip
        return
    for path in sorted(base.glob("pii/*_metrics.csv")):
        for row in files.table(path)[:1]:
            for metric, column in SELFIES.items():
                yield Cell(
                    found=row["filename"].removesuffix("_pii_results.json") or cut(path.name), perspective="privacy", modality=modality, scenario="pii",
                    task="Selfies", metric=metric, stored=files.number(row[column]), where=path, scale=100, within=PERCENT,
                    again=partial(_person, path.parent / row["filename"], column), higher_is_better=metric.endswith("rejection"),
                )  # fmt: skip
    for path in sorted(base.glob("Pri-Street-View/*.csv")):
        task = next((task for task in STREET_VIEWS if task in path.name), None)
        for row in files.table(path) if task else ():
            yield Cell(
                found=row["filename"].partition(PROMPT)[0], perspective="privacy", modality=modality, scenario="location", task=str(task),
                metric=row["granularity"], stored=files.number(row["acc"]), where=path, scale=100, within=PERCENT,
                again=partial(_place, path.parent / row["filename"], row["granularity"], known), higher_is_better=False,
            )  # fmt: skip


def _person(path: Path, column: str) -> Again:
    from evaluators.mmdt.privacy import people  # noqa: PLC0415 - only who counts anew needs the rules

    if not path.is_file():
        return Again(why=f"{path.name} is not there")
    try:
        return Again(people.metrics(files.lines(path))[column])
    except Crash as crash:
        raise Ends(str(crash)) from None


def _place(path: Path, granularity: str, known: Known) -> Again:
    from evaluators.mmdt.privacy import places as rules  # noqa: PLC0415

    if (places := known.places()) is None or not path.is_file():
        return Again(why=UNLABELLED if path.is_file() else f"{path.name} is not there")
    lines = files.lines(path)
    told = {
        f"{at}/{line['index']}": rules.as_published(rules.label(places.get(rules.place_of(line["index"])), granularity), line["response"])
        for at, line in enumerate(lines)
    }
    return Again(rules.shares(lines, places, granularity)[0], {name: each.betrayed or 0.0 for name, each in told.items()})


def fairness(work: Path, modality: str, results: Path) -> Iterator[Cell]:
    """Unfairness to groups and to individuals. work: the folder in which the public code was run; results: the result folder in it."""
    if modality == I2T:
        path = results / NAMED_INDIVIDUALS.partition("/")[2]
        held = files.document(path) if path.is_file() else {}
        for model, found in held.items():
            for metric, stored in found["individual"].items():
                again = partial(_named, work / NAMED_ANSWERS, model, metric) if len(held) == 1 else without("the answers do not tell which model gave them")
                yield _unfair(model, (modality, "individual", ""), metric, stored, path, again)
        return
    yield from _groups(work)
    path = work / PAINTED_INDIVIDUALS
    for model, domains in (files.document(path) if path.is_file() else {}).items():
        for domain, attributes in domains.items():
            for attribute, stored in attributes.items():
                task = f"{domain}/{attribute}"
                yield _unfair(model, (modality, "individual", task), "individual_unfairness", stored, path, without(LOOK_AGAIN))


def _groups(work: Path) -> Iterator[Cell]:
    last = {row["model"]: row for row in _rows(work / STEREOTYPES)}
    for model, row in last.items():
        for metric, stored in _summarised(row).items():
            again = partial(_stereotype, work, model, metric)
            yield _unfair(model, (T2I, "social_stereotype", ""), metric, stored, work / STEREOTYPES, again)
    for row in _rows(work / DECISIONS):
        for metric, stored in _summarised(row).items():
            again = partial(_decision, work, row["model"], row["domain"], metric)
            yield _unfair(row["model"], (T2I, "decision_making", row["domain"]), metric, stored, work / DECISIONS, again)
    for row in _rows(work / FACTUAL):
        again = partial(_factual, work, row["model"])
        yield _unfair(row["model"], (T2I, "overkill", ""), "factual_accuracy", files.number(row["correct"]), work / FACTUAL, again)


def _unfair(model: str, place: tuple[str, str, str], metric: str, stored: float, where: Path, again: Callable[[], Again]) -> Cell:
    """place: modality, scenario and task."""
    return Cell(
        found=model, perspective="fairness", modality=place[0], scenario=place[1], task=place[2], metric=metric, stored=stored, where=where, again=again,
        unit="points" if place[1] == "individual" else "share", higher_is_better=metric == "factual_accuracy",
    )  # fmt: skip


def _rows(path: Path) -> list[dict[str, str]]:
    return files.table(path) if path.is_file() else []


def _summarised(row: Mapping[str, str]) -> dict[str, float]:
    parts = formulas.unfair({name: files.number(row[name]) for name in ("gender", "age", "white", "black")})
    return {**parts, "disparity": math.fsum(parts.values()) / 3}


def _named(path: Path, model: str, metric: str) -> Again:
    if not path.is_file():
        return Again(why=f"{path.name} is not there")
    told = reference("fairness", "fairness.i2t.individual", "individual_unfairness", {"model_id": model, "records": files.lines(path)})
    return Again(told[model]["individual"][metric])


def _faces(work: Path, model: str, kind: str) -> tuple[str, list[Any]] | None:
    """The table of faces, and the prompts of their pictures."""
    table = next((path for path in sorted((work / "face_detection").glob(f"*_{kind}_output.csv")) if cut(path.name) == cut(model)), None)
    if table is None or not (prompts := work / "model_responses" / f"{table.name.removesuffix('_output.csv')}.jsonl").is_file():
        return None
    return files.text(table), files.lines(prompts)


def _stereotype(work: Path, model: str, metric: str) -> Again:
    if (found := _faces(work, model, "stereotype")) is None:
        return Again(why=NO_FACES)
    given = {"model": model, "face_csv": found[0], "responses": found[1]}
    return Again(_summarised(files.parsed(reference("fairness", "fairness.t2i.stereotype", "stereotype_result_csv", given))[-1])[metric])


def _decision(work: Path, model: str, domain: str, metric: str) -> Again:
    if (found := _faces(work, model, domain)) is None:
        return Again(why=NO_FACES)
    given = {"model": model, "face_csv_same_for_hiring_finance_education": found[0]}
    lines = reference("fairness", "fairness.t2i.decision", "decision_result_csv", given)
    heading = next(line for line in lines if line.startswith("model,"))
    row = next(line for line in lines if line.startswith(f"{model},{domain},"))
    return Again(_summarised(files.parsed(f"{heading}\n{row}\n")[0])[metric])


def _factual(work: Path, model: str) -> Again:
    if (found := _faces(work, model, "overkill")) is None:
        return Again(why=NO_FACES)
    given = {"model": model, "face_csv": found[0], "responses": found[1]}
    return Again(files.number(files.parsed(reference("fairness", "fairness.t2i.overkill", "factual_result_csv", given))[0]["correct"]))
