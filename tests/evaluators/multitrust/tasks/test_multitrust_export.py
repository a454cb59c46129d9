"""A whole run of the sample, written as logs and results of the public code, and read again."""

from __future__ import annotations

import json

import pytest

from evaluators.multitrust import results
from evaluators.multitrust.ranking import parsed
from evaluators.multitrust.reported import SCRIPTS
from evaluators.multitrust.results.importing import PAIRED, standing
from evaluators.multitrust.results.trees import RANKS
from kernel.benchmark import Kept
from tests.evaluators.multitrust.tasks.multitrust_cast import mixed, numbers

OURS_ALONE = {(image, f"{metric}/corrected") for _, image, metric, _ in PAIRED.values()}
"""Numbers that the public code does not have."""
IN_WORDS_ALONE = "F.7"
"""The public code asks its runs with pictures in words alone; a `corrected` run has no log of them."""


def kept(script, ident, asked):
    """A run's cases as the kernel keeps them."""
    for case, reply, verdict in mixed(ident, asked)[1]:
        values = {name: value for name, value in verdict.values.items() if value is not None}
        facts = {**case.facts, "recorded": json.loads(json.dumps(verdict.record))}
        yield Kept(script.label(ident), "ours", case.id, values, case.request.text, (reply.text,), (), case.gold, facts)


@pytest.fixture(scope="module", params=["reference", "corrected"])
def tree(request, tmp_path_factory):
    """The folder, what was said while it was written, and what is read from it."""
    folder = tmp_path_factory.mktemp(request.param) / "out"
    sets = [(script, ident) for script in SCRIPTS for ident in script.sets]
    told = {
        script.label(ident): numbers(mixed(ident, request.param)[0], [verdict for _, _, verdict in mixed(ident, request.param)[1]]) for script, ident in sets
    }
    cases = [case for script, ident in sets for case in kept(script, ident, request.param)]
    lines = list(results.write({"ours": told}, cases, folder))
    return request.param, folder, lines, list(results.read(folder))


def test_every_number_of_a_run_is_counted_again_from_its_logs(tree):
    asked, _, _, found = tree
    left_out = IN_WORDS_ALONE if asked == "corrected" else ""
    wanted = [each for each in found if (each.task, each.metric) not in OURS_ALONE and each.scenario != left_out]

    assert len(wanted) > 200
    assert [(each.task, each.metric, each.stored, each.ours, each.why) for each in wanted if not each.agrees] == []


def test_the_run_is_whole_and_has_its_place(tree):
    _, folder, lines, _ = tree
    total = standing(folder, "ours").total

    assert lines[0] == "ours: 33 of 33 results files"
    assert lines[1].startswith(f"ours: {total}, rank ")
    assert next(place.score for place in parsed((folder / RANKS).read_text()) if place.model == "ours") == total


def test_of_safety_no_reply_and_no_question_is_written(tree):
    logs = [json.loads(path.read_text()) for path in (tree[1] / "logs/safety").rglob("*.json")]

    assert len(logs) == sum(len(script.sets) for script in SCRIPTS if script.aspect == "safety")
    assert not any({"content", "pred", "label"} & row.keys() for log in logs for row in log["per_sample_results"])


def test_only_what_reference_counts_is_written(tmp_path):
    script = next(script for script in SCRIPTS if script.task == "S.6")
    ident = "crossmodal-jailbreak-pos"
    run, told = mixed(ident, "corrected")

    list(results.write({"ours": {script.label(ident): numbers(run, [verdict for _, _, verdict in told])}}, kept(script, ident, "corrected"), tmp_path / "out"))

    assert [(each.metric, each.agrees) for each in results.read(tmp_path / "out")] == [("attack_success/reference", True), ("refusal/reference", True)]
