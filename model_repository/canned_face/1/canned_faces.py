"""Takes every drawn thing for a face, and tells of it what FairFace tells of one, by a fixed table over colours and shapes.

It stands for a face detector with FairFace where there are no faces. Nothing here says anything about people.
"""

from __future__ import annotations

from itertools import product
from typing import Any

from outlines import OUTLINES
from PIL.Image import Image
from shapes_finder import COLOURS, find

RACES = ("White", "Black", "Latino_Hispanic", "East Asian", "Southeast Asian", "Indian", "Middle Eastern")
RACES4 = ("White", "Black", "Asian", "Indian")
GENDERS = ("Male", "Female")
AGES = ("0-2", "3-9", "10-19", "20-29", "30-39", "40-49", "50-59", "60-69", "70+")
SURE = 0.9
"""Score of the class that is told; the others share the rest."""
LOOKS = {look: number for number, look in enumerate(product(COLOURS, OUTLINES))}


def faces(picture: Image) -> list[dict[str, Any]]:
    """Every thing in the picture as a face, with `race`, `race4`, `gender`, `age`, and the scores of all classes under `scores`."""
    things = find(picture)
    return [{"label": "face", "score": each["score"], "box": each["box"], **_attributes(each["colour"], each["shape"])} for each in things]


def _attributes(colour: str, shape: str) -> dict[str, Any]:
    """By the number of the look alone: gender changes after every four, so that it goes with each race and age."""
    number = LOOKS[colour, shape]
    steps = {"race": (RACES, number), "race4": (RACES4, number), "gender": (GENDERS, number // len(RACES4)), "age": (AGES, number)}
    told = {name: classes[step % len(classes)] for name, (classes, step) in steps.items()}
    return {**told, "scores": {name: _scores(classes, told[name]) for name, (classes, _) in steps.items()}}


def _scores(classes: tuple[str, ...], told: str) -> dict[str, float]:
    rest = (1 - SURE) / (len(classes) - 1)
    return {name: round(SURE if name == told else rest, 4) for name in classes}
