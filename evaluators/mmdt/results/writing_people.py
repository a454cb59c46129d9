"""The files that the public code writes for a task of privacy and fairness, of a run of ours."""

from __future__ import annotations

import csv
import json
from io import StringIO
from typing import Any

from evaluators.mmdt.fairness.prompts import PICTURES_OF_GROUP
from evaluators.mmdt.names import Form, written
from evaluators.mmdt.official import I2T, T2I
from evaluators.mmdt.results import files
from evaluators.mmdt.results.cells import Ends, reference
from evaluators.mmdt.results.formulas import GRANULARITIES, PEOPLE
from evaluators.mmdt.results.people import FACTUAL, SELFIES
from evaluators.mmdt.results.summarize import DECISIONS, NAMED_INDIVIDUALS, PAINTED_INDIVIDUALS, STEREOTYPES, cut
from evaluators.mmdt.results.writing import Filled, Row

FACES = ("face_name_align", "race4", "gender", "age")
PROMPTS = {"country": 3, "state_province": 4, "city": 5, "zipcode": 6, "part_zipcode": 6}


def privacy(filled: Filled) -> None:
    """Tables of distances, of granularities, and of what is told of people, with the replies."""
    if filled.task.modality == T2I:
        rows = [(row.ident, row.value("l2"), row.value("cosine")) for row in filled.rows if row.value("cosine") is not None]
        if rows:
            files.put_table(filled.folder("privacy/laion_1k", Form.SECOND) / "evaluation_results.csv", ("img_id", "l2dist", "cossim"), rows)
        return
    base = filled.out / "results" / I2T / "privacy"
    (_selfies if filled.task.scenario == "pii" else _places)(filled, base)


def _selfies(filled: Filled, base: Any) -> None:
    shares = {metric: filled.number(metric) for metric in SELFIES}
    if None in shares.values():
        return
    name = f"{written(filled.model, Form.LAST)}_pii_results.json"
    judged = filled.worth("age_within_3")
    lines = [{"filename": row.ident, "true_age": row.gold.get("age"), "true_ethnicity": _folder(row), "response": row.answer} for row, _ in judged]
    files.put_lines(base / "pii" / name, lines)
    columns = ("filename", "total_images", *SELFIES.values())
    told = (name, len(judged), *(_percent(value) for value in shares.values()))
    files.put_table(base / "pii" / f"{cut(name)}_metrics.csv", columns, [told])


def _folder(row: Row) -> str:
    return str(row.gold.get("folder", "")).split("_", 1)[0].lower()


def _places(filled: Filled, base: Any) -> None:
    folder, model, task = base / "Pri-Street-View", written(filled.model, Form.LAST), filled.task.task
    rejected = _percent(filled.number("rejection"))
    shares = {granularity: share for granularity in GRANULARITIES if (share := filled.number(granularity)) is not None}
    table = [(f"{model}_prompt{PROMPTS[each]}_{task}.json", each, _percent(share), rejected) for each, share in shares.items()]
    if not table:
        return
    for at, prompt in enumerate(sorted(set(PROMPTS.values()))):
        lines = [{"index": f"{row.gold.get('place')}_{number}", "response": row.answers[at]} for number, row in enumerate(filled.rows) if len(row.answers) > at]
        files.put_lines(folder / f"{model}_prompt{prompt}_{task}.json", lines)
    files.put_table(folder / f"{model}_{task}.json.csv", ("filename", "granularity", "acc", "rej"), table)


def _percent(share: float | None) -> str:
    """With all places, so that nothing is lost on the way back."""
    return f"{100 * (share or 0.0)!r}%"


def fairness(filled: Filled) -> None:
    """Individual unfairness by model, and of groups the faces, their prompts, and the table that the public code makes of them."""
    scenario, task = filled.task.scenario, filled.task.task
    if filled.task.modality == I2T:
        parts = {name: filled.number(name) for name in PEOPLE}
        if scenario == "individual" and None not in parts.values():
            _merge(filled, NAMED_INDIVIDUALS, ("individual",), parts)
    elif scenario == "individual":
        domain, attribute = task.split("/")
        if (value := filled.number("individual_unfairness")) is not None:
            _merge(filled, PAINTED_INDIVIDUALS, (domain,), {attribute: value})
    else:
        _group(filled, scenario, task)


def _merge(filled: Filled, path: str, keys: tuple[str, ...], values: dict[str, Any]) -> None:
    file = filled.out / path
    held = files.document(file) if file.is_file() else {}
    place = held.setdefault(filled.model, {})
    for key in keys:
        place = place.setdefault(key, {})
    place.update(values)
    files.put(file, json.dumps(held, indent=4))


def _group(filled: Filled, scenario: str, task: str) -> None:
    kind = {"social_stereotype": "stereotype", "overkill": "overkill"}.get(scenario, task)
    model, rows = written(filled.model, Form.SECOND), sorted((row for row in filled.rows if "faces" in row.record), key=lambda row: row.record.get("row", 0))
    if not rows:
        return
    faces = StringIO()
    csv.writer(faces, lineterminator="\n").writerows([FACES, *(face for at, row in enumerate(rows) for face in _faces(model, row, at))])
    prompts = [prompt for at, row in enumerate(rows) for prompt in _prompts(row, at)]
    files.put(filled.out / "face_detection" / f"{model}_{kind}_output.csv", faces.getvalue())
    files.put_lines(filled.out / "model_responses" / f"{model}_{kind}.jsonl", prompts)
    try:
        if scenario == "decision_making":
            given: dict[str, Any] = {"model": model, "face_csv_same_for_hiring_finance_education": faces.getvalue()}
            lines = reference("fairness", "fairness.t2i.decision", "decision_result_csv", given)
            told = [next(line for line in lines if line.startswith("model,")), next(line for line in lines if line.startswith(f"{model},{task},"))]
            _add(filled, DECISIONS, "\n".join(told))
        elif scenario == "social_stereotype":
            given = {"model": model, "face_csv": faces.getvalue(), "responses": prompts}
            _add(filled, STEREOTYPES, reference("fairness", "fairness.t2i.stereotype", "stereotype_result_csv", given))
        else:
            given = {"model": model, "face_csv": faces.getvalue(), "responses": prompts}
            _add(filled, FACTUAL, reference("fairness", "fairness.t2i.overkill", "factual_result_csv", given))
    except Ends:
        return


def _faces(model: str, row: Row, at: int) -> list[tuple[str, str, str, str]]:
    """Every face by the name of its file; of pictures with one seed, the first for all."""
    record = row.record
    pictures = record["faces"][:1] * PICTURES_OF_GROUP if record["seeded"] else record["faces"]
    number = record.get("row", at)
    return [
        (f"{model}_{number}_{place}_face{nth}.png", race, gender, age)
        for place, found in enumerate(pictures)
        for nth, (gender, race, age) in enumerate(found or ())
    ]


def _prompts(row: Row, at: int) -> list[dict[str, Any]]:
    record = row.record
    number = record.get("row", at)
    told = {"prompt": row.question, "domain": record.get("domain"), "race2": record.get("race"), "gender": record.get("gender")}
    return [
        {**told, "sensitive_attr": repr(record.get("attributes")), "repeat": place, "image_result": f"{number}_{place}"} for place in range(PICTURES_OF_GROUP)
    ]


def _add(filled: Filled, path: str, table: str) -> None:
    """Add a model's lines to a table that all models share."""
    file = filled.out / path
    heading, _, lines = table.strip().partition("\n")
    held = files.text(file) if file.is_file() else f"{heading}\n"
    files.put(file, f"{held}{lines}\n")
