"""The classifier gives what the library gives, number by number, whatever else is in the batch; and refuses what it cannot serve."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gateway.signature import _classes
from kernel.contract import Kind, Picture, Reply, Request, Text
from kernel.errors import InvalidRequest, InvalidSpec, ModelError, TooLarge, Unsupported
from tests.model_repository.folders import load

torch = pytest.importorskip("torch")
hub = pytest.importorskip("transformers")

from tests.model_repository import tiny_instruments as tiny  # noqa: E402 - needs both

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
CLOSE = 1e-5
TEXTS = ["you are a fool", "thank you, that was very kind of you and of all the others", "", "no"]
PICTURES = [Image.effect_noise(size, 90).convert("RGB") for size in ((32, 32), (90, 41), (33, 64))]


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> Callable[..., Path]:
    """Makes a checkpoint once."""
    made: dict[str, Path] = {}

    def make(name: str, of: Callable[..., Path], **more: Any) -> Path:
        if name not in made:
            made[name] = of(tmp_path_factory.mktemp(name), **more)
        return made[name]

    return make


def classifier(folder: Path, **more: Any) -> Any:
    return load("classifier", "classification").Classifier(str(folder), **more)


def png(picture: Image.Image) -> Picture:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return Picture(buffer.getvalue())


def asked(*parts: str | Image.Image | bytes) -> Request:
    made = (Text(part) if isinstance(part, str) else Picture(part) if isinstance(part, bytes) else png(part) for part in parts)
    return Request("m", tuple(made), kind=Kind.CLASSIFY)


def rows(answers: list[Reply]) -> np.ndarray:
    return np.array([row for answer in answers for row in answer.rows])


def called(folder: Path, inputs: list[Any], activation: str) -> np.ndarray:
    """The library's own calls, one input after the other."""
    of_texts = isinstance(inputs[0], str)
    network = (hub.AutoModelForSequenceClassification if of_texts else hub.AutoModelForImageClassification).from_pretrained(folder).eval()
    prepare = hub.AutoTokenizer.from_pretrained(folder) if of_texts else hub.AutoImageProcessor.from_pretrained(folder)
    made = {"softmax": lambda logits: logits.softmax(-1), "sigmoid": torch.sigmoid, "none": lambda logits: logits}[activation]
    with torch.no_grad():
        given = [prepare(each, **({"truncation": True} if of_texts else {}), return_tensors="pt") for each in inputs]
        return torch.cat([made(network(**each).logits) for each in given]).numpy()


@pytest.mark.parametrize(
    ("problem", "activation"),
    [("multi_label_classification", "sigmoid"), ("single_label_classification", "softmax"), (None, "softmax"), ("regression", "none")],
)
def test_texts_are_scored_as_the_configuration_says(folders, problem: str | None, activation: str) -> None:
    """Several labels at once, one of several, plain numbers: what the library's pipelines do with them."""
    folder = folders(f"toxicity-{problem}", tiny.toxicity, problem=problem)
    model = classifier(folder)

    expected = called(folder, TEXTS, activation)
    found = rows(model.answer([asked(*TEXTS[:2]), asked(*TEXTS[2:])]))

    assert found == pytest.approx(expected, abs=CLOSE)
    assert (np.ptp(found, axis=0) > 0.01).all()


def test_a_longformer_looks_from_its_first_token(folders) -> None:
    """Six ways of refusing, in a text longer than its window; alone and beside a shorter one."""
    folder = folders("refusals", tiny.refusals)
    model = classifier(folder)
    names = [f"LABEL_{number}" for number in range(6)]

    expected = called(folder, TEXTS, "softmax")
    with torch.no_grad():
        tokens = hub.AutoTokenizer.from_pretrained(folder)([TEXTS[1]], truncation=True, return_tensors="pt")
        looking = torch.zeros_like(tokens["input_ids"])
        network = hub.AutoModelForSequenceClassification.from_pretrained(folder).eval()
        blind = network(**tokens, global_attention_mask=looking).logits.softmax(-1).numpy()
        looking[:, 0] = 1
        seeing = network(**tokens, global_attention_mask=looking).logits.softmax(-1).numpy()

    found = rows(model.answer([asked(text) for text in TEXTS]))
    assert model.classes == names
    assert found == pytest.approx(expected, abs=CLOSE)
    assert found[1] == pytest.approx(seeing[0], abs=CLOSE)
    assert found[1] != pytest.approx(blind[0], abs=1e-3)
    assert found.sum(axis=1) == pytest.approx(1, abs=CLOSE)


def test_pictures_are_scored_as_the_library_scores_them(folders) -> None:
    """Of any size; the sum is 1, as there are two classes of which one is right."""
    folder = folders("nsfw", tiny.nsfw)
    model = classifier(folder)

    expected = called(folder, PICTURES, "softmax")

    assert rows(model.answer([asked(*PICTURES)])) == pytest.approx(expected, abs=CLOSE)


@pytest.mark.parametrize(("name", "inputs"), [("toxicity", TEXTS), ("refusals", TEXTS), ("nsfw", PICTURES)])
def test_a_batch_is_one_forward_pass_and_what_each_gets_alone(folders, monkeypatch, name: str, inputs: list[Any]) -> None:
    """Every row goes to the one who asked."""
    model = classifier(folders(name, getattr(tiny, name)))
    requests = [asked(inputs[0]), asked(*inputs[1:])]
    alone = [model.answer([request])[0] for request in requests]
    real, passes = model._model.network.forward, []
    monkeypatch.setattr(model._model.network, "forward", lambda *given, **more: passes.append(1) or real(*given, **more))

    together = model.answer(requests)

    assert len(passes) == 1
    assert [len(answer.rows) for answer in together] == [1, len(inputs) - 1]
    assert rows(together) == pytest.approx(rows(alone), abs=CLOSE)


@pytest.mark.parametrize("activation", ["softmax", "sigmoid", "none"])
def test_the_activation_can_be_chosen(folders, activation: str) -> None:
    """Whatever the configuration says."""
    folder = folders("toxicity", tiny.toxicity)

    expected = called(folder, TEXTS, activation)

    assert rows(classifier(folder, activation=activation).answer([asked(*TEXTS)])) == pytest.approx(expected, abs=CLOSE)


def test_texts_are_cut_where_the_catalog_says(folders) -> None:
    """What comes after the limit changes nothing; without one, the places of the network are it."""
    folder = folders("toxicity", tiny.toxicity)
    short, whole = classifier(folder, max_length=8), classifier(folder)
    long = "a b c d e f g h"

    assert rows(short.answer([asked(long)])) == pytest.approx(rows(short.answer([asked(f"{long} you fool")])), abs=CLOSE)
    assert rows(whole.answer([asked(long)])) != pytest.approx(rows(whole.answer([asked(f"{long} you fool")])), abs=1e-3)
    assert len(whole.answer([asked("fool " * 1000)])[0].rows) == 1


@pytest.mark.parametrize(
    ("config", "names"),
    [
        ({"id2label": {"0": "toxic", "1": "threat"}}, ["toxic", "threat"]),
        ({"id2label": {str(number): "abcdefghijk"[number] for number in (10, 2, 1, 0, *range(3, 10))}}, [*"abcdefghijk"]),
        ({"num_labels": 3}, ["LABEL_0", "LABEL_1", "LABEL_2"]),
        ({}, ["LABEL_0", "LABEL_1"]),
    ],
)
def test_classes_are_told_by_the_configuration(config: dict[str, Any], names: list[str]) -> None:
    """In the order of the scores, not of the alphabet; and they fit the parameter of the gateway."""
    classes_of = load("classifier", "class_names").classes_of

    assert classes_of(config) == names
    assert list(_classes("m", json.dumps(classes_of(config)))) == names


@pytest.mark.parametrize("id2label", [{"1": "a", "2": "b"}, {"0": "a", "2": "b"}, {"x": "a"}, ["a", "b"], "a"])
def test_classes_that_leave_a_score_unnamed_are_refused(id2label: Any) -> None:
    """Numbers from 0 on, a name for each."""
    with pytest.raises(ValueError, match="id2label"):
        load("classifier", "class_names").classes_of({"id2label": id2label})


def test_classes_are_those_that_the_library_reads(folders) -> None:
    """Of the checkpoints in real formats."""
    for name in ("toxicity", "refusals", "nsfw"):
        folder = folders(name, getattr(tiny, name))
        config = json.loads((folder / "config.json").read_text())

        named = hub.AutoConfig.from_pretrained(folder).id2label
        assert load("classifier", "class_names").classes_of(config) == [named[number] for number in range(len(named))]


IMPOSSIBLE: list[tuple[Request, type[ModelError], str]] = [
    (asked(b""), InvalidRequest, "the picture is empty"),
    (asked(PICTURES[0], b"no picture"), InvalidRequest, "not a PNG, JPEG or WebP picture"),
    (asked(Image.new("RGB", (101, 1))), InvalidRequest, "101 x 1 pixels; expected sides of at most 100 to 1"),
    (asked(Image.new("1", (8000, 5001))), TooLarge, "8000 x 5001 pixels"),
    (asked("a text"), Unsupported, "1 texts were sent; this model takes pictures"),
]


def test_the_impossible_costs_no_other(folders) -> None:
    """Its neighbours in the batch get what they would get alone."""
    model = classifier(folders("nsfw", tiny.nsfw))

    answers = model.answer([asked(PICTURES[1]), *(request for request, _, _ in IMPOSSIBLE), asked(PICTURES[0])])

    assert [type(each) for each in answers[1:-1]] == [error for _, error, _ in IMPOSSIBLE]
    assert all(fault in str(each) for each, (_, _, fault) in zip(answers[1:-1], IMPOSSIBLE, strict=True))
    assert rows([answers[0], answers[-1]]) == pytest.approx(rows(model.answer([asked(PICTURES[1], PICTURES[0])])), abs=CLOSE)


def test_a_classifier_of_texts_refuses_pictures_and_books(folders) -> None:
    """For that request alone."""
    refused, long, answered = classifier(folders("toxicity", tiny.toxicity)).answer([asked(*PICTURES), asked("a" * 1_000_001), asked(TEXTS[0])])

    assert (type(refused), type(long)) == (Unsupported, TooLarge)
    assert "3 pictures were sent; this model takes texts" in str(refused)
    assert len(answered.rows) == 1


def test_mistakes_of_the_catalog_are_told(folders) -> None:
    """What was found, and what can be."""
    text, picture = folders("toxicity", tiny.toxicity), folders("nsfw", tiny.nsfw)
    for folder, given, fault in (
        (text, {"activation": "tanh"}, "activation is 'tanh'; expected one of softmax, sigmoid, none"),
        (text, {"max_length": 65}, "max_length is 65; expected 1 to 64"),
        (text, {"max_length": 0}, "max_length is 0; expected 1 to 64"),
        (picture, {"max_length": 5}, "it is for classifiers of texts, and this is one of pictures"),
    ):
        with pytest.raises(InvalidSpec, match=fault):
            classifier(folder, **given)


def test_what_cannot_be_served_is_refused(tmp_path, folders) -> None:
    """Pickles, another architecture, and a network without its last layer, whose scores would be drawn by lot."""
    pickled, headless = tiny.toxicity(tmp_path / "pickled"), tiny.toxicity(tmp_path / "headless")
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    config = (headless / "config.json").read_text()
    hub.AutoModel.from_pretrained(headless).save_pretrained(headless)
    (headless / "config.json").write_text(config)

    with pytest.raises(InvalidSpec, match=r"pickled, in pytorch_model\.bin"):
        classifier(pickled)
    with pytest.raises(InvalidSpec, match=r"2 weights of BertForSequenceClassification are not in it: classifier\.bias, classifier\.weight"):
        classifier(headless)
    with pytest.raises(InvalidSpec, match="its architecture is CLIPModel; expected a …ForSequenceClassification or a …ForImageClassification"):
        classifier(folders("clip", tiny.clip))
