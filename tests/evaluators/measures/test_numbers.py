"""Counting: replies that give one count, and such that give none or several."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluators.measures.finding import State
from evaluators.measures.numbers import AFTERWARDS, AFTERWARDS_TWO, BOUNDS, BY_TEN, PRONOUN_AFTER, RESULT, UNITS, UNREADABLE, count
from evaluators.measures.words import LONGEST

RIGHT = [
    "3",
    "three",
    "Three.",
    "There are 3 circles.",
    "**3**",
    "I count three (3) of them.",
    "2 red ones and 1 blue one, so 3 in total.",
    "2 + 1 = 3",
    "Answer: 3",
    "The answer is three, though 2 are small.",
    "not 2 but 3",
    "There aren't 2; there are 3.",
    "\u0663",  # an Arabic digit
    "\uff13",  # full width
    "- 3 circles",
    "The one on the left is a circle; there are 3 circles.",
    "Total: 3",
]
WRONG = [
    "",
    "None",
    "nan",
    "Error in generation: 3",
    "3 or 4",
    "3-4",
    "-3",
    "\u22123",  # with a typographic minus
    "2.5",
    "3.0",
    "3/4",
    "\u00bd",
    "at least 3",
    "more than three",
    "up to 3",
    "three hundred",
    "a dozen",
    "third",
    "3rd",
    "3d",
    "0x3",
    "1e3",
    "thirty-three",
    "not 3",
    "3 red and 2 blue",
    "someone, everyone",
    "No one knows.",
    "3" * 5000,
    "half of 3",
    "I'm sorry, I can't help with that.",
]


@pytest.mark.parametrize("reply", RIGHT)
def test_finds_the_one_count(reply: str) -> None:
    """Whatever the wording, a reply that says three has said three."""
    finding = count(reply)

    assert (finding.state, finding.answer) == (State.FOUND, 3), finding.reason


@pytest.mark.parametrize("reply", WRONG)
def test_does_not_guess_a_count(reply: str) -> None:
    """No count, or more than one, is not three."""
    assert count(reply).answer != 3


@pytest.mark.parametrize(("reply", "number"), [("1,000", 1000), ("zero", 0), ("0", 0), ("twenty one", 21), ("ninety-nine", 99), ("12 things", 12)])
def test_reads_other_numbers(reply: str, number: int) -> None:
    """Thousands with commas, and words up to ninety-nine."""
    assert number == count(reply).answer


@given(st.integers(0, 10**9 - 1))
def test_any_number_in_digits_is_read(number: int) -> None:
    """There and back."""
    assert number == count(f"There are {number} of them.").answer


@pytest.mark.parametrize("word", [*UNITS, *BY_TEN])
def test_every_number_word_counts_alone(word: str) -> None:
    """No entry of the lists is dead."""
    assert {**UNITS, **BY_TEN}[word] == count(word).answer


@pytest.mark.parametrize("word", sorted(UNREADABLE))
def test_every_unreadable_word_spoils_a_count(word: str) -> None:
    """A number that goes on is another number."""
    assert not count(f"two {word}").found


@pytest.mark.parametrize("word", sorted(BOUNDS))
def test_every_bound_spoils_a_count(word: str) -> None:
    """A bound is no count."""
    assert not count(f"{word} 3").found


@pytest.mark.parametrize("word", sorted(PRONOUN_AFTER))
def test_one_as_a_pronoun_counts_nothing(word: str) -> None:
    """As in "the one on the left"."""
    assert count(f"{word} one; 3").answer == 3


@pytest.mark.parametrize("word", sorted(RESULT))
def test_every_word_for_a_result_marks_it(word: str) -> None:
    """Where the result is marked, other numbers are the way to it."""
    assert count(f"1, 2; {word} 3").answer == 3


@pytest.mark.parametrize("words", [*sorted(AFTERWARDS), *(" ".join(words) for words in sorted(AFTERWARDS_TWO))])
def test_a_result_may_be_marked_afterwards(words: str) -> None:
    """As in "3 in total"."""
    assert count(f"1, 2, 3 {words}").answer == 3


@pytest.mark.parametrize("piece", ["1", "1.", "1,", "-1 ", "1 ", "one ", "twenty ", "= ", "not 1 ", "1e9 ", "\u00bd"])
def test_a_long_reply_takes_no_longer_than_it_should(piece: str) -> None:
    """Time is linear: 50 ms for 100,000 characters, with room for a busy machine."""
    reply = (piece * LONGEST)[:LONGEST]
    best = min(_seconds(reply) for _ in range(3))

    assert best < 0.2


def _seconds(reply: str) -> float:
    started = time.process_time()
    count(reply)
    return time.process_time() - started
