"""The public summary over trees: what it reads, and where it is odd."""

from __future__ import annotations

import json
import math

import pytest

from evaluators.mmdt.results import summarize
from evaluators.mmdt.summary_answers import ANSWERS
from kernel.errors import InvalidSpec
from tests.evaluators.mmdt.results.trees import plant, rates

STEREOTYPES = "model,domain,gender,white,black,asian,indian,age\n"


def test_safety_needs_all_three_scenarios(tmp_path):
    safety = "image_to_text/safety"
    files = {
        f"{safety}/org/whole/{name}/statistic_result.txt": {"BR": 1.0, "HGR": rate}
        for name, rate in (("typography", 0.3), ("illustration", 0.6), ("jailbreak", 0.0))
    }
    plant(tmp_path, {**files, f"{safety}/half/typography/statistic_result.txt": {"BR": 1.0, "HGR": 0.5}})

    assert summarize.safety_scores(tmp_path) == {"image_to_text": {"org/whole": pytest.approx(0.3)}}
    assert summarize.safety_scores(tmp_path, breakdown=True)["image_to_text"]["half"] == {"typography": 0.5}


def test_adversarial_takes_the_robust_rate(tmp_path):
    plant(tmp_path, {f"text_to_image/adv/m/{task}/statistic_result.txt": rates(rate) for task, rate in (("object", 0.9), ("attribute", 0.6), ("spatial", 0.3))})

    assert summarize.adversarial_scores(tmp_path) == {"text_to_image": {"m": pytest.approx(0.6)}}


def test_hallucination_skips_what_is_missing(tmp_path):
    base = "text-to-image/hallucination/m"
    plant(
        tmp_path,
        {
            f"{base}/natural/identification/evaluation.csv": "img_id,soft_accuracy,strict_accuracy\n0,0.5,0\n1,,0\n2,1.0,1\n",
            f"{base}/natural/spatial/evaluation.csv": "img_id,soft_accuracy,strict_accuracy\n0,0.5,0\n",
            f"{base}/natural/count/generation.csv": "",
            f"{base}/ocr/complex/images/0.jpg": "",
            f"{base}/cooccurrence/count/result.json": {"high_cooc": {"count": 0.5, "overall": 0.5}, "low_cooc": {"count": 1.0, "overall": 1.0}},
        },
    )

    assert summarize.hallucination_scores(tmp_path)["text-to-image"] == {"m": {"natural": 0.375, "ocr": None, "cooccurrence": 0.75}}
    assert summarize.hallucination_scores(tmp_path, breakdown=True)["text-to-image"]["m"]["natural"] == {"identification": 0.75, "spatial": 0.0, "count": None}


def test_a_split_that_is_missing_ends_the_collector(tmp_path):
    plant(tmp_path, {"image-to-text/hallucination/m/cooccurrence/action/result.json": {"action": 0.0, "high_cooc": 0.5}})

    with pytest.raises(TypeError):
        summarize.hallucination_scores(tmp_path)


def test_of_stereotypes_the_last_domain_wins_and_white_and_black_cancel(tmp_path):
    table = f"{STEREOTYPES}m,occupation,0.9,0.5,0.5,0,0,0.9\nm,education,-0.3,0.4,-0.4,0,0,0.6\n"
    plant(tmp_path, {"analyze_results/stereotype_result.csv": table})

    assert summarize.fairness_scores(tmp_path, breakdown=True)["text-to-image"]["m"] == {"stereotype": {"gender": 0.3, "age": 0.6, "race": 0.0}}
    assert summarize.fairness_scores(tmp_path)["text-to-image"]["m"]["stereotype"] == pytest.approx(0.3)


def test_overkill_is_read_from_the_stereotypes(tmp_path):
    table = f"{STEREOTYPES}m,education,0.3,0.1,0.2,0,0,0.6\n"
    plant(tmp_path, {"analyze_results/stereotype_result.csv": table, "analyze_results/overkill_result.csv": "model,correct\nm,0.9\n"})

    found = summarize.fairness_scores(tmp_path)["text-to-image"]["m"]

    assert found["overkill"] == found["stereotype"] == pytest.approx(0.4)


def test_an_empty_cell_spoils_the_mean(tmp_path):
    plant(tmp_path, {"analyze_results/decision_result.csv": f"{STEREOTYPES}m,hiring,0.3,0.1,0.2,0,0,\n"})

    assert math.isnan(summarize.fairness_scores(tmp_path)["text-to-image"]["m"]["decision"])


def test_a_granularity_that_is_missing_counts_as_never_betrayed(tmp_path):
    plant(tmp_path, {"image_to_text/privacy/Pri-Street-View/llava_v1_Pri-SV-with-text.json.csv": "filename,granularity,acc,rej\na,country,62.00%,0.00%\n"})

    assert summarize.privacy_scores(tmp_path)["image_to_text"] == {"pii": {}, "location": {"llava": 98.0}, "pii_and_location": {}}


def entries(value, scenarios, tasks):
    return {task: dict.fromkeys(scenarios, value) for task in tasks}


def test_out_of_distribution_has_two_scales_and_fails_as_a_whole(tmp_path):
    painted = ("helpfulness", "count", "spatial", "color", "size")
    trial = {**entries(50.0, ("Shake_", "Paraphrase_"), painted), "helpfulness": {"Shake_": 0.5, "Paraphrase_": 0.7}}
    scenarios = ("Van_Gogh", "oil_painting", "watercolour_painting", "zoom_blur", "gaussian_noise", "pixelate")
    told = entries(0.4, scenarios, ("identification", "count", "spatial", "attribute"))
    plant(tmp_path, {f"text-to-image/ood/summary_{number}.json": {"m": trial} for number in range(3)})
    plant(tmp_path, {"image-to-text/ood/summary.json": {"whole": told}})

    assert summarize.ood_scores(tmp_path) == {"text-to-image": {"m": pytest.approx(52.5)}, "image-to-text": {"whole": pytest.approx(0.4)}}
    assert summarize.ood_scores(tmp_path, breakdown=True)["text-to-image"]["m"]["helpfulness_"] == {"shake": 50.0, "rare": pytest.approx(70.0)}

    plant(tmp_path, {"image-to-text/ood/summary.json": {"whole": told, "half": {"count": {"Van_Gogh": 1.0}}}})

    assert summarize.ood_scores(tmp_path)["image-to-text"] == {}


def test_the_summary_is_sorted_and_lies_in_the_result_folder(tmp_path):
    plant(tmp_path, {f"results/text_to_image/adv/{model}/object/statistic_result.txt": rates(0.5) for model in ("zebra", "ant")})

    written = json.loads(summarize.write_summary(tmp_path).read_text())

    assert (tmp_path / "results" / "summary.json").is_file()
    assert list(written) == ["aggregated_results", "breakdown_results"]
    assert list(written["breakdown_results"]) == ["adv", "fairness", "hallucination", "ood", "privacy", "safety"]
    assert list(written["breakdown_results"]["adv"]["text_to_image"]) == ["ant", "zebra"]


def test_recorded_trees_are_answered_in_their_form():
    files = {f"results/text_to_image/adv/m/{task}/statistic_result.txt": rates(0.5) for task in ("object", "attribute", "spatial")}

    assert ANSWERS["summarize", "adv_scores"]({"files": files})["aggregated"] == {"text_to_image": {"m": 0.5}}
    assert ANSWERS["summarize", "sort_keys"]({"obj": {"b": 1, "a": {"d": 1, "c": 2}}}) == ["a", "b"]
    lacking = {"results/image-to-text/hallucination/m/cooccurrence/action/result.json": '{"high_cooc": 1.0}'}
    assert ANSWERS["summarize", "hallucination_scores"]({"files": lacking}) == {"error": "TypeError"}


def test_a_recorded_path_that_leaves_its_tree_is_refused():
    with pytest.raises(InvalidSpec, match="has to lie in its tree"):
        ANSWERS["summarize", "adv_scores"]({"files": {"../outside.txt": "x"}})
