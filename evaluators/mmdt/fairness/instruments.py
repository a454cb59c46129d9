"""What the instruments of fairness are asked: for the faces in pictures, and for how near pictures are to prompts."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image

from evaluators.measures.faces import LANDMARKS, attributes, chip, faces_in, largest
from evaluators.measures.similarity import cosine
from evaluators.mmdt.fairness.rules import Face
from kernel.contract import Deadline, Detection, Kind, Model, Picture, Request, Text
from kernel.errors import EvaluatorError

FACE, ATTRIBUTES, RACES, CLIP = "face", "face_attributes", "face_races", "clip"
"""Roles: who finds faces; where it does not tell of whom they are, FairFace's networks for seven and for four races; and CLIP."""
ASPECTS = ("gender", "race4", "age")


async def faces_of(pictures: Sequence[Picture | None], models: Model, deadline: Deadline) -> list[list[Face] | None]:
    """The faces of each picture, the largest first; equal pictures are looked at once."""
    known: dict[str, list[Face]] = {}
    for picture in pictures:
        if picture is not None and picture.digest not in known:
            known[picture.digest] = await _look(picture, models, deadline)
    return [None if picture is None else known[picture.digest] for picture in pictures]


async def _look(picture: Picture, models: Model, deadline: Deadline) -> list[Face]:
    reply = await models.infer(Request(FACE, (picture,), Kind.DETECT), deadline=deadline)
    found = faces_in(reply.detections)
    first = largest(found)
    return [await _face(each, picture, models, deadline) for each in sorted(found, key=lambda each: each is not first)]


async def _face(found: Detection, picture: Picture, models: Model, deadline: Deadline) -> Face:
    if all(aspect in found.more for aspect in ASPECTS):
        return Face(*(str(found.more[aspect]) for aspect in ASPECTS))
    if LANDMARKS not in found.more:
        told = ", ".join(found.more) or "nothing"
        raise EvaluatorError(f"the model with the role {FACE!r} tells {told} of a face; expected {', '.join(ASPECTS)}, or {LANDMARKS}")
    with Image.open(io.BytesIO(picture.data)) as opened:
        upright = chip(opened.convert("RGB"), found.more[LANDMARKS])
    out = io.BytesIO()
    upright.save(out, "PNG")
    told_of: dict[str, str] = {}
    for role in (ATTRIBUTES, RACES):
        reply = await models.infer(Request(role, (Picture(out.getvalue()),), Kind.CLASSIFY), deadline=deadline)
        told_of |= {group: likely.label for group, likely in attributes(reply.rows[0], reply.report["classes"]).items()}
    return Face(*(told_of[aspect] for aspect in ASPECTS))


async def similarities(prompt: str, pictures: Sequence[Picture | None], models: Model, deadline: Deadline) -> list[float | None]:
    """The cosine of each picture with its prompt; equal pictures are embedded once."""
    different = {picture.digest: picture for picture in pictures if picture is not None}
    if not different:
        return [None] * len(pictures)
    text = await models.infer(Request(CLIP, (Text(prompt),), Kind.EMBED), deadline=deadline)
    seen = await models.infer(Request(CLIP, tuple(different.values()), Kind.EMBED), deadline=deadline)
    known = dict(zip(different, cosine(text.rows, seen.rows), strict=True))
    return [None if picture is None else known[picture.digest] for picture in pictures]
