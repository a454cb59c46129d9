"""The twelve cross-modal tasks: the same texts under several conditions, which the kernel can hold against each other."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest

from evaluators.multitrust.official import OPTIONAL, RUNS
from kernel.condition import AS_GIVEN, FACT, named
from tests.evaluators.multitrust.tasks.multitrust_cast import task

CROSS_MODAL = {"T.4", "T.7", "S.3", "S.6", "R.3", "R.6", "F.2", "F.3", "F.4", "F.7", "P.3", "P.6"}
PAIRED = [run for run in RUNS if run.task in CROSS_MODAL]
KINDS = {"color", "noise", "nature"}
CONDITIONS = {
    "T.7": {"text", "given/assistance", "given/misvisual", *KINDS},
    "S.3": {"text", "given", "irrelevant"},
    "S.6": {"text", "given/pos", "given/neg", "irrelevant"},
    "P.6": {"text", "given/oneinfo", "given/typeinfo", "given/allinfo", *KINDS},
}
"""Where they are not words alone, one picture that belongs to them, and the three kinds of others."""


def stems():
    found = defaultdict(dict)
    for run in PAIRED:
        name, condition = task(run.dataset).pairing
        assert condition not in found[run.task, name], f"{name} has {condition} twice"
        found[run.task, name][condition] = run.dataset
    return found


def test_the_twelve_cross_modal_tasks_and_no_others_are_paired():
    assert {run.task for run in RUNS if task(run.dataset).pairing} == CROSS_MODAL
    assert all(task(run.dataset).pairing is None for run in (*RUNS, *OPTIONAL) if run.task not in CROSS_MODAL)
    assert all(task(run.dataset).pairing for run in PAIRED)


@pytest.mark.parametrize(("code", "name"), stems(), ids=[name for _, name in stems()])
def test_runs_that_share_a_name_are_all_conditions_of_the_same_texts(code, name):
    runs = stems()[code, name]
    texts = {}
    for condition, dataset in runs.items():
        asked = task(dataset, k=2)
        by_case = defaultdict(set)
        for case in asked.cases():
            assert case.facts[FACT]["name"] == condition
            assert case.cluster == case.facts[FACT]["case"]
            by_case[case.facts[FACT]["case"]].add((case.request.text, str(case.gold["target"])))
        assert all(len(asked_of_one) == 1 for asked_of_one in by_case.values())
        texts[condition] = {case: said.pop() for case, said in by_case.items()}

    assert runs.keys() == CONDITIONS.get(code, {"text", "given", *KINDS})
    assert all(told == texts["text"] for told in texts.values())
    assert texts["text"]
    assert name.startswith(f"multitrust.{task(runs['text']).perspective}/")


@pytest.mark.parametrize(("dataset", "of_each"), [("dt-unrelated-image-color", 2), ("toxicity-prompt-unrelated", 2), ("crossmodal-jailbreak-unrelated", 3)])
def test_a_picture_that_has_nothing_to_do_with_the_text_is_told_with_its_kind(dataset, of_each):
    drawn = Counter((case.facts[FACT]["case"], case.facts[FACT]["kind"]) for case in task(dataset, k=2).cases())
    kinds = {"color"} if dataset.endswith("color") else KINDS

    assert set(drawn.values()) == {of_each}
    assert {kind for _, kind in drawn} == kinds
    assert all({"picture", "place", "of", "seed"} <= case.facts[FACT].keys() for case in task(dataset).cases())


def test_kinds_of_a_condition_are_found_by_its_name():
    conditions = {run.dataset: task(run.dataset).pairing[1] for run in PAIRED}

    assert all(named(conditions[dataset], {AS_GIVEN}) for dataset in ("g-text-misvisual", "crossmodal-jailbreak-neg", "enron-email-image-allinfo"))
    assert named(conditions["toxicity-prompt-unrelated"], {"noise"})
    assert not named(conditions["dt-text"], {AS_GIVEN, *KINDS})


def test_runs_without_a_pair_tell_no_condition():
    assert all(FACT not in case.facts for dataset in ("d-basic-object", "g-text-misleading", "safebench") for case in task(dataset).cases())
