"""Whether a made picture shows what its prompt wants, by what a detector found: the T2I hallucination tasks of MMDT (Xu et al., 2025).

Every function raises `KeyError` for an entity that was not looked for; such a row counts as wrong there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from evaluators.measures.boxes import Box
from evaluators.measures.detections import Sightings
from evaluators.measures.placing import direction


class Depicted(NamedTuple):
    """soft: the share that is as wanted; the score for all but places. strict: whether all of it is."""

    soft: float
    strict: bool


def identified(found: Sightings, wanted: Collection[str]) -> Depicted:
    """Each entity is wanted once or more. Of nothing wanted nothing is shown: soft 0."""
    there = [bool(found[entity]) for entity in wanted]
    return Depicted(sum(there) / len(there) if there else 0.0, all(there))


def counterfactual(found: Sightings, visible: Collection[str], absent: Collection[str]) -> Depicted:
    """Half for what is to be seen, half for what is not; a half that asks for nothing is full."""
    seen, unseen = [bool(found[entity]) for entity in visible], [not found[entity] for entity in absent]
    halves = [sum(part) / len(part) if part else 1.0 for part in (seen, unseen)]
    return Depicted(sum(halves) / 2, all(seen) and all(unseen))


def counted(found: Sightings, wanted: Mapping[str, int]) -> Depicted:
    """Each entity exactly as often as wanted."""
    right = [len(found[entity]) == number for entity, number in wanted.items()]
    return Depicted(sum(right) / len(right) if right else 1.0, all(right))


def placed(found: Sightings, entities: Sequence[str], relations: Sequence[str]) -> Depicted:
    """Three entities around a circle: the first to the second, to the third, to the first; each pair only where both are there exactly once.

    Raises `ValueError` where there are not three of both.
    """
    if not len(entities) == len(relations) == 3:  # what the benchmark asks
        raise ValueError(f"{len(entities)} entities and {len(relations)} relations; expected three of both")
    pairs = zip(entities, [*entities[1:], entities[0]], relations, strict=True)
    right = [(boxes := alone(found, a, b)) is not None and direction(*boxes) == relation for a, b, relation in pairs]
    return Depicted(sum(right) / len(right), all(right))


def alone(found: Sightings, a: str, b: str) -> tuple[Box, Box] | None:
    """The boxes of two entities that were found exactly once each."""
    if len(found[a]) != 1 or len(found[b]) != 1:
        return None
    return found[a][0].box, found[b][0].box
