"""Logs and results of the public code, number by number, with what its score scripts make of the logs when they are counted anew."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evaluators.measures.reference import Crash
from evaluators.multitrust.chains.chain import Log
from evaluators.multitrust.chains.metrics import METRICS
from evaluators.multitrust.ranking import Standing, ranked
from evaluators.multitrust.reported import JUDGED, SCRIPTS, Number, Script
from evaluators.multitrust.results.trees import Tree, log
from evaluators.multitrust.scores import corrected, reported, turned
from kernel.benchmark import Result
from kernel.errors import InvalidSpec

ODD = (KeyError, TypeError, ValueError, IndexError, AttributeError, ZeroDivisionError)
"""What files of another form end in."""
EXACT = 1e-9
"""How far two numbers may be apart that are one, relative to their size."""
ROUNDING = 1e-4
MEAN = "pred_mean"
PAIRED = {
    "T.4": ("visual-assistance-text", "visual-assistance-image", "cure", False),
    "T.7": ("g-text-none", "g-text-misvisual", "deterioration", True),
}
"""Words alone, with the picture that helps or misleads, and what it does to answers that were right (or wrong) in words alone."""


def read(folder: Path, models: Sequence[str] = (), data: str = "") -> Iterator[Result]:  # noqa: ARG001 - logs hold all that is counted
    """Every number of logs and results. models: only these. Raises `InvalidSpec` for what is no such folder."""
    tree = Tree(folder if (folder / "logs").is_dir() or (folder / "results").is_dir() else folder.parent)
    found = [model for model in tree.models() if not models or model in models]
    if not found:
        raise InvalidSpec(str(folder), ["no results found; expected folders such as logs/truthfulness/t1-basic/MODEL or results/safety/… in it"])
    for model in found:
        for script in SCRIPTS:
            yield from _of(tree, script, model)
            yield from _turned(tree, script, model)


def standing(folder: Path, model: str) -> Standing:
    """A model's place by its stored results. Raises `Crash` where one is missing."""
    tree = Tree(folder)
    return ranked({script.stem: held for script in SCRIPTS if (held := tree.results(script, model)) is not None})


def _of(tree: Tree, script: Script, model: str) -> Iterator[Result]:
    stored = tree.results(script, model) or {}
    logs = dict(tree.logs(script, model))
    for ident in dict.fromkeys((*script.sets, *stored, *logs)):
        if ident in stored or ident in logs:
            again = _again(script, ident, log(logs[ident])) if ident in logs else _Again(why="there is no log")
            for number in script.numbers_of(ident):
                try:
                    yield _result(model, script, ident, number, stored.get(ident, {}), again)
                except (TypeError, ValueError) as error:
                    raise InvalidSpec(str(tree.results_file(script, model)), [f"{ident}: {number.name} is no number: {error}"]) from None


def _turned(tree: Tree, script: Script, model: str) -> Iterator[Result]:
    """What a picture cures or spoils, question by question."""
    logs = dict(tree.logs(script, model))
    if script.task not in PAIRED or not {*PAIRED[script.task][:2]} <= logs.keys():
        return
    text, image, metric, was = PAIRED[script.task]
    column = f"{JUDGED}:pred_no_op"
    before, after = ([row.get(column) for row in log(logs[ident])["per_sample_results"]] for ident in (text, image))
    if len(before) != len(after) or None in (*before, *after):
        return
    yield Result(
        modality="image_to_text",
        model=model, label=script.label(image), perspective=script.aspect, scenario=script.task, task=image, metric=f"{metric}/corrected", stored=None,
        ours=turned(before, after, was=was), agrees=None, why="question by question; the public code has no such number", unit="share",
        higher_is_better=not was,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Again:
    """What a script makes of a log: by the names of the results file, and without its defects by ours. why: why it makes nothing."""

    log: Log | None = None
    told: Mapping[str, Any] = field(default_factory=dict)
    mended: Mapping[str, float | None] = field(default_factory=dict)
    why: str = ""


def _again(script: Script, ident: str, kept: Log) -> _Again:
    try:
        kept = recounted(kept)
        return _Again(kept, reported(script, ident, kept), corrected(script, ident, kept))
    except Crash as error:
        return _Again(why=str(error))
    except ODD as error:
        return _Again(why=f"the log has another form: {type(error).__name__}: {error}")


def _result(model: str, script: Script, ident: str, number: Number, kept: Mapping[str, Any], again: _Again) -> Result:
    stored, ours = (None if held.get(number.name) is None else number.ours(held[number.name]) for held in (kept, again.told))
    why = [again.why or ("it is not in the results" if stored is None else "")]
    if ours is not None and not _near(ours, again.mended.get(number.metric)):
        mended = again.mended.get(number.metric)
        why.append(f"without the script's own defects {'there is no number' if mended is None else f'it is {mended:.6g}'}")
    return Result(
        modality="image_to_text",
        model=model, label=script.label(ident), perspective=script.aspect, scenario=script.task, task=ident, metric=f"{number.metric}/reference",
        stored=stored, ours=ours, agrees=_agree(stored, ours), why="; ".join(filter(None, why)), unit=number.unit,
        higher_is_better=number.higher_is_better, rows=_rows(number, again.log) if ours is not None and again.log else {},
    )  # fmt: skip


def _near(ours: float, mended: float | None) -> bool:
    """Whether two numbers differ by no more than their rounding."""
    return mended is not None and math.isclose(ours, mended, rel_tol=EXACT, abs_tol=ROUNDING)


def _agree(stored: float | None, ours: float | None) -> bool | None:
    if stored is None or ours is None:
        return None
    if math.isnan(stored) or math.isnan(ours):
        return math.isnan(stored) and math.isnan(ours)
    return math.isclose(stored, ours, rel_tol=EXACT, abs_tol=EXACT)


def recounted(kept: Log) -> Log:
    """The log with every total that its rows tell counted from them; a total that they do not tell stays as it is."""
    totals = {key: _total(key, value, kept["per_sample_results"]) for key, value in kept["total_results"].items()}
    return {"total_results": totals, "per_sample_results": kept["per_sample_results"]}


def _total(key: str, value: Any, rows: Sequence[Mapping[str, Any]]) -> Any:
    steps, _, told = key.partition(":")
    metric = next((name for name in METRICS if told == name or told.startswith(f"{name}_")), "")
    part = _subset(rows, told.removeprefix(metric).removeprefix("_"))
    column = f"{steps}:pred_no_op"
    labelled = metric in {MEAN, "pred_sum", "failure"} or all("label" in row for row in part)
    if not (metric and part and labelled and all(column in row for row in part)):
        return value
    again = METRICS[metric]([row.get("label") for row in part], [row[column] for row in part])
    return value if _agree(value, again) else again


def _subset(rows: Sequence[Mapping[str, Any]], subset: str) -> list[Mapping[str, Any]]:
    return [row for row in rows if not subset or (row.get("extra") or {}).get("subset") == subset]


def _rows(number: Number, kept: Log) -> dict[str, float]:
    """What each reply is worth, of a number that is their mean."""
    steps, _, told = number.key.partition(":")
    if not told.startswith(MEAN):
        return {}
    part = {str(at): row for at, row in enumerate(kept["per_sample_results"]) if row in _subset([row], told.removeprefix(MEAN).removeprefix("_"))}
    column = f"{steps}:pred_no_op"
    return {at: float(row[column]) for at, row in part.items()} if part and all(column in row for row in part.values()) else {}
