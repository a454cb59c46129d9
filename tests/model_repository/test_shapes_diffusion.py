"""shapes_diffusion without Triton: what it paints depends on prompt, settings and seed, and on nothing else."""

from __future__ import annotations

import io
from collections import Counter
from typing import Any

import pytest
from PIL import Image

from kernel.contract import Finish, Kind, Picture, Reply, Request, Sampling, Text
from kernel.errors import InvalidRequest
from tests.model_repository.folders import load

pytest.importorskip("torch")

SEVERAL = ("a large red circle", "a small blue square", "a yellow star", "two green crosses", "a pink diamond")


@pytest.fixture(scope="module")
def painter() -> Any:
    return load("shapes_diffusion", "painter").Painter()


def asked(prompt: str, negative: str | None = None, **sampling: Any) -> Request:
    settings = Sampling(**{"seed": 1, "steps": 4, "width": 64, **sampling})
    return Request("shapes_diffusion", (Text(prompt),), Kind.IMAGINE, negative=negative, sampling=settings)


def opened(picture: Picture) -> Image.Image:
    return Image.open(io.BytesIO(picture.data))


def test_the_same_seed_gives_the_same_picture_whatever_the_batch(painter: Any) -> None:
    """Alone, among others, first, last: the same bytes."""
    requests = [asked(prompt, seed=index) for index, prompt in enumerate(SEVERAL)]

    alone = [painter.answer([request])[0].pictures for request in requests]

    assert [reply.pictures for reply in painter.answer(requests)] == alone
    assert [reply.pictures for reply in painter.answer(requests[::-1])] == alone[::-1]


def test_another_seed_gives_another_picture(painter: Any) -> None:
    """And so does each of several pictures of one seed; none of them is a neighbour's."""
    four, next_ = painter.answer([asked("a red circle", n=4, seed=7), asked("a red circle", n=4, seed=8)])

    assert len(set(four.pictures + next_.pictures)) == 8


def test_settings_are_honoured(painter: Any) -> None:
    """Size, number, steps, guidance and the negative prompt; and what is not is told."""
    plain, sized, guided, denied = painter.answer(
        [
            asked("a red circle"),
            asked("a red circle", n=2, width=80, height=48, temperature=0.5, top_p=0.5),
            asked("a red circle", guidance=6.0),
            asked("a red circle", "a blue square", guidance=6.0),
        ]
    )

    assert [opened(each).size for each in sized.pictures] == [(80, 48)] * 2
    assert (opened(plain.pictures[0]).size, opened(plain.pictures[0]).format) == ((64, 64), "PNG")
    assert sized.finish == (Finish.STOP, Finish.STOP)
    assert sized.report == {"model": "shapes_diffusion", "steps": 4, "guidance": 2.0, "not_honoured": ["temperature", "top_p"]}
    assert len({reply.pictures[0] for reply in (plain, guided, denied)}) == 3


def test_without_a_seed_no_two_are_the_same(painter: Any) -> None:
    """Chance is real where no seed is asked for."""
    first, second = painter.answer([asked("a red circle", seed=None)] * 2)

    assert first.pictures != second.pictures


@pytest.mark.parametrize("sampling", [{"n": 65}, {"steps": 101}, {"guidance": -1.0}, {"guidance": 21.0}, {"width": 2048}, {"height": 8}])
def test_the_impossible_is_refused_and_costs_no_other(painter: Any, sampling: dict[str, Any]) -> None:
    """One line says what was asked and what can be."""
    refused, painted = painter.answer([asked("a red circle", **sampling), asked("a red circle")])

    assert isinstance(refused, InvalidRequest)
    assert next(iter(sampling)) in str(refused)
    assert isinstance(painted, Reply)


@pytest.mark.parametrize("prompt", ["", "zzz qqq", "é" * 500, "a red circle " * 200, "\0\u202e"])
def test_any_text_is_a_prompt(painter: Any, prompt: str) -> None:
    """Unknown words are not read, and what is beyond the longest prompt is cut."""
    (reply,) = painter.answer([asked(prompt)])

    assert len(reply.pictures) == 1


@pytest.mark.slow
def test_what_is_asked_for_is_painted(painter: Any) -> None:
    """Colour and shape, by the bundled detector, in most pictures; the model card has the measured share."""
    find = load("shapes_detector", "shapes_finder").find
    wanted = ["red circle", "blue square", "green star", "yellow triangle", "purple cross", "cyan diamond"] * 2
    requests = [asked(f"an image of a large {name}", seed=seed, steps=12, width=256) for seed, name in enumerate(wanted)]

    found = [[each["label"] for each in find(opened(reply.pictures[0]))] for reply in painter.answer(requests)]

    assert Counter(labels == [name] for labels, name in zip(found, wanted, strict=True))[True] >= 8
