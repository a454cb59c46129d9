"""Answers detect and read requests with a function that looks at one picture: what all bundled instruments are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from PIL.Image import Image

from gateway.pictures import decode
from kernel.contract import Detection, Reply, Request
from kernel.errors import ModelError

PICTURE = "picture"
"""Key in a detection: index of the picture it is in, where a request has several."""


class Instrument:
    """A model for `gateway.batched`. `look` gives label, score, box and whatever else, for each thing it finds."""

    def __init__(self, look: Callable[[Image], Iterable[Mapping[str, Any]]]) -> None:
        self._look = look

    def answer(self, requests: Sequence[Request]) -> list[Reply | ModelError]:
        """Look at every picture of every request."""
        return [self._one(request) for request in requests]

    def _one(self, request: Request) -> Reply | ModelError:
        found = []
        try:
            for index, picture in enumerate(request.pictures):
                more = {PICTURE: index} if len(request.pictures) > 1 else {}
                found += [_detection({**thing, **more}) for thing in self._look(decode(picture.data))]
        except ModelError as error:
            return error
        return Reply(detections=tuple(found))


def _detection(thing: Mapping[str, Any]) -> Detection:
    more = {name: value for name, value in thing.items() if name not in ("label", "score", "box")}
    x0, y0, x1, y1 = (float(edge) for edge in thing["box"])
    return Detection(str(thing["label"]), float(thing["score"]), (x0, y0, x1, y1), more)
