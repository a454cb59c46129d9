"""Groups of cases: one prompt asked about several pictures, so that each answer that may be right is right exactly once.

The prompt is made first and never sees which picture it goes with. So nothing in it tells the answer: whoever cannot see
the picture is right in one case of a group at most, whatever they say. The answers that may be right always hold the
task's `anchor`, which makes the best constant answer exactly as good as chance.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Literal

from evaluators.scenes import Scene
from evaluators.shapes.prompts import COUNTABLE, HABIT, OPTIONS, VALUES, Prompt, kind_of, prompt
from evaluators.shapes.staging import STAGES

Scenario = Literal["natural", "distraction", "counterfactual", "cooccurrence", "misleading", "ocr"]
Task = Literal["identification", "attribute", "spatial", "count"]

PRINTED_NUMBERS = ("ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX")


@dataclass(frozen=True, slots=True)
class Shown:
    """One picture of a group, the right answer to it, and facts that hold for it alone."""

    right: str
    scene: Scene
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Group:
    """A prompt and its pictures, one for each answer that may be right."""

    prompt: Prompt
    shown: tuple[Shown, ...]


def group_size(scenario: str, task: str) -> int:
    """How many cases a group has: one for each option that may be right."""
    options = min(OPTIONS, len(VALUES[kind_of(scenario, task)]))
    return options - 1 if scenario == "misleading" else options


def anchor(scenario: str, task: str, seed: int) -> str:
    """The answer that is right in exactly one case of every group."""
    values = COUNTABLE if task == "count" else VALUES[kind_of(scenario, task)]
    return random.Random(f"anchor {seed} {scenario} {task}").choice(values)


def groups(scenario: Scenario, task: Task, seed: int, number: int) -> Iterator[Group]:
    """Draw groups by lot; the n-th one does not depend on how many there are."""
    for index in range(number):
        yield _group(scenario, task, seed, index)


@lru_cache(maxsize=4096)
def _group(scenario: str, task: str, seed: int, index: int) -> Group:
    chance = random.Random(f"prompt {seed} {scenario} {task} {index}")
    said = prompt(scenario, task, anchor(scenario, task, seed), chance, high=index % 2 == 0)
    # The pictures have a chance of their own, so that nothing drawn for them can have reached the prompt.
    painter = random.Random(f"pictures {seed} {scenario} {task} {index}")
    stage = STAGES[kind_of(scenario, task)](said, scenario, painter)
    shown = [_shown(said, right, stage(said.seen[right]), painter) for right in said.seen]
    painter.shuffle(shown)
    return Group(said, tuple(shown))


def _shown(said: Prompt, right: str, scene: Scene, rng: random.Random) -> Shown:
    scenario, task = said.facts["scenario"], said.facts["task"]
    if scenario == "ocr" and task != "identification":
        false = rng.choice([option for option in said.options if option != right])
        return Shown(right, replace(scene, word=_in_print(false)), {"printed": _in_print(false)})
    if scenario == "cooccurrence" and "split" not in said.facts:
        return Shown(right, scene, {"split": "high" if right == HABIT[said.subject["shape"]] else "low"})
    return Shown(right, scene)


def _in_print(option: str) -> str:
    """An option as a printed word."""
    return PRINTED_NUMBERS[int(option) - 1] if option.isdecimal() else option.removesuffix(" of").upper()
