"""A run of ours as logs and results of the public code, with its table of ranks, so that its ranking reads it.

A row of a log has what our case recorded under `steps`: the values of the public code's steps by their keys. Of safety neither questions nor
replies are written. Cases that the public code does not ask are left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from evaluators.measures.reference import Crash
from evaluators.multitrust.published import PLACES
from evaluators.multitrust.ranking import ranked, told, updated
from evaluators.multitrust.reported import JUDGED, SCRIPTS, Script
from evaluators.multitrust.results.trees import RANKS, Tree, put
from evaluators.multitrust.summary import Asked
from kernel.benchmark import Kept, Numbers
from kernel.errors import InvalidSpec

PROMPTS = tuple(f"PROMPT_{number}" for number in (1, 2, 3))


def write(numbers: Mapping[str, Numbers], cases: Iterable[Kept], out: Path) -> Iterator[str]:
    """Write a tree into a folder that has none, a line for each model. Raises `InvalidSpec` where the folder holds something.

    numbers: by model. cases: in any order.
    """
    if out.exists() and any(out.iterdir()):
        raise InvalidSpec(str(out), ["holds something already; expected a new or empty folder"])
    rows: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for case in cases:
        if "reference" not in (case.facts.get("recorded") or {}).get("counts", ("reference",)):
            continue
        rows.setdefault((case.model, case.task.lower()), {})[case.case] = _row(case)
    places = list(PLACES)
    for model, held in numbers.items():
        asked = Asked({label.lower(): metrics for label, metrics in held.items()}, "reference")
        results = asked.results()
        for script in SCRIPTS:
            if script.stem in results:
                put(Tree(out).results_file(script, model), {"model_id": model, "scores": results[script.stem]})
            _put_logs(asked, script, model, rows, out)
        yield f"{model}: {len(results)} of {len(SCRIPTS)} results files"
        try:
            total = ranked(results).total
        except Crash as error:
            yield f"{model}: not ranked: {error}"
            continue
        places = updated(places, model, total)
        yield f"{model}: {total}, rank {next(place.rank for place in places if place.model == model)} of {len(places)}"
    yield f"wrote {put(out / RANKS, told(places))}"


def _row(case: Kept) -> dict[str, Any]:
    recorded = case.facts.get("recorded") or {}
    reply = "".join(case.answers[-1:])
    told = {} if case.task.startswith("multitrust.safety") else {"content": case.question, "pred": reply, "label": (case.gold or {}).get("target")}
    extra = {"extra": recorded["extra"]} if recorded.get("extra") is not None else {}
    steps = {key: math.nan if value is None else value for key, value in recorded.get("steps", {}).items()}
    return {**steps, **told, **extra}


def _put_logs(asked: Asked, script: Script, model: str, rows: Mapping[tuple[str, str], Mapping[str, dict[str, Any]]], out: Path) -> None:
    """A log for each data set of which there are rows; its totals as they are before they are rounded."""
    for ident in script.sets:
        if not (held := rows.get((model, script.label(ident)))):
            continue
        totals = {}
        for number in script.numbers_of(ident):
            value = asked.get(script.aspect, ident, number.metric)
            if number.key and value is not None:
                totals[number.key] = number.total(value)
        if script.task == "T.3":
            prompts = {name: asked.get(script.aspect, ident, f"accuracy_{name.lower()}") for name in PROMPTS}
            totals |= {f"{JUDGED}:pred_mean_{name}": value for name, value in prompts.items() if value is not None}
        told = {"total_results": totals, "per_sample_results": [held[case] for case in sorted(held)]}
        put(out / "logs" / script.aspect / script.folder / model / f"{ident}.json", told)
