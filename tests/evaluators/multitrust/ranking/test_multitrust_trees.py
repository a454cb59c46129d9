"""Logs and results of the public code: read, counted anew, and written."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field

import pytest

from evaluators.multitrust import ranking, results
from evaluators.multitrust.published import PLACES
from evaluators.multitrust.reported import JUDGED, SCRIPTS
from evaluators.multitrust.results import importing
from kernel.errors import InvalidSpec
from tests.evaluators.multitrust.ranking.made import log, numbers, plant, rows
from tests.evaluators.multitrust.ranking.made import results as made_results

T4, T5, P3 = "t4-visual-assistance", "t5-text-misleading", "p3-infoflow"
STEP = f"{JUDGED}:pred_no_op"


def judged(values):
    return log({f"{JUDGED}:pred_mean": sum(values) / len(values)}, rows(**{STEP: values, "pred": ["a reply"] * len(values)}))


def read(folder, **options):
    return {(each.model, each.task, each.metric): each for each in results.read(folder, **options)}


def test_a_stored_number_is_counted_anew_from_its_log(tmp_path):
    plant(tmp_path, f"logs/truthfulness/{T5}/m/g-text-misleading.json", judged([1, 0, 1]))
    plant(tmp_path, f"results/truthfulness/{T5}/m/{T5}.json", {"model_id": "m", "scores": {"g-text-misleading": {"Accuracy": "66.67"}}})

    found = read(tmp_path)["m", "g-text-misleading", "accuracy/reference"]

    assert (found.stored, found.ours, found.agrees) == (pytest.approx(0.6667), pytest.approx(0.6667), True)
    assert (found.label, found.scenario, found.perspective) == ("multitrust.truthfulness/g-text-misleading", "T.5", "truthfulness")
    assert found.rows == {"0": 1.0, "1": 0.0, "2": 1.0}


@pytest.mark.parametrize("where", ["results", "total"])
def test_a_number_that_was_changed_is_told(tmp_path, where):
    held, told = judged([1, 0, 1]), "66.67"
    if where == "total":
        held["total_results"][f"{JUDGED}:pred_mean"], told = 0.99, "99.00"
    else:
        told = "66.68"
    plant(tmp_path, f"logs/truthfulness/{T5}/m/g-text-misleading.json", held)
    plant(tmp_path, f"results/truthfulness/{T5}/m/{T5}.json", {"model_id": "m", "scores": {"g-text-misleading": {"Accuracy": told}}})

    found = read(tmp_path)["m", "g-text-misleading", "accuracy/reference"]

    assert (found.ours, found.agrees) == (pytest.approx(0.6667), False)


def test_totals_are_counted_from_rows_by_subset_and_label():
    kept = log(
        {"rule_yes_or_no_eval:accuracy_score": 0.0, "rule_yes_or_no_eval:accuracy_score_mirror": 0.0, "other:pred_mean": 0.25},
        rows(**{"rule_yes_or_no_eval:pred_no_op": (1, 0, 1), "label": (1, 1, 1), "extra": ({"subset": "mirror"}, {"subset": "mirror"}, {"subset": "x"})}),
    )

    assert importing.recounted(kept)["total_results"] == {
        "rule_yes_or_no_eval:accuracy_score": pytest.approx(2 / 3), "rule_yes_or_no_eval:accuracy_score_mirror": 0.5, "other:pred_mean": 0.25,
    }  # fmt: skip


def test_bare_nan_and_names_of_older_logs_are_read(tmp_path):
    plant(tmp_path, f"logs/privacy/{P3}/m/confaide-text.json",
          '{"total_results": {"rule_match_and_score_eval:pearson_corr": NaN, "rule_match_and_score_eval:failure": 1.0}, "per_sample_results": []}')  # fmt: skip
    plant(tmp_path, f"logs/truthfulness/{T5}/m/g-text-misleading.json", log({"ChatModelEvaluator->YesOrNoEvaluator:pred_mean": 0.5}))

    found = read(tmp_path)

    assert found["m", "confaide-text", "pearson/reference"].ours == 0
    assert found["m", "g-text-misleading", "accuracy/reference"].ours == 0.5
    assert found["m", "g-text-misleading", "accuracy/reference"].why == "it is not in the results"


def test_what_a_script_ends_in_is_the_reason(tmp_path):
    plant(tmp_path, "logs/fairness/f5-vision-preference/m/vision-preference.json", log(rows=rows(refused=(0,), classified=(0,))))

    found = read(tmp_path)["m", "vision-preference", "refusal/reference"]

    assert (found.ours, found.agrees) == (None, None)
    assert "KeyError" in found.why


def test_a_log_of_another_form_is_told_and_the_rest_is_read(tmp_path):
    boxes = log({"chatmodel_eval:iou_judge": 50.0}, [{"chatmodel_eval:pred_no_op": "[0, 0, 1, 1]", "label": "a box"}])
    plant(tmp_path, "logs/truthfulness/t1-basic/m/g-basic-grounding.json", boxes)
    plant(tmp_path, f"logs/truthfulness/{T5}/m/g-text-misleading.json", judged([1]))

    found = read(tmp_path)

    assert "another form" in found["m", "g-basic-grounding", "accuracy/reference"].why
    assert found["m", "g-text-misleading", "accuracy/reference"].ours == 1


def test_a_defect_of_the_script_itself_is_told(tmp_path):
    totals = {f"{JUDGED}:pred_mean_PROMPT_{number}": value for number, value in ((1, 0.95), (2, 1.0), (3, 0.9))}
    plant(tmp_path, "logs/truthfulness/t3-instruction-enhancement/m/instruction-enhancement-logic.json", log(totals))

    found = read(tmp_path)["m", "instruction-enhancement-logic", "max_accuracy/reference"]

    assert found.ours == pytest.approx(0.95)
    assert found.why.endswith("without the script's own defects it is 1")


def test_cures_are_counted_question_by_question(tmp_path):
    for ident, values in (("visual-assistance-text", [1, 0, 0, 0]), ("visual-assistance-image", [0, 1, 0, 1])):
        plant(tmp_path, f"logs/truthfulness/{T4}/m/{ident}.json", judged(values))

    assert read(tmp_path)["m", "visual-assistance-image", "cure/corrected"].ours == pytest.approx(2 / 3)


def test_only_the_models_that_are_meant(tmp_path):
    for model in ("one", "org/two"):
        plant(tmp_path, f"results/truthfulness/{T5}/{model}/{T5}.json", {"scores": {"g-text-misleading": {"Accuracy": "50.00"}}})

    assert {key[0] for key in read(tmp_path)} == {"one", "org/two"}
    assert {key[0] for key in read(tmp_path, models=("org/two",))} == {"org/two"}
    assert {key[0] for key in read(tmp_path / "results")} == {"one", "org/two"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "expected a mapping"),
        ({"scores": 3}, "expected `scores`"),
        ({"scores": {"g-text-misleading": {"Accuracy": "x"}}}, "no number"),
    ],
)
def test_files_of_another_form_are_refused(tmp_path, content, message):
    plant(tmp_path, f"results/truthfulness/{T5}/m/{T5}.json", content)

    with pytest.raises(InvalidSpec, match=message):
        read(tmp_path)


def test_a_folder_without_results_is_refused(tmp_path):
    with pytest.raises(InvalidSpec, match="expected folders such as"):
        read(tmp_path)


@dataclass
class Kept:
    task: str
    case: str
    model: str = "ours"
    question: str = "What?"
    answers: tuple[str, ...] = ("an answer",)
    gold: object = field(default_factory=lambda: {"target": 1})
    facts: dict = field(default_factory=dict)


def test_a_whole_run_is_written_read_and_ranked(tmp_path):
    told = list(results.write({"ours": numbers()}, [], tmp_path / "out"))

    written = {each.results.format(model="ours") for each in SCRIPTS}
    assert {file.relative_to(tmp_path / "out").as_posix() for file in (tmp_path / "out" / "results").rglob("*.json")} == written
    assert importing.standing(tmp_path / "out", "ours") == ranking.ranked(made_results())
    table = ranking.parsed((tmp_path / "out" / "scripts" / "rank.txt").read_text())
    assert (len(table), next(place for place in table if place.model == "ours")) == (45, ("ours", 51.67, 33))
    assert told[0] == "ours: 33 of 33 results files"
    assert told[1] == "ours: 51.67, rank 33 of 45"
    assert all(each.stored is not None and math.isclose(each.stored, 0.5 if each.unit != "points" else 50) for each in results.read(tmp_path / "out"))


def test_half_a_run_is_not_ranked(tmp_path):
    label = "multitrust.truthfulness/g-text-misleading"

    told = list(results.write({"ours": {label: {"accuracy/reference": 2 / 3}}}, [], tmp_path / "out"))

    assert "not ranked" in told[1]
    assert ranking.parsed((tmp_path / "out" / "scripts" / "rank.txt").read_text()) == list(PLACES)
    stored = json.loads((tmp_path / "out" / f"results/truthfulness/{T5}/ours/{T5}.json").read_text())
    assert stored == {"model_id": "ours", "scores": {"g-text-misleading": {"Accuracy": "66.67"}}}


def test_logs_are_written_from_what_cases_recorded_and_agree_with_the_results(tmp_path):
    label = "multitrust.truthfulness/g-text-misleading"
    cases = [Kept(label, f"{at}", facts={"recorded": {"steps": {STEP: value}}}) for at, value in enumerate([1, 0, 1])]

    list(results.write({"ours": {label: {"accuracy/reference": 2 / 3}}}, cases, tmp_path / "out"))

    found = read(tmp_path / "out")["ours", "g-text-misleading", "accuracy/reference"]
    assert found.agrees
    assert found.rows == {"0": 1.0, "1": 0.0, "2": 1.0}


def test_of_safety_neither_question_nor_reply_is_written(tmp_path):
    label = "multitrust.safety/safebench"
    steps = {"harmbenchmodel_eval:pred_no_op": 1, "rule_reject_template_eval:pred_no_op": 0}

    list(results.write({"ours": {label: {"attack_success/reference": 1.0, "refusal/reference": 0.0}}},
                       [Kept(label, "0", question="how to", answers=("like this",), facts={"recorded": {"steps": steps}})], tmp_path / "out"))  # fmt: skip

    text = (tmp_path / "out/logs/safety/s5-multimodal-jailbreaking/ours/safebench.json").read_text()
    assert json.loads(text)["per_sample_results"] == [steps]
    assert "like this" not in text
    assert read(tmp_path / "out")["ours", "safebench", "attack_success/reference"].agrees


def test_a_folder_that_holds_something_is_not_written_over(tmp_path):
    plant(tmp_path, "note.txt", "mine")

    with pytest.raises(InvalidSpec, match="new or empty"):
        list(results.write({"ours": numbers()}, [], tmp_path))
