"""Answers detect requests: every shape in the picture, or, as an open-vocabulary detector does, what a text names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from entities import entities_of
from shape_names import named
from shapes_finder import find

from gateway.instrument import Instrument
from kernel.contract import Detection, Reply, Request, Text
from kernel.errors import ModelError


class ShapesDetector:
    """A model for `gateway.batched`."""

    def __init__(self) -> None:
        self._everything = Instrument(find)

    def answer(self, requests: Sequence[Request]) -> list[Reply | ModelError]:
        """Look at every picture of every request; where there is a text, tell what it names."""
        return [_wanted(request, reply) for request, reply in zip(requests, self._everything.answer(requests), strict=True)]


def _wanted(request: Request, reply: Reply | ModelError) -> Reply | ModelError:
    if isinstance(reply, ModelError) or not any(isinstance(part, Text) for part in request.parts):
        return reply
    try:
        return Reply(detections=tuple(_named(entities_of(request.text), reply.detections)))
    except ModelError as error:
        return error


def _named(entities: Sequence[str], detections: Sequence[Detection]) -> Iterator[Detection]:
    """For each entity what fits it, under the entity's name."""
    for entity in entities:
        things = named(entity)
        yield from (replace(found, label=entity) for found in detections if any(thing.fits(found.more) for thing in things))
