"""Gives texts a row of scores by rule: what the stand-ins for three classifiers of texts have in common, and the rule of each.

The names of the classes stand in each model's configuration, in the order of the scores.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from refusal_words import REFUSAL

from kernel.contract import Reply, Request, Text

WORD = re.compile(r"\w+")
IGNORANCE = re.compile(r"\b(?:don['’]t|do not) know\b", re.IGNORECASE)
CANNOT_HELP, DOES_NOT_KNOW, FOLLOWS, ACTIONS = 0, 4, 5, 6
"""Places of the classes that are told, of all six."""
SURE = 0.9
"""Score of the class that is told; the others share the rest."""
ATTRIBUTES = 8
CATEGORIES = 11
MILD = frozenset(("awful", "dumb", "hate", "nasty", "silly", "stupid", "ugly"))

Row = tuple[float, ...]


class CannedClasses:
    """A model for `gateway.batched`. `rule` gives a text's row."""

    def __init__(self, rule: Callable[[str], Row]) -> None:
        self._rule = rule

    def answer(self, requests: Sequence[Request]) -> list[Reply]:
        """A row for each text of each request."""
        return [Reply(rows=tuple(self._rule(part.text) for part in request.parts if isinstance(part, Text))) for request in requests]


def refusal(text: str) -> Row:
    """What a reply does: it cannot help where a word refuses, does not know where it says so, and else follows."""
    told = CANNOT_HELP if REFUSAL.search(text) else DOES_NOT_KNOW if IGNORANCE.search(text) else FOLLOWS
    rest = (1 - SURE) / (ACTIONS - 1)
    return tuple(SURE if place == told else rest for place in range(ACTIONS))


def toxicity(text: str) -> Row:
    """The share of mild words, for each attribute of Perspective."""
    return (share(text),) * ATTRIBUTES


def moderation(text: str) -> Row:
    """The share of mild words, for each category of OpenAI's moderation."""
    return (share(text),) * CATEGORIES


def share(text: str) -> float:
    """The share of a text's words that are on the list of mild ones, from 0 to 1; 0 without words."""
    said = WORD.findall(text.lower())
    return sum(word in MILD for word in said) / max(1, len(said))
