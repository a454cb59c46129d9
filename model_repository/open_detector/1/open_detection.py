"""Answers detect requests whose text says what to look for."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from entities import entities_of
from open_networks import NETWORKS, Found, View
from transformers import AutoConfig

from gateway.instrument import PICTURE
from gateway.loading import checked, folder_of, part
from gateway.pictures import decode
from kernel.contract import Detection, Reply, Request
from kernel.errors import InvalidRequest, InvalidSpec, ModelError


class OpenDetector:
    """Holds the network; `answer` is what Triton's batches go to."""

    def __init__(
        self,
        checkpoint: str,
        *,
        device: str = "auto",
        dtype: str = "auto",
        remote_code: bool = False,
        box_threshold: float | None = None,
        text_threshold: float | None = None,
    ) -> None:
        folder = folder_of(checkpoint)
        checked(checkpoint, folder)
        config = part(checkpoint, AutoConfig, folder, remote_code=remote_code)
        if config.model_type not in NETWORKS:
            named = ", ".join(config.architectures or [config.model_type])
            raise InvalidSpec(checkpoint, [f"its architecture is {named}; expected GroundingDINO, MM-GroundingDINO, OWLv2 or OWL-ViT"])
        thresholds = {"box_threshold": box_threshold, "text_threshold": text_threshold}
        faults = [f"{name} is {value}; expected 0 to 1" for name, value in thresholds.items() if value is not None and not 0 <= value <= 1]
        if faults:
            raise InvalidSpec(checkpoint, faults)
        made = NETWORKS[config.model_type]
        self._network = made(checkpoint, folder, box_threshold, text_threshold, remote_code=remote_code, device=device, dtype=dtype)

    @torch.inference_mode()
    def answer(self, requests: Sequence[Request]) -> list[Reply | ModelError]:
        """Look for what is asked in every picture of every request; one that asks the impossible gets its error, the others what was found."""
        read = [self._read(request) for request in requests]
        found = iter(self._network.find([view for each in read if not isinstance(each, ModelError) for view in each[1]]))
        return [each if isinstance(each, ModelError) else _reply(each[0], [next(found) for _ in each[1]]) for each in read]

    def _read(self, request: Request) -> tuple[list[str], list[View]] | ModelError:
        """The entities of a request, and its pictures as the network takes them; or what is wrong."""
        try:
            if not request.pictures:
                raise InvalidRequest("no picture was sent; expected at least one")
            entities = entities_of(request.text)
            return entities, [self._network.view(decode(picture.data), entities) for picture in request.pictures]
        except ModelError as error:
            return error


def _reply(entities: Sequence[str], found: Sequence[Sequence[Found]]) -> Reply:
    """Everything of the first picture, then of the next; within a picture entity by entity, in the order they were asked for."""
    detections = []
    for index, by_entity in enumerate(found):
        where = {PICTURE: index} if len(found) > 1 else {}
        for entity, things in zip(entities, by_entity, strict=True):
            detections += [_detection(entity, thing, where) for thing in things]
    return Reply(detections=tuple(detections))


def _detection(entity: str, thing: dict[str, object], where: dict[str, int]) -> Detection:
    more = {name: value for name, value in thing.items() if name not in ("score", "box")}
    return Detection(entity, thing["score"], tuple(thing["box"]), {**more, **where})  # type: ignore[arg-type]
