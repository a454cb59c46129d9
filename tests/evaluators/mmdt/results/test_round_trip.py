"""Runs of the real evaluators over the sample, written as the public code writes its results, and read back."""

from __future__ import annotations

import asyncio
import io
import json
from functools import cache

import pytest
from PIL import Image

from evaluators.mmdt import summary
from evaluators.mmdt.results import read, summarize, write
from evaluators.scenes import Scene, Thing, png
from kernel import registry
from kernel.contract import Detection, Finish, Kind, ModelCard, Picture, Reply
from kernel.documents import validate
from kernel.errors import InvalidSpec
from kernel.report import scorecard
from kernel.runner import Runner
from kernel.shell.results import kept_cases
from kernel.spec import SuiteSpec, resolve
from kernel.store.keeping import Keeping
from kernel.store.store import Store
from tests.model_repository.folders import load

RUN = "one"
SUITE = {
    "suite": "mmdt", "benchmark": "mmdt", "data": "sample", "models": ["teller", "painter"], "deadline": 60.0,
    "roles": {"judge": "canned", "vqa": "canned", "detector": "detector", "clip": "embedder", "face": "faces", "ocr": "reader"},
    "tasks": [
        {"evaluator": "mmdt.safety.image_to_text", "each": {"scenario": ["typography", "illustration", "jailbreak"]}},
        {"evaluator": "mmdt.hallucination.image_to_text", "each": {"scenario": ["natural"], "task": ["identification", "spatial"]}},
        {"evaluator": "mmdt.hallucination.image_to_text", "each": {"scenario": ["misleading", "cooccurrence"], "task": ["attribute", "spatial"]}},
        {"evaluator": "mmdt.hallucination.image_to_text", "each": {"scenario": ["ocr"], "task": ["doc", "cooccur"]}},
        {"evaluator": "mmdt.hallucination.text_to_image", "each": {"scenario": ["natural"], "task": ["identification", "attribute"]}},
        {"evaluator": "mmdt.hallucination.text_to_image", "each": {"scenario": ["misleading"], "task": ["attribute"]}},
        {"evaluator": "mmdt.fairness.text_to_image", "each": {"scenario": ["social_stereotype", "overkill"]}},
        {"evaluator": "mmdt.fairness.image_to_text", "each": {"scenario": ["individual"]}},
        {"evaluator": "mmdt.privacy.text_to_image", "each": {"scenario": ["training"], "task": ["laion_1k"]}},
        {"evaluator": "mmdt.privacy.image_to_text", "each": {"scenario": ["location"], "task": ["Pri-SV-with-text"]}},
        {"evaluator": "mmdt.privacy.image_to_text", "each": {"scenario": ["pii"], "task": ["Selfies"]}},
        {"evaluator": "mmdt.adversarial.image_to_text", "each": {"task": ["object", "attribute", "spatial"]}},
        {"evaluator": "mmdt.adversarial.text_to_image", "each": {"task": ["object"]}},
        {"evaluator": "mmdt.ood.image_to_text", "each": {"scenario": ["Van_Gogh", "pixelate"], "task": ["identification", "spatial"]}},
        {"evaluator": "mmdt.ood.text_to_image", "each": {"scenario": ["Shake_"], "task": ["helpfulness"]}},
    ],
}  # fmt: skip
SAID = "Yes, it is a red circle, to the left of the square: left. The United States."
LOOKS = (("circle", "red"), ("square", "blue"), ("triangle", "green"), ("star", "yellow"), ("circle", "blue"), ("square", "red"))


@cache
def painted(seed: int) -> bytes:
    """Four different things, others for another seed."""
    places = ((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75))
    looks = [LOOKS[(seed + at) % len(LOOKS)] for at in range(len(places))]
    return png(Scene(tuple(Thing(shape, colour, "medium", *place) for (shape, colour), place in zip(looks, places, strict=True))), 128)


class Room:
    """The models under test, who say the same and paint by the seed alone, and the plain classes behind the bundled instruments."""

    def __init__(self) -> None:
        self._find = load("canned_face", "canned_faces").faces
        self._players = {
            "canned": load("canned_judge", "canned_judge").CannedJudge(),
            "detector": load("shapes_detector", "shapes_detection").ShapesDetector(),
            "embedder": load("shapes_embedder", "shapes_embedding").ShapesEmbedder(),
        }

    async def infer(self, request, *, deadline):
        if request.model == "teller":
            return Reply(texts=(SAID,), finish=(Finish.STOP,))
        if request.model == "painter":
            return Reply(pictures=(Picture(painted(request.sampling.seed or 0)),), finish=(Finish.STOP,))
        if request.model == "faces":
            with Image.open(io.BytesIO(request.pictures[0].data)) as opened:
                return Reply(detections=tuple(Detection("face", each["score"], tuple(each["box"]), each) for each in self._find(opened.convert("RGB"))))
        (reply,) = self._players[request.model].answer([request])
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def aclose(self): ...


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store with a run of the suite."""
    kinds = {
        "teller": Kind.GENERATE,
        "painter": Kind.IMAGINE,
        "canned": Kind.GENERATE,
        "detector": Kind.DETECT,
        "embedder": Kind.EMBED,
        "faces": Kind.DETECT,
        "reader": Kind.READ,
    }
    cards = {name: ModelCard(name=name, kind=kind, backend="here", state="ready", identity=name) for name, kind in kinds.items()}
    plan = resolve(validate(SuiteSpec, SUITE, "the test's suite"), registry.evaluators(), cards)

    async def carry_out(opened):
        async with Keeping(opened) as keeping:
            await keeping.call(opened.begin_run, RUN, plan.suite.suite, plan.manifest)
            async for _ in Runner(plan, RUN, keeping, Room()).events():
                pass
            await keeping.call(opened.end_run, RUN, "finished")

    with Store(tmp_path_factory.mktemp("kept"), write=True) as opened:
        asyncio.run(carry_out(opened))
        yield opened


def numbers_of(opened):
    found = {}
    for line in scorecard(opened, RUN).lines:
        found.setdefault(line.model, {}).setdefault(line.task, {})[line.metric] = line.mean
    return found


@pytest.fixture(scope="module")
def numbers(store):
    return numbers_of(store)


@pytest.fixture(scope="module")
def tree(store, numbers, tmp_path_factory):
    """The run as the public code would have written it."""
    out = tmp_path_factory.mktemp("written") / "tree"
    list(write(numbers, kept_cases(store, RUN), out))
    return out


def test_every_task_was_scored(numbers):
    """Else there is nothing to write."""
    assert {model: len(tasks) for model, tasks in numbers.items()} == {"teller": 21, "painter": 8}


def test_what_is_read_back_is_what_was_written(tree, numbers):
    """Every number that the public code stores, to the last digit."""
    found = {(each.model, each.label, each.metric): each.stored for each in read(tree)}

    assert {key: pytest.approx(numbers[key[0]][key[1]][key[2]], rel=1e-9) for key in found} == found
    assert {label for _, label, _ in found} >= {label for model in numbers.values() for label in model}


def test_what_can_be_counted_anew_agrees(tree):
    """Our rules, over the replies in the tree, come to the numbers of the run."""
    found = list(read(tree))

    assert [(each.label, each.metric, each.stored, each.ours) for each in found if each.agrees is False] == []
    assert sum(each.agrees is True for each in found) >= 25


def test_the_public_summary_of_the_tree_is_our_aggregates(tree, numbers):
    """Model by model, with the oddities of the public code."""
    ours = {model: {each.name: each.value for each in summary.aggregates(held) if each.mode == "reference"} for model, held in numbers.items()}
    theirs = json.loads((tree / "results" / summarize.SUMMARY).read_text())["aggregated_results"]

    assert theirs["safety"]["image_to_text"]["teller"] == pytest.approx(ours["teller"]["safety/image_to_text"])
    assert theirs["adv"]["image_to_text"]["teller"] == pytest.approx(ours["teller"]["adversarial/image_to_text"])
    assert theirs["adv"]["text_to_image"] == {}
    assert ours["painter"]["adversarial/text_to_image"] is None
    for scenario in ("natural", "misleading", "cooccurrence", "ocr"):
        assert theirs["hallucination"]["image-to-text"]["teller"][scenario] == pytest.approx(ours["teller"][f"hallucination/image_to_text/{scenario}"])
    assert theirs["hallucination"]["text-to-image"]["painter"]["natural"] == pytest.approx(ours["painter"]["hallucination/text_to_image/natural"])
    assert theirs["privacy"]["text_to_image"]["laion_1k_cossim"]["painter"] == pytest.approx(ours["painter"]["privacy/text_to_image/laion_1k_cossim"])
    assert theirs["privacy"]["image_to_text"]["location"]["teller"] == pytest.approx(ours["teller"]["privacy/image_to_text/location"])
    assert theirs["fairness"]["image-to-text"]["teller"]["individual"] == pytest.approx(ours["teller"]["fairness/image_to_text/individual"])
    assert theirs["ood"]["text-to-image"] == {}
    assert ours["painter"]["ood/text_to_image"] is None


def test_nothing_harmful_is_written(tree):
    """Of safety, only the rates."""
    assert {path.name for path in (tree / "results" / "image_to_text" / "safety").rglob("*") if path.is_file()} == {"statistic_result.txt"}


def test_a_folder_that_holds_something_is_refused(tree, numbers):
    with pytest.raises(InvalidSpec, match="expected a new or empty folder"):
        list(write(numbers, (), tree))


def test_models_that_would_replace_each_other_are_refused(tmp_path):
    with pytest.raises(InvalidSpec, match="a_1 and a_2 would both be 'a' in the tree"):
        list(write({"a_1": {}, "a_2": {}}, (), tmp_path / "tree"))
