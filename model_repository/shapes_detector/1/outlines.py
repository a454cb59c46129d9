"""The outlines that the detector knows, as templates that fill their box, and how much of a radius each covers."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import cv2
import numpy as np

Array = np.ndarray[Any, Any]

NORMAL = 64
"""Side of a template."""
MOST_STRETCHED = 1.7
"""Longer over shorter side of a box in which nothing is looked for."""


def _corners(points: int, reach: float, turn: float = 0.0) -> Array:
    angles = turn + np.arange(points) * math.tau / points
    return np.asarray(reach * np.stack([np.sin(angles), -np.cos(angles)], axis=-1))


def _star() -> Array:
    return np.stack([_corners(5, 1.18), _corners(5, 0.5, math.tau / 10)], axis=1).reshape(-1, 2)


def _cross(arm: float = 1.05, half: float = 0.36) -> Array:
    steps = [(-half, -arm), (half, -arm), (half, -half), (arm, -half), (arm, half), (half, half)]
    return np.array(steps + [(-x, -y) for x, y in steps])


OUTLINES = {
    "circle": _corners(48, 1.0),
    "square": _corners(4, 1.18, math.tau / 8),
    "triangle": _corners(3, 1.15),
    "diamond": _corners(4, 1.18),
    "cross": _cross(),
    "star": _star(),
}
"""Corners of each shape around its centre, in radii."""


def _template(outline: Array) -> Array:
    low, high = outline.min(axis=0), outline.max(axis=0)
    fine = NORMAL * 4
    canvas = np.zeros((fine, fine), np.uint8)
    cv2.fillPoly(canvas, [np.round((outline - low) / (high - low) * fine).astype(np.int32)], (255,))
    return np.asarray(cv2.resize(canvas, (NORMAL, NORMAL), interpolation=cv2.INTER_AREA) / 255.0)


def _area(outline: Array) -> float:
    closed = [*outline, outline[0]]
    return float(abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(closed))) / 2)


_TEMPLATES = {name: _template(outline) for name, outline in OUTLINES.items()}
_AREAS = {name: _area(outline) for name, outline in OUTLINES.items()}


def likest(mask: Array) -> tuple[str, float]:
    """The shape that overlaps most with a mask once both fill their boxes, and by how much (0..1)."""
    height, width = mask.shape
    if max(height, width) > MOST_STRETCHED * min(height, width):
        return "", 0.0
    way = cv2.INTER_AREA if min(height, width) > NORMAL else cv2.INTER_LINEAR
    own = cv2.resize(mask * 255, (NORMAL, NORMAL), interpolation=way) / 255.0
    likeness = {name: float(np.minimum(own, template).sum() / np.maximum(own, template).sum()) for name, template in _TEMPLATES.items()}
    best = max(likeness, key=likeness.__getitem__)
    return best, likeness[best]


def radius(shape: str, area: float) -> float:
    """The radius at which a shape covers an area."""
    return math.sqrt(area / _AREAS[shape])
