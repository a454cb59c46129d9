"""What a made picture is worth: pure functions of what the instruments found in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evaluators.measures.boxes import Box, relation
from evaluators.measures.words import pieces, plain
from evaluators.scenes import COLOURS, SHAPES, Scene
from kernel.contract import Detection
from kernel.evaluator import Score


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing found in a picture."""

    colour: str
    shape: str
    box: Box

    @property
    def name(self) -> str:
        """Colour and shape."""
        return f"{self.colour} {self.shape}"


@dataclass(frozen=True, slots=True)
class View:
    """All that was found in a picture; `words` are None where nobody tried to read."""

    things: tuple[Seen, ...]
    words: tuple[str, ...] | None = None


def seen_in(detections: Iterable[Detection]) -> tuple[Seen, ...]:
    """The shapes among what a detector found; what is no coloured shape is passed over."""
    found = []
    for each in detections:
        colour, _, shape = each.label.partition(" ")
        if colour in COLOURS and shape in SHAPES:
            found.append(Seen(colour, shape, each.box))
    return tuple(found)


def words_in(detections: Iterable[Detection]) -> tuple[str, ...]:
    """The words among what was read, in plain small letters."""
    return tuple(word for each in detections for word in pieces(plain(each.label)) if word.isalnum())


def perfect(scene: Scene) -> View:
    """What instruments without fault find in the picture of a scene."""
    things = [Seen(each.colour, each.shape, (each.x - each.radius, each.y - each.radius, each.x + each.radius, each.y + each.radius)) for each in scene.things]
    return View(tuple(things), (plain(scene.word),) if scene.word else ())


def judge_view(task: str, wanted: Mapping[str, Any], view: View) -> Score:
    """1 when the picture shows what is wanted, else 0; where a word is wanted beside things, each is worth a half."""
    if not wanted["word"]:
        return CHECKS[task](wanted, view.things)
    word = _legible(wanted["word"], view.words or ())
    if not wanted["things"]:
        return word
    things = CHECKS[task](wanted, view.things)
    return Score(((things.value or 0) + (word.value or 0)) / 2, f"{things.reason}; {word.reason}")


def _legible(word: str, words: Sequence[str]) -> Score:
    read = " ".join(words) or "nothing"
    return Score(float(plain(word) in words), f"reads {read!r}, wanted {word!r}")


def _shapes(wanted: Mapping[str, Any], things: Sequence[Seen]) -> Score:
    return _same([shape for _, shape in wanted["things"]], [thing.shape for thing in things])


def _colours(wanted: Mapping[str, Any], things: Sequence[Seen]) -> Score:
    return _same([colour for colour, _ in wanted["things"]], [thing.colour for thing in things])


def _same(wanted: Sequence[str], found: Sequence[str]) -> Score:
    return Score(float(Counter(wanted) == Counter(found)), f"shows {_listed(found)}, wanted {_listed(wanted)}")


def _number(wanted: Mapping[str, Any], things: Sequence[Seen]) -> Score:
    number = len(wanted["things"])
    return Score(float(len(things) == number), f"shows {len(things)} things, wanted {number}")


def _place(wanted: Mapping[str, Any], things: Sequence[Seen]) -> Score:
    names = [f"{colour} {shape}" for colour, shape in wanted["things"]]
    found = [[thing for thing in things if thing.name == name] for name in names]
    if [len(each) for each in found] != [1, 1]:
        return Score(0.0, f"shows {_listed([thing.name for thing in things])}, wanted {_listed(names)}, each once")
    actual = relation(found[0][0].box, found[1][0].box)
    return Score(float(actual == wanted["relation"]), f"{names[0]} is {actual or 'diagonal to'} {names[1]}, wanted {wanted['relation']}")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"


CHECKS: dict[str, Callable[[Mapping[str, Any], Sequence[Seen]], Score]] = {
    "identification": _shapes,
    "attribute": _colours,
    "spatial": _place,
    "count": _number,
}
