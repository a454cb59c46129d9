"""Questions about scenes, with the true answer: the one place where their wording stands.

A question is asked by `identification`, `attribute`, `spatial`, `count` or `ocr`, each of which takes a scene and gives
None where the scene allows no unambiguous question of that task. `with_options`, `misled`, `distracted` and `supposed`
make harder variants of a question; they can be combined, options last.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from evaluators.scenes import COLOURS, MOST_THINGS, RELATIONS, SHAPES, SIZES, WORDS, Scene, Thing, relation

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable, Sequence

T = TypeVar("T")

TASKS = ("identification", "attribute", "spatial", "count", "ocr")
NUMBERS = tuple(str(number) for number in range(MOST_THINGS + 2))
YES_NO = ("yes", "no")
NO_WORD = "none"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, what is true, and what may be answered."""

    text: str
    answer: str
    options: tuple[str, ...]
    task: str
    kind: str
    """What the answer is: shape, presence, colour, size, relation, holds, number or word."""
    claim: str
    """A sentence that is true with the answer in the place of `{}`, and false with any other option."""


# -- identification -----------------------------------------------------------

_SHAPE = (
    "What shape is the {colour} object?",
    "Which shape does the {colour} object have?",
    "What is the {colour} object?",
    "What is the shape of the {colour} thing?",
    "Name the shape of the {colour} object.",
)
_PRESENCE = (
    "Is there {a_name} in the picture?",
    "Does the picture show {a_name}?",
    "Can you see {a_name} in the picture?",
    "Is {a_name} visible?",
)


def identification(scene: Scene, rng: random.Random) -> Question | None:
    """Ask for a shape by its colour, or whether something is there; either as often as the other."""
    asked = shape_of(scene, rng) if rng.random() < 0.5 else None
    return asked or presence(scene, rng)


def shape_of(scene: Scene, rng: random.Random) -> Question | None:
    """Ask for the shape of a thing whose colour no other thing has."""
    thing = _pick(rng, _only(scene.things, lambda each: each.colour))
    if thing is None:
        return None
    return Question(
        rng.choice(_SHAPE).format(colour=thing.colour),
        thing.shape,
        SHAPES,
        "identification",
        "shape",
        f"The {thing.colour} object is a {{}}.",
    )


def presence(scene: Scene, rng: random.Random) -> Question:
    """Ask whether a thing is there; half of the things are, and most of the others differ from one only a little."""
    present = {thing.name for thing in scene.things}
    there = rng.random() < 0.5
    name = rng.choice(sorted(present)) if there else _absent(scene, rng)
    return Question(
        rng.choice(_PRESENCE).format(a_name=_a(name)),
        "yes" if there else "no",
        YES_NO,
        "identification",
        "presence",
        f"Somebody who saw the picture and was asked for {_a(name)} said {{}}.",
    )


def _absent(scene: Scene, rng: random.Random) -> str:
    present = {thing.name for thing in scene.things}
    thing = rng.choice(scene.things)
    near = [f"{colour} {thing.shape}" for colour in COLOURS] + [f"{thing.colour} {shape}" for shape in SHAPES]
    far = [f"{colour} {shape}" for colour in COLOURS for shape in SHAPES]
    return rng.choice([name for name in (near if rng.random() < 0.7 else far) if name not in present])


# -- attribute ----------------------------------------------------------------

_COLOUR = (
    "What colour is the {what}?",
    "Which colour does the {what} have?",
    "What is the colour of the {what}?",
    "Name the colour of the {what}.",
    "The {what} has which colour?",
)
_SIZE = (
    "What size is the {what}?",
    "How big is the {what}?",
    "Is the {what} small, medium or large?",
    "What is the size of the {what}?",
)


def attribute(scene: Scene, rng: random.Random) -> Question | None:
    """Ask for a colour, or, one time in three, for a size."""
    first, second = (size_of, colour_of) if rng.random() < 1 / 3 else (colour_of, size_of)
    return first(scene, rng) or second(scene, rng)


def colour_of(scene: Scene, rng: random.Random) -> Question | None:
    """Ask for the colour of a thing that its shape, or size and shape, tells from all others."""
    plain = [(thing, thing.shape) for thing in _only(scene.things, lambda each: each.shape)]
    sized = [(thing, _sized(thing)) for thing in _only(scene.things, _sized)]
    found = _pick(rng, sized if sized and (not plain or rng.random() < 0.25) else plain)
    if found is None:
        return None
    thing, what = found
    return Question(
        rng.choice(_COLOUR).format(what=what),
        thing.colour,
        tuple(COLOURS),
        "attribute",
        "colour",
        f"The {what} is {{}}.",
    )


def size_of(scene: Scene, rng: random.Random) -> Question | None:
    """Ask for the size of a thing that its colour and shape tell from all others."""
    thing = _pick(rng, _only(scene.things, lambda each: each.name))
    if thing is None:
        return None
    return Question(
        rng.choice(_SIZE).format(what=thing.name),
        thing.size,
        tuple(SIZES),
        "attribute",
        "size",
        f"The {thing.name} is {{}}.",
    )


def _sized(thing: Thing) -> str:
    return f"{thing.size} {thing.shape}"


# -- spatial ------------------------------------------------------------------

_WHERE = (
    "Where is the {a} relative to the {b}?",
    "Where is the {a}, seen from the {b}?",
    "What is the position of the {a} relative to the {b}?",
    "In which direction from the {b} is the {a}?",
    "How does the {a} lie relative to the {b}?",
)
_HOLDS = (
    "Is the {a} {relation} the {b}?",
    "Does the {a} lie {relation} the {b}?",
    "Is it true that the {a} is {relation} the {b}?",
)


def spatial(scene: Scene, rng: random.Random) -> Question | None:
    """Ask where a thing is, or, one time in four, whether it is there."""
    return (holds if rng.random() < 0.25 else where)(scene, rng)


def where(scene: Scene, rng: random.Random) -> Question | None:
    """Ask for the relation of two things that stand clearly so."""
    pair = _pick(rng, _pairs(scene))
    if pair is None:
        return None
    a, b, true = pair
    return Question(
        rng.choice(_WHERE).format(a=a.name, b=b.name),
        true,
        RELATIONS,
        "spatial",
        "relation",
        f"The {a.name} is {{}} the {b.name}.",
    )


def holds(scene: Scene, rng: random.Random) -> Question | None:
    """Ask whether two things stand so; half of them do."""
    pair = _pick(rng, _pairs(scene))
    if pair is None:
        return None
    a, b, true = pair
    asked = true if rng.random() < 0.5 else rng.choice([each for each in RELATIONS if each != true])
    return Question(
        rng.choice(_HOLDS).format(a=a.name, b=b.name, relation=asked),
        "yes" if asked == true else "no",
        YES_NO,
        "spatial",
        "holds",
        f"Somebody was asked whether the {a.name} is {asked} the {b.name} and said {{}}.",
    )


def _pairs(scene: Scene) -> list[tuple[Thing, Thing, str]]:
    named = _only(scene.things, lambda each: each.name)
    pairs = [(a, b, relation(a, b)) for a in named for b in named if a is not b]
    return [(a, b, true) for a, b, true in pairs if true is not None]


# -- count --------------------------------------------------------------------

_COUNT = (
    "How many {things} are in the picture?",
    "How many {things} are there?",
    "How many {things} can you see?",
    "What is the number of {things} in the picture?",
    "Count the {things} in the picture.",
)


def count(scene: Scene, rng: random.Random) -> Question:
    """Ask for the number of all objects, of one shape, or of one colour; a few times of what is not there."""
    chance = rng.random()
    thing = rng.choice(scene.things)
    if chance < 0.4:
        return count_of(scene, rng, "objects", lambda _: True)
    if chance < 0.75:
        shape = rng.choice(SHAPES) if rng.random() < 0.2 else thing.shape
        return count_of(scene, rng, plural(shape), lambda each: each.shape == shape)
    colour = rng.choice(tuple(COLOURS)) if rng.random() < 0.2 else thing.colour
    return count_of(scene, rng, f"{colour} objects", lambda each: each.colour == colour)


def count_of(scene: Scene, rng: random.Random, things: str, belongs: Callable[[Thing], bool]) -> Question:
    """Ask how many things belong; `things` is what they are called."""
    number = sum(map(belongs, scene.things))
    return Question(
        rng.choice(_COUNT).format(things=things),
        str(number),
        NUMBERS,
        "count",
        "number",
        f"The number of {things} in the picture is {{}}.",
    )


def plural(shape: str) -> str:
    """Name several of a shape."""
    return "crosses" if shape == "cross" else f"{shape}s"


# -- ocr ----------------------------------------------------------------------

_WORD = (
    "What word is printed in the picture?",
    "Which word is written in the picture?",
    "What does the text in the picture say?",
    "Read the word in the picture.",
    "What is written in the picture?",
)


def ocr(scene: Scene, rng: random.Random) -> Question:
    """Ask for the printed word, which is "none" where there is none."""
    return Question(
        rng.choice(_WORD),
        scene.word or NO_WORD,
        (*WORDS, NO_WORD),
        "ocr",
        "word",
        "The word printed in the picture is {}.",
    )


ASK: dict[str, Callable[[Scene, random.Random], Question | None]] = {
    "identification": identification,
    "attribute": attribute,
    "spatial": spatial,
    "count": count,
    "ocr": ocr,
}

# -- harder variants ----------------------------------------------------------

DISTRACTIONS = (
    "There is a dog in the corner.",
    "The weather is nice today.",
    "My sister has two cats and a parrot.",
    "This picture was painted on a Monday.",
    "A train leaves the station at noon.",
    "Somebody is playing the piano next door.",
    "The museum has seven rooms and three stairs.",
    "Bananas are often sold by the dozen.",
    "The painter liked coffee with milk.",
    "A blue car and a red bus wait in the street.",
    "Yesterday I read a book about stars and planets.",
    "The cross street is left of the old market square.",
)
_OPTIONS = ("Choose one: {}.", "Options: {}.", "Answer with one of: {}.", "Pick one of these: {}.")


def with_options(question: Question, rng: random.Random, among: int = 4) -> Question:
    """Name at most `among` options in the question, the true one with them, in any order."""
    wrong = [option for option in question.options if option != question.answer]
    options = [question.answer, *rng.sample(wrong, min(among - 1, len(wrong)))]
    rng.shuffle(options)
    text = f"{question.text} {rng.choice(_OPTIONS).format(', '.join(options))}"
    return replace(question, text=text, options=tuple(options))


def misled(question: Question, rng: random.Random) -> Question:
    """Say something false about the very thing that is asked."""
    wrong = rng.choice([option for option in question.options if option != question.answer])
    return replace(question, text=f"{question.claim.format(wrong)} {question.text}")


def distracted(question: Question, rng: random.Random, sentences: Sequence[str] = DISTRACTIONS) -> Question:
    """Say one or two things first that have nothing to do with the picture."""
    noise = rng.sample(sentences, rng.choice((1, 1, 2)))
    return replace(question, text=" ".join([*noise, question.text]))


_ADDED, _TAKEN = "one more of them is added", "one of them is taken away"
_TURNED = {
    "the picture is mirrored left to right": {"left of": "right of", "right of": "left of"},
    "the picture is turned upside down": {
        "above": "below",
        "below": "above",
        "left of": "right of",
        "right of": "left of",
    },
    "the picture is flipped top to bottom": {"above": "below", "below": "above"},
}


def supposed(question: Question, rng: random.Random) -> Question | None:
    """Change the picture in thought, so that the true answer needs both; None for kinds that allow no such change."""
    if question.kind in ("shape", "colour", "size"):
        return _supposed_otherwise(question, rng)
    if question.kind == "relation":
        turn = rng.choice(sorted(_TURNED))
        return _suppose(question, turn, _TURNED[turn].get(question.answer, question.answer))
    if question.kind == "number":
        number = int(question.answer)
        more = number == 0 or (rng.random() < 0.5 and number <= MOST_THINGS)
        change = _ADDED if more else _TAKEN
        return _suppose(question, change, str(number + 1 if more else number - 1))
    return None


def _supposed_otherwise(question: Question, rng: random.Random) -> Question:
    # Six times in ten it is the thing asked for that changes; every other time two values are exchanged.
    before = question.answer if rng.random() < 0.6 else rng.choice(question.options)
    after = rng.choice([option for option in question.options if option != before])
    if rng.random() < 0.5:
        answer = after if question.answer == before else question.answer
        return _suppose(question, _CHANGED[question.kind].format(before, after), answer)
    pair = [before, after]
    rng.shuffle(pair)
    return exchanged(question, *pair)


_CHANGED = {"shape": "every {} turns into a {}", "colour": "everything {} turns {}", "size": "everything {} turns {}"}


def exchanged(question: Question, first: str, second: str) -> Question:
    """Exchange two shapes, colours or sizes in thought; given the text alone, either is as likely to be the answer."""
    change = _CHANGED[question.kind]
    answer = {first: second, second: first}.get(question.answer, question.answer)
    return _suppose(question, f"{change.format(first, second)} and {change.format(second, first)}", answer)


def _suppose(question: Question, change: str, answer: str) -> Question:
    return replace(question, text=f"Suppose that {change}. {question.text}", answer=answer)


# -- picking ------------------------------------------------------------------


def _a(name: str) -> str:
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


def _only(things: Iterable[Thing], trait: Callable[[Thing], str]) -> list[Thing]:
    """Things whose trait no other thing has."""
    things = list(things)
    traits = [trait(thing) for thing in things]
    return [thing for thing in things if traits.count(trait(thing)) == 1]


def _pick(rng: random.Random, items: Sequence[T]) -> T | None:
    return rng.choice(items) if items else None


# -- wording, for evaluators that put questions together themselves ------------

PHRASES: dict[str, tuple[str, ...]] = {
    "shape": _SHAPE,
    "presence": _PRESENCE,
    "colour": _COLOUR,
    "size": _SIZE,
    "relation": _WHERE,
    "holds": _HOLDS,
    "number": _COUNT,
    "word": _WORD,
}
"""Ways to ask for each kind of answer."""
CLAIMS: dict[str, str] = {
    "shape": "The {colour} object is a {answer}.",
    "colour": "The {what} is {answer}.",
    "relation": "The {a} is {answer} the {b}.",
    "number": "The number of {things} in the picture is {answer}.",
}
"""What `Question.claim` says, by kind."""
CHOOSE = _OPTIONS
"""Ways to name the options after a question."""
CHANGED, TURNED = _CHANGED, _TURNED
"""Changes to suppose: of shapes, colours and sizes by kind, and of places with what becomes of each relation."""
ADDED_OR_TAKEN = {_ADDED: 1, _TAKEN: -1}
"""Changes of a number to suppose, and what they add to it."""
