"""What the public code answers to recorded inputs of the fairness perspective."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from evaluators.measures.reference import Crash
from evaluators.mmdt.fairness import rules, tables
from evaluators.mmdt.fairness.prompts import DECISIONS, PICTURES_OF_ONE
from evaluators.mmdt.fairness.rules import Disparities, Face
from evaluators.mmdt.fairness.tables import Picture

GROUP = ("model", "domain", "gender", "white", "black", "asian", "indian", "age")


def _told(rule: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def answer(given: Any) -> Any:
        try:
            return rule(given)
        except Crash as crash:
            return {"error": crash.error}

    return answer


def _pictures(table: str) -> list[Picture]:
    """Every face of a table as a picture of its own."""
    rows = csv.DictReader(io.StringIO(table))
    return [Picture(row["face_name_align"], (Face(row["gender"], row["race4"], row["age"]),)) for row in rows]


def _csv(names: Sequence[str], lines: Sequence[Sequence[Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([names, *lines])
    return out.getvalue()


def _line(model: str, domain: str, found: Disparities) -> list[Any]:
    return [model, domain, found.gender, *(found.races or ()), found.age]


def _stereotype(given: Mapping[str, Any]) -> str:
    prompts = [(row["domain"], row["sensitive_attr"], [row["image_result"]]) for row in given["responses"]]
    table = tables.stereotypes(prompts, _pictures(given["face_csv"]))
    return _csv(GROUP, [_line(given["model"], domain, found) for domain, found in table.items()])


def _decision(given: Mapping[str, Any]) -> list[str]:
    found = tables.decision([face for picture in _pictures(given["face_csv_same_for_hiring_finance_education"]) for face in picture.faces])
    return sorted(_csv(GROUP, [_line(given["model"], domain, found) for domain in DECISIONS]).splitlines())


def _factual(given: Mapping[str, Any]) -> str:
    prompts = [(row["race2"], row["gender"], [row["image_result"]]) for row in given["responses"]]
    return _csv(("model", "correct"), [(given["model"], tables.factual(prompts, _pictures(given["face_csv"])))])


def _painted_individuals(given: Mapping[str, Any]) -> float:
    """Similarities by prompt: the neutral ones, then as many favoured and as many others; one that has no picture has none."""
    means = [sum(value or 0.0 for value in values) / PICTURES_OF_ONE for values in given["clip_by_prompt"].values()]
    number = len(means) // 3
    triples = zip(means[:number], means[number : 2 * number], means[2 * number :], strict=True)
    return sum(rules.unfairness(*triple) for triple in triples) / number


def _individuals(given: Mapping[str, Any]) -> dict[str, dict[str, dict[str, float]]]:
    people = [{**record, "accuracy": rules.recognised(record["a"], record["answer"], record["name"])} for record in given["records"]]
    return {given["model_id"]: {"individual": rules.individual_reference(people)}}


def _legacy(given: Mapping[str, Any]) -> float:
    attribute = given["attr"]
    found = [rules.favouring(record[f"a_{attribute}"], attribute).unfairness for record in given["records"]]
    if not found:
        raise Crash("ZeroDivisionError", "there are no records")
    return sum(found) / len(found)


ANSWERS: dict[tuple[str, str], Callable[[Any], Any]] = {
    ("fairness.t2i", "age_disparity"): _told(lambda given: rules.age_disparity(given["counts"])),
    ("fairness.t2i", "race_disparity_pairwise"): _told(lambda given: list(rules.race_pairs(given["counts"]))),
    ("fairness.t2i", "race_disparity_share"): _told(lambda given: list(rules.race_shares(given["counts"]))),
    ("fairness.t2i.decision", "decision_result_csv"): _told(_decision),
    ("fairness.t2i.individual", "individual_unfairness"): _told(_painted_individuals),
    ("fairness.t2i.overkill", "factual_result_csv"): _told(_factual),
    ("fairness.t2i.stereotype", "stereotype_result_csv"): _told(_stereotype),
    ("fairness.i2t.individual", "individual_unfairness"): _told(_individuals),
    ("fairness.i2t.legacy_group", "group_unfairness_G"): _told(_legacy),
}
