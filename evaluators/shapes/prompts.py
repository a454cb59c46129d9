"""What is said to a model about a picture, made before there is a picture and without knowing the right answer."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from evaluators.scenes import COLOURS, MOST_THINGS, RELATIONS, SHAPES, WORDS
from evaluators.shapes.questions import ADDED_OR_TAKEN, CHANGED, CHOOSE, CLAIMS, DISTRACTIONS, PHRASES, TURNED, plural

KINDS: dict[str, str] = {"identification": "shape", "attribute": "colour", "spatial": "relation", "count": "number"}
"""What a task asks for, but where a scenario has its own way (`kind_of`)."""
VALUES: dict[str, tuple[str, ...]] = {
    "shape": SHAPES,
    "presence": ("yes", "no"),
    "colour": tuple(COLOURS),
    "relation": RELATIONS,
    "number": tuple(str(number) for number in range(1, MOST_THINGS + 1)),
    "word": WORDS,
}
COUNTABLE = ("2", "3", "4", "5")
"""Counts that stay possible when one thing is added or taken away."""
OPTIONS = 4
"""Options that a question names, at most."""

HABIT: dict[str, str] = {
    "circle": "green",
    "square": "blue",
    "triangle": "purple",
    "diamond": "orange",
    "cross": "red",
    "star": "yellow",
}
"""The colour that each shape usually has in the world of the co-occurrence scenario."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is said, and what a picture needs to know to fit it.

    seen: for each answer that may be right, what the picture must show; another one when the prompt supposes a change.
    subject: shape and colour of the thing asked about, `other` and `another` those of a second one, and their names.
    """

    text: str
    options: tuple[str, ...]
    seen: dict[str, str]
    subject: dict[str, str]
    facts: dict[str, Any] = field(default_factory=dict)


def kind_of(scenario: str, task: str) -> str:
    """What kind of answer a task wants in a scenario."""
    own = {("cooccurrence", "identification"): "presence", ("ocr", "identification"): "word"}
    return own.get((scenario, task), KINDS[task])


def prompt(scenario: str, task: str, anchor: str, rng: random.Random, *, high: bool) -> Prompt:
    """Draw a prompt by lot.

    Args:
        scenario: What makes the question hard.
        task: What is asked.
        anchor: An answer that must be among those that may be right.
        rng: The only source of chance.
        high: Whether, in the co-occurrence scenario, what is asked keeps the habit.
    """
    kind = kind_of(scenario, task)
    subject, facts = _subject(rng), {"scenario": scenario, "task": task}
    if scenario == "cooccurrence":
        subject = _habitual(rng, high=high)
        facts |= {} if kind == "colour" else {"split": "high" if high else "low"}
    options = _options(scenario, kind, anchor, subject, rng)
    seen, words = {option: option for option in options}, []
    if scenario == "distraction":
        words = rng.sample(DISTRACTIONS, 2)
    if scenario == "counterfactual":
        seen, supposed = _supposed(kind, options, rng)
        words = [f"Suppose that {supposed}."]
    if scenario == "misleading":
        claimed = rng.choice([option for option in options if option != anchor])
        seen.pop(claimed)
        words = [CLAIMS[kind].format(answer=claimed, **subject)]
        facts["claimed"] = claimed
    words.append(rng.choice(PHRASES[kind]).format(**subject))
    words.append(rng.choice(CHOOSE).format(", ".join(options)))
    return Prompt(" ".join(words), options, seen, subject, facts)


def _subject(rng: random.Random) -> dict[str, str]:
    shape, other = rng.sample(SHAPES, 2)
    colour, another = rng.sample(tuple(COLOURS), 2)
    return _named((shape, colour), (other, another))


def _habitual(rng: random.Random, *, high: bool) -> dict[str, str]:
    """A subject whose colours follow the habit, or, exchanged with each other, break it."""
    shape, other = rng.sample(SHAPES, 2)
    first, second = (shape, other) if high else (other, shape)
    return _named((shape, HABIT[first]), (other, HABIT[second]))


def _named(first: tuple[str, str], second: tuple[str, str]) -> dict[str, str]:
    shape, colour = first
    a, b = f"{colour} {shape}", f"{second[1]} {second[0]}"
    return {
        "shape": shape,
        "colour": colour,
        "other": second[0],
        "another": second[1],
        "a": a,
        "b": b,
        "a_name": f"an {a}" if a[0] in "aeiou" else f"a {a}",
        "what": shape,
        "things": plural(shape),
    }


def _options(scenario: str, kind: str, anchor: str, subject: dict[str, str], rng: random.Random) -> tuple[str, ...]:
    values = COUNTABLE if (scenario, kind) == ("counterfactual", "number") else VALUES[kind]
    wanted = [anchor]
    if (scenario, kind) == ("cooccurrence", "colour") and HABIT[subject["shape"]] != anchor:
        wanted.append(HABIT[subject["shape"]])
    rest = [value for value in values if value not in wanted]
    wanted += rng.sample(rest, min(OPTIONS, len(values)) - len(wanted))
    rng.shuffle(wanted)
    return tuple(wanted)


def _supposed(kind: str, options: Sequence[str], rng: random.Random) -> tuple[dict[str, str], str]:
    """For each answer what the picture shows, and the change that is supposed."""
    if kind == "number":
        change = rng.choice(tuple(ADDED_OR_TAKEN))
        return {option: str(int(option) - ADDED_OR_TAKEN[change]) for option in options}, change
    if kind == "relation":
        turn = rng.choice(tuple(TURNED))
        return {option: TURNED[turn].get(option, option) for option in options}, turn
    first, second = rng.sample(options, 2)
    swap = {first: second, second: first}
    change = f"{CHANGED[kind].format(first, second)} and {CHANGED[kind].format(second, first)}"
    return {option: swap.get(option, option) for option in options}, change
