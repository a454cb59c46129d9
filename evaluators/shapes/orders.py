"""Orders for pictures: a prompt, and what the picture must show.

Prompts come in rounds in which each answer that may be right stands once (each shape, colour, relation or number), so
that one and the same picture, or a model that never reads the prompt, gets no further than chance.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evaluators.scenes import COLOURS, RELATIONS, SHAPES, WORDS, Point, Scene, Thing
from evaluators.shapes.groups import Scenario, Task
from evaluators.shapes.prompts import HABIT
from evaluators.shapes.questions import plural

Look = tuple[str, str]
"""Colour and shape."""

PHRASES = ("{}", "a picture of {}", "draw {}", "an image with {}")
ASIDES = ("as in a book", "for my friend", "it is simple", "please", "on a plain page")
SIZES = ("", "", "medium", "large")
NUMBERS = ("a", "two", "three")
OPPOSITE = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}
COMPANIONS = {
    "circle": "square",
    "square": "circle",
    "triangle": "diamond",
    "diamond": "triangle",
    "cross": "star",
    "star": "cross",
}
"""Which shape usually comes with which, in the world of the co-occurrence scenario."""
WORDS_A_ROUND = 8


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for. The first thing stands `relation` the second one; `word` is to be printed."""

    prompt: str
    things: tuple[Look, ...]
    relation: str | None = None
    word: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def wanted(self) -> dict[str, Any]:
        """What the picture must show, as plain JSON."""
        return {"things": [list(look) for look in self.things], "relation": self.relation, "word": self.word}


def round_size(scenario: Scenario, task: Task) -> int:
    """How many orders a round has."""
    if (scenario, task) == ("ocr", "identification"):
        return WORDS_A_ROUND
    return {"identification": len(SHAPES), "attribute": len(COLOURS), "spatial": len(RELATIONS), "count": len(NUMBERS)}[task]


def orders(scenario: Scenario, task: Task, seed: int, rounds: int) -> Iterator[Order]:
    """Draw rounds of orders by lot; the n-th one does not depend on how many there are."""
    for index in range(rounds):
        rng = random.Random(f"order {seed} {scenario} {task} {index}")
        yield from ROUNDS[task](scenario, rng, index % 2 == 0)


# -- rounds -------------------------------------------------------------------


def _identification(scenario: str, rng: random.Random, high: bool) -> Iterator[Order]:  # noqa: FBT001 - one shape for all rounds
    if scenario == "ocr":
        for word in rng.sample(WORDS, WORDS_A_ROUND):
            yield Order(_said(scenario, rng, f"the word {word}"), (), word=word)
        return
    for position, shape in enumerate(rng.sample(SHAPES, len(SHAPES))):
        alone = (position % 2 == 0) == high
        look = (_colour(scenario, rng, shape, high=True), shape)
        wrong = _other(rng, SHAPES, shape)
        if scenario == "cooccurrence" and not alone:
            partner = _other(rng, SHAPES, shape, COMPANIONS[shape])
            pair = (look, (HABIT[partner], partner))
            yield Order(f"{_one(rng, look)} and {_one(rng, pair[1])}", pair, facts={"split": "low"})
        else:
            facts = {"split": "high"} if scenario == "cooccurrence" else {}
            yield Order(_said(scenario, rng, _one(rng, look), f"it is not {_a(wrong)}"), (look,), facts=facts)


def _attribute(scenario: str, rng: random.Random, high: bool) -> Iterator[Order]:  # noqa: FBT001 - one shape for all rounds
    usual = {colour: shape for shape, colour in HABIT.items()}
    for position, colour in enumerate(rng.sample(tuple(COLOURS), len(COLOURS))):
        shape, facts = rng.choice(SHAPES), {}
        if scenario in ("cooccurrence", "counterfactual"):
            shape = _other(rng, SHAPES, usual.get(colour, ""))
        if scenario == "cooccurrence":
            keeps = (position % 2 == 0) == high and colour in usual
            shape = usual[colour] if keeps else shape
            facts = {"split": "high" if keeps else "low"}
        word = _word(scenario, rng)
        said = _said(scenario, rng, _one(rng, (colour, shape)), f"it is not {_other(rng, tuple(COLOURS), colour)}", word)
        yield Order(said, ((colour, shape),), word=word, facts=facts)


def _spatial(scenario: str, rng: random.Random, high: bool) -> Iterator[Order]:  # noqa: FBT001 - one shape for all rounds
    """The same two things in all four relations."""
    shape, other = rng.sample(SHAPES, 2)
    facts = {}
    if scenario == "cooccurrence":
        other = COMPANIONS[shape] if high else _other(rng, SHAPES, shape, COMPANIONS[shape])
        facts = {"split": "high" if high else "low"}
    first = (_colour(scenario, rng, shape, high=high), shape)
    second = (_colour(scenario, rng, other, high=high), other)
    for relation in rng.sample(RELATIONS, len(RELATIONS)):
        word = _word(scenario, rng)
        said = f"{_a(' '.join(first))} {relation} {_a(' '.join(second))}"
        prompt = _said(scenario, rng, said, f"not {OPPOSITE[relation]} it", word)
        yield Order(prompt, (first, second), relation, word, facts)


def _count(scenario: str, rng: random.Random, high: bool) -> Iterator[Order]:  # noqa: FBT001 - one shape for all rounds
    """The same thing once, twice and three times."""
    shape = rng.choice(SHAPES)
    look = (_colour(scenario, rng, shape, high=high), shape)
    facts = {"split": "high" if high else "low"} if scenario == "cooccurrence" else {}
    for number in rng.sample(range(1, len(NUMBERS) + 1), len(NUMBERS)):
        word = _word(scenario, rng)
        wrong = _other(rng, ("one", *NUMBERS[1:]), NUMBERS[number - 1], "one" if number == 1 else "")
        yield Order(_said(scenario, rng, _several(look, number), f"not {wrong}", word), (look,) * number, word=word, facts=facts)


ROUNDS = {"identification": _identification, "attribute": _attribute, "spatial": _spatial, "count": _count}


# -- wording ------------------------------------------------------------------


def _said(scenario: str, rng: random.Random, said: str, denial: str = "", word: str | None = None) -> str:
    """The whole prompt: a phrase around what is said, and what the scenario adds to it."""
    said = f"{said} and the word {word}" if word else said
    prompt = rng.choice(PHRASES).format(said)
    if scenario == "distraction":
        prompt = " ".join([prompt, *rng.sample(ASIDES, 2)])
    return f"{prompt} {denial}" if scenario == "misleading" else prompt


def _one(rng: random.Random, look: Look) -> str:
    return _a(" ".join([rng.choice(SIZES), *look]).strip())


def _several(look: Look, number: int) -> str:
    colour, shape = look
    return _a(f"{colour} {shape}") if number == 1 else f"{NUMBERS[number - 1]} {colour} {plural(shape)}"


def _a(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def _colour(scenario: str, rng: random.Random, shape: str, *, high: bool) -> str:
    """A colour for a shape: any, its usual one, or one that is not usual."""
    if scenario == "cooccurrence" and high:
        return HABIT[shape]
    if scenario in ("cooccurrence", "counterfactual"):
        return _other(rng, tuple(HABIT.values()), HABIT[shape])
    return rng.choice(tuple(COLOURS))


def _word(scenario: str, rng: random.Random) -> str | None:
    return rng.choice(WORDS) if scenario == "ocr" else None


def _other(rng: random.Random, values: Sequence[str], *taken: str) -> str:
    return rng.choice([value for value in values if value not in taken])


# -- the right picture --------------------------------------------------------

PLACES: dict[int, tuple[Point, ...]] = {
    0: (),
    1: ((0.5, 0.38),),
    2: ((0.3, 0.38), (0.7, 0.38)),
    3: ((0.5, 0.19), (0.28, 0.52), (0.72, 0.52)),
}
RELATED: dict[str, tuple[Point, Point]] = {
    "left of": ((0.3, 0.38), (0.7, 0.38)),
    "right of": ((0.7, 0.38), (0.3, 0.38)),
    "above": ((0.5, 0.19), (0.5, 0.57)),
    "below": ((0.5, 0.57), (0.5, 0.19)),
}


def right_scene(wanted: Mapping[str, Any]) -> Scene:
    """A scene that shows exactly what is wanted."""
    things, word = wanted["things"], wanted["word"]
    places = RELATED[wanted["relation"]] if wanted["relation"] else PLACES[len(things)]
    drawn = [Thing(shape, colour, "medium", x, y) for (colour, shape), (x, y) in zip(things, places, strict=True)]
    return Scene(tuple(drawn), word, (0.5, 0.87 if things else 0.5) if word else None)
