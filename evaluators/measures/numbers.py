"""The one count that a reply gives, in digits or in English words from zero to ninety-nine.

Where a reply marks its result ("3 in total", "the answer is 3", "2 + 1 = 3"), only marked numbers count; otherwise all
its numbers must be the same. Nothing is rounded or guessed: fractions, negative numbers, ranges, bounds ("at least 3")
and words such as "dozen" or "half" have no count.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from evaluators.measures.finding import Finding
from evaluators.measures.words import denied, pieces, readable

SMALL = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
UNITS = {word: value for value, word in enumerate(SMALL)}
BY_TEN = {word: 10 * value for value, word in enumerate(TENS, start=2)}
UNREADABLE = frozenset(("hundred", "hundreds", "thousand", "thousands", "million", "millions", "billion", "dozen", "dozens", "half"))
PRONOUN_AFTER = frozenset(("the", "this", "that", "each", "no", "any", "every", "another", "other", "which", "last"))
""""The one on the left" counts nothing."""
BOUNDS = frozenset(("least", "most", "than", "over", "under", "almost", "nearly", "to"))
RESULT = frozenset(("answer", "total", "=", "equals", "count", "sum", "altogether"))
FILLERS = frozenset(("is", ":", "the", "of", "are", "there", "be", "a", "-", "=", "\n"))
AFTERWARDS = frozenset(("altogether", "total", "overall"))
AFTERWARDS_TWO = frozenset((("in", "total"), ("in", "all")))
MARKED_WITHIN = 4
MOST_DIGITS = 9
MOST_NUMBERS = 1000
"""A reply that names more is a list, whatever it marks."""
THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+")


class _Number(NamedTuple):
    value: int | None
    start: int
    end: int


def count(reply: str) -> Finding[int]:
    """Find the one count in a reply."""
    text = readable(reply)
    if text is None:
        return Finding.nothing("nothing to read")
    found = pieces(text)
    every = _numbers(found)
    if len(every) > MOST_NUMBERS:
        return Finding.several("names very many numbers")
    flags = denied(found)
    numbers = [number for number in every if not flags[number.start]]
    marked = [number for number in numbers if _is_marked(found, number)]
    values = {number.value for number in marked or numbers}
    if not values:
        return Finding.nothing("names no number")
    value = values.pop()
    if values:
        return Finding.several("names different numbers")
    if value is None:
        return Finding.nothing("names no whole, exact number")
    return Finding.of(value, "marked as the result" if marked else "the only number named")


def _numbers(found: list[str]) -> list[_Number]:
    numbers: list[_Number] = []
    at = 0
    while at < len(found) and len(numbers) <= MOST_NUMBERS:
        number = _number(found, at)
        if number is not None:
            numbers.append(_inexact(found, number))
        at = at + 1 if number is None else number.end
    return numbers


def _number(found: list[str], at: int) -> _Number | None:
    word = found[at]
    if word in UNREADABLE:
        return _Number(None, at, at + 1)
    if word in BY_TEN:
        unit_at = at + 2 if found[at + 1 : at + 2] == ["-"] else at + 1
        unit = UNITS.get(found[unit_at]) if unit_at < len(found) else None
        if unit is not None and 0 < unit < 10:
            return _Number(BY_TEN[word] + unit, at, unit_at + 1)
        return _Number(BY_TEN[word], at, at + 1)
    if word in UNITS:
        pronoun = word == "one" and at > 0 and found[at - 1] in PRONOUN_AFTER
        return None if pronoun else _Number(UNITS[word], at, at + 1)
    if word.lstrip("-")[:1].isdecimal() and not word[-1].isalpha():
        return _Number(_digits(word), at, at + 1)
    return None


def _digits(word: str) -> int | None:
    if THOUSANDS.fullmatch(word):
        word = word.replace(",", "")
    return int(word) if word.isdecimal() and len(word) <= MOST_DIGITS else None


def _inexact(found: list[str], number: _Number) -> _Number:
    """The number without its value where the words around it say that it is a bound or a part of a greater one."""
    before = found[number.start - 1] if number.start else ""
    after = found[number.end] if number.end < len(found) else ""
    if before in BOUNDS or after in UNREADABLE or after == "percent":
        return _Number(None, number.start, number.end)
    return number


def _is_marked(found: list[str], number: _Number) -> bool:
    after = found[number.end : number.end + 2]
    if after and (after[0] in AFTERWARDS or tuple(after) in AFTERWARDS_TWO):
        return True
    for before in range(number.start - 1, max(-1, number.start - 1 - MARKED_WITHIN), -1):
        if found[before] in RESULT:
            return True
        if found[before] not in FILLERS:
            return False
    return False
