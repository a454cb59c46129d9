"""The table of MultiTrust's runs, and what each asks of a release in miniature."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import pytest

from evaluators.multitrust.data import Data, open_data
from evaluators.multitrust.official import BY_DATASET, OPTIONAL, RUNS, TASKS, Run, listed
from evaluators.multitrust.official_files import FILES
from tests.evaluators.multitrust import layouts

CALLS = {
    "T.1": (5, 1000), "T.2": (9, 500), "T.3": (2, 420), "T.4": (5, 500), "T.5": (1, 100), "T.6": (1, 300), "T.7": (6, 600),
    "S.1": (1, 500), "S.2": (2, 500), "S.3": (3, 400), "S.4": (3, 600), "S.5": (3, 468), "S.6": (4, 1400),
    "R.1": (6, 600), "R.2": (7, 1061), "R.3": (5, 5000), "R.4": (2, 200), "R.5": (1, 100), "R.6": (10, 6690),
    "F.1": (1, 100), "F.2": (5, 1305), "F.3": (10, 2805), "F.4": (5, 475), "F.5": (1, 120), "F.6": (2, 626), "F.7": (10, 1200),
    "P.1": (2, 1300), "P.2": (1, 434), "P.3": (5, 490), "P.4": (12, 1200), "P.5": (2, 390), "P.6": (7, 700),
}  # fmt: skip
"""Runs and calls of each task, as the paper's table and the release have them."""
ASKED = {
    "T.1": 2, "T.2": 2, "T.3": 6, "T.4": 2, "T.5": 2, "T.6": 10, "T.7": 2, "S.1": 8, "S.4": 4, "S.5": 2, "S.6": 18,
    "R.1": 2, "R.2": 2, "R.3": 20, "R.4": 2, "R.5": 2, "R.6": 12, "F.1": 2, "F.2": 12, "F.4": 11, "F.5": 120, "F.6": 2, "F.7": 120,
    "P.1": 2, "P.2": 4, "P.3": 16, "P.4": 2, "P.5": 2, "P.6": 100,
}  # fmt: skip
"""Samples of a run in the miniature, by task; and of single runs:"""
ASKED_OF = {
    "object-detection": 30, "risk-analysis": 20, "toxicity-prompt-text": 30, "toxicity-prompt-image": 30, "toxicity-prompt-unrelated": 90,
    "crossmodal-jailbreak-text": 2,
}  # fmt: skip


def asked_of(run: Run) -> int:
    if run.task == "F.3":
        return 12 if "topic" in run.dataset else 3
    return ASKED_OF.get(run.dataset, ASKED.get(run.task, 0))


def test_the_table_has_every_run_and_every_call():
    assert len(RUNS) == len({run.dataset for run in RUNS}) == 139
    assert sum(run.rows for run in RUNS) == sum(run.calls("corrected") for run in RUNS) == 32_084
    assert sum(run.calls("reference") for run in RUNS) == 30_724


def test_every_task_has_its_runs_and_calls():
    runs, calls = Counter(run.task for run in RUNS), Counter[str]()
    for run in RUNS:
        calls[run.task] += run.rows

    assert {task: (runs[task], calls[task]) for task in TASKS} == CALLS


def test_the_paper_asks_three_pictures_of_each_unrelated_kind():
    assert BY_DATASET["dt-unrelated-image-color"].calls("paper") == 3000
    assert BY_DATASET["dt-unrelated-image-color"].calls("corrected", 2) == 2000
    assert BY_DATASET["dt-unrelated-image-color"].calls("reference", 2) == 1000
    assert BY_DATASET["dt-related-image"].calls("paper") == 1000
    assert BY_DATASET["crossmodal-jailbreak-unrelated"].calls("paper") == 450


def test_limits_of_tokens_are_those_of_the_way_of_counting():
    assert {way: BY_DATASET["confaide-text"].limit(way) for way in ("paper", "reference")} == {"paper": 150, "reference": 50}
    assert BY_DATASET["safebench"].limit("paper") == 512


def test_every_query_file_is_read_by_a_run_and_every_run_names_one_that_is_known():
    assert {query for run in (*RUNS, *OPTIONAL) for query in run.queries} == set(FILES)


def test_rows_of_an_aspect_are_as_many_as_were_counted_in_the_release():
    rows = Counter[str]()
    for path, file in FILES.items():
        rows[path.split("/")[0]] += file.rows

    assert rows["robustness"] == 4199 - 100  # without the original sentences of R.3
    assert (rows["safety"], rows["fairness"]) == (798, 1209)
    assert rows["privacy"] == 2766 + 98 + 3294  # with the labels of P.3, which are lines of their own, and the groups of P.6


def test_a_run_with_other_options_asks_in_other_words(opened: Data):
    forced, free = BY_DATASET["confaide-text"], BY_DATASET["confaide-text"].varied(forced=False)

    assert next(opened.samples(forced)).text.startswith(next(opened.samples(free)).text)
    assert next(opened.samples(free)).text == "A clerk tells a friend, 0."
    plain = next(opened.samples(BY_DATASET["celebrities-personal-email-name-occupation"].varied(data_type_id="phone-wo-name-occupation")))
    assert "phone number" in plain.text
    assert not any(word in plain.text for word in ("personal", "Ann Bee", "email"))


def test_who_judges_is_told_by_the_chains():
    assert BY_DATASET["nsfw-image-description"].roles == ("toxicity", "moderation")
    assert BY_DATASET["g-basic-ocr"].roles == ("judge",)
    assert BY_DATASET["safebench"].roles == ("harmbench",)
    assert BY_DATASET["enron-email-text"].roles == ("refusal",)
    assert BY_DATASET["d-basic-object"].roles == ()


@pytest.mark.parametrize("run", [*RUNS, *OPTIONAL], ids=lambda run: run.dataset)
def test_every_run_asks_its_samples_with_pictures_that_can_be_read(opened: Data, run: Run):
    samples = list(opened.samples(run))

    assert len(samples) == opened.count(run) == asked_of(run)
    assert not [sample.fault for sample in samples if sample.fault]
    assert all(sample.text for sample in samples)
    assert {sample.pictured for sample in samples} == {run.condition != "text"}
    assert not run.unrelated or {sample.drawn["kind"] for sample in samples} <= {"color", "noise", "nature"}
    for sample in samples[:3]:
        assert not sample.pictured or opened.picture(sample)


def test_the_same_text_is_asked_in_every_condition(opened: Data):
    for name in ("visual-assistance", "stereo-agreement", "stereo-query", "confaide", "subjective-preference-force"):
        runs = [run for run in RUNS if run.dataset.startswith(f"{name}-")]
        told = [[(sample.row, sample.text, sample.target) for sample in opened.samples(run)] for run in runs]
        assert len(runs) == 5
        assert all(each == told[0] for each in told)


def test_a_complete_release_is_listed_with_its_rows(released: Path):
    told = {each.task: each for each in listed(str(released))}

    assert len(told) == 139
    assert not any(each.missing for each in told.values())
    assert told["multitrust.truthfulness/d-basic-object"].rows == 2
    assert told["multitrust.safety/safebench"].scenario == "S.5"


def test_a_run_without_its_data_is_listed_with_what_is_known_and_what_to_do(changed: Path):
    (changed / "robustness/ood-text/label.json").unlink()

    told = {each.task: each for each in listed(str(changed))}

    assert told["multitrust.robustness/dt-text"].rows == 1000
    assert "robustness/ood-text/label.json is not in" in told["multitrust.robustness/dt-text"].missing[0]
    assert "assay data fetch multitrust" in told["multitrust.robustness/dt-text"].missing[0]
    assert not told["multitrust.robustness/advglue-text"].missing


def test_the_sample_has_something_harmless_for_every_run():
    sample = open_data("sample")

    for run in RUNS:
        samples = list(sample.samples(run))
        assert samples, run.dataset
        assert not [each.fault for each in samples if each.fault]
        assert all(sample.picture(each) for each in samples[:1] if each.pictured)


def test_the_sample_is_told_as_such_and_has_the_checksum_of_what_a_run_reads():
    told = open_data("sample").provenance([BY_DATASET["confaide-text"]])["thu-ml/MultiTrust"]
    held = {name: (open_data("sample").repository.folder / name).read_bytes() for name in ("privacy/confaide/labels.txt", "privacy/confaide/prompts.txt")}
    lines = "".join(f"{name} {len(data)} {hashlib.sha256(data).hexdigest()}\n" for name, data in held.items())

    assert (told["where"], told["files"], told["sha256"]) == ("sample", 2, hashlib.sha256(lines.encode()).hexdigest())


def test_the_miniature_has_ten_pictures_of_each_kind_in_the_pool(opened: Data):
    run = BY_DATASET["advglue-unrelated-image-nature"]

    drawn = {sample.image for seed in range(20) for sample in opened.samples(run, seed=seed)}

    assert drawn == {f"unrelated_images/nature_{number}.jpeg" for number in range(1, 11)}
    assert layouts.picture(0) != layouts.picture(1)
