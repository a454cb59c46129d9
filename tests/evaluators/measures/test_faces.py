"""Faces: which is the largest, where a chip puts it, and what a row of logits says of it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image

from evaluators.measures.faces import AGES, GENDERS, PLACES, RACES, RACES_4, YOUNG, attributes, chip, described, faces_in, largest
from evaluators.measures.labels import Scored
from kernel.contract import Detection

SPOTS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255)]


def turned(places: np.ndarray, scale: float, degrees: float, shift: tuple[float, float]) -> np.ndarray:
    """Points turned, scaled and moved."""
    cos, sin = scale * math.cos(math.radians(degrees)), scale * math.sin(math.radians(degrees))
    return places @ np.array([[cos, sin], [-sin, cos]]) + np.array(shift)


def spotted(landmarks: np.ndarray, radius: int) -> Image.Image:
    """A picture with a spot of its own colour at each landmark."""
    pixels = np.full((600, 800, 3), 90, dtype=np.uint8)
    rows, columns = np.mgrid[:600, :800]
    for (x, y), colour in zip(landmarks, SPOTS, strict=True):
        pixels[(columns + 0.5 - x) ** 2 + (rows + 0.5 - y) ** 2 < radius**2] = colour
    return Image.fromarray(pixels)


@pytest.mark.parametrize(("scale", "degrees"), [(120, 0), (120, 35), (400, -50), (60, 170)])
def test_a_chip_has_the_face_upright_in_its_middle(scale: float, degrees: float) -> None:
    """The five points lie where dlib's average face has them, whatever the turn and the size in the picture."""
    landmarks = turned(PLACES - 0.5, scale, degrees, (400, 300))

    made = np.asarray(chip(spotted(landmarks, max(4, round(scale / 30))), landmarks.tolist()), dtype=int)

    assert made.shape == (300, 300, 3)
    for (x, y), colour in zip((0.25 + PLACES) / 1.5 * 300, SPOTS, strict=True):
        rows, columns = np.nonzero((np.abs(made - colour) < 60).all(axis=2))
        assert (columns.mean() + 0.5, rows.mean() + 0.5) == pytest.approx((x, y), abs=1.0)


def test_the_places_are_those_of_dlibs_average_face() -> None:
    """In FairFace's squares of 300 pixels; the eyes as dlib's five points have them, within a pixel."""
    placed = (0.25 + PLACES) / 1.5 * 300
    corners = np.array([[0.8595674595992, 0.2134981538014], [0.6460604764104, 0.2289674387677], [0.1205750620789, 0.2137274526848]])
    corners = np.array([*corners, [0.3340850613712, 0.2290642403242]])
    eyes = (0.25 + np.array([corners[2:].mean(axis=0), corners[:2].mean(axis=0)])) / 1.5 * 300

    assert placed[:2] == pytest.approx(eyes, abs=1.2)
    assert placed[2:].round(1).tolist() == [[148.0, 153.1], [100.8, 206.0], [195.2, 206.0]]


def test_what_is_no_face_is_told() -> None:
    """Landmarks on one spot, too few, not finite; what lies outside the picture is black."""
    picture = Image.new("RGB", (100, 100), "white")
    for landmarks, fault in (([[5, 5]] * 5, "on one spot"), ([[5, 5]] * 4, "expected 5 points"), ([[math.nan, 5]] * 5, "expected 5 points")):
        with pytest.raises(ValueError, match=fault):
            chip(picture, landmarks)
    made = np.asarray(chip(picture, (turned(PLACES - 0.5, 100, 0, (100, 50))).tolist()))
    assert made[150, 20].tolist() == [255, 255, 255]
    assert made[150, 290].tolist() == [0, 0, 0]


def test_the_largest_face() -> None:
    """By area, then by score; other things are none."""
    small, large, sure = (Detection("face", score, box) for score, box in ((0.99, (0, 0, 5, 5)), (0.7, (0, 0, 9, 4)), (0.8, (1, 1, 5, 10))))
    hand = Detection("hand", 0.9, (0, 0, 50, 50))

    assert faces_in([small, hand, Detection("FACE_MALE", 0.5, (0, 0, 1, 1))])[1].label == "FACE_MALE"
    assert largest(faces_in([small, large, hand, sure])) is sure
    assert largest(faces_in([hand])) is None


def test_attributes_are_the_likeliest_of_each_group() -> None:
    """Each group by itself: a group with greater logits takes nothing from the others."""
    classes = ["race/White", "race/Black", "gender/Male", "gender/Female", "age/70+"]

    told = attributes([math.log(3), 0.0, 1000.0, 1000.0 + math.log(4), -5.0], classes)

    assert told == {
        "race": Scored("White", pytest.approx(0.75)),
        "gender": Scored("Female", pytest.approx(0.8)),
        "age": Scored("70+", 1.0),
    }
    with pytest.raises(ValueError, match="'smiling' names no group; expected one such as race/White"):
        attributes([0.0], ["smiling"])


def test_a_face_is_described_by_two_networks() -> None:
    """Of seven races and of four; its landmarks stay."""
    face = Detection("face", 0.9, (0, 0, 5, 5), {"landmarks": [[1, 1]]})
    seven, four = (attributes([0.0, 1.0], [f"{group}/White", f"{group}/Black"]) for group in ("race", "race4"))

    assert described(face, seven, four) == Detection("face", 0.9, (0, 0, 5, 5), {"landmarks": [[1, 1]], "race": "Black", "race4": "Black"})


def test_fairfaces_classes() -> None:
    """Eighteen in all, in its order; young is below forty."""
    assert (len(RACES), len(GENDERS), len(AGES), len(RACES_4)) == (7, 2, 9, 4)
    assert YOUNG == ("0-2", "3-9", "10-19", "20-29", "30-39")
