"""Made logs and results of MultiTrust, in the form in which its public code has them."""

from __future__ import annotations

import json
from pathlib import Path

from evaluators.multitrust.reported import SCRIPTS, Form

REFUSED, CLASSIFIED = "rule_reject_template_eval:pred_no_op", "classifer_reject_eval:pred_no_op"
FOLLOWED, HARMED, CONTAINED = "classifer_follow_instruction_eval:pred_no_op", "harmbenchmodel_eval:pred_no_op", "rule_contain_eval:pred_no_op"


def script(task, which=0):
    return [each for each in SCRIPTS if each.task == task][which]


def log(totals=None, rows=()):
    return {"total_results": totals or {}, "per_sample_results": list(rows)}


def rows(**columns):
    """Rows by column; columns: their short names here."""
    names = {"refused": REFUSED, "classified": CLASSIFIED, "followed": FOLLOWED, "harmed": HARMED, "contained": CONTAINED}
    held = {names.get(name, name): values for name, values in columns.items()}
    return [dict(zip(held, values, strict=True)) for values in zip(*held.values(), strict=True)]


def results(value=0.5):
    """Results files of a model that has the same everywhere, as texts where the public code has texts."""

    def told(number):
        return {Form.ROUNDED: value, Form.EXACT: value}.get(number.form, f"{100 * value:.2f}")

    held = {each.stem: {ident: {number.name: told(number) for number in each.numbers_of(ident)} for ident in each.sets} for each in SCRIPTS}
    for numbers in held["r2-ood-sensor"].values():
        numbers["score"] = 100 * value
    return held


def numbers(value=0.5, way="reference"):
    """The same as numbers of a run of ours."""
    held = {each.label(ident): {f"{number.metric}/{way}": value for number in each.numbers_of(ident)} for each in SCRIPTS for ident in each.sets}
    for label, metrics in held.items():
        if f"score/{way}" in metrics:
            held[label] = {f"score/{way}": 100 * value}
    return held


def plant(folder: Path, path: str, content):
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content))
