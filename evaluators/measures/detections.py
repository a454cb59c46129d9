"""What an open-vocabulary detector found, as MMDT counts it (Xu et al., 2025): GroundingDINO is asked for each entity by itself.

A box counts when its score is strictly above the threshold, and when it has at least a hundredth of the picture. Boxes are shares of the
picture's sides then, cut at its edges and rounded to three decimals. Nothing is done about two boxes around one thing. The detector has to be
served with a `box_threshold` that is not above the one used here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from evaluators.measures.boxes import Box
from kernel.contract import Detection

BOX_THRESHOLD = 0.5
BOX_THRESHOLDS: Mapping[str, float] = {
    "misleading identification": 0.6,
    "misleading count": 0.6,
    "ood count": 0.4,
    "ood size": 0.55,
    "ood spatial": 0.55,
}
"""Where it is not `BOX_THRESHOLD`."""
LEAST_AREA = 0.01
DECIMALS = 3


@dataclass(frozen=True, slots=True)
class Sighting:
    """A box that counts: x0, y0, x1, y1 as shares of the picture's sides."""

    score: float
    box: Box


Sightings = Mapping[str, Sequence[Sighting]]
"""What was found, by entity; an empty list for one that was looked for in vain."""


def sightings(
    detections: Iterable[Detection],
    entities: Iterable[str],
    size: tuple[int, int],
    *,
    box_threshold: float = BOX_THRESHOLD,
    least_area: float = LEAST_AREA,
) -> dict[str, list[Sighting]]:
    """What counts of what was found in a picture of this width and height, in the order of the detector.

    An entity with "none" in its name is not looked for, so it is not among the keys.
    """
    boxes = ((each, normalised(each.box, size)) for each in detections if each.score > box_threshold)
    counts = [(_named(each.label), Sighting(round(each.score, DECIMALS), box)) for each, box in boxes if area(box) >= least_area]
    return {entity: [seen for name, seen in counts if name == _named(entity)] for entity in entities if "none" not in entity.lower()}


def _named(entity: str) -> str:
    """As the detector is asked for it."""
    return entity.strip().lower()


def normalised(box: Box, size: tuple[int, int]) -> Box:
    """A box in pixels as shares of the picture's sides, cut at its edges."""
    return tuple(round(min(1.0, max(0.0, edge / size[at % 2])), DECIMALS) for at, edge in enumerate(box))


def area(box: Box) -> float:
    """Share of the picture. Sides are rounded as the edges are, so that a tenth by a tenth is a hundredth wherever it lies."""
    x0, y0, x1, y1 = box
    return round(round(x1 - x0, DECIMALS) * round(y1 - y0, DECIMALS), 2 * DECIMALS)
