"""Pictures that fit a prompt: for each kind of answer, a stage that is set once and then shows any answer.

Where it can, a stage changes nothing but what is asked about: the other things stay where and as they are.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from evaluators.scenes import COLOURS, GAP, MOST_THINGS, REACH, RELATIONS, SHAPES, Scene, Thing, sample
from evaluators.scenes import relation as relation_of
from evaluators.shapes.prompts import HABIT, Prompt

Stage = Callable[[str], Scene]
Look = tuple[str, str]
"""Shape and colour."""

PRINT_ROWS = (0.13, 0.87)
PRINT_HALF_HEIGHT = 0.10


def _stage_shape(prompt: Prompt, scenario: str, rng: random.Random) -> Stage:
    base = _base(scenario, rng)
    colour = prompt.subject["colour"]
    others = [(rng.choice(SHAPES), _except(rng, colour)) for _ in base.things[1:]]
    return lambda shape: _dressed(base, [(shape, colour), *others])


def _stage_colour(prompt: Prompt, scenario: str, rng: random.Random) -> Stage:
    base = _base(scenario, rng)
    shape = prompt.subject["shape"]
    others = [_other(rng, scenario, [shape]) for _ in base.things[1:]]
    return lambda colour: _dressed(base, [(shape, colour), *others])


def _stage_presence(prompt: Prompt, scenario: str, rng: random.Random) -> Stage:
    """Present: the thing asked for and another one. Absent: the same two with their colours exchanged."""
    base = _base(scenario, rng, least=3)
    said = prompt.subject
    taken = [said["shape"], said["other"]]
    others = [_other(rng, scenario, taken) for _ in base.things[2:]]
    there = [(said["shape"], said["colour"]), (said["other"], said["another"])]
    absent = [(said["shape"], said["another"]), (said["other"], said["colour"])]
    return lambda answer: _dressed(base, [*(there if answer == "yes" else absent), *others])


def _stage_relation(prompt: Prompt, scenario: str, rng: random.Random) -> Stage:
    """One layout in which the two things stand clearly to each other, turned by quarters."""
    said = prompt.subject
    pair = [(said["shape"], said["colour"]), (said["other"], said["another"])]
    many = 2 if scenario == "ocr" else _many(scenario, rng)
    others = [_other(rng, scenario, [said["shape"], said["other"]]) for _ in range(many - 2)]
    base = _related(scenario, rng, many)
    return lambda wanted: _dressed(_turned(base, wanted), [*pair, *others])


def _stage_number(prompt: Prompt, scenario: str, rng: random.Random) -> Stage:
    """As many things in every picture of the group; more or fewer of them have the shape that is counted."""
    total = MOST_THINGS if scenario == "distraction" else max(map(int, prompt.seen.values()))
    base = _base(scenario, rng, exactly=total)
    order = rng.sample(range(total), total)
    counted = [_counted(prompt, scenario, rng) for _ in range(total)]
    others = [_uncounted(prompt, scenario, rng) for _ in range(total)]
    return lambda number: _dressed(base, [counted[at] if order[at] < int(number) else others[at] for at in range(total)])


def _counted(prompt: Prompt, scenario: str, rng: random.Random) -> Look:
    shape = prompt.subject["shape"]
    if scenario != "cooccurrence":
        return shape, rng.choice(tuple(COLOURS))
    return shape, HABIT[shape] if prompt.facts["split"] == "high" else _except(rng, HABIT[shape])


def _uncounted(prompt: Prompt, scenario: str, rng: random.Random) -> Look:
    shape = prompt.subject["shape"]
    other, colour = _other(rng, scenario, [shape])
    breaking = scenario == "cooccurrence" and prompt.facts["split"] == "low"
    return other, HABIT[shape] if breaking else colour


def _stage_word(_: Prompt, __: str, rng: random.Random) -> Stage:
    base = sample(rng, count=rng.randint(1, 3), word=True)
    return lambda word: replace(base, word=word)


STAGES: dict[str, Callable[[Prompt, str, random.Random], Stage]] = {
    "shape": _stage_shape,
    "presence": _stage_presence,
    "colour": _stage_colour,
    "relation": _stage_relation,
    "number": _stage_number,
    "word": _stage_word,
}


def _many(scenario: str, rng: random.Random, least: int = 2) -> int:
    """How many things: few, or all that fit when they are to distract."""
    return MOST_THINGS if scenario == "distraction" else rng.randint(least, 4)


def _base(scenario: str, rng: random.Random, *, least: int = 2, exactly: int | None = None) -> Scene:
    many = _many(scenario, rng, least) if exactly is None else exactly
    if scenario != "ocr":
        return sample(rng, count=many)
    return _beside_print(rng, many)


def _beside_print(rng: random.Random, many: int) -> Scene:
    """A scene with a free row for a printed word of any length."""
    while True:
        scene = sample(rng, count=many, sizes=("small", "medium"))
        rows = [row for row in PRINT_ROWS if _free(scene, row)]
        if rows:
            return replace(scene, word_at=(0.5, rng.choice(rows)))


def _free(scene: Scene, row: float) -> bool:
    return all(abs(thing.y - row) > PRINT_HALF_HEIGHT + thing.radius * REACH + GAP for thing in scene.things)


def _other(rng: random.Random, scenario: str, taken: Sequence[str]) -> Look:
    """Shape and colour of a thing that is not asked about; of none of the taken shapes."""
    shape = rng.choice([each for each in SHAPES if each not in taken])
    return shape, HABIT[shape] if scenario == "cooccurrence" else rng.choice(tuple(COLOURS))


def _except(rng: random.Random, colour: str) -> str:
    return rng.choice([each for each in COLOURS if each != colour])


def _dressed(scene: Scene, looks: Sequence[Look]) -> Scene:
    """The same places and sizes with these shapes and colours."""
    things = [replace(thing, shape=shape, colour=colour) for thing, (shape, colour) in zip(scene.things, looks, strict=True)]
    return replace(scene, things=tuple(things))


def _related(scenario: str, rng: random.Random, many: int) -> Scene:
    """A layout whose first two things stand clearly to each other, whichever way it is turned."""
    while True:
        sizes = ("small", "medium") if scenario == "ocr" else None
        scene = sample(rng, count=many, sizes=sizes)
        if relation_of(scene.things[0], scene.things[1]) is None:
            continue
        if scenario != "ocr":
            return scene
        row = rng.choice(PRINT_ROWS)
        if all(_free(_turned(scene, wanted), row) for wanted in RELATIONS):
            return replace(scene, word_at=(0.5, row))


def _turned(scene: Scene, wanted: str) -> Scene:
    """The scene turned by quarters until its first thing stands as wanted to its second."""
    for _ in range(4):
        if relation_of(scene.things[0], scene.things[1]) == wanted:
            return scene
        scene = replace(scene, things=tuple(_quarter(thing) for thing in scene.things))
    message = f"no turn brings about {wanted!r}"
    raise ValueError(message)


def _quarter(thing: Thing) -> Thing:
    return replace(thing, x=1 - thing.y, y=thing.x)
