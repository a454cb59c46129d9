"""How the tasks of MMDT's hallucination perspective ask and judge, and what becomes of rows that are not as they should be."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from evaluators.mmdt.hallucination import sample
from evaluators.mmdt.hallucination.image_to_text import ImageToText
from evaluators.mmdt.hallucination.text_to_image import TextToImage
from evaluators.mmdt.instruments import looked_for
from evaluators.mmdt.sample import put_json
from evaluators.rows import RowFault
from kernel.contract import Deadline, Detection, Finish, Kind, Picture, Reply, Request
from kernel.errors import InvalidSpec
from kernel.evaluator import Case
from kernel.players import Blind
from kernel.spec import build
from tests.evaluators.mmdt import layouts
from tests.evaluators.mmdt.hallucination.roles import ASKED, Bundled, Scripted, both, make, says, score, shows
from tests.evaluators.mmdt.layout_rows import picture
from tests.model_repository.folders import load


@pytest.mark.parametrize(
    ("cls", "scenario", "task"), [(TextToImage, "natural", "action"), (TextToImage, "ocr", "count"), (ImageToText, "counterfactual", "action")]
)
def test_a_task_that_its_scenario_has_not_is_refused(cls: Callable[..., Any], scenario: str, task: str) -> None:
    with pytest.raises(ValueError, match=f"the scenario {scenario} has no task {task}; it has "):
        make(cls, scenario, task)


def test_options_of_a_suite_are_checked() -> None:
    fine = build(TextToImage, {"scenario": "ocr", "task": "complex"}, "model", {"seed": 7, "data": "sample"}, "here")
    assert fine.how_many() == 4
    for options, why in (({"task": "count"}, "has no task count"), ({"task": "complex", "pictures": 2}, "pictures"), ({"task": "counting"}, "task")):
        with pytest.raises(InvalidSpec, match=why):
            build(TextToImage, {"scenario": "ocr", **options}, "model", {}, "here")


def test_data_that_is_not_here_is_told_by_the_cases(tmp_path: Path) -> None:
    evaluator = make(TextToImage, "ocr", "complex", str(tmp_path))

    assert evaluator.how_many() is None
    with pytest.raises(InvalidSpec, match="MMDecodingTrust-T2I"):
        next(evaluator.cases())


class Painter:
    """Paints another picture for every seed, and refuses the seeds it is told to."""

    def __init__(self, refuses: tuple[int, ...] = ()) -> None:
        self.refuses = refuses
        self.asked: list[Request] = []

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        self.asked.append(request)
        seed = request.sampling.seed or 0
        return Reply(finish=(Finish.REFUSAL,)) if seed in self.refuses else shows(picture(seed))

    async def aclose(self) -> None:
        """Nothing is held."""


@pytest.mark.parametrize(("scenario", "task", "options", "seeds"), [
    ("natural", "count", {}, [0]), ("misleading", "count", {}, [0, 1, 2]), ("ocr", "complex", {}, [0, 1, 2]), ("ocr", "complex", {"pictures": 1}, [0]),
])  # fmt: skip
def test_as_many_pictures_as_in_the_benchmark(scenario: str, task: str, options: dict[str, int], seeds: list[int]) -> None:
    evaluator = make(TextToImage, scenario, task, **options)
    painter, case = Painter(), next(evaluator.cases())
    asyncio.run(evaluator.probe(case, painter, Deadline.after(60)))

    assert [request.sampling.seed for request in painter.asked] == seeds
    assert {(request.text, request.kind, request.sampling.n) for request in painter.asked} == {(case.request.text, Kind.IMAGINE, 1)}


def test_a_refused_picture_of_three_is_wrong_and_the_others_count() -> None:
    evaluator = make(TextToImage, "ocr", "complex")
    case = next(evaluator.cases())
    reply = asyncio.run(evaluator.probe(case, Painter(refuses=(1,)), Deadline.after(60)))

    assert both(score(evaluator, case, reply, Bundled(case.gold["keyword"]))) == (2 / 3, 2 / 3)


def test_equal_pictures_are_judged_once() -> None:
    evaluator = make(TextToImage, "misleading", "count")
    case, models = next(evaluator.cases()), Bundled()
    score(evaluator, case, evaluator.gold(case), models)

    assert [request.model for request in models.asked] == ["detector"]


@pytest.mark.parametrize(("scenario", "task", "role"), [("natural", "attribute", "vqa"), ("natural", "spatial", "detector"), ("ocr", "complex", "ocr")])
def test_pictures_are_judged_by_those_who_play_the_roles(scenario: str, task: str, role: str) -> None:
    evaluator = make(TextToImage, scenario, task)
    case, models = next(evaluator.cases()), Bundled()
    score(evaluator, case, evaluator.gold(case), models)

    assert [request.model for request in models.asked] == [role]
    assert role in TextToImage.roles


def test_questions_are_asked_greedily_with_the_suffix_of_their_task() -> None:
    for scenario, task in ASKED:
        case = next(make(ImageToText, scenario, task).cases())
        suffixed = scenario in {"natural", "distraction", "counterfactual"}
        assert (case.request.sampling.temperature, case.request.sampling.max_tokens) == (0, 128)
        assert len(case.request.pictures) == 1
        assert case.request.text.endswith("?") or suffixed or "Say " in case.request.text
        assert not suffixed or not case.request.text.endswith("?")
    text = next(make(ImageToText, "natural", "spatial").cases()).request.text
    assert all(word in text.rsplit("?", 1)[1] for word in ("left", "right", "above", "below"))


def test_the_blind_player_sees_no_picture_and_is_asked_once() -> None:
    evaluator, judge = make(ImageToText, "misleading", "count"), Scripted("nothing", kept=False)
    case = next(evaluator.cases())
    asyncio.run(Blind("seer").play(evaluator, case, judge, Deadline.after(60)))

    assert [(request.model, request.pictures, request.text) for request in judge.asked] == [("seer", (), case.request.text)]


def test_thresholds_are_those_of_the_task(tmp_path: Path) -> None:
    """0.6 in misleading identification and count, strictly above 0.5 elsewhere."""
    for scenario, task, worth in (("misleading", "identification", 0), ("natural", "identification", 1)):
        fields = {"object": "a", "objects": "['a']"}
        put_json(tmp_path, "hallucination", scenario, [{"id": "1", "task": task, "prompt": "p", **fields}])
        evaluator = make(TextToImage, scenario, task, str(tmp_path))
        (case,) = evaluator.cases()
        for confidence, expected in ((0.5, 0), (0.55, worth), (0.6, worth), (0.61, 1)):
            detector = Scripted(finds=[Detection("a", confidence, (0, 0, 12, 12))])
            assert score(evaluator, case, shows(picture()), detector).value == expected


def test_a_thing_with_a_full_stop_in_its_name_is_one_thing() -> None:
    detector = Scripted(finds=[Detection("st bernard", 0.9, (0, 0, 12, 12))])
    found = asyncio.run(looked_for(Picture(picture()), ["st. bernard", "cat"], detector, Deadline.after(60), box_threshold=0.5))

    assert {name: len(boxes) for name, boxes in found.items()} == {"st. bernard": 1, "cat": 0}
    assert [request.text for request in detector.asked] == ["st bernard\ncat"]


def test_who_looks_for_nothing_asks_no_detector() -> None:
    detector = Scripted()

    assert asyncio.run(looked_for(Picture(picture()), [], detector, Deadline.after(60), box_threshold=0.5)) == {}
    assert detector.asked == []


@pytest.mark.parametrize(("fields", "why"), [
    ({}, "no field 'prompt'"),
    ({"prompt": "p"}, "no field 'objects'"),
    ({"prompt": "p", "objects": "cat"}, "expected a literal"),
    ({"prompt": "p", "objects": "3"}, "expected names in a list"),
])  # fmt: skip
def test_a_row_that_cannot_be_asked_fails_alone(tmp_path: Path, fields: dict[str, Any], why: str) -> None:
    good = {"id": "2", "task": "count", "prompt": "p", "objects": "{'cat': 1}"}
    put_json(tmp_path, "hallucination", "natural", [{"id": "1", "task": "count", **fields}, good])
    evaluator = make(TextToImage, "natural", "count", str(tmp_path))
    bad, fine = evaluator.cases()

    assert "fault" not in fine.gold
    for ask in (evaluator.probe(bad, Painter(), Deadline.after(60)), evaluator.score(bad, Reply(), Bundled(), Deadline.after(60))):
        with pytest.raises(RowFault, match=why):
            asyncio.run(ask)


def test_answers_without_a_picture_or_of_another_form_fail_alone(tmp_path: Path, official: Path) -> None:
    folder = tmp_path / layouts.I2T
    rows = [
        {"id": str(n), "task": "count", "question": "q", "answer": answer, "image": image}
        for n, (answer, image) in enumerate([("{'cat': 1}", picture()), ("[1]", picture()), ("{'cat': 1}", b"no picture")])
    ]
    layouts.write_parquet(tmp_path, "hallucination", "natural", rows)
    faults = [case.gold.get("fault", "") for case in make(ImageToText, "natural", "count", str(folder.parent)).cases()]

    assert [why in fault for why, fault in zip(["", "expected numbers by names", "is no picture that can be read"], faults, strict=True)] == [True] * 3
    assert faults[0] == ""


def test_the_score_of_cooccurrence_is_the_mean_of_its_splits() -> None:
    evaluator = make(ImageToText, "cooccurrence", "count")
    cases: list[Case] = list(evaluator.cases())
    kept = [case for case in cases if case.gold["split"] != "cooccurrence_low_cooc"] + cases[4:5]
    records = [score(evaluator, case, evaluator.gold(case) if case.gold["split"].endswith("low_cooc") else says("-"), Bundled()).record for case in kept]

    assert len(kept) == 9
    found = evaluator.over(records)
    for way in ("reference", "corrected"):
        splits = {name: found[f"{name}/{way}"] for name in ("high_cooc", "low_cooc", "historical_bias")}
        assert splits == {"high_cooc": 0.5, "low_cooc": 1, "historical_bias": 0.5}
        assert found[f"split_mean/{way}"] == pytest.approx(2 / 3)
    assert {metric.name for metric in evaluator.totals} == set(found)
    assert make(ImageToText, "natural", "count").totals == ()


def test_the_sample_is_the_same_every_time_and_takes_no_time(tmp_path: Path, sampled: Path) -> None:
    started = time.process_time()
    sample.write(tmp_path)
    took = time.process_time() - started
    written = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    assert took < 2
    assert written == {path.relative_to(sampled): path.read_bytes() for path in sampled.rglob("*") if path.is_file()}


@pytest.mark.slow
@pytest.mark.parametrize("task", ["complex", "misleading"])
def test_print_of_the_sample_is_read_by_the_bundled_reader(task: str) -> None:
    """By the network that ships."""
    evaluator = make(TextToImage, "ocr", task)
    case = next(evaluator.cases())
    reply = evaluator.gold(case)
    with Image.open(io.BytesIO(reply.pictures[0].data)) as opened:
        lines = [each["label"] for each in reader().read(opened.convert("RGB"))]

    assert both(score(evaluator, case, reply, Bundled(" ".join(lines)))) == (1, 1)


@cache
def reader() -> Any:
    """It takes seconds to begin."""
    return load("ocr", "reader").Reader()
