"""Whether a picture shows what a prompt of GenEval asks for (Ghosh et al., 2023): by what a detector found, or by what people said of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from evaluators.measures.boxes import Box, centre

TAGS = ("single_object", "two_object", "counting", "colors", "position", "color_attr")
COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white")
CAPTIONS = ("a photo of a {colour} {thing}", "a photo of a {colour}-colored {thing}", "a photo of a {colour} object")
"""What CLIP is told of each colour."""
THRESHOLD, COUNTING_THRESHOLD = 0.3, 0.9
"""A thing is found above this score; where things are counted, above the second."""
MOST_FOUND = 16
SLACK = 0.1
"""Share of both things' sides by which their centres may be apart and lie nowhere."""
LEAST_LEAN = 0.5
NO_OFFSET = 1e-3

Wanted = Mapping[str, Any]
"""What a prompt asks for, as the data has it: `include`, and maybe `exclude`."""


def relations(a: Box, b: Box) -> set[str]:
    """Where `a` lies as seen from `b`, boxes in pixels; none where their centres are too near for their sizes."""
    (ax, ay), (bx, by) = centre(a), centre(b)
    offset = (ax - bx, ay - by)
    sides = ((a[2] - a[0]) + (b[2] - b[0]), (a[3] - a[1]) + (b[3] - b[1]))
    left = [math.copysign(max(abs(by_axis) - SLACK * side, 0.0), by_axis) for by_axis, side in zip(offset, sides, strict=True)]
    if all(abs(each) < NO_OFFSET for each in left):
        return set()
    across, down = (each / math.hypot(*offset) for each in left)
    told = {"left of": across < -LEAST_LEAN, "right of": across > LEAST_LEAN, "above": down < -LEAST_LEAN, "below": down > LEAST_LEAN}
    return {name for name, holds in told.items() if holds}


def classes(wanted: Wanted) -> list[str]:
    """The things to look for, each once."""
    return list(dict.fromkeys(each["class"] for part in ("include", "exclude") for each in wanted.get(part, ())))


def faults(wanted: Wanted, found: Mapping[str, Sequence[Box]], colours: Mapping[int, Sequence[str]]) -> list[str]:
    """What is not as wanted; nothing where all is.

    found: boxes by thing, surest first. colours: those of the things that an entry of `include` takes, by its place there.
    """
    told: list[str] = []
    matched: list[Sequence[Box]] = []
    for at, each in enumerate(wanted["include"]):
        taken, before = taken_of(each, found), len(told)
        if len(taken) < each["count"]:
            told.append(f"{len(taken)} {each['class']}, wanted {each['count']}")
        elif "color" in each and (right := list(colours[at]).count(each["color"])) < each["count"]:
            told.append(f"{right} {each['color']} {each['class']}, wanted {each['count']}")
        elif "position" in each:
            relation, of = each["position"]
            if not matched[of]:
                told.append(f"nothing for {each['class']} to be {relation}")
            elif not all(relation in relations(box, other) for box in taken for other in matched[of]):
                told.append(f"{each['class']} is not {relation} {wanted['include'][of]['class']}")
        matched.append(taken if len(told) == before else ())
    unwanted = ((each, len(found.get(each["class"], ()))) for each in wanted.get("exclude", ()))
    return told + [f"{number} {each['class']}, wanted fewer than {each['count']}" for each, number in unwanted if number >= each["count"]]


def taken_of(each: Wanted, found: Mapping[str, Sequence[Box]]) -> Sequence[Box]:
    """The surest boxes of a thing, as many as are wanted."""
    return found.get(each["class"], ())[: each["count"]]


def approved(wanted: Wanted, answers: Mapping[str, str]) -> bool:
    """Whether one person's answers about a picture say that it is as wanted; a row of the published annotations."""
    for at, each in enumerate(wanted["include"]):
        if _counted(answers, at) < each["count"]:
            return False
        if "color" in each and each["color"] not in answers[f"Answer.task-color-{at}"].split("|"):
            return False
        if "position" in each and each["position"][0].split()[0] not in (answers["Answer.task-position-x"], answers["Answer.task-position-y"]):
            return False
    return all(_counted(answers, 0) < each["count"] for each in wanted.get("exclude", ()))


def majority(verdicts: Iterable[bool]) -> bool:
    """Whether more than half say so."""
    given = list(verdicts)
    return 2 * sum(given) > len(given)


def _counted(answers: Mapping[str, str], at: int) -> int:
    """How many of a thing somebody saw; the highest answer, 5, is "five or more"."""
    return int(float(answers[f"Answer.task-count-{at}"] or 0))
