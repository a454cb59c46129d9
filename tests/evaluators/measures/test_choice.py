"""Choosing among options: replies that a careful reader finds right, and such that only a careless one does."""

import time

import pytest

from evaluators.measures.choice import choose
from evaluators.measures.finding import State
from evaluators.measures.words import ADDS, LONGEST, NOT, OUTAGES, SENTINELS

COLOURS = ("red", "blue", "green", "light blue")

RIGHT = [
    "red",
    "Red.",
    "RED",
    "**Red**",
    '"red"',
    "The circle is red.",
    "It is red, not blue.",
    "Not blue but red.",
    "It isn\u2019t blue; it\u2019s red.",
    "No, it is red.",
    "neither blue nor green, so red",
    "It could be blue or green, but the answer is red.",
    "Answer: red",
    '{"answer": "red"}',
    "I first thought of blue. Final answer: red.",
    "not only red but deep red",
    "\uff52\uff45\uff44",  # full width
    "r\u200bed",  # an invisible space
    "The answer is not blue. The answer is red.",
    "red" + "!" * 1000,
]
WRONG = [
    "",
    "   ",
    "The man is scarred.",
    "reddish",
    "It is not red.",
    "It isn't red.",
    "It can't be red.",
    "I don't think it is red.",
    "neither red nor blue",
    "red or blue",
    "red and blue",
    "red-blue",
    "red. Wait, blue.",
    "None",
    "nan",
    "N/A",
    "Error in generation: the red model is down",
    "Failed to obtain answer via API: red",
    "r\u0435d",  # a Cyrillic letter
    "I'm sorry, I can't help with that.",
    "The answer is red. The answer is blue.",
    "A coloured thing, rather than red.",
]


@pytest.mark.parametrize("reply", RIGHT)
def test_finds_the_one_option_that_is_chosen(reply: str) -> None:
    """Whatever the wording, a reply that chooses red has chosen red."""
    finding = choose(reply, COLOURS)

    assert (finding.state, finding.answer) == (State.FOUND, "red"), finding.reason


@pytest.mark.parametrize("reply", WRONG)
def test_finds_nothing_where_nothing_is_chosen(reply: str) -> None:
    """Naming an option is not choosing it."""
    finding = choose(reply, COLOURS)

    assert finding.answer != "red"
    assert not finding.found


def test_the_longest_option_wins() -> None:
    """The option "light blue" is not blue."""
    assert choose("It is light blue.", COLOURS).answer == "light blue"


def test_an_option_may_have_several_forms() -> None:
    """Any of its forms stands for the option."""
    options = {"above": ("above", "right above"), "right of": ("right of", "right")}

    assert choose("It is right above the square.", options).answer == "above"
    assert choose("On the right", options).answer == "right of"


def test_what_the_question_named_is_set_aside() -> None:
    """Repeating the question chooses nothing."""
    reply = "The thing left of the blue square is red."

    assert State.AMBIGUOUS is choose(reply, COLOURS).state
    assert choose(reply, COLOURS, aside=["blue square"]).answer == "red"


def test_says_which_options_clash() -> None:
    """The reason is for a person who looks at the case."""
    assert choose("red or blue", COLOURS).reason == "names blue, red"


@pytest.mark.parametrize("word", sorted(NOT))
def test_every_denying_word_denies_alone(word: str) -> None:
    """No entry of the list is dead, and none leans on its neighbour."""
    assert not choose(f"it is {word} red", COLOURS).found


@pytest.mark.parametrize("word", sorted(ADDS))
def test_not_only_denies_nothing(word: str) -> None:
    """What is "not only red" is still red."""
    assert choose(f"not {word} red", COLOURS).answer == "red"


@pytest.mark.parametrize("text", sorted(SENTINELS))
def test_every_placeholder_means_nothing(text: str) -> None:
    """What a program wrote for want of an answer is no answer, even where it is an option."""
    assert not choose(text, [text or "x", "red"]).found


@pytest.mark.parametrize("opening", OUTAGES)
def test_a_failed_call_is_no_answer(opening: str) -> None:
    """An error message may hold any word."""
    assert not choose(f"{opening.capitalize()}: red", COLOURS).found


HOSTILE = [
    "a" * LONGEST,
    "red " * (LONGEST // 4),
    "not " * (LONGEST // 4),
    "," * LONGEST,
    "not red or " * (LONGEST // 11),
    "answer " * (LONGEST // 7),
    "-1" * (LONGEST // 2),
    "1." * (LONGEST // 2),
    "a'" * (LONGEST // 2),
    "(" * LONGEST,
    "\u200b" * LONGEST,
    "\ufdfa" * LONGEST,  # eighteen letters each, once unfolded
    "\ud800" * LONGEST,
    "x" * 10_000_000,
]


@pytest.mark.parametrize("reply", HOSTILE, ids=range(len(HOSTILE)))
def test_a_long_reply_takes_no_longer_than_it_should(reply: str) -> None:
    """Time is linear: 50 ms for 100,000 characters, with room for a busy machine."""
    best = min(_seconds(reply) for _ in range(3))

    assert best < 0.2


def _seconds(reply: str) -> float:
    started = time.process_time()
    choose(reply, COLOURS)
    return time.process_time() - started
