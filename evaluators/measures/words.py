"""Text of a reply as words and marks, the same for every measure, in time linear in its length.

Look-alike letters of other scripts are not mapped: a Cyrillic letter in an English word makes it another word.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

LONGEST = 100_000
"""A longer reply is not read: nobody answers a short question with a book."""
STEP = 4096

STRAIGHT = str.maketrans(
    {"\u2018": "'", "\u2019": "'", "\u02bc": "'", "\u201c": '"', "\u201d": '"'} | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-")
)
INVISIBLE = re.compile("[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]")
PIECE = re.compile(
    r"(?<![\w.])-\d+(?![\w.])"  # a number below zero, so that its digits are not taken for a count
    r"|\d+(?:[.,:/\u2044]\d+)+"  # decimals, times, fractions, thousands
    r"|[^\W_]+(?:'[^\W_]+)*"
    r"|[-.,;:!?=()\n]"
)
MARKS = frozenset(".,;:!?()\n")
"""Where a clause ends."""

SENTINELS = frozenset(("", "none", "nan", "null", "nil", "n/a", "na", "undefined", "reject", "error", "<na>", "[]", "{}"))
"""Texts that programs write where there is no answer."""
OUTAGES = ("error in generation", "failed to obtain answer")
"""How texts begin that programs write where a call failed."""

NOT = frozenset(
    [
        "not",
        "no",
        "never",
        "neither",
        "nor",
        "without",
        "cannot",
        "hardly",
        "isnt",
        "arent",
        "wasnt",
        "werent",
        "doesnt",
        "dont",
        "didnt",
        "cant",
        "couldnt",
        "wont",
    ]
)
TURNS = MARKS | {"but", "rather", "instead", "although", "though", "however", "because", "so"}
"""What ends the reach of a "not"."""
INSTEAD = frozenset((("rather", "than"), ("instead", "of")))
"""Turns that deny what follows."""
ADDS = frozenset(("only", "just", "merely", "simply"))
""""Not only red" denies nothing."""
JOINS = frozenset(("or", "and", "nor"))
REACH = 5
"""Words after a "not" that it still denies."""


def plain(text: str) -> str:
    """Fold case, width, quotes and dashes together, and drop what cannot be seen.

    Unfolding can make a text eighteen times as long; of one that is too long then, the beginning is given, still too long.
    """
    return (text if text.isascii() else _unfolded(text).translate(STRAIGHT)).casefold()


def _unfolded(text: str) -> str:
    parts, length = [], 0
    for start in range(0, len(text), STEP):
        parts.append(unicodedata.normalize("NFKC", INVISIBLE.sub("", text[start : start + STEP])))
        length += len(parts[-1])
        if length > LONGEST:
            break
    return "".join(parts)


def readable(reply: str) -> str | None:
    """The plain text of a reply, or None when there is nothing to read: a program's placeholder, or far too long."""
    if len(reply) > LONGEST:
        return None
    text = plain(reply).strip()
    if len(text) > LONGEST or text.strip("\"'`*. ") in SENTINELS or text.startswith(OUTAGES):
        return None
    return text


def pieces(text: str) -> list[str]:
    """Words, numbers and marks of a plain text, in order."""
    return PIECE.findall(text)


def denied(found: Sequence[str]) -> list[bool]:
    """For each piece whether a "not" before it reaches it within its clause."""
    flags, left = [], 0
    for at, word in enumerate(found):
        flags.append(left > 0)
        if word in TURNS:
            left = REACH + 1 if (word, *found[at + 1 : at + 2]) in INSTEAD else 0
        elif word in NOT or word.endswith("n't"):
            left = REACH if found[at + 1 : at + 2] != [] and found[at + 1] not in ADDS else 0
        elif left:
            left -= 1
    return flags
