"""Each run's `reference` numbers are those that the public code's score script makes of its log, for all 33 scripts."""

from __future__ import annotations

import math

import pytest

from evaluators.multitrust.reported import SCRIPTS
from evaluators.multitrust.results.exporting import _row
from evaluators.multitrust.results.importing import recounted
from evaluators.multitrust.scores import reported
from kernel.benchmark import Kept
from tests.evaluators.multitrust.tasks.multitrust_cast import mixed, near, numbers

BESIDES = {"T.3": [f"chatmodel_eval->rule_yes_or_no_eval:pred_mean_PROMPT_{number}" for number in (1, 2, 3)]}
"""Totals of which a script makes a number that has another name."""


def log_of(script, ident, asked):
    """The log as it is exported, with the totals counted from its rows."""
    run, told = mixed(ident, asked)
    assert {verdict.status for _, _, verdict in told} == {"scored"}
    rows = [
        _row(Kept(script.label(ident), "m", case.id, {}, "asked", (reply.text,), (), case.gold, {**case.facts, "recorded": verdict.record}))
        for case, reply, verdict in told
        if "reference" in verdict.record["counts"]
    ]
    keys = [*(number.key for number in script.numbers_of(ident) if number.key), *BESIDES.get(script.task, ())]
    return recounted({"total_results": dict.fromkeys(keys, math.nan), "per_sample_results": rows}), numbers(run, [verdict for _, _, verdict in told])


@pytest.mark.parametrize("script", SCRIPTS, ids=[script.stem for script in SCRIPTS])
@pytest.mark.parametrize("asked", ["reference", "corrected"])
def test_the_numbers_of_a_run_are_those_of_the_score_script(script, asked):
    apart = {}
    for ident in script.sets:
        if asked == "corrected" and script.task == "F.7" and not ident.endswith("-text"):
            continue
        log, ours = log_of(script, ident, asked)
        theirs = reported(script, ident, log)
        told = {number.name: (theirs[number.name], ours[f"{number.metric}/reference"]) for number in script.numbers_of(ident)}
        apart |= {(ident, number.name): told[number.name] for number in script.numbers_of(ident) if not near(number, *told[number.name])}

    assert apart == {}
