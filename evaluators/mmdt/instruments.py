"""Instruments, asked about one picture: what an open-vocabulary detector finds, and what is printed there."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image

from evaluators.measures.detections import Sightings, sightings
from evaluators.mmdt.hallucination import lettering
from kernel.contract import Deadline, Kind, Model, Picture, Request, Text


async def looked_for(picture: Picture, entities: Sequence[str], models: Model, deadline: Deadline, *, box_threshold: float) -> Sightings:
    """What counts of each entity. Raises `ModelError`.

    The detector is told one entity a line and looks for each by itself; a full stop would make two of one, so a blank stands for it.
    """
    lines = {entity: " ".join(entity.replace(".", " ").split()) for entity in entities}
    if not any(lines.values()):
        return sightings((), entities, (1, 1), box_threshold=box_threshold)
    request = Request("detector", (picture, Text("\n".join(filter(None, lines.values())))), Kind.DETECT)
    reply = await models.infer(request, deadline=deadline)
    with Image.open(io.BytesIO(picture.data)) as opened:
        found = sightings(reply.detections, lines.values(), opened.size, box_threshold=box_threshold)
    return {entity: found[line] for entity, line in lines.items() if line in found}


async def read(picture: Picture, models: Model, deadline: Deadline) -> str:
    """The print in a picture. Raises `ModelError`."""
    reply = await models.infer(Request("ocr", (picture,), Kind.READ), deadline=deadline)
    return lettering.read(each.label for each in reply.detections)
