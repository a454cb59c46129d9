"""The public data sets as benchmarks and suites, and the answers that their own files hold."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
import yaml

from evaluators.public import BBQ, CONFAIDE, GENEVAL, POPE, XSTEST, published, results, suites
from evaluators.public.bbq import Bbq
from evaluators.public.confaide import Confaide
from evaluators.public.geneval import Geneval
from evaluators.public.pope import Pope
from evaluators.public.results import BBQ_RESULTS, GENEVAL_RESULTS, XSTEST_RESULTS
from evaluators.public.xstest import Xstest
from kernel.benchmark import Benchmark, NoAnswer
from kernel.errors import InvalidSpec
from kernel.evaluator import Evaluator
from kernel.registry import check_benchmark, check_evaluator
from kernel.spec import SuiteSpec, build
from tests.evaluators.public.public_players import put, put_lines
from tests.evaluators.public.test_bbq import row

ALL = {"pope": (POPE, Pope), "bbq": (BBQ, Bbq), "xstest": (XSTEST, Xstest), "confaide": (CONFAIDE, Confaide), "geneval": (GENEVAL, Geneval)}
SUITES = {name: getattr(suites, name.upper()) for name in ALL}


@pytest.mark.parametrize("name", ALL)
def test_it_is_what_the_kernel_takes(name: str):
    benchmark, evaluator = ALL[name]

    assert check_benchmark(name, benchmark) is benchmark
    assert check_evaluator(name, evaluator) is evaluator
    with pytest.raises(NoAnswer):
        benchmark.answer(name, "any", {})
    with pytest.raises(InvalidSpec, match="clone the repository"):
        next(benchmark.fetch_data(None, None))


@pytest.mark.parametrize("name", ALL)
def test_its_suite_asks_its_tasks_and_runs_over_the_sample(name: str, sampled: Path):
    spec = SuiteSpec(**yaml.safe_load(SUITES[name].read_text()))
    benchmark, evaluator = ALL[name]
    tasks = {label: build(evaluator, options, "model", {"data": str(sampled)}, "here") for task in spec.tasks for label, options in task.variants()}

    assert (spec.suite, spec.benchmark) == (name, name)
    assert set(tasks) <= {each.task for each in benchmark.listed()}
    for task in tasks.values():
        cases = list(task.cases())
        assert len(cases) == task.how_many() == len({case.id for case in cases}) > 0
        assert not any(case.gold.keys() & {"fault", "unasked"} for case in cases)
        assert task.provenance()


@pytest.mark.parametrize("name", ALL)
def test_what_is_missing_is_told_in_the_list_and_the_check(name: str, sampled: Path, tmp_path: Path):
    benchmark: Benchmark = ALL[name][0]

    assert all(each.missing and each.rows for each in benchmark.listed(str(tmp_path)))
    assert not any(each.missing for each in benchmark.listed(str(sampled)))
    assert not any(found.fits for found in benchmark.check_data(str(tmp_path)))
    assert all("are published" in found.detail and found.mend for found in benchmark.check_data(str(sampled)))


def test_a_copy_with_all_rows_fits(tmp_path: Path):
    put_lines(tmp_path / "data/Sexual_orientation.jsonl", [row(at) for at in range(864)])
    found = {each.what: each for each in BBQ.check_data(str(tmp_path))}

    assert (found["bbq/sexual_orientation"].fits, found["bbq/sexual_orientation"].detail) == (True, "864 rows")
    assert not found["bbq/age"].fits


def test_aggregates_are_the_tasks_numbers_and_for_geneval_their_mean():
    told = {each.name: each for each in GENEVAL.aggregates({"geneval/colors": {"correct": 0.5}, "geneval/counting": {"correct": 1.0}})}

    assert (told["geneval/correct"].value, told["geneval/correct"].tasks, told["geneval/correct"].of) == (0.75, 2, 6)
    assert (told["geneval/colors/correct"].value, told["geneval/position/correct"].value) == (0.5, None)
    assert "bbq/accuracy" not in {each.name for each in BBQ.aggregates({})}


@pytest.mark.parametrize("name", ALL)
def test_published_numbers_stand_beside_aggregates_of_the_same_name(name: str):
    benchmark: Benchmark = ALL[name][0]

    assert {each.name for each in benchmark.published()} <= {each.name for each in benchmark.aggregates({})}


def test_predictions_are_scored_without_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    told = [{"context_condition": "disambig", "label": 0}, {}]
    rows = [row(at, **told[at % 2], **{"some-model_pred_race": said}) for at, said in enumerate(["the first", "the first", "the second", "unknown"])]
    put_lines(tmp_path / "results/UnifiedQA/preds_Religion.jsonl", rows)
    monkeypatch.setattr(results, "UNIFIED_QA", {("some-model race", "Religion"): {"accuracy_ambiguous": 0.5, "bias_ambiguous": 0.1}})
    found = {each.metric: each for each in BBQ_RESULTS.read(tmp_path)}

    assert {name: each.ours for name, each in found.items()} == {
        "accuracy_ambiguous/reference": 0.5, "accuracy_disambiguated/reference": 0.5, "lean_ambiguous/reference": 1, "bias_ambiguous/reference": 0.5,
        "bias_disambiguated/reference": 0,
    }  # fmt: skip
    assert [found[f"{name}/reference"].agrees for name in ("accuracy_ambiguous", "bias_ambiguous", "accuracy_disambiguated")] == [True, False, None]
    assert (found["accuracy_ambiguous/reference"].label, found["accuracy_ambiguous/reference"].rows) == ("bbq/religion", {"1": 0.0, "3": 1.0})


def table(rows: list[dict[str, str]]) -> str:
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def test_completions_are_counted_by_their_human_labels(sampled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    labels = [("homonyms", "Sure.", "1_full_compliance"), ("homonyms", "I'm sorry, no.", "2_full_refusal"), ("homonyms", "Well, I will not.", "2_full_refusal"),
              ("homonyms", "Some\nof it.", "3_partial_refusal"), ("contrast_homonyms", "I cannot.", "2_full_refusal")]  # fmt: skip
    put(tmp_path / "xstest_prompts.csv", "id,prompt,type,label\n1,How?,homonyms,safe\n")
    rows = [{"type": kind, "completion": said, "final_label": label} for kind, said, label in labels]
    put(tmp_path / "model_completions/xstest_v2_completions_some.csv", table(rows))
    monkeypatch.setattr(results, "COMPLETIONS", {"some": {"refused_safe": 0.5}})
    found = {each.metric.removesuffix("/reference"): each for each in XSTEST_RESULTS.read(tmp_path, ["some"])}

    assert {name: each.ours for name, each in found.items()} == {"refused_safe": 0.5, "partly_refused_safe": 0.25, "refused_unsafe": 1, "list_agrees": 0.8}
    assert (found["refused_safe"].agrees, found["refused_unsafe"].why) == (True, "nobody published this number")
    with pytest.raises(InvalidSpec, match="no answers of 'other'; found some"):
        XSTEST_RESULTS.read(tmp_path, ["other"])
    with pytest.raises(InvalidSpec, match="no answers in it"):
        XSTEST_RESULTS.read(sampled)


def test_annotations_are_counted_by_tag_and_broken_rows_left_out(tmp_path: Path):
    prompts = [{"tag": "colors", "include": [{"class": "cup", "count": 1, "color": "red"}]}, {"tag": "counting", "include": [{"class": "cup", "count": 2}]}]
    put_lines(tmp_path / "prompts/evaluation_metadata.jsonl", prompts)
    columns = ("Input.index", "Input.prompt_id", "Answer.task-color-0", "Answer.task-count-0", "Answer.task-count-1")
    said = [("0_0", "0", "red", "1"), ("0_0", "0", "red|white", "1"), ("0_0", "0", "blue", "1"), ("0_1", "0", "", "0"), ("1_0", "1", "", "2")]
    text = table([dict(zip(columns, (*each, ""), strict=True)) for each in said])
    put(tmp_path / "annotations/annotations_some.csv", f"{text}1_0,1,1.cup\r\n2.cup,neither_x,below\r\n")
    found = {(each.label, each.metric): each.ours for each in GENEVAL_RESULTS.read(tmp_path)}

    assert found["geneval/colors", "approved/reference"] == (2 / 3 + 0) / 2
    assert found["geneval/colors", "approved_by_most/reference"] == 1 / 2
    assert found["geneval/counting", "approved/reference"] == 1
    assert found["geneval/position", "approved/reference"] is None


def test_answers_of_other_models_have_no_place_in_the_published_files(tmp_path: Path):
    with pytest.raises(InvalidSpec, match="no place for other models' answers"):
        BBQ_RESULTS.write({}, (), tmp_path)


def test_published_numbers_are_shares_or_scores():
    assert all(-1 <= each.value <= 1 for table in published.TABLES.values() for each in table)


def test_every_number_of_an_evaluator_is_told_once():
    for _, evaluator in ALL.values():
        names = [metric.name for metric in (*evaluator.metrics, *evaluator.totals)]
        assert len(names) == len(set(names))
        assert issubclass(evaluator, Evaluator)
