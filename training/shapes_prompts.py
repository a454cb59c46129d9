"""Prompts with a scene that fits each: what `shapes_diffusion` learns from and is measured on.

Held out from training, so that fresh prompts can be asked: the ways of saying it in `FRESH_PHRASES`, and every tenth
combination of size, colour and shape (`held_out`).
"""

from __future__ import annotations

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
PLAIN = (250, 250, 250)
GRID = 1 / 8
"""Things stand on the corners of the model's patches: a patch then has few faces, and a small network can learn them."""
_PLACES = {
    2: ([(0.25, 0.5), (0.75, 0.5)], [(0.5, 0.25), (0.5, 0.75)]),
    3: ([(0.5, 0.25), (0.25, 0.625), (0.75, 0.625)], [(0.5, 0.75), (0.25, 0.375), (0.75, 0.375)]),
}


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
    return looks().index((size, colour, shape)) * 7 % 10 == 3


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
    if rng.random() < 0.06:
        prompt = f"{prompt} {rng.choice(ASIDES)}"
    return Example(prompt, scene)


def one_thing(rng: random.Random) -> tuple[str, Scene]:
    """One thing, usually with its size, sometimes named only in part."""
    look = rng.choice(_SEEN)
    size, colour, shape = look
    said = rng.choices((f"a {size} {colour} {shape}", f"a {colour} {shape}", article(shape), f"a {colour} shape"), (58, 34, 4, 4))[0]
    return said, _scene([look], [(0.5 + _step(rng), 0.5 + _step(rng))])


def related_things(rng: random.Random) -> tuple[str, Scene]:
    """Two things and where the first is as seen from the second."""
    first, second = _pair(rng)
    across, down, where = rng.choice(((-1, 0, "left of"), (1, 0, "right of"), (0, -1, "above"), (0, 1, "below")))
    places = _two_places(rng, across, down)
    return f"{_named(rng, first)} {where} {_named(rng, second)}", _scene([first, second], places)


def joined_things(rng: random.Random) -> tuple[str, Scene]:
    """Two things, wherever they are."""
    first, second = _pair(rng)
    across, down = rng.choice(((-1, 0), (1, 0), (0, -1), (0, 1)))
    between = rng.choice(("and", "and", "next to"))
    said = f"{_named(rng, first)} {between} {_named(rng, second)}"
    return said, _scene([first, second], _two_places(rng, across, down))


def several_things(rng: random.Random) -> tuple[str, Scene]:
    """Two or three of one kind."""
    number = rng.choice((2, 3))
    size, colour, shape = rng.choice([look for look in _SEEN if look[0] != "large"])
    sized = f"{size} " if rng.random() < 0.4 else ""
    said = f"{NUMBERS[number]} {sized}{colour} {plural(shape)}"
    places = rng.choice(_PLACES[number])
    return said, _scene([(size, colour, shape)] * number, places)


def printed_word(rng: random.Random) -> tuple[str, Scene]:
    """A printed word, alone or under one thing."""
    word = rng.choice(WORDS)
    if rng.random() < 0.5:
        return f"the word {word}", Scene((), word, (0.5, 0.5), PLAIN)
    look = rng.choice(_SEEN)
    scene = _scene([look], [(0.5 + _step(rng), 0.375)])
    return f"{_named(rng, look)} and the word {word}", Scene(scene.things, word, (0.5, 0.8125), PLAIN)


_MAKERS = ((one_thing, 58), (related_things, 20), (joined_things, 7), (several_things, 9), (printed_word, 6))
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
    return f"a {size} {colour} {shape}" if rng.random() < 0.4 else article(f"{colour} {shape}")


def _pair(rng: random.Random) -> tuple[tuple[str, str, str], tuple[str, str, str]]:
    while True:
        first, second = rng.choice(_SEEN), rng.choice(_SEEN)
        if first[1:] != second[1:]:
            return first, second


def _step(rng: random.Random) -> float:
    return rng.choice((-GRID, 0.0, GRID))


def _two_places(rng: random.Random, across: int, down: int) -> list[tuple[float, float]]:
    middle = (0.5 + (_step(rng) if down else 0), 0.5 + (_step(rng) if across else 0))
    return [(middle[0] + sign * across * 0.25, middle[1] + sign * down * 0.25) for sign in (1, -1)]


def _scene(chosen: list[tuple[str, str, str]], places: list[tuple[float, float]]) -> Scene:
    things = [Thing(shape, colour, size, x, y) for (size, colour, shape), (x, y) in zip(chosen, places, strict=True)]
    return Scene(tuple(things), background=PLAIN)
