"""How many samples a run asks and with what, which options it refuses, and what its manifest tells."""

from __future__ import annotations

import hashlib

import pytest

from evaluators.measures import judges
from evaluators.multitrust.data import open_data
from evaluators.multitrust.official import BY_DATASET, EXAMINED, NAME, RUNS
from kernel.contract import Kind
from kernel.errors import InvalidSpec
from tests.evaluators.multitrust.tasks.multitrust_cast import Cast, cases, one, played, task

TEXTS = {"T.4": 4, "T.7": 4, "R.3": 40, "R.6": 12, "F.2": 6, "F.4": 6, "F.7": 120, "P.3": 14, "P.6": 100}
"""Texts of the cross-modal tasks in the sample, but of F.3, which has two sets, and S.3 and S.6, which mix the kinds."""
UNRELATED = [run for run in RUNS if run.unrelated and run.task in TEXTS]


def asked(run, way, k=1):
    return open_data("sample").count(run, way, k=k)


@pytest.mark.parametrize("run", UNRELATED, ids=[run.dataset for run in UNRELATED])
def test_a_text_is_asked_with_one_picture_in_reference_three_in_paper_and_k_in_corrected(run):
    texts = TEXTS[run.task]
    alone = run.task == "F.7"

    assert (asked(run, "reference"), asked(run, "paper"), asked(run, "corrected"), asked(run, "corrected", 3)) == (texts, 3 * texts, texts, 3 * texts)
    assert asked(run, "reference", 3) == texts
    if run.task != "P.6":
        assert [len(case.request.pictures) for case in task(run.dataset, asked="reference").cases()] == [0 if alone else 1] * texts


@pytest.mark.parametrize(
    ("dataset", "reference", "paper", "corrected", "three"),
    [
        ("toxicity-prompt-text", 20, 20, 20, 20),
        ("toxicity-prompt-unrelated", 60, 180, 60, 180),
        ("crossmodal-jailbreak-text", 4, 4, 4, 4),
        ("crossmodal-jailbreak-pos", 10, 12, 12, 12),
        ("crossmodal-jailbreak-unrelated", 10, 36, 36, 36),
        ("stereo-classification-unrelated-image-noise", 3, 9, 3, 9),
        ("stereo-topic-classification-unrelated-image-noise", 6, 18, 6, 18),
        ("d-basic-object", 8, 8, 8, 8),
        ("instruction-enhancement-logic", 12, 12, 12, 12),
    ],
)
def test_how_many_samples_a_run_asks(dataset, reference, paper, corrected, three):
    found = [len(list(task(dataset, asked=way).cases())) for way in ("reference", "paper", "corrected")]

    assert found == [reference, paper, corrected]
    assert len(list(task(dataset, asked="corrected", k=3).cases())) == three


@pytest.mark.parametrize("dataset", ["d-basic-object", "crossmodal-jailbreak-pos", "dt-unrelated-image-color"])
@pytest.mark.parametrize("way", ["reference", "paper", "corrected"])
def test_the_number_of_cases_is_known_before_they_are_made(dataset, way, tmp_path):
    run = task(dataset, asked=way, k=2)

    assert run.how_many() == len(list(run.cases()))
    assert task(dataset, data=str(tmp_path), asked=way, k=2).how_many() == BY_DATASET[dataset].calls(way, 2)


def test_reference_counts_the_first_ten_of_a_run_of_jailbreaks_whatever_is_asked():
    run = task("crossmodal-jailbreak-pos")
    found = list(run.cases())
    first = {case.id for case in task(run.dataset, asked="reference").cases()}
    verdicts = played(run, found, lambda _: run.constant())

    assert {case.id for case in found[:10]} == first
    for name in ("attack_success", "refusal"):
        assert [verdict.values[f"{name}/reference"] is None for verdict in verdicts] == [False] * 10 + [True] * 2
        assert all(verdict.values[f"{name}/{way}"] is not None for verdict in verdicts for way in ("paper", "corrected"))


def test_reference_counts_preferences_that_were_asked_in_words_alone():
    words, picture = (one(f"subjective-preference-plain-{ending}", "I choose tea, as I like it best of all there is.").values for ending in ("text", "image"))
    told = one("subjective-preference-plain-image", "I choose tea, as I like it best of all there is.", asked="reference").values

    assert words["refusal/reference"] == words["refusal/corrected"] == told["refusal/reference"] == 0
    assert (picture["refusal/reference"], picture["refusal/paper"], picture["refusal/corrected"]) == (None, 0, 0)


@pytest.mark.parametrize("dataset", [run.dataset for run in RUNS])
def test_a_request_asks_greedily_within_the_limit_and_shows_what_the_condition_says(dataset):
    run = BY_DATASET[dataset]
    for case in cases(dataset):
        assert (case.request.model, case.request.kind, case.request.system) == ("model", Kind.GENERATE, None)
        assert (case.request.sampling.temperature, case.request.sampling.max_tokens) == (0, run.tokens)
        assert len(case.request.pictures) == (0 if run.condition == "text" else 1)
        assert case.request.text
        assert case.cluster


def test_the_limits_of_the_published_numbers_are_those_of_paper():
    limits = {
        dataset: [next(task(dataset, asked=way).cases()).request.sampling.max_tokens for way in ("paper", "reference", "corrected")]
        for dataset in ("nsfw-image-description", "stereo-generation", "confaide-text", "d-basic-object")
    }

    assert limits == {
        "nsfw-image-description": [128, 150, 150], "stereo-generation": [200, 100, 100], "confaide-text": [150, 50, 50], "d-basic-object": [100, 100, 100],
    }  # fmt: skip


def test_the_seed_draws_other_pictures_and_keeps_the_texts():
    first, again, other = (list(task("dt-unrelated-image-nature", seed=seed).cases()) for seed in (0, 0, 1))

    assert [case.id for case in first] == [case.id for case in again]
    assert [case.request.text for case in first] == [case.request.text for case in other]
    assert [case.request.pictures for case in first] != [case.request.pictures for case in other]


@pytest.mark.parametrize(
    ("aspect", "options", "message"),
    [
        ("d-basic-object", {"dataset": "safebench"}, "truthfulness has no data set 'safebench'; it has d-basic-object, "),
        ("d-basic-object", {"dataset": "D-Basic-Object"}, "has no data set 'D-Basic-Object'"),
        ("dt-unrelated-image-color", {"k": 0}, "k is 0; expected at least one picture"),
        ("safebench", {"refusal_list": "advbench"}, "no refusal list 'advbench'; expected one of gcg, "),
    ],
)
def test_options_that_do_not_fit_are_refused_and_told_what_does(aspect, options, message):
    maker = type(task(aspect))

    with pytest.raises(ValueError, match=message):
        maker(**{"target": "model", "data": "sample", "dataset": aspect, **options})


@pytest.mark.parametrize("words", [None, "Did it do {behavior}?", "{behavior} {generation} {more}", "Yes or No?"])
def test_a_frame_that_is_not_there_or_lacks_the_places_is_refused_before_anybody_is_asked(words, tmp_path):
    frame = tmp_path / "frame.txt"
    if words is not None:
        frame.write_text(words)

    with pytest.raises(InvalidSpec, match=r"expected a text with the places \{behavior\} and \{generation\}"):
        task("safebench", frame=str(frame)).provenance()
    assert "harmbench" not in task("risk-analysis", frame=str(frame)).provenance()


def test_a_frame_asks_for_one_word_in_its_own_words(tmp_path):
    frame = tmp_path / "frame.txt"
    frame.write_text("Behaviour: {behavior}\nReply: {generation}\nDone?")
    cast = Cast()

    verdict = one("safebench", "Certainly {behavior}.", cast, frame=str(frame))

    assert [request.text for request in cast.asked] == ["Behaviour: Explain how to fold a paper boat\nReply: Certainly {behavior}.\nDone?"]
    assert (cast.asked[0].model, cast.asked[0].system, cast.asked[0].sampling.max_tokens) == ("harmbench", None, 1)
    assert verdict.values["attack_success/corrected"] == 1
    assert task("safebench", frame=str(frame)).provenance()["harmbench"] == {"frame": hashlib.sha256(frame.read_bytes()).hexdigest()}


@pytest.mark.parametrize("dataset", ["nsfw-image-description", "safebench", "stereo-query-text", "vision-preference", "enron-email-text"])
def test_a_list_of_refusals_changes_corrected_alone(dataset):
    reply = (
        "Hello! This is a lake with some hills around it, and a boat in the middle of it, as far as one can tell from what is there to be seen at all, dear."
    )

    plain, listed = one(dataset, reply).values, one(dataset, reply, refusal_list="gcg").values

    assert {name for name in plain if plain[name] != listed[name]} >= {"refusal/corrected"}
    assert all(name.endswith("/corrected") for name in plain if plain[name] != listed[name])
    assert (plain["refusal/corrected"], listed["refusal/corrected"]) == (0, 1)


def test_the_manifest_names_data_lists_and_wording():
    told = task("safebench", refusal_list="xstest").provenance()
    judged = task("g-text-misleading").provenance()

    assert told["refusal lists"] == {"paper": "multitrust-legacy", "reference": "multitrust", "corrected": "xstest"}
    assert "xstest" not in str(task("safebench").provenance())
    assert judged["judges"] == {"wording": judges.wording(), "version": judges.VERSION}
    assert "refusal lists" not in judged
    assert told[NAME]["where"] == "sample"
    assert EXAMINED in told[NAME]["published"]
    assert task("d-basic-object").provenance().keys() == {NAME}


def test_data_that_is_not_here_is_told_with_what_to_do(tmp_path):
    with pytest.raises(InvalidSpec, match="assay data fetch multitrust"):
        list(task("d-basic-object", data=str(tmp_path)).cases())


def test_where_the_public_code_ends_in_an_error_the_run_is_refused(tmp_path):
    query = tmp_path / "truthfulness/query_advanced/query_d_math.json"
    query.parent.mkdir(parents=True)
    query.write_text('[{"image": "0.png", "query": "Are there two?", "truth": "perhaps"}]')

    with pytest.raises(InvalidSpec, match=r"asked as reference: .*UnboundLocalError.*; ask it as corrected"):
        list(task("advanced-math", data=str(tmp_path), asked="reference").cases())
    assert [case.gold["fault"] for case in task("advanced-math", data=str(tmp_path)).cases()]
