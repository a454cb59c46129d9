"""What MultiTrust's score scripts and its ranking make of recorded logs, results and tables.

A recording has a NaN as the text NaN.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import PurePosixPath
from statistics import fmean
from typing import Any

from evaluators.measures.reference import Crash
from evaluators.multitrust import correlation
from evaluators.multitrust.chains.chain import Log
from evaluators.multitrust.published import PLACES, POINTS
from evaluators.multitrust.ranking import SUB_ASPECTS, Place, parsed, ranked, updated
from evaluators.multitrust.reported import SCRIPTS, Script
from evaluators.multitrust.scores import report

MODEL = "demo-model"
CODES = tuple(sub.code for sub in SUB_ASPECTS)


def _numbers(told: Any) -> Any:
    """The same with NaN as a number, in totals alone: a reply may be the word."""
    return {key: math.nan if value == "NaN" else value for key, value in told.items()}


def _scores(script: Script, given: Mapping[str, Any]) -> Any:
    logs: dict[str, Log] = {
        ident: {"total_results": _numbers(log["total_results"]), "per_sample_results": log["per_sample_results"]} for ident, log in given["logs"].items()
    }
    return {"results_file": script.results.format(model="<model_id>"), "json": {"model_id": MODEL, **report(script, logs)}}


def _rank(given: Mapping[str, Any]) -> Any:
    results = {}
    for path, told in given["results"].items():
        held = told.get("json", told)
        results[PurePosixPath(told.get("results_file", path)).name.removesuffix(".json")] = held.get("scores", held)
    standing = ranked(results)
    return {"tasks": standing.tasks, "subaspects": standing.sub_aspects, "total": standing.total}


def _totals(given: Mapping[str, Any]) -> Any:
    """The totals of rows in which a model has its scores by sub-aspect."""
    rows = given["rows"]
    named = rows.items() if isinstance(rows, Mapping) else ((row["model"], row) for row in rows)
    return {model: round(fmean(row.get("scores", row)[code] for code in CODES), 2) for model, row in named}


def _columns(scores: Any, models: Any = ()) -> dict[str, list[float]]:
    """Scores by sub-aspect, of whatever they were recorded by: sub-aspect, model, or row."""
    if isinstance(scores, Mapping) and set(scores) <= set(CODES):
        return {code: [column[model] for model in models or column] if isinstance(column, Mapping) else list(column) for code, column in scores.items()}
    rows = [scores[model] for model in models or scores] if isinstance(scores, Mapping) else scores
    if isinstance(rows[0], Mapping):
        return {code: [row[code] for row in rows] for code in rows[0] if code in CODES}
    return {code: [row[at] for row in rows] for at, code in enumerate(CODES)}


def _ranks(given: Mapping[str, Any]) -> Any:
    return {code: correlation.ranks(column) for code, column in _columns(given["scores"], given["models"]).items()}


def _heat_map(given: Mapping[str, Any]) -> Any:
    found = correlation.heat_map(_columns(given["scores"]), given["method"])
    return {one: {other: round(value, 4) for other, value in row.items()} for one, row in found.items()}


def _table(places: Any) -> list[dict[str, Any]]:
    return [place._asdict() for place in places]


def _updated(given: Mapping[str, Any]) -> Any:
    """The table after a model's score; as text where it was recorded as text."""
    before = given["rank_txt"]
    places = parsed(before) if isinstance(before, str) else [Place(**row) if isinstance(row, Mapping) else Place(*row) for row in before]
    return _table(updated(places, given["model"], given["score"]))


def _points(_: Any) -> Any:
    return {where: {model: dict(zip(names, values, strict=True)) for model, values in held.items()} for where, names, held in POINTS}


def _told(rule: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The answer of a rule, or the error in which the public code ends."""

    def answer(given: Any) -> Any:
        try:
            return rule(given)
        except Crash as crash:
            return {"error": crash.error}

    return answer


ANSWERS: dict[tuple[str, str], Callable[[Any], Any]] = {
    **{(script.task, f"score script {script.script}"): _told(partial(_scores, script)) for script in SCRIPTS},
    ("all", "compute_rank.py"): _told(_rank),
    ("all", "general-vs-trustworthiness correlation"): lambda given: round(correlation.general_against_trust(given["general_rank"], given["trust_rank"]), 4),
    ("all", "leaderboard totals from sub-aspect scores"): _totals,
    ("all", "per-sub-aspect ranks of the 21 paper models"): _ranks,
    ("all", "rank table update"): _updated,
    ("all", "rank.txt contents"): lambda _: _table(PLACES),
    ("all", "sub-aspect correlation heat map"): _heat_map,
    ("paper", "published point values"): _points,
}
"""By task and metric."""
