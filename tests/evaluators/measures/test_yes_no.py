"""Yes and no: what says so, and what only holds the letters."""

import time

import pytest

from evaluators.measures.words import LONGEST
from evaluators.measures.yes_no import EMPTY, NO, YES, yes_or_no

SAYS_YES = [
    "yes",
    "Yes.",
    "YES!",
    "**Yes**",
    "Yes, there is a red circle.",
    "Yes, there is no doubt about it.",
    "The answer is yes.",
    "Is it red? Yes.",
    "Well, yes, it is.",
    "True",
    "yeah",
    "y\u200bes",
]
SAYS_NO = [
    "no",
    "No.",
    "NO",
    "No, there isn't.",
    "No red circle is visible.",
    "No, there is no red circle.",
    "The answer is no.",
    "Is it red? No.",
    "Nope",
    "false",
    "I looked everywhere: no.",
    "\uff2e\uff4f",
]
SAYS_NEITHER = [
    "",
    "None",
    "nan",
    "Error in generation: yes",
    "eyes",
    "I know.",
    "Another note on nothing.",
    "There is no red circle.",
    "There is a red circle.",
    "yes and no",
    "Yes. No.",
    "I cannot say yes or no.",
    "I don't say yes.",
    "No doubt about it.",
    "No idea.",
    "neither yes nor no",
    "y\u0435s",  # a Cyrillic letter
    "I'm sorry, I can't help with that.",
]


@pytest.mark.parametrize("reply", SAYS_YES)
def test_yes_is_found(reply: str) -> None:
    """A reply that says yes has said yes."""
    assert yes_or_no(reply).answer is True


@pytest.mark.parametrize("reply", SAYS_NO)
def test_no_is_found(reply: str) -> None:
    """A reply that says no has said no."""
    assert yes_or_no(reply).answer is False


@pytest.mark.parametrize("reply", SAYS_NEITHER)
def test_neither_is_found(reply: str) -> None:
    """Describing is not answering, and saying both is not either."""
    assert yes_or_no(reply).answer is None


@pytest.mark.parametrize("word", sorted(YES | NO))
def test_every_word_says_it_alone(word: str) -> None:
    """No entry of the lists is dead."""
    assert (word in YES) is yes_or_no(word).answer


@pytest.mark.parametrize("word", sorted(EMPTY))
def test_every_set_phrase_says_nothing(word: str) -> None:
    """As in "no problem"."""
    assert yes_or_no(f"No {word}").answer is None


@pytest.mark.parametrize("piece", ["yes", "no ", "no, ", "yes or ", "not yes ", "no\n", "'no"])
def test_a_long_reply_takes_no_longer_than_it_should(piece: str) -> None:
    """Time is linear: 50 ms for 100,000 characters, with room for a busy machine."""
    reply = (piece * LONGEST)[:LONGEST]
    best = min(_seconds(reply) for _ in range(3))

    assert best < 0.2


def _seconds(reply: str) -> float:
    started = time.process_time()
    yes_or_no(reply)
    return time.process_time() - started
