"""Prompts with a scene that fits each: what `shapes_diffusion` learns from and is measured on.

Held out from training, so that fresh prompts can be asked: the ways of saying it in `FRESH_PHRASES`, and every tenth
combination of size, colour and shape (`held_out`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evaluators.shapes.scenes import COLOURS, SHAPES, SIZES, WORDS, Scene, Thing

if TYPE_CHECKING:
    import random

PHRASES = (
    "{}",
    "{}",
    "{}",
    "a picture of {}",
    "there is {}",
    "draw {}",
    "an image with {}",
    "{} on a white background",
)
FRESH_PHRASES = ("a picture with {}", "draw a picture of {}", "an image of {} on a white background")
ASIDES = ("on a plain page", "nothing else", "please", "it is simple", "as in a book", "for my friend", "with no words")
NUMBERS = {2: "two", 3: "three"}
PLAIN = ((250, 250, 250),)
REACH = 1.18
GAP = 0.02


@dataclass(frozen=True)
class Example:
    """A prompt and a scene that it describes."""

    prompt: str
    scene: Scene


def looks() -> list[tuple[str, str, str]]:
    """Every combination of size, colour and shape, in a fixed order."""
    return [(size, colour, shape) for size in SIZES for colour in COLOURS for shape in SHAPES]


def held_out(size: str, colour: str, shape: str) -> bool:
    """Whether training never shows this combination: one in ten, spread over sizes, colours and shapes."""
    return looks().index((size, colour, shape)) * 7 % 10 == 3  # noqa: PLR2004 - any residue will do


_SEEN = [look for look in looks() if not held_out(*look)]
UNSEEN = [look for look in looks() if held_out(*look)]


def vocabulary() -> list[str]:
    """Every word that a training prompt may hold, lower case, sorted."""
    text = " ".join((*PHRASES, *FRESH_PHRASES, *ASIDES, *NUMBERS.values(), *COLOURS, *SIZES, *WORDS))
    text += " a an the and one left right of above below word next to thing shape with not no "
    text += " ".join(f"{shape} {shape}s" for shape in (*SHAPES, "crosse"))
    return sorted({word for word in text.lower().replace("{}", " ").split() if word != "crosss"})


def example(rng: random.Random) -> Example:
    """A training example, mostly of one thing."""
    kind = rng.choices(_KINDS, [weight for _, weight in _MAKERS])[0]
    said, scene = kind(rng)
    prompt = rng.choice(PHRASES).format(said)
    if rng.random() < 0.06:  # noqa: PLR2004 - a share
        prompt = f"{prompt} {rng.choice(ASIDES)}"
    return Example(prompt, scene)


def one_thing(rng: random.Random) -> tuple[str, Scene]:
    """One thing, usually with its size, sometimes named only in part."""
    look = rng.choice(_SEEN)
    size, colour, shape = look
    said = rng.choices(
        (f"a {size} {colour} {shape}", f"a {colour} {shape}", article(shape), f"a {colour} shape"), (58, 34, 4, 4)
    )[0]
    return said, _scene(rng, [look], [_centre(rng, 0.13)])


def related_things(rng: random.Random) -> tuple[str, Scene]:
    """Two things and where the first is as seen from the second."""
    first, second = _pair(rng)
    across, down, where = rng.choice(((-1, 0, "left of"), (1, 0, "right of"), (0, -1, "above"), (0, 1, "below")))
    places = _two_places(rng, across, down)
    return f"{_named(rng, first)} {where} {_named(rng, second)}", _scene(rng, [first, second], places)


def joined_things(rng: random.Random) -> tuple[str, Scene]:
    """Two things, wherever they are."""
    first, second = _pair(rng)
    across, down = rng.choice(((-1, 0), (1, 0), (0, -1), (0, 1)))
    between = rng.choice(("and", "and", "next to"))
    said = f"{_named(rng, first)} {between} {_named(rng, second)}"
    return said, _scene(rng, [first, second], _two_places(rng, across, down))


def several_things(rng: random.Random) -> tuple[str, Scene]:
    """Two or three of one kind."""
    number = rng.choice((2, 3))
    size, colour, shape = rng.choice([look for look in _SEEN if look[0] != "large"])
    sized = f"{size} " if rng.random() < 0.4 else ""  # noqa: PLR2004 - a share
    said = f"{NUMBERS[number]} {sized}{colour} {plural(shape)}"
    turn = rng.choice((0.0, math.pi / 2)) if number == 2 else rng.choice((0.0, math.pi))  # noqa: PLR2004
    places = [
        (
            0.5 + 0.25 * math.sin(turn + math.tau * index / number) + rng.uniform(-0.05, 0.05),
            0.5 - 0.25 * math.cos(turn + math.tau * index / number) + rng.uniform(-0.05, 0.05),
        )
        for index in range(number)
    ]
    return said, _scene(rng, [(size, colour, shape)] * number, places)


def printed_word(rng: random.Random) -> tuple[str, Scene]:
    """A printed word, alone or under one thing."""
    word = rng.choice(WORDS)
    if rng.random() < 0.5:  # noqa: PLR2004 - a share
        at = (0.5 + rng.uniform(-0.06, 0.06), 0.5 + rng.uniform(-0.06, 0.06))
        return f"the word {word}", Scene((), word, at, rng.choice(PLAIN))
    look = rng.choice(_SEEN)
    place = (0.5 + rng.uniform(-0.12, 0.12), 0.36 + rng.uniform(-0.05, 0.05))
    at = (0.5 + rng.uniform(-0.06, 0.06), 0.82 + rng.uniform(-0.03, 0.03))
    scene = _scene(rng, [look], [place])
    return f"{_named(rng, look)} and the word {word}", Scene(scene.things, word, at, scene.background)


_MAKERS = ((one_thing, 54), (related_things, 20), (joined_things, 8), (several_things, 9), (printed_word, 9))
_KINDS = [maker for maker, _ in _MAKERS]


def article(noun: str) -> str:
    """The noun with "a" or "an" before it."""
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def plural(shape: str) -> str:
    """More than one of a shape."""
    return "crosses" if shape == "cross" else f"{shape}s"


def _named(rng: random.Random, look: tuple[str, str, str]) -> str:
    size, colour, shape = look
    # "an orange circle", but "a large orange circle"
    return f"a {size} {colour} {shape}" if rng.random() < 0.4 else article(f"{colour} {shape}")  # noqa: PLR2004


def _pair(rng: random.Random) -> tuple[tuple[str, str, str], tuple[str, str, str]]:
    while True:
        first, second = rng.choice(_SEEN), rng.choice(_SEEN)
        if first[1:] != second[1:]:
            return first, second


def _centre(rng: random.Random, spread: float) -> tuple[float, float]:
    return (0.5 + rng.uniform(-spread, spread), 0.5 + rng.uniform(-spread, spread))


def _two_places(rng: random.Random, across: int, down: int) -> list[tuple[float, float]]:
    half, aside = rng.uniform(0.22, 0.27), rng.uniform(-0.05, 0.05)
    middle = _centre(rng, 0.03)
    return [
        (
            middle[0] + sign * across * half + (sign * aside if down else 0),
            middle[1] + sign * down * half + (sign * aside if across else 0),
        )
        for sign in (1, -1)
    ]


def _scene(rng: random.Random, chosen: list[tuple[str, str, str]], places: list[tuple[float, float]]) -> Scene:
    things = []
    for (size, colour, shape), (x, y) in zip(chosen, places, strict=True):
        margin = SIZES[size] * REACH + GAP
        inside = (min(max(x, margin), 1 - margin), min(max(y, margin), 1 - margin))
        things.append(Thing(shape, colour, size, *inside))
    return Scene(tuple(things), background=rng.choice(PLAIN))
