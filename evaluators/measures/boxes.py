"""Where boxes lie to each other; a box is x0, y0, x1, y1 with the origin at the top left."""

from __future__ import annotations

from collections.abc import Sequence

Box = Sequence[float]
RELATIONS = ("left of", "right of", "above", "below")


def centre(box: Box) -> tuple[float, float]:
    """The middle of a box."""
    x0, y0, x1, y1 = box
    return (x0 + x1) / 2, (y0 + y1) / 2


def relation(a: Box, b: Box, *, dominance: float = 1.0, least: float = 0.0) -> str | None:
    """Where the middle of `a` is as seen from the middle of `b`, or None when that is not clear.

    Args:
        a: The box that is spoken of.
        b: The box that it is compared with.
        dominance: The greater offset must be more than this many times the smaller one.
        least: The greater offset must be more than this, in the boxes' own unit.
    """
    (ax, ay), (bx, by) = centre(a), centre(b)
    across, down = ax - bx, ay - by
    smaller, greater = sorted((abs(across), abs(down)))
    if not (greater > least and greater > dominance * smaller):
        return None
    if abs(across) > abs(down):
        return "left of" if across < 0 else "right of"
    return "above" if down < 0 else "below"


def overlap(a: Box, b: Box) -> float:
    """Intersection over union, 0 when neither has an area."""
    across = min(a[2], b[2]) - max(a[0], b[0])
    down = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(0.0, across) * max(0.0, down)
    united = _area(a) + _area(b) - shared
    return shared / united if united > 0 else 0.0


def _area(box: Box) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])
