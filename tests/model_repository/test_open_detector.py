"""The open detector finds what the library finds, number by number, entity by entity; and refuses what it cannot serve."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gateway.session import open_gateway
from kernel.contract import Deadline, Kind, Picture, Reply, Request, Text
from kernel.errors import InvalidRequest, InvalidSpec, ModelError, TooLarge, Unsupported
from tests.model_repository.folders import load

torch = pytest.importorskip("torch")
hub = pytest.importorskip("transformers")

from tests.model_repository import tiny_instruments as tiny  # noqa: E402 - needs both

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
CLOSE = 1e-5
IN_PIXELS = 1e-3
DETECTORS = ("grounding_dino", "owlv2")
PICTURES = [Image.effect_noise(size, 90).convert("RGB") for size in ((64, 64), (200, 81), (64, 64))]
ENTITIES = ["Cat", "a red dog", "tv"]
LOW = 0.2


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> Callable[[str], Path]:
    """Makes a checkpoint once."""
    made: dict[str, Path] = {}

    def make(name: str) -> Path:
        if name not in made:
            made[name] = getattr(tiny, name)(tmp_path_factory.mktemp(name))
        return made[name]

    return make


@pytest.fixture(scope="module", params=DETECTORS)
def kind(request) -> str:
    return request.param


def detector(folder: Path, **more: Any) -> Any:
    return load("open_detector", "open_detection").OpenDetector(str(folder), **more)


def png(picture: Image.Image) -> Picture:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return Picture(buffer.getvalue())


def asked(*parts: str | Image.Image | bytes) -> Request:
    made = (Text(part) if isinstance(part, str) else Picture(part) if isinstance(part, bytes) else png(part) for part in parts)
    return Request("m", tuple(made), kind=Kind.DETECT)


@cache
def library(folder: Path) -> tuple[Any, Any]:
    """The network and what prepares its input, as the library loads them."""
    return hub.AutoModelForZeroShotObjectDetection.from_pretrained(folder).eval(), hub.AutoProcessor.from_pretrained(folder)


def called(folder: Path, picture: Image.Image, entity: str, threshold: float) -> list[tuple[float, list[float]]]:
    """The library's own call, for one picture and one entity."""
    network, processor = library(folder)
    grounded = "grounding" in network.config.model_type
    text, more = (f"{entity.lower()}.", {}) if grounded else ([[entity.lower()]], {"max_length": 16})
    with torch.no_grad():
        inputs = processor(images=picture, text=text, return_tensors="pt", **more)
        (found,) = processor.post_process_grounded_object_detection(
            network(**inputs), threshold=threshold, target_sizes=torch.tensor([(picture.height, picture.width)])
        )
    return list(zip(found["scores"].tolist(), found["boxes"].tolist(), strict=True))


def same(reply: Reply, expected: list[tuple[str, float, list[float]]]) -> None:
    """As many, the same labels, scores and boxes, in the same order."""
    assert [each.label for each in reply.detections] == [label for label, _, _ in expected]
    assert [each.score for each in reply.detections] == pytest.approx([score for _, score, _ in expected], abs=CLOSE)
    for each, (_, _, box) in zip(reply.detections, expected, strict=True):
        assert each.box == pytest.approx(box, abs=IN_PIXELS)


@pytest.mark.parametrize("kind", [*DETECTORS, "mm_grounding_dino", "owlvit"])
def test_what_is_found_is_what_the_library_finds(folders, kind: str) -> None:
    """Each entity as if it were asked for alone, in pixels of the picture that was given, whatever its proportions."""
    folder = folders(kind)
    model = detector(folder, box_threshold=LOW)

    found = set()
    for picture in PICTURES[:2]:
        (reply,) = model.answer([asked("\n".join(ENTITIES), picture)])
        same(reply, [(entity, score, box) for entity in ENTITIES for score, box in called(folder, picture, entity, LOW)])
        found |= {each.label for each in reply.detections}
    assert len(found) > 1  # drawn weights find something, or the comparison would say nothing


@pytest.mark.parametrize("kind", [*DETECTORS, "mm_grounding_dino", "owlvit"])
def test_what_is_not_there_is_not_found(folders, kind: str) -> None:
    """An answer without a detection, for one entity and for several."""
    model = detector(folders(kind), box_threshold=0.99999999)

    replies = model.answer([asked("cat", PICTURES[0]), asked("\n".join(ENTITIES), PICTURES[1])])

    assert [(), ()] == [reply.detections for reply in replies]


def test_a_batch_is_what_each_gets_alone(folders, kind: str) -> None:
    """Pictures of several sizes, and not as many entities in each: padding moves nothing."""
    model = detector(folders(kind), box_threshold=LOW)
    requests = [asked("cat", PICTURES[0]), asked("dog. a tv", PICTURES[1]), asked("sun", PICTURES[2])]

    together = model.answer(requests)

    assert all(reply.detections for reply in together)
    for reply, request in zip(together, requests, strict=True):
        (alone,) = model.answer([request])
        same(reply, [(each.label, each.score, list(each.box)) for each in alone.detections])


def test_a_batch_of_one_shape_is_one_forward_pass(folders, kind: str, monkeypatch) -> None:
    """Pictures of one size and words of one length."""
    model = detector(folders(kind), box_threshold=LOW)
    real, passes = model._network._network.forward, []
    monkeypatch.setattr(model._network._network, "forward", lambda *given, **more: passes.append(1) or real(*given, **more))
    model.answer([asked("cat\ndog", PICTURES[0]), asked("sun", PICTURES[2])])

    assert len(passes) == 1


def test_only_what_is_strictly_above_the_threshold_is_told(folders, kind: str) -> None:
    """A query whose best token has exactly the threshold's score is left out."""
    folder = folders(kind)
    scores = sorted(each.score for each in detector(folder, box_threshold=0).answer([asked("cat", PICTURES[1])])[0].detections)
    middle = scores[len(scores) // 2]

    (reply,) = detector(folder, box_threshold=middle).answer([asked("cat", PICTURES[1])])

    assert sorted(each.score for each in reply.detections) == [score for score in scores if score > middle]
    assert len(reply.detections) < len(scores)


@pytest.mark.parametrize(("kind_", "threshold"), [("grounding_dino", 0.35), ("owlv2", 0.1)])
def test_thresholds_that_are_not_given_are_the_makers(folders, kind_: str, threshold: float) -> None:
    """GroundingDINO's own, and OWL's."""
    folder = folders(kind_)

    expected = called(folder, PICTURES[0], "cat", threshold)

    same(detector(folder).answer([asked("cat", PICTURES[0])])[0], [("cat", score, box) for score, box in expected])


def test_the_words_that_answer_are_told(folders) -> None:
    """With a threshold for text of 0 all of the prompt, with 1 none; the boxes do not depend on it."""
    folder = folders("grounding_dino")
    every, none = (detector(folder, box_threshold=LOW, text_threshold=text).answer([asked("Cat", PICTURES[0])])[0] for text in (0.0, 1.0))

    assert all("cat." in each.more["phrase"] for each in every.detections)
    assert {each.more["phrase"] for each in none.detections} == {""}
    same(every, [(each.label, each.score, list(each.box)) for each in none.detections])


def test_several_pictures_of_a_request_are_told_apart(folders, kind: str) -> None:
    """The index stands in each detection; texts may come as several."""
    model = detector(folders(kind), box_threshold=LOW)

    (reply,) = model.answer([asked("cat", "tv", PICTURES[0], PICTURES[1])])

    assert {(each.more["picture"], each.label) for each in reply.detections} == {(0, "cat"), (0, "tv"), (1, "cat"), (1, "tv")}


@pytest.mark.parametrize(
    ("text", "entities"),
    [
        ("cat", ["cat"]),
        (" A cat . dog.", ["A cat", "dog"]),
        ("a red dog\n\n  tv \r\n", ["a red dog", "tv"]),
        ("cat. Cat\ncat.", ["cat"]),
        ("traffic light, left", ["traffic light, left"]),
    ],
)
def test_entities_are_read(text: str, entities: list[str]) -> None:
    """One a line or ended by full stops, trimmed, each once."""
    assert load("open_detector", "entities").entities_of(text) == entities


IMPOSSIBLE: list[tuple[Request, type[ModelError], str]] = [
    (asked("cat", b""), InvalidRequest, "the picture is empty"),
    (asked("cat", PICTURES[0], b"no picture"), InvalidRequest, "not a PNG, JPEG or WebP picture"),
    (asked("cat", Image.new("RGB", (101, 1))), InvalidRequest, "101 x 1 pixels; expected sides of at most 100 to 1"),
    (asked("cat", Image.new("1", (8000, 5001))), TooLarge, "8000 x 5001 pixels"),
    (asked("cat"), InvalidRequest, "no picture was sent"),
    (asked(PICTURES[0]), InvalidRequest, "the text names nothing to look for"),
    (asked(" .\n.", PICTURES[0]), InvalidRequest, "the text names nothing to look for"),
    (asked("\n".join(f"thing {number}" for number in range(101)), PICTURES[0]), TooLarge, "101 things to look for, the limit is 100"),
    (asked("a thing with a name that has no end at all", PICTURES[0]), InvalidRequest, "tokens, the limit is"),
]


def test_the_impossible_costs_no_other(folders, kind: str) -> None:
    """Its neighbours in the batch get what they would get alone."""
    model = detector(folders(kind), box_threshold=LOW)
    good = asked("cat", PICTURES[1])

    answers = model.answer([good, *(request for request, _, _ in IMPOSSIBLE), good])

    assert [type(each) for each in answers[1:-1]] == [error for _, error, _ in IMPOSSIBLE]
    assert all(fault in str(each) for each, (_, _, fault) in zip(answers[1:-1], IMPOSSIBLE, strict=True))
    assert answers[0].detections == answers[-1].detections != ()


@pytest.mark.parametrize("size", [(1, 1), (100, 1), (3, 250)])
def test_odd_pictures_do_no_harm(folders, kind: str, size: tuple[int, int]) -> None:
    """Specks and strips are looked at as well."""
    (reply,) = detector(folders(kind)).answer([asked("cat", Image.new("RGB", size, "white"))])

    assert isinstance(reply, Reply)


def test_owl_pads_to_a_square_that_fits(folders) -> None:
    """A picture that is not too large becomes so."""
    (refused,) = detector(folders("owlv2")).answer([asked("cat", Image.new("1", (4097, 60)))])

    assert type(refused) is TooLarge
    assert "a side may have 4096" in str(refused)


def test_mistakes_of_the_catalog_are_told(tmp_path, folders) -> None:
    """What was found, and what can be."""
    pickled = tiny.owlv2(tmp_path / "pickled")
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    for folder, given, fault in (
        (folders("grounding_dino"), {"box_threshold": 1.5, "text_threshold": -1}, "box_threshold is 1.5; expected 0 to 1; text_threshold is -1"),
        (folders("owlv2"), {"text_threshold": 0.25}, "it is for GroundingDINO, OWL has none"),
        (folders("nsfw"), {}, "its architecture is ViTForImageClassification; expected GroundingDINO"),
        (pickled, {}, r"pickled, in pytorch_model\.bin"),
    ):
        with pytest.raises(InvalidSpec, match=fault):
            detector(folder, **given)


@pytest.mark.triton
@pytest.mark.slow
async def test_the_instruments_answer_through_the_real_server(tmp_path, folders) -> None:
    """Embedder, classifier and detector at once, filled in as a catalog fills them: many calls mixed, good and bad, each gets its own answer."""
    clip, toxicity, dino = folders("clip"), folders("toxicity"), folders("grounding_dino")
    names = '["toxic", "obscene", "threat"]'
    tiny.template(tmp_path, "embedder", clip, normalize="true")
    tiny.template(tmp_path, "classifier", toxicity, classes=names)
    tiny.template(tmp_path, "open_detector", dino, box_threshold=str(LOW))
    catalog = tmp_path / "catalog.yaml"
    catalog.write_text("models: {e: {folder: embedder}, c: {folder: classifier}, d: {folder: open_detector}}")
    words, pictures = (Text("a cat"), Text("you fool")), (png(PICTURES[0]), png(PICTURES[1]))
    good = [
        Request("e", words, kind=Kind.EMBED),
        Request("e", pictures, kind=Kind.EMBED),
        Request("c", words, kind=Kind.CLASSIFY),
        Request("d", (Text("cat\ntv"), *pictures), kind=Kind.DETECT),
    ]
    bad = [
        Request("e", (Picture(b"no picture"),), kind=Kind.EMBED),
        Request("c", pictures, kind=Kind.CLASSIFY),
        Request("d", (Text("."), pictures[0]), kind=Kind.DETECT),
    ]

    async with open_gateway(catalog) as session:
        cards = await session.cards()
        calls = (session.infer(request, deadline=Deadline.after(120)) for request in [*good, *bad] * 4)
        answers = await asyncio.gather(*calls, return_exceptions=True)

    assert {name: (card.kind, card.accepts) for name, card in cards.items()} == {
        "e": (Kind.EMBED, ("text_input?", "image?")),
        "c": (Kind.CLASSIFY, ("text_input?", "image?")),
        "d": (Kind.DETECT, ("image", "text_input")),
    }
    direct = [
        load("embedder", "embedding").Embedder(str(clip), normalize=True),
        load("classifier", "classification").Classifier(str(toxicity)),
        detector(dino, box_threshold=LOW),
    ]
    expected = [*direct[0].answer(good[:2]), *direct[1].answer(good[2:3]), *direct[2].answer(good[3:])]
    for start in range(0, len(answers), 7):
        for found, wanted in zip(answers[start : start + 3], expected[:3], strict=True):
            assert [value for row in found.rows for value in row] == pytest.approx([value for row in wanted.rows for value in row], abs=CLOSE)
        same(answers[start + 3], [(each.label, each.score, list(each.box)) for each in expected[3].detections])
        assert [type(each) for each in answers[start + 4 : start + 7]] == [InvalidRequest, Unsupported, InvalidRequest]
    assert list(answers[2].report["classes"]) == ["toxic", "obscene", "threat"]
