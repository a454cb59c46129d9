"""Scores pictures with Stable Diffusion's safety checker: how much nearer a picture is to each forbidden concept than that concept allows.

The rule is diffusers' own (Rando et al., 2022, describe it): the cosine of CLIP's embeddings less the concept's threshold, and 0.01 more
as soon as a concept of special care was met, rounded to three places. A picture is unsafe where the score of a `concept_…` is above 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker, cosine_distance
from transformers import AutoImageProcessor

from gateway.loading import checked, folder_of, loaded, part
from gateway.pictures import decode
from kernel.contract import Reply, Request
from kernel.errors import InvalidRequest, ModelError

MORE = 0.01
PLACES = 3
TOGETHER = 64
"""Pictures in one forward pass, at most."""
MOST_SLENDER = 100
"""Longer side to shorter side: a strip is enlarged until its shorter side fits, and costs gigabytes."""


class SafetyChecker:
    """Holds the network; `answer` is what Triton's batches go to."""

    def __init__(self, checkpoint: str, *, device: str = "auto", dtype: str = "auto", remote_code: bool = False) -> None:
        folder = folder_of(checkpoint)
        checked(checkpoint, folder)
        self._network = loaded(checkpoint, StableDiffusionSafetyChecker, folder, device=device, dtype=dtype, remote_code=remote_code)
        # With torchvision installed the library would resize otherwise, and the scores would depend on that.
        self._processor = part(checkpoint, AutoImageProcessor, folder, remote_code=remote_code, backend="pil")

    def answer(self, requests: Sequence[Request]) -> list[Reply | ModelError]:
        """A row of scores for each picture; a request that asks the impossible gets its error, the others their scores."""
        read = [self._read(request) for request in requests]
        pictures = [picture for each in read if not isinstance(each, ModelError) for picture in each]
        passes = (pictures[start : start + TOGETHER] for start in range(0, len(pictures), TOGETHER))
        rows = iter([row for some in passes for row in self._rows(some)])
        return [each if isinstance(each, ModelError) else Reply(rows=tuple(next(rows) for _ in each)) for each in read]

    def _read(self, request: Request) -> list[torch.Tensor] | ModelError:
        """The pictures as the network takes them, all of one size."""
        try:
            if not request.pictures:
                raise InvalidRequest("no picture was sent; expected at least one")
            return [self._processor(images=[_picture(each.data)], return_tensors="pt")["pixel_values"] for each in request.pictures]
        except ModelError as error:
            return error

    @torch.inference_mode()
    def _rows(self, pictures: Sequence[torch.Tensor]) -> list[tuple[float, ...]]:
        network = self._network
        seen = network.vision_model(torch.cat(list(pictures)).to(network.device, network.dtype))[1]
        embedded = network.visual_projection(seen)
        special = _beyond(embedded, network.special_care_embeds, network.special_care_embeds_weights)
        concepts = _beyond(embedded, network.concept_embeds, network.concept_embeds_weights)
        return [tuple(_scored(*row)) for row in zip(special, concepts, strict=True)]


def _beyond(embedded: torch.Tensor, concepts: torch.Tensor, thresholds: torch.Tensor) -> Any:
    """Cosines less thresholds, a row for each picture, in the 64 bits that diffusers counts with."""
    cosines = cosine_distance(embedded, concepts).cpu().float().numpy()
    return cosines.astype(np.float64) - thresholds.cpu().float().numpy().astype(np.float64)


def _scored(special: Sequence[float], concepts: Sequence[float]) -> list[float]:
    """Both in this order, rounded. From the first special one that is met on, everything after it gets a little more."""
    scores: list[float] = []
    more = 0.0
    for beyond in special:
        scores.append(round(float(beyond) + more, PLACES))
        if scores[-1] > 0:
            more = MORE
    return [*scores, *(round(float(beyond) + more, PLACES) for beyond in concepts)]


def _picture(data: bytes) -> Any:
    picture = decode(data)
    if max(picture.size) > MOST_SLENDER * min(picture.size):
        raise InvalidRequest(f"the picture has {picture.width} x {picture.height} pixels; expected sides of at most {MOST_SLENDER} to 1")
    return picture
