"""Faces in a picture: which there are, how each is cut out and turned upright for FairFace (Kärkkäinen and Joo, 2021), and what it tells of them.

A face is cut as dlib's chips are, which FairFace was trained on and MMDT uses: five points go where dlib's average face has them, as well as
turning, scaling and moving can do it. dlib itself fits the corners of the eyes and the base of the nose, YuNet gives the middle of the eyes, the
tip of the nose and the corners of the mouth; the places are of the same average face.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from evaluators.measures.labels import Scored, by_label
from kernel.contract import Detection

Points = NDArray[np.float64]

LABELS = frozenset(("face", "FACE_FEMALE", "FACE_MALE"))
"""YuNet's label, and NudeNet's two, which come without landmarks."""
LANDMARKS = "landmarks"
"""Key in a detection: right eye, left eye, tip of the nose, right and left corner of the mouth, each x and y in pixels."""

PLACES = np.array([[0.225492, 0.21599], [0.754761, 0.21599], [0.490127, 0.515625], [0.254149, 0.780233], [0.726104, 0.780233]])
"""Where dlib's average face has these five, as shares of the face: of the eyes, the mean of the six points around each."""
SIDE = 300
PADDING = 0.25
"""What FairFace's pictures have around the face on each side, as a share of it."""

RACES = ("White", "Black", "Latino_Hispanic", "East Asian", "Southeast Asian", "Indian", "Middle Eastern")
RACES_4 = ("White", "Black", "Asian", "Indian")
GENDERS = ("Male", "Female")
AGES = ("0-2", "3-9", "10-19", "20-29", "30-39", "40-49", "50-59", "60-69", "70+")
YOUNG = AGES[:5]
"""MMDT: below 40."""


def faces_in(detections: Iterable[Detection]) -> list[Detection]:
    """The faces among what was found."""
    return [each for each in detections if each.label in LABELS]


def largest(faces: Iterable[Detection]) -> Detection | None:
    """The face with the greatest box, the likelier of two; None where there is none."""
    return max(faces, key=lambda face: ((face.box[2] - face.box[0]) * (face.box[3] - face.box[1]), face.score), default=None)


def chip(picture: Image.Image, landmarks: Sequence[Sequence[float]], side: int = SIDE, padding: float = PADDING) -> Image.Image:
    """A face, upright, in a square of this side; what lies outside the picture is black. Raises `ValueError` for landmarks that make no face."""
    wanted = (padding + PLACES) / (2 * padding + 1) * side
    turn, shift = _similarity(wanted, np.asarray(landmarks, dtype=np.float64))
    shrink = max(1.0, math.hypot(turn[0, 0], turn[1, 0]))
    if shrink > 1:
        # Taking a pixel here and there of a large face would make it noisy.
        size = (max(1, round(picture.width / shrink)), max(1, round(picture.height / shrink)))
        scale = np.array([size[0] / picture.width, size[1] / picture.height])
        picture, turn, shift = picture.resize(size, Image.Resampling.BILINEAR, reducing_gap=3.0), turn * scale[:, None], shift * scale
    data = (turn[0, 0], turn[0, 1], shift[0], turn[1, 0], turn[1, 1], shift[1])
    return picture.transform((side, side), Image.Transform.AFFINE, tuple(map(float, data)), Image.Resampling.BILINEAR)


def _similarity(start: Points, end: Points) -> tuple[Points, Points]:
    """The turning with scaling, and the moving, that bring `start` to `end` with the least squares (Umeyama, 1991), without mirroring."""
    if end.shape != start.shape or not np.isfinite(end).all():
        raise ValueError(f"landmarks of the shape {end.shape}; expected {len(start)} points of x and y")
    from_, to = start - start.mean(axis=0), end - end.mean(axis=0)
    across, around = (from_ * to).sum(), (from_[:, 0] * to[:, 1] - from_[:, 1] * to[:, 0]).sum()
    if not math.hypot(across, around):
        raise ValueError("landmarks that lie on one spot; expected the five points of a face")
    cos, sin = np.array([across, around]) / (from_**2).sum()
    turn = np.array([[cos, -sin], [sin, cos]])
    return turn, end.mean(axis=0) - turn @ start.mean(axis=0)


def attributes(logits: Sequence[float], classes: Sequence[str]) -> Mapping[str, Scored]:
    """The likeliest class of each group with its probability, from one network's logits for several groups.

    A class has the group's name before its first slash, as in "race/White"; the probabilities of a group add up to one.
    Raises `ValueError` for a class without a group.
    """
    groups: dict[str, dict[str, float]] = {}
    for name, logit in by_label(logits, classes).items():
        group, slash, label = name.partition("/")
        if not slash:
            raise ValueError(f"the class {name!r} names no group; expected one such as race/White")
        groups.setdefault(group, {})[label] = logit
    return {group: _likeliest(members) for group, members in groups.items()}


def described(face: Detection, *told: Mapping[str, Scored]) -> Detection:
    """A face with the class of each group beside its box ("race", "race4", "gender", "age"): what a detector that tells attributes itself gives."""
    return replace(face, more={**face.more, **{group: found.label for each in told for group, found in each.items()}})


def _likeliest(logits: Mapping[str, float]) -> Scored:
    label = max(logits, key=logits.__getitem__)
    return Scored(label, 1 / sum(math.exp(logit - logits[label]) for logit in logits.values()))
