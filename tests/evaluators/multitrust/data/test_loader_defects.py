"""What the public loaders do wrong: `reference` does the same, `corrected` does not, and a bad row spoils no other."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evaluators.measures.reference import Crash
from evaluators.multitrust.data import Data, Sample, open_data
from evaluators.multitrust.official import BY_DATASET, RUNS, Counting
from evaluators.rows import RowFault
from tests.evaluators.multitrust import layouts


def asked(root: Path | Data, name: str, counting: Counting = "corrected") -> list[Sample]:
    opened = root if isinstance(root, Data) else open_data(str(root))
    return list(opened.samples(BY_DATASET[name], counting))


def altered(path: Path, change: Callable[[Any], None]) -> None:
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


def test_jailbreaks_are_cut_off_after_ten(opened: Data):
    whole, cut = asked(opened, "crossmodal-jailbreak-pos"), asked(opened, "crossmodal-jailbreak-pos", "reference")

    assert len(whole) == len(asked(opened, "crossmodal-jailbreak-pos", "paper")) == 18
    assert cut == whole[:10]


def test_preferences_are_asked_in_words_alone(opened: Data):
    runs = [run for run in RUNS if run.task == "F.7"]

    assert not any(sample.pictured for run in runs for sample in opened.samples(run, "reference"))
    assert all(sample.pictured for run in runs if run.condition != "text" for sample in opened.samples(run))
    assert {sample.extra["subset"] for sample in asked(opened, "subjective-preference-force-text", "reference") if sample.extra} == {
        "ideology", "culture/lifestyle",
    }  # fmt: skip


def test_stereotype_queries_are_dropped_and_shifted_when_pictures_are_missing(changed: Path):
    (changed / "fairness/stereo_query_images/2.png").unlink()

    assert len(asked(changed, "stereo-query-text", "reference")) == 10
    assert asked(changed, "stereo-query-image", "reference")[1].image == "fairness/stereo_query_images/3.png"
    corrected = asked(changed, "stereo-query-image")
    assert len(corrected) == len(asked(changed, "stereo-query-text")) == 11
    assert [sample.image for sample in corrected][:3] == [f"fairness/stereo_query_images/{number}.png" for number in (1, 2, 3)]
    with pytest.raises(RowFault, match=r"the picture 'image' is missing; expected the file 'fairness/stereo_query_images/2.png'"):
        open_data(str(changed)).picture(corrected[1])


def test_a_truth_that_is_neither_yes_nor_no_takes_the_one_before(changed: Path):
    query = changed / "truthfulness/query_advanced/query_d_math.json"
    altered(query, lambda rows: rows.append({**rows[0], "truth": "perhaps"}))

    assert [sample.target for sample in asked(changed, "advanced-math", "reference")] == [1, 0, 0]
    bad = asked(changed, "advanced-math")[2]
    assert (bad.row, bad.target) == ("2", None)
    assert "its truth is 'perhaps'; expected Yes or No" in bad.fault

    altered(query, lambda rows: rows.reverse())
    with pytest.raises(Crash, match="UnboundLocalError"):
        asked(changed, "advanced-math", "reference")
    assert [bool(sample.fault) for sample in asked(changed, "advanced-math")] == [True, False, False]


@pytest.mark.parametrize(
    ("name", "picture"),
    [
        ("d-basic-object", "truthfulness/basic_images/object/0.png"),
        ("g-text-misleading", "truthfulness/misleading_images/mistext/0.png"),
        ("d-mis-visual-confusion", "truthfulness/misleading_images/contrast/0.png"),
        ("vispr-recognition", "privacy/vispr/test2017/0.jpg"),
        ("vispr-leakage", "privacy/vispr/categorized/Phone/0.jpg"),
        ("celebrities-personal-phone-name-occupation", "privacy/celeb/imgs/Ann_Bee.jpeg"),
    ],
)
def test_rows_without_their_picture_are_left_out_or_fail_alone(changed: Path, name: str, picture: str):
    whole = asked(changed, name)
    (changed / picture).unlink()

    assert asked(changed, name, "reference") == [sample for sample in whole if sample.image != picture]
    assert asked(changed, name) == whole
    with pytest.raises(RowFault, match="is missing"):
        open_data(str(changed)).picture(whole[0])


def test_a_missing_picture_of_grounding_ends_the_run(changed: Path):
    assert [sample.extra for sample in asked(changed, "g-basic-grounding")] == [{"img_size": [4, 3]}, {"img_size": [5, 3]}]
    (changed / "truthfulness/basic_images/grounding/0.png").unlink()

    with pytest.raises(Crash, match="FileNotFoundError"):
        asked(changed, "g-basic-grounding", "reference")
    first, second = asked(changed, "g-basic-grounding")
    assert "the picture cannot be read" in first.fault
    assert second.extra == {"img_size": [5, 3]}


def test_a_person_without_a_flag_shifts_all_that_follow(changed: Path):
    people = [layouts.person(number) for number in range(4)]
    people[1]["gender_presentation_fem"] = people[2]["gender_presentation_masc"] = 0
    layouts.table(changed / "fairness/profess_prediction.csv", people)

    shifted = asked(changed, "profession-pred", "reference")
    assert [sample.extra["gender"] for sample in shifted if sample.extra] == ["male", "female"]
    assert [sample.extra["age"] for sample in shifted if sample.extra] == ["older", "middle"]
    corrected = asked(changed, "profession-pred")
    assert [sample.extra["gender"] if sample.extra else None for sample in corrected] == ["male", None, None, "female"]
    assert "it has 0 of gender; expected one flag of each" in corrected[1].fault


def test_the_category_of_a_prompt_is_told_by_its_place(changed: Path):
    altered(changed / "safety/real_toxicity_prompt/prompts_select.json", lambda prompts: prompts["calm"].pop())

    assert asked(changed, "toxicity-prompt-text", "reference")[9].facts["category"] == "calm"
    assert asked(changed, "toxicity-prompt-text")[9].facts["category"] == "lively"


def test_details_in_conversations_are_made_anew_for_every_run(opened: Data):
    runs = [run for run in RUNS if run.task == "P.6"]
    shared = [[(sample.text, sample.target) for sample in opened.samples(run)] for run in runs]
    anew = [[sample.text for sample in opened.samples(run, "reference")] for run in runs]

    assert all(each == shared[0] for each in shared)
    assert len({tuple(each) for each in anew}) == len(runs) == 7


def test_a_picture_of_a_conversation_shows_the_kind_the_detail_or_all(opened: Data):
    kind, one, every = (asked(opened, f"enron-email-image-{shown}")[10] for shown in ("typeinfo", "oneinfo", "allinfo"))

    assert kind.facts == {"kind": "email address"}
    assert kind.rendered == "email address"
    assert one.rendered == f"email address\n\n{one.target[0]}"
    assert sorted(every.rendered.split("\n\n")) == [f"Name 0 {who}: n0{who}@example.org" for who in range(5)]
    assert every.text.endswith("Name 0 0?")


def test_two_addresses_have_run_together(opened: Data):
    found = {
        way: {sample.target[0] for sample in asked(opened, "enron-email-text", way) if sample.facts["kind"] == "address"} for way in ("reference", "corrected")
    }

    assert not any("15213" in value and "91125" in value for value in found["corrected"])
    assert len({value for seed in range(9) for value in addresses(opened, "reference", seed)}) == 6
    assert len({value for seed in range(9) for value in addresses(opened, "corrected", seed)}) == 7


def addresses(opened: Data, counting: Counting, seed: int) -> list[str]:
    samples = opened.samples(BY_DATASET["enron-email-text"], counting, seed=seed)
    return [sample.target[0] for sample in samples if sample.facts["kind"] == "address"]


def test_a_row_that_lacks_a_field_fails_alone(changed: Path):
    altered(changed / "truthfulness/query_text/query_g_assistance.json", lambda rows: rows[0].pop("truth"))

    first, second = asked(changed, "visual-assistance-text")
    assert "query_g_assistance.json, row 0: no field 'truth'; found id, image, query" in first.fault
    assert second.target == "four"
    with pytest.raises(Crash, match="KeyError"):
        asked(changed, "visual-assistance-text", "reference")


def test_empty_statements_and_repeated_heads_are_left_out(changed: Path, opened: Data):
    path = changed / "fairness/stereo_statement.csv"
    rows = list(csv.DictReader(path.read_text().splitlines()))
    layouts.table(path, [{**rows[0], "Stereo Statement": ""}, *rows[1:]])

    assert len(asked(changed, "stereo-agreement-text")) == len(asked(opened, "stereo-agreement-text")) - 1
    assert all(sample.target.startswith("harmless act") for sample in asked(opened, "typographic-prompt"))


def test_a_label_that_the_task_does_not_have_fails_alone(changed: Path):
    path = changed / "fairness/stereo_classification.csv"
    rows = list(csv.DictReader(path.read_text().splitlines()))
    layouts.table(path, [{**rows[0], "Label": "neither"}, *rows[1:]])

    first, *others = asked(changed, "stereo-classification-text")
    assert "labelled 'neither'; expected one of stereotype, anti-stereotype, unrelated" in first.fault
    assert not any(sample.fault for sample in others)
