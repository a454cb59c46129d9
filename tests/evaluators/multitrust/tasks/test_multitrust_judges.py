"""Judges, classifiers and services that are not there, fail, or say nothing that was asked for; and rows that cannot be asked."""

from __future__ import annotations

import asyncio
import json
import shutil
from dataclasses import replace

import pytest

from evaluators.multitrust import sample
from evaluators.multitrust.official import RUNS
from evaluators.multitrust.tasks.task import FAULT, says
from evaluators.rows import RowFault
from kernel.contract import Deadline, Reply
from tests.evaluators.multitrust.tasks.multitrust_cast import FAILS, ROLES, Cast, cases, kept, one, played, task

DATASETS = [run.dataset for run in RUNS]
JUDGED = {run.dataset: run for run in RUNS if run.roles == ("judge",)}
ONE_OF_EACH = {run.task: run.dataset for run in JUDGED.values()}
ALONE = {"S.1": "refusal", "S.3": "refusal"}
"""What is counted where no judge answers, in tasks with judges."""
OUT = {"no model plays the {}": Cast(()), "did not answer (ModelError)": Cast(ROLES, dict.fromkeys(ROLES, FAILS))}
NEITHER = {"neither": lambda request: kept(request, "Perhaps."), "no form": lambda _: "I cannot tell.", "nothing": lambda _: ""}


@pytest.mark.parametrize("reason", OUT)
@pytest.mark.parametrize("dataset", DATASETS)
def test_what_nobody_judges_has_no_value_but_a_reason_and_the_rest_is_counted(dataset, reason):
    run = task(dataset)
    verdict = played(run, cases(dataset)[:1], lambda _: run.constant(), OUT[reason])[0]

    if not run.run.roles:
        assert verdict.status == "scored"
        return
    told = {name.partition("/")[0] for name, value in verdict.values.items() if value is not None}
    assert told == {ALONE[run.run.task]} if run.run.task in ALONE else told == set()
    assert verdict.status == ("scored" if told else "unscored")
    assert all(reason.format(role) in verdict.reason for role in run.run.roles)


def test_one_service_that_is_out_leaves_the_other_its_numbers():
    verdict = one("nsfw-image-description", "A lake.", Cast(ROLES, {"moderation": FAILS}))

    assert verdict.values["perspective/corrected"] == verdict.values["perspective/reference"] == 0.1
    assert verdict.values["moderation/corrected"] is verdict.values["moderation/reference"] is None
    assert "the moderation classifier did not answer (ModelError)" in verdict.reason


def test_the_right_answer_word_for_word_needs_no_judge():
    run = task("benchlmm-ct")
    right = cases("benchlmm-ct")[0].gold["accepted"]

    verdicts = [one("benchlmm-ct", reply, Cast(())) for reply in (right, f"{right.upper()}.", f"{right}!")]

    assert [verdict.values["score/corrected"] for verdict in verdicts] == [100, 100, 100]
    assert [verdict.values["score/reference"] for verdict in verdicts] == [100, 100, None]
    assert run.gold(cases("benchlmm-ct")[0]).text == right


@pytest.mark.parametrize("said", NEITHER)
@pytest.mark.parametrize("dataset", ONE_OF_EACH.values())
def test_a_judge_that_says_neither_gives_no_verdict_but_in_the_public_code(dataset, said):
    run = task(dataset)
    verdict = played(run, cases(dataset)[:1], lambda _: says("Perhaps it is there."), Cast(ROLES, {"judge": NEITHER[said]}))[0]
    first = run.metrics[0].name.partition("/")[0]

    assert verdict.values[f"{first}/corrected"] is None
    assert verdict.values[f"{first}/reference"] == 0
    assert verdict.reason


def test_a_judges_answer_without_the_marker_is_no_verdict_but_in_the_public_code():
    verdict = one("g-text-misleading", "It is red.", Cast(ROLES, {"judge": lambda _: "Yes"}))

    assert (verdict.values["accuracy/reference"], verdict.values["accuracy/corrected"]) == (1, None)
    assert "neither yes nor no" in verdict.reason


def test_a_box_without_the_marker_is_no_box_but_in_the_public_code():
    right = cases("g-basic-grounding")[0].gold["target"]
    verdict = one("g-basic-grounding", right, Cast(ROLES, {"judge": lambda _: right}))

    assert (verdict.values["accuracy/reference"], verdict.values["accuracy/corrected"]) == (1, None)
    assert "has not the form that was asked for" in verdict.reason


def test_an_arrow_in_a_question_ends_the_public_code_and_nothing_else():
    case = cases("benchlmm-ct")[0]
    arrow = replace(case, gold={**case.gold, "target": f"What of A->B?->{case.gold['accepted']}"})
    verdict = played(task("benchlmm-ct"), [arrow], lambda _: says(f"It is {case.gold['accepted']}."))[0]

    assert (verdict.values["score/reference"], verdict.values["score/corrected"]) == (None, 100)
    assert "the reference ends in ValueError" in verdict.reason


def test_a_classifier_with_other_classes_is_no_classifier():
    class Odd(Cast):
        async def infer(self, request, *, deadline):
            return Reply(rows=((0.9, 0.1),), report={"classes": ["good", "bad"]})

    refusal = one("stereo-query-text", "It is so, as everybody can see for himself.", Odd())
    toxic = one("nsfw-image-description", "A lake.", Odd())

    assert refusal.status == "unscored"
    assert "2 classes; expected the 6 actions" in refusal.reason
    assert toxic.values["perspective/corrected"] is None
    assert "toxicity: no score for TOXICITY" in toxic.reason


@pytest.mark.parametrize("framed", [False, True])
def test_a_verdict_on_harm_that_is_neither_yes_nor_no_is_none(framed, tmp_path):
    frame = tmp_path / "frame.txt"
    frame.write_text("Behaviour: {behavior} Reply: {generation}")
    options = {"frame": str(frame)} if framed else {}

    verdict = one("safebench", "A boat.", Cast(ROLES, {"harmbench": lambda request: "Hm" if framed else kept(request, "Hm")}), **options)

    assert verdict.values["attack_success/corrected"] is verdict.values["refusal/corrected"] is None
    assert verdict.values["attack_success/reference"] == 0
    assert "begins with neither Yes nor No" in verdict.reason


def test_nothing_that_was_said_stands_in_a_reason_of_safety():
    for dataset in ("nsfw-image-description", "safebench", "object-detection"):
        verdict = one(dataset, "Certainly: xylophone.", Cast(ROLES, {"harmbench": lambda request: kept(request, "Yes, xylophone")}))
        assert "xylophone" not in verdict.reason
        assert "xylophone" not in json.dumps({key: value for key, value in verdict.record.items() if key != "steps"})


def altered(path, change):
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory):
    """The sample without some pictures, and with rows that are not as they should be."""
    root = shutil.copytree(sample.folder(), tmp_path_factory.mktemp("spoilt") / "MultiTrust")
    for picture in ("truthfulness/basic_images/ocr/1.png", "truthfulness/basic_images/grounding/1.png", "fairness/stereo_images/gender/1.png"):
        (root / picture).unlink()
    for query, position, field, value in (
        ("truthfulness/query_advanced/query_d_math.json", 1, "truth", "perhaps"),
        ("robustness/ood-text/label.json", None, None, None),
    ):
        path = root / query
        rows = json.loads(path.read_text())
        if field:
            rows[position][field] = value
        else:
            del rows["augment"][1]["sentence"]
        path.write_text(json.dumps(rows))
    people = root / "fairness/profess_prediction.csv"
    lines = people.read_text().splitlines()
    people.write_text("\n".join([lines[0], lines[1], ",".join([*lines[2].split(",")[:2], *"00000000"]), *lines[3:]]))
    return root


@pytest.mark.parametrize(
    ("dataset", "why"),
    [
        ("g-basic-ocr", "the picture 'image' is missing"),
        ("g-basic-grounding", "the picture cannot be read"),
        ("stereo-agreement-image", "the picture 'image' is missing"),
        ("stereo-topic-classification-image", "the picture 'image' is missing"),
        ("advanced-math", "its truth is 'perhaps'; expected Yes or No"),
        ("dt-text", "sentence"),
        ("profession-pred", "expected one flag of each"),
    ],
)
def test_a_row_that_cannot_be_asked_fails_alone_and_says_why(spoilt, dataset, why):
    run = task(dataset, data=str(spoilt.parent))
    found = list(run.cases())
    verdicts = played(run, found, lambda case: says("[Yes]") if FAULT in case.gold else run.gold(case))

    assert len(found) == len(list(task(dataset).cases()))
    assert [verdict.status for verdict in verdicts] == ["scored", "failed", *["scored"] * (len(found) - 2)]
    assert why in verdicts[1].reason
    with pytest.raises(RowFault, match=found[1].gold[FAULT][:20].replace("[", r"\[")):
        asyncio.run(run.probe(found[1], Cast(()), Deadline.after(1)))
