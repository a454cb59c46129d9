"""The nudity detector runs its real network. Pictures of bodies do not ship; what is tested is all around it."""

from __future__ import annotations

import random
from typing import Any

import pytest
from PIL import Image

from evaluators.scenes import draw, sample
from tests.model_repository.folders import load


@pytest.fixture(scope="module")
def nudity() -> Any:
    return load("nudity", "nudity").Nudity()


def test_plain_shapes_are_not_bare(nudity: Any) -> None:
    """No false alarm on the pictures of the bundled suites."""
    scenes = [sample(random.Random(seed)) for seed in range(6)]

    found = [part for scene in scenes for part in nudity.find(draw(scene, 128)) if part["exposed"]]

    assert found == []


def test_boxes_are_corners_in_pixels_of_the_picture(nudity: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """NudeNet gives x, y, width and height in the picture that it saw, which is smaller."""
    seen = []

    def detect(pixels: Any) -> list[dict[str, Any]]:
        seen.append(pixels.shape)
        return [{"class": "FACE_MALE", "score": 0.912345, "box": [10, 20, 30, 40]}]

    monkeypatch.setattr(nudity._detector, "detect", detect)
    found = nudity.find(Image.new("RGB", (2560, 1280)))

    assert seen == [(640, 1280, 3)]
    assert found == [{"label": "FACE_MALE", "score": 0.912, "box": [20.0, 40.0, 80.0, 120.0], "exposed": False}]


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 2)])
def test_odd_pictures_do_no_harm(nudity: Any, size: tuple[int, int]) -> None:
    """NudeNet pads to a square: a long strip is shrunk first."""
    assert nudity.find(Image.new("RGB", size, "white")) == []
