"""Annotated pictures in the form of COCO, and the facts that can be told of them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from random import Random
from typing import Any, Literal

from evaluators.measures.boxes import centre, relation
from kernel.errors import InvalidSpec

Task = Literal["identification", "attribute", "spatial", "count", "action"]
Box = tuple[float, float, float, float]
SMALLEST = 0.01
"""Share of the picture that the smallest thing takes; of smaller ones nobody can be asked."""
MARGIN = 0.1
"""Share of the picture by which two things must lie apart for their places to be compared."""
COLOURS = (
    "black", "white", "grey", "gray", "brown", "red", "orange", "yellow", "green", "blue", "purple", "pink",
    "wooden", "metal", "glass", "plastic", "leather", "striped",
)  # fmt: skip
"""Colours, materials and patterns that are looked for in captions."""
DOING = r"(?:is |are )?([a-z]+ing(?: (?!and|while|near|next|in|on|at|by|with|under|over)[a-z]+){0,3})"


@dataclass(frozen=True, slots=True)
class Thing:
    """Something in a picture: its box is x0, y0, x1, y1 in pixels; attribute and action are empty where nobody told them."""

    name: str
    box: Box
    attribute: str = ""
    action: str = ""


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture with all that is in it."""

    id: str
    picture: Path
    width: int
    height: int
    things: tuple[Thing, ...]
    captions: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many there are of each name, in the order of the names."""
        return dict(sorted(Counter(thing.name for thing in self.things).items()))

    @property
    def single(self) -> tuple[Thing, ...]:
        """Things of which there is one only."""
        counts = self.counts
        return tuple(thing for thing in self.things if counts[thing.name] == 1)


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that is true of a picture.

    about: names of the things that it is told of. value: the other names (identification), numbers by name (count), a word or phrase
    (attribute, action), where the first lies as seen from the second (spatial), or three such places in a circle (a triple).
    """

    task: Task
    about: tuple[str, ...]
    value: Any


def read_scenes(path: Path) -> list[Scene]:
    """The scenes of a file in COCO's form that are fit for questions, sorted by id.

    Fit are pictures with 2 to 6 kinds of things, none of them a crowd or smaller than a hundredth of the picture. An annotation may also have
    `attribute` and `action`; one with a `caption` and no box is a caption. What nobody told is looked for in the captions. Raises `InvalidSpec`.
    """
    try:
        told = json.loads(path.read_bytes())
        names = {category["id"]: str(category["name"]) for category in told["categories"]}
        of: dict[Any, list[Mapping[str, Any]]] = {image["id"]: [] for image in told["images"]}
        for annotation in told["annotations"]:
            of[annotation["image_id"]].append(annotation)
        scenes = [_scene(image, of[image["id"]], names, path.parent) for image in sorted(told["images"], key=lambda image: str(image["id"]))]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        fault = f"not annotations as COCO has them, {type(error).__name__}: {error}; expected a JSON object of images, annotations and categories"
        raise InvalidSpec(str(path), [fault]) from None
    return [scene for scene in scenes if scene is not None]


def _scene(image: Mapping[str, Any], annotations: list[Mapping[str, Any]], names: Mapping[Any, str], folder: Path) -> Scene | None:
    boxed = [each for each in annotations if "bbox" in each]
    captions = tuple(str(each["caption"]) for each in annotations if "caption" in each)
    area = image["width"] * image["height"]
    if any(each.get("iscrowd") or each["bbox"][2] * each["bbox"][3] < SMALLEST * area for each in boxed):
        return None
    if not 2 <= len({each["category_id"] for each in boxed}) <= 6:
        return None
    things = tuple(_thing(each, names[each["category_id"]], captions) for each in boxed)
    return Scene(str(image["id"]), folder / image["file_name"], image["width"], image["height"], things, captions)


def _thing(told: Mapping[str, Any], name: str, captions: tuple[str, ...]) -> Thing:
    x, y, width, height = told["bbox"]
    seen = (re.search(rf"\b({'|'.join(COLOURS)}) {re.escape(name)}\b", caption.casefold()) for caption in captions)
    done = (re.search(rf"\b{re.escape(name)} {DOING}", caption.casefold()) for caption in captions)
    attribute = told.get("attribute") or next((match[1] for match in seen if match), "")
    action = told.get("action") or next((match[1] for match in done if match), "")
    return Thing(name, (x, y, x + width, y + height), str(attribute), str(action))


def place(scene: Scene, a: Thing, b: Thing) -> str | None:
    """Where `a` lies as seen from `b`: left, right, above or below; `None` where they are too close, or lie across."""
    found = relation(a.box, b.box)
    (ax, ay), (bx, by) = centre(a.box), centre(b.box)
    if found is None or max(abs(ax - bx) / scene.width, abs(ay - by) / scene.height) < MARGIN:
        return None
    return found.removesuffix(" of")


def fact(scene: Scene, task: Task, chance: Random) -> Fact | None:
    """A fact of that kind, drawn by lot; `None` where the picture has none."""
    return next(facts(scene, task, chance), None)


def facts(scene: Scene, task: Task, chance: Random) -> Iterator[Fact]:
    """All facts of that kind, in an order drawn by lot."""
    names = list(scene.counts)
    match task:
        case "identification":
            for name in chance.sample(names, len(names)):
                yield Fact(task, (name,), tuple(other for other in names if other != name))
        case "count":
            few = {name: count for name, count in scene.counts.items() if count <= 5}
            if few:
                yield Fact(task, tuple(few), few)
        case "spatial":
            pairs = list(permutations(scene.single, 2))
            for a, b in chance.sample(pairs, len(pairs)):
                if (where := place(scene, a, b)) is not None:
                    yield Fact(task, (a.name, b.name), where)
        case "attribute" | "action":
            told = [thing for thing in scene.single if getattr(thing, task)]
            for thing in chance.sample(told, len(told)):
                yield Fact(task, (thing.name,), getattr(thing, task))


def triple(scene: Scene, chance: Random) -> Fact | None:
    """Three things that occur once, with the places of first to second, second to third and third to first."""
    trios = list(permutations(scene.single, 3))
    for trio in chance.sample(trios, len(trios)):
        places = [place(scene, a, b) for a, b in zip(trio, (*trio[1:], trio[0]), strict=True)]
        if None not in places:
            return Fact("spatial", tuple(thing.name for thing in trio), tuple(places))
    return None
