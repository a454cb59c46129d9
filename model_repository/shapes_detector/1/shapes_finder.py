"""Finds plain coloured shapes in a picture: what is not background, by colour in Lab, by outline against templates.

No learning and no chance: the same picture gives the same list. Dark or grey print is not a shape and is passed over.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from outlines import likest, radius
from PIL.Image import Image

COLOURS = {
    "red": (220, 40, 40),
    "orange": (250, 140, 20),
    "yellow": (245, 215, 40),
    "green": (40, 160, 60),
    "cyan": (60, 205, 220),
    "blue": (40, 70, 210),
    "purple": (130, 40, 160),
    "pink": (250, 140, 190),
}
SIZES = {"small": 0.085, "medium": 0.125, "large": 0.175}
"""Radii, as shares of the picture's longer side."""

SIDE = 256
"""The longer side of the picture that is looked at."""
COLOURFUL = 16.0
"""Distance from the background, in Lab without lightness, from which a pixel may belong to a shape."""
GREY = 20.0
"""Chroma under which a patch is print or shadow, not a shape."""
LEAST_AREA = round(0.0045 * SIDE * SIDE)
"""Pixels of a patch. The smallest shape that is drawn, a small star, has three times as many."""
LEAST_LIKENESS = 0.62
"""Overlap with the best template under which a patch is no shape at all."""
PART = 0.22
"""Share of a patch that a second colour must have to be a thing of its own."""
LIGHTNESS = 0.6
"""Weight of lightness against hue: soft pictures are paler than what they mean."""
_RIM = np.ones((5, 5), np.uint8)
_EDGE = np.ones((3, 3), np.uint8)

Array = np.ndarray[Any, Any]


def find(picture: Image) -> list[dict[str, Any]]:
    """Every shape in the picture, from left to right: label, size, colour, shape, score and box in pixels."""
    view = _View.of(picture)
    found = [shape for patch in view.patches() if (shape := view.named(patch)) is not None]
    return sorted(found, key=lambda each: (each["box"][0], each["box"][1]))


def _lab(pixels: Array) -> Array:
    return cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)


_WEIGHTS = np.array([LIGHTNESS, 1.0, 1.0], dtype=np.float32)
_PALETTE = _lab(np.array([list(COLOURS.values())], dtype=np.uint8))[0] * _WEIGHTS


def _nearest(lab: Array) -> Array:
    """Index of the nearest named colour for Lab values of shape (..., 3)."""
    return np.asarray(np.square((lab * _WEIGHTS)[..., None, :] - _PALETTE).sum(axis=-1).argmin(axis=-1))


@dataclass(frozen=True)
class _Patch:
    """A mask (of 0 and 1) in a window of the view, which begins at x, y."""

    mask: Array
    x: int
    y: int

    def core(self) -> Array:
        """Without its rim, where colours are mixed; all of it when nothing else is left."""
        core = cv2.erode(self.mask, _RIM, borderValue=(0,))
        return (core if core.any() else self.mask) > 0

    def pieces(self, mask: Array) -> list[_Patch]:
        """The connected pieces of another mask in the same window."""
        return [_Patch(each.mask, self.x + each.x, self.y + each.y) for each in _connected(mask)]


@dataclass(frozen=True)
class _View:
    """The picture in Lab at `SIDE`, its background, and the scale back to its own pixels."""

    lab: Array
    background: Array
    scale: float

    @classmethod
    def of(cls, picture: Image) -> _View:
        pixels = np.asarray(picture.convert("RGB"))
        scale = SIDE / max(pixels.shape[:2])
        size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        lab = _lab(cv2.resize(pixels, size, interpolation=way))
        return cls(lab, _background(lab), scale)

    def patches(self) -> list[_Patch]:
        """What may be a shape; touching shapes of two colours are two."""
        away = np.square((self.lab - self.background)[..., 1:]).sum(axis=-1)
        coarse = _connected((away > COLOURFUL**2).astype(np.uint8))
        return [part for patch in coarse for part in self._parts(patch)]

    def _window(self, patch: _Patch) -> Array:
        height, width = patch.mask.shape
        return self.lab[patch.y : patch.y + height, patch.x : patch.x + width]

    def _parts(self, patch: _Patch) -> list[_Patch]:
        names = _nearest(self._window(patch))
        counts = np.bincount(names[patch.core()], minlength=len(COLOURS))
        several = np.flatnonzero(counts > PART * counts.sum())
        if len(several) > 1:
            own = [((names == name) & (patch.mask > 0)).astype(np.uint8) for name in several]
            return [part for mask in own for part in patch.pieces(cv2.morphologyEx(mask, cv2.MORPH_OPEN, _RIM))]
        return self._tightened(patch)

    def _tightened(self, patch: _Patch) -> list[_Patch]:
        """The patch cut where the picture is half way between its colour and the background."""
        away = np.linalg.norm(self._window(patch) - self.background, axis=-1)
        level = np.percentile(away[patch.mask > 0], 75) / 2
        pieces = patch.pieces(((away > level) & (cv2.dilate(patch.mask, _EDGE) > 0)).astype(np.uint8))
        return sorted(pieces, key=lambda piece: -int(piece.mask.sum()))[:1]

    def named(self, patch: _Patch) -> dict[str, Any] | None:
        """What the patch is, or None when it is no shape."""
        tone = np.median(self._window(patch)[patch.core()], axis=0)
        if math.hypot(tone[1], tone[2]) < GREY:
            return None
        x, y, width, height = cv2.boundingRect(patch.mask)
        shape, likeness = likest(patch.mask[y : y + height, x : x + width])
        if likeness < LEAST_LIKENESS:
            return None
        colour = list(COLOURS)[int(_nearest(tone))]
        left, top = patch.x + x, patch.y + y
        return {
            "label": f"{colour} {shape}",
            "score": round(likeness, 3),
            "box": [round(edge / self.scale, 1) for edge in (left, top, left + width, top + height)],
            "size": _size(radius(shape, int(patch.mask.sum())) / SIDE),
            "colour": colour,
            "shape": shape,
        }


def _background(lab: Array) -> Array:
    """The commonest colour, in coarse steps, then the median of what is near it."""
    flat = lab[::3, ::3].reshape(-1, 3)
    steps = np.round(flat / 8).astype(np.int32)
    keys = (steps[:, 0] * 1000 + steps[:, 1]) * 1000 + steps[:, 2]
    values, counts = np.unique(keys, return_counts=True)
    return np.asarray(np.median(flat[keys == values[counts.argmax()]], axis=0))


def _connected(mask: Array) -> list[_Patch]:
    number, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    found = []
    for index in range(1, number):
        x, y, width, height, area = (int(value) for value in stats[index])
        if area >= LEAST_AREA:
            # A bare pixel all around, so that the rim is cut on every side.
            x0, y0 = max(0, x - 1), max(0, y - 1)
            window = labels[y0 : y + height + 1, x0 : x + width + 1]
            found.append(_Patch((window == index).astype(np.uint8), x0, y0))
    return found


def _size(share: float) -> str:
    return min(SIZES, key=lambda name: abs(math.log(SIZES[name] / share)))
