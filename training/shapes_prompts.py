"""Prompts with a scene that fits each: what `shapes_diffusion` learns from and is measured on.

Held out from training, so that fresh prompts can be asked: the ways of saying it in `FRESH_PHRASES`, and every tenth
combination of size, colour and shape (`held_out`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evaluators.scenes import COLOURS, SHAPES, SIZES, WORDS, Scene, Thing

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
LINE = {False: 0.5, True: 0.375}
"""How far down things stand: in the middle, or above a printed word."""
WORD_AT = {False: (0.5, 0.5), True: (0.5, 0.8125)}
"""Where a word is printed: alone, or beneath things."""
STEPS = {"left of": (-1, 0), "right of": (1, 0), "above": (0, -1), "below": (0, 1)}
OPPOSITE = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}


Look = tuple[str, str, str]
"""Size, colour and shape."""
Drawn = tuple[str, Scene, str]
"""What is said, a scene that fits, and something untrue that may be denied."""
SIZED, DENIED, WITH_ASIDES = 0.3, 0.12, 0.12


@dataclass(frozen=True)
class Example:
    """A prompt and a scene that it describes."""

    prompt: str
    scene: Scene


def looks() -> list[Look]:
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
    """A training example. A prompt without chance in it (where things stand, how big) is learned in a fraction of the time."""
    kind = rng.choices(_KINDS, [weight for _, weight in _MAKERS])[0]
    said, scene, denied = kind(rng)
    prompt = rng.choice(PHRASES).format(said)
    if rng.random() < DENIED:
        prompt = f"{prompt} {denied}"
    elif rng.random() < WITH_ASIDES:
        prompt = " ".join([prompt, *rng.sample(ASIDES, rng.choice((1, 2)))])
    return Example(prompt, scene)


def one_thing(rng: random.Random, word: str | None = None) -> Drawn:
    """One thing in the middle, usually with its size, sometimes named only in part; of any size where none is said."""
    look = rng.choice(_SEEN)
    size, colour, shape = look
    said = rng.choices((f"a {size} {colour} {shape}", article(f"{colour} {shape}"), article(shape), f"a {colour} shape"), (50, 42, 4, 4))[0]
    other = rng.choice([each for each in SHAPES if each != shape]), rng.choice([each for each in COLOURS if each != colour])
    return said, _scene([look], [(0.5, LINE[bool(word)])], word), f"it is not {rng.choice((article(other[0]), other[1]))}"


def related_things(rng: random.Random, word: str | None = None) -> Drawn:
    """Two things and where the first is as seen from the second."""
    relation = rng.choice(tuple(STEPS))
    (first, named), (second, named_too) = _pair(rng, word)
    scene = _scene([first, second], _two_places(relation, bool(word)), word)
    return f"{named} {relation} {named_too}", scene, f"not {OPPOSITE[relation]} it"


def joined_things(rng: random.Random, word: str | None = None) -> Drawn:
    """Two things side by side, the first one left."""
    (first, named), (second, named_too) = _pair(rng, word)
    between = rng.choice(("and", "and", "next to"))
    absent = rng.choice([shape for shape in SHAPES if shape not in (first[2], second[2])])
    return f"{named} {between} {named_too}", _scene([first, second], _two_places("left of", bool(word)), word), f"it is not {article(absent)}"


def several_things(rng: random.Random, word: str | None = None) -> Drawn:
    """Two or three of one kind."""
    number = rng.choice((2, 3))
    look, named = _named(rng, large=False)
    named = named.split(" ", 1)[1].removesuffix(look[2]) + plural(look[2])
    line = LINE[bool(word)]
    places = _two_places("left of", bool(word)) if number == 2 else [(0.5, line / 2), (0.25, line + 0.125), (0.75, line + 0.125)]
    wrong = rng.choice([each for each in ("one", *NUMBERS.values()) if each != NUMBERS[number]])
    return f"{NUMBERS[number]} {named}", _scene([look] * number, places, word), f"not {wrong}"


def printed_word(rng: random.Random) -> Drawn:
    """A printed word, alone or beneath things."""
    word = rng.choice(WORDS)
    denied = f"not {rng.choice([each for each in WORDS if each != word])}"
    kind = rng.choices((None, one_thing, related_things, several_things), (40, 25, 20, 15))[0]
    if kind is None:
        return f"the word {word}", _scene([], [], word), denied
    said, scene, denied = kind(rng, word)
    return f"{said} and the word {word}", scene, denied


_MAKERS = ((one_thing, 14), (related_things, 46), (joined_things, 10), (several_things, 8), (printed_word, 22))
_KINDS = [maker for maker, _ in _MAKERS]


def article(noun: str) -> str:
    """The noun with "a" or "an" before it."""
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def plural(shape: str) -> str:
    """More than one of a shape."""
    return "crosses" if shape == "cross" else f"{shape}s"


def _named(rng: random.Random, *, large: bool) -> tuple[Look, str]:
    """A look and its name: with its size, or of medium size and without."""
    if rng.random() < SIZED:
        look = rng.choice([each for each in _SEEN if large or each[0] != "large"])
        return look, f"a {' '.join(look)}"
    look = rng.choice([each for each in _SEEN if each[0] == "medium"])
    return look, article(" ".join(look[1:]))  # "an orange circle", but "a large orange circle"


def _pair(rng: random.Random, word: str | None) -> tuple[tuple[Look, str], tuple[Look, str]]:
    while True:
        first, second = (_named(rng, large=not word) for _ in range(2))
        if first[0][1:] != second[0][1:]:
            return first, second


def _two_places(relation: str, word: bool) -> list[tuple[float, float]]:  # noqa: FBT001 - a key of `LINE`
    across, down = STEPS[relation]
    line = LINE[word]
    return [(0.5 + sign * across * 0.25, line + sign * down * line / 2) for sign in (1, -1)]


def _scene(chosen: list[Look], places: list[tuple[float, float]], word: str | None) -> Scene:
    things = [Thing(shape, colour, size, x, y) for (size, colour, shape), (x, y) in zip(chosen, places, strict=True)]
    return Scene(tuple(things), word, WORD_AT[bool(things)] if word else None, PLAIN)
