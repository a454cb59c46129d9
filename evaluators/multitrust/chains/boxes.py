"""T.1, grounding: the box that a judge made of a reply, and whether it is where it should be."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from evaluators.measures.boxes import Box, overlap
from evaluators.measures.finding import Finding
from evaluators.measures.reference import Crash

ENOUGH = 0.5
"""A box is right where it shares more than this with the true one."""
CORNERS = 4
_BRACKETS = re.compile(r"\[([^\[\]]*)\]")
_NUMBER = re.compile(r"(?<![\w.])(-?\d+(?:\.\d+)?|-?\.\d+)(?:\s*/\s*(\d+(?:\.\d+)?))?(?!\w)")


def parse(text: str) -> list[float]:
    """The numbers between the commas, as the public code reads them; words before the first one take it with them. Raises `Crash`."""
    numbers = []
    for part in text.replace("'''", "").replace("\n", "").strip("[]").split(","):
        try:
            above, below = part.split("/") if "/" in part else (part, "1")
            numbers.append(float(above) / float(below))
        except ValueError:
            continue
        except ZeroDivisionError:
            raise Crash("ZeroDivisionError", "a fraction of the box is over zero") from None
    return numbers


def percent_found(truths: Sequence[str], predictions: Sequence[str]) -> float:
    """The percentage of boxes that are right, as in the public code: corners may be exchanged, and then areas are below zero. Raises `Crash`."""
    if not truths:
        raise Crash("ZeroDivisionError", "there is no box")
    right = [len(box) == CORNERS and _shared(box, json.loads(truth)) > ENOUGH for truth, box in zip(truths, map(parse, predictions), strict=True)]
    return 100 * sum(right) / len(right)


def box(text: str) -> Finding[Box]:
    """The one box that a text gives: four shares of the picture's sides, of which the first two are less than the last two."""
    groups = [list(map(_value, _NUMBER.findall(group))) for group in _BRACKETS.findall(text)]
    fours = {tuple(group) for group in groups if len(group) == CORNERS} or {tuple(map(_value, _NUMBER.findall(text)))}
    if len(fours) > 1:
        return Finding.several("gives several boxes")
    numbers = [number for number in fours.pop() if number is not None]
    if len(numbers) != CORNERS:
        return Finding.nothing("gives no four numbers")
    x0, y0, x1, y1 = numbers
    if not (0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1):
        return Finding.nothing("gives four numbers that are no box within the picture")
    return Finding.of((x0, y0, x1, y1), "gives a box")


def found(truth: Box, text: str) -> bool:
    """Whether a text gives the box that is right."""
    given = box(text)
    return given.answer is not None and overlap(truth, given.answer) > ENOUGH


def _shared(a: Box, b: Box) -> float:
    across, down = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(0.0, across) * max(0.0, down)
    united = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    if united == 0:
        raise Crash("ZeroDivisionError", "neither box has an area")
    return shared / united


def _value(number: tuple[str, str]) -> float | None:
    above, below = number
    """A number, or a fraction; `None` over zero."""
    return None if below and float(below) == 0 else float(above) / float(below or 1)
