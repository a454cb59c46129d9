"""What pictures and answers are worth out of distribution, by what the instruments said: as MMDT's public code counts, and without its defects.

Functions that end in `_corrected` are the latter. All of them raise `KeyError` for a thing that was not looked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from statistics import fmean
from typing import Any

from evaluators.measures.boxes import Box
from evaluators.measures.detections import Sightings
from evaluators.measures.placing import Predicate, arranged, sized
from evaluators.measures.reference import Crash
from evaluators.measures.similarity import Rows, cosine
from evaluators.measures.vqa import says_yes
from evaluators.mmdt.counting import as_meant, as_published

SEEDS = (42, 43, 44)
"""One for each trial."""
Objects = Sequence[Mapping[str, Any]]
"""What a prompt asks for, as the data has it."""

CLIP_WEIGHT = 2.5
CAPTION = "A photo depicts "
"""What CLIPScore (Hessel et al., 2021) puts before a text."""
SMALLER = "smaller"
SIZES = frozenset(("larger", "bigger", SMALLER))


# -- text to image: one picture -----------------------------------------------


def entities(task: str, objects: Objects) -> list[str]:
    """The things to look for in a picture, each once."""
    names = {"count": ("object",), "size": ("object1", "object2")}
    named = objects[0]["objs"] if task == "spatial" else [each[name] for each in objects for name in names[task]]
    return list(dict.fromkeys(named))


def depicted(task: str, objects: Objects, found: Sightings) -> list[bool]:
    """For each of count's and size's objects, and for the one arrangement of spatial, whether the picture has it so."""
    match task:
        case "count":
            return [len(found[each["object"]]) == each["counts"] for each in objects]
        case "size":
            return [is_sized(found, objects[0]["object1"], each["object2"], each["size"]) for each in objects]
    target, *others = objects[0]["objs"]
    return [is_placed(found, target, others, objects[0]["rel"])]


def is_sized(found: Sightings, target: str, other: str, word: str) -> bool:
    """Whether a thing is larger, bigger or smaller than another one, by the first box of each; not for another word, or where one is missing."""
    if not (found[target] and found[other]):
        return False
    a, b = (_area(found[name][0].box) for name in (target, other))
    return word in SIZES and (a < b if word == SMALLER else a > b)


def is_placed(found: Sightings, target: str, others: Sequence[str], relations: Sequence[str]) -> bool:
    """Whether the first box of a thing lies to those of the others as the relations say; not where one is missing."""
    named = (target, *others)
    return all(found[name] for name in named) and arranged([found[name][0].box for name in named], relations)


def depicted_corrected(task: str, objects: Objects, found: Sightings) -> list[bool | None]:
    """The same; `None` for words that have no rule."""
    match task:
        case "count":
            return [*depicted(task, objects, found)]
        case "size":
            return [_sized_corrected(found, each) for each in objects]
    wanted = objects[0]
    boxes = [found[name][0].box for name in wanted["objs"] if found[name]]
    if not has_rule(wanted["objs"], wanted["rel"]):
        return [None]
    return [len(boxes) == len(wanted["objs"]) and _placed(boxes, wanted["rel"])]


def whole(answers: Sequence[bool | None]) -> bool | None:
    """Whether all of a picture is as wanted; `None` where that hangs on what cannot be told."""
    if not answers or False in answers:
        return False
    return None if None in answers else True


def _sized_corrected(found: Sightings, wanted: Mapping[str, Any]) -> bool | None:
    if wanted["size"] not in SIZES:
        return None
    pair = found[wanted["object1"]], found[wanted["object2"]]
    return all(pair) and sized(pair[0][0].box, pair[1][0].box, wanted["size"])


def _area(box: Box) -> float:
    """As the public code has it: floats that should be equal may differ in their last place."""
    return (box[2] - box[0]) * (box[3] - box[1])


# -- places, by both edges ----------------------------------------------------


def _before(at: int) -> Predicate:
    return lambda a, b: a[at] < b[at] and a[at + 2] < b[at + 2]


def _behind(at: int) -> Predicate:
    return lambda a, b: a[at] > b[at] and a[at + 2] > b[at + 2]


BY_BOTH_EDGES: Mapping[str, Predicate] = {
    "on the left of": _before(0),
    "on the right of": _behind(0),
    **dict.fromkeys(("on", "above", "over"), _before(1)),
    **dict.fromkeys(("below", "beneath", "under"), _behind(1)),
}
"""Of two opposites at most one holds."""


def has_rule(names: Sequence[str], relations: Sequence[str]) -> bool:
    """Whether an arrangement can be judged: a known relation to each of the others, or one relation, which means between, to two of them.

    Of four things, the first two belong together.
    """
    others = len(names) - 1 if len(names) < 4 else len(names) - 2
    if others == 2 and len(relations) == 1:
        return True
    return 0 < others == len(relations) < 3 and all(each in BY_BOTH_EDGES for each in relations)


def _placed(boxes: Sequence[Box], relations: Sequence[str]) -> bool:
    together = 2 if len(boxes) == 4 else 1
    group, others = boxes[:together], boxes[together:]
    if len(others) > len(relations):
        return all(_between(each, *others) for each in group)
    return all(BY_BOTH_EDGES[relation](each, other) for relation, other in zip(relations, others, strict=True) for each in group)


def _between(a: Box, b: Box, c: Box) -> bool:
    return any(all(_before(at)(*pair) for pair in pairwise(order)) for at in (0, 1) for order in ((b, a, c), (c, a, b)))


# -- text to image: all pictures ----------------------------------------------


def clip_score(picture: Rows, text: Rows, weight: float = CLIP_WEIGHT) -> list[float]:
    """CLIPScore of pictures with their texts, row by row: the cosine of their embeddings, but not below 0, times a weight."""
    return [weight * max(0.0, each) for each in cosine(picture, text)]


def percentage(right: Sequence[bool]) -> float:
    """How many of a trial's rows are right, of a hundred. Raises `Crash` where there are none."""
    if not right:
        raise Crash("ZeroDivisionError", "the trial has no rows")
    return 100 * sum(right) / len(right)


def trial_mean(records: Iterable[Mapping[str, Any]], way: str) -> float | None:
    """The mean over the trials of the mean over their rows; `None` where a trial has no score.

    reference: a row at which the public code ends takes the score of its trial away.
    """
    trials: dict[int, list[float | None]] = {trial: [] for trial in range(len(SEEDS))}
    for record in records:
        trials[record["trial"]].append(record[way])
    scores = []
    for values in trials.values():
        known = [value for value in values if value is not None]
        if not known or (way == "reference" and len(known) < len(values)):
            return None
        scores.append(fmean(known))
    return fmean(scores)


# -- image to text ------------------------------------------------------------


def agrees(task: str, answer: Any, judged: str) -> bool:
    """Whether an answer is right, by the judge's reply: the letters of yes in it, or, for count, all numbers right."""
    if task != "count":
        return says_yes(judged)
    return as_published(judged, answer) == list(answer.values())


def counts_corrected(answer: Mapping[str, int], judged: str) -> bool:
    """Whether all numbers are right, names and numbers read as they are meant."""
    return as_meant(judged, answer) == list(answer.values())


def without_a_second(answer: Mapping[str, int]) -> Crash | None:
    """Why the public code has no number for this count, if it has none."""
    return Crash("IndexError", "the question to the judge names a second object, and the row has one") if len(answer) < 2 else None
