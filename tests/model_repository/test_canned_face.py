"""The stand-in for FairFace tells of every drawn thing what its card says, and FairFace's classes and no others."""

from __future__ import annotations

from collections import Counter

import pytest
from PIL import Image

from evaluators.measures.faces import AGES, GENDERS, RACES, RACES_4
from evaluators.scenes import COLOURS, SHAPES, Scene, Thing, draw
from gateway.repository import BUNDLED
from tests.model_repository.folders import load

canned = load("canned_face", "canned_faces")
ATTRIBUTES = ("race", "race4", "gender", "age")
CLASSES = {"race": RACES, "race4": RACES_4, "gender": GENDERS, "age": AGES}


def of(colour: str, shape: str) -> dict[str, object]:
    (face,) = canned.faces(draw(Scene((Thing(shape, colour, "large", 0.5, 0.5),)), 64))
    return dict(face)


def test_the_card_has_the_table_by_which_it_answers() -> None:
    """Every look, drawn and looked at."""
    rows = [row.strip("| \n").split(" | ") for row in (BUNDLED / "canned_face" / "README.md").read_text().splitlines() if row.startswith("| ")][1:]

    told = {(colour, shape): of(colour, shape) for colour in COLOURS for shape in SHAPES}

    assert rows == [[f"{colour} {shape}", *(face[name] for name in ATTRIBUTES)] for (colour, shape), face in told.items()]


def test_every_class_is_told_of_some_look_and_every_gender_of_every_race() -> None:
    """So that what counts faces has something to count."""
    faces = [canned._attributes(*look) for look in canned.LOOKS]

    assert {name: {face[name] for face in faces} for name in ATTRIBUTES} == {name: set(classes) for name, classes in CLASSES.items()}
    assert set(Counter((face["race4"], face["gender"]) for face in faces).values()) == {6}


def test_scores_are_of_all_classes_and_the_highest_is_told() -> None:
    """In each group they add up to one."""
    face = of("green", "star")

    for name, scores in face["scores"].items():
        assert tuple(scores) == CLASSES[name]
        assert max(scores, key=scores.__getitem__) == face[name]
        assert sum(scores.values()) == pytest.approx(1, abs=0.001)


def test_each_thing_is_a_face_and_print_is_none() -> None:
    """Boxes are those of the things."""
    things = (Thing("circle", "red", "small", 0.2, 0.3), Thing("square", "blue", "large", 0.7, 0.3))
    left, right = canned.faces(draw(Scene(things, word="STOP", word_at=(0.5, 0.87)), 128))

    assert left["box"][2] < right["box"][0]
    assert {left["label"], right["label"]} == {"face"}
    assert canned.faces(draw(Scene((), word="STOP", word_at=(0.5, 0.5)), 128)) == canned.faces(Image.new("RGB", (9, 9))) == []
