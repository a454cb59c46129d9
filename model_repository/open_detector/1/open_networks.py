"""The detectors that find what they are told to look for: GroundingDINO and OWL. Each entity is looked for by itself, as if asked for alone."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from PIL import Image
from transformers import AutoImageProcessor, AutoModelForZeroShotObjectDetection, AutoProcessor

from gateway.loading import loaded, part
from kernel.errors import InvalidRequest, InvalidSpec, TooLarge

TOGETHER = 8
"""Passes in one forward call, at most: a pass of GroundingDINO takes about a gigabyte."""
MOST_SLENDER = 100
MOST_SIDE = 4096
"""OWL pads a picture to a square."""
PHRASE = "phrase"
"""Key in a detection of GroundingDINO: the words of the prompt whose score is above the threshold for text."""

Found = list[dict[str, Any]]


@dataclass(frozen=True)
class View:
    """A picture and what to look for in it, as a network takes them. size: height and width as the picture was given."""

    size: tuple[int, int]
    pixels: Mapping[str, torch.Tensor]
    tokens: Sequence[Mapping[str, torch.Tensor]]


class Network:
    """What both have in common. `find` gives for each view, for each entity, what was found: score, box, and perhaps more."""

    box_threshold: float

    def __init__(self, checkpoint: str, folder: Path, box_threshold: float | None, text_threshold: float | None, **how: Any) -> None:
        self._network = loaded(checkpoint, AutoModelForZeroShotObjectDetection, folder, **how)
        self._processor = part(checkpoint, AutoProcessor, folder, remote_code=how["remote_code"])
        # With torchvision installed the library would resize otherwise, and the boxes would depend on that.
        self._processor.image_processor = part(checkpoint, AutoImageProcessor, folder, remote_code=how["remote_code"], backend="pil")
        self._box_threshold = self.box_threshold if box_threshold is None else box_threshold

    def _pixels(self, picture: Image.Image) -> Mapping[str, torch.Tensor]:
        if max(picture.size) > MOST_SLENDER * min(picture.size):
            raise InvalidRequest(f"the picture has {picture.width} x {picture.height} pixels; expected sides of at most {MOST_SLENDER} to 1")
        return dict(self._processor.image_processor(images=[picture], return_tensors="pt"))

    def _run(self, inputs: Mapping[str, torch.Tensor]) -> Any:
        """One forward call; what comes back is in float32 on the CPU, where thresholds mean the same everywhere."""
        network = self._network
        given = {name: tensor.to(network.device, network.dtype if tensor.is_floating_point() else None) for name, tensor in inputs.items()}
        found = network(**given)
        return SimpleNamespace(logits=found.logits.float().cpu(), pred_boxes=found.pred_boxes.float().cpu())


class GroundingDino(Network):
    """One pass for each entity: lower-cased, with a full stop. A query is kept if its best token is above the threshold."""

    box_threshold = 0.35

    def __init__(self, checkpoint: str, folder: Path, box_threshold: float | None, text_threshold: float | None, **how: Any) -> None:
        super().__init__(checkpoint, folder, box_threshold, text_threshold, **how)
        self._text_threshold = 0.25 if text_threshold is None else text_threshold

    def view(self, picture: Image.Image, entities: Sequence[str]) -> View:
        """What the network is given. Raises `InvalidRequest`."""
        tokens = [dict(self._processor(text=[f"{entity.lower()}."], return_tensors="pt")) for entity in entities]
        _check_lengths(entities, [each["input_ids"].shape[-1] for each in tokens], self._network.config.max_text_len)
        return View((picture.height, picture.width), self._pixels(picture), tokens)

    def find(self, views: Sequence[View]) -> list[list[Found]]:
        """Passes of one size of picture and one length of text share a call: padding would move the boxes a little."""
        passes = [(view, tokens) for view in views for tokens in view.tokens]
        found: dict[int, Found] = {}
        for places in _alike([(view.pixels["pixel_values"].shape, tokens["input_ids"].shape) for view, tokens in passes]):
            chosen = [passes[place] for place in places]
            pixels = {name: torch.cat([view.pixels[name] for view, _ in chosen]) for name in chosen[0][0].pixels}
            words = {name: torch.cat([tokens[name] for _, tokens in chosen]) for name in chosen[0][1]}
            results = self._processor.post_process_grounded_object_detection(
                self._run({**pixels, **words}),
                words["input_ids"],
                threshold=self._box_threshold,
                text_threshold=self._text_threshold,
                target_sizes=[view.size for view, _ in chosen],
            )
            for place, result in zip(places, results, strict=True):
                things = _things(result)
                phrases = result["text_labels"] if things else []  # of nothing the library makes one phrase, an empty one
                found[place] = [{**thing, PHRASE: phrase} for thing, phrase in zip(things, phrases, strict=True)]
        rest = iter(range(len(passes)))
        return [[found[next(rest)] for _ in view.tokens] for view in views]


class Owl(Network):
    """One pass for each picture, whatever is looked for: the score of an entity does not depend on the others."""

    box_threshold = 0.1

    def __init__(self, checkpoint: str, folder: Path, box_threshold: float | None, text_threshold: float | None, **how: Any) -> None:
        if text_threshold is not None:
            raise InvalidSpec(checkpoint, [f"text_threshold is {text_threshold}; it is for GroundingDINO, OWL has none: leave it out"])
        super().__init__(checkpoint, folder, box_threshold, text_threshold, **how)

    def view(self, picture: Image.Image, entities: Sequence[str]) -> View:
        """What the network is given. Raises `InvalidRequest` or `TooLarge`."""
        if max(picture.size) > MOST_SIDE:
            raise TooLarge(f"the picture has {picture.width} x {picture.height} pixels; a side may have {MOST_SIDE} here")
        texts = [entity.lower() for entity in entities]
        most = self._network.config.text_config.max_position_embeddings
        _check_lengths(entities, [len(each) for each in self._processor.tokenizer(texts)["input_ids"]], most)
        tokens = self._processor.tokenizer(texts, padding="max_length", max_length=most, return_tensors="pt")
        wanted = [{name: tokens[name][row : row + 1] for name in ("input_ids", "attention_mask")} for row in range(len(texts))]
        return View((picture.height, picture.width), self._pixels(picture), wanted)

    def find(self, views: Sequence[View]) -> list[list[Found]]:
        """Pictures of one size share a call; where less is looked for than in others, the last thing is looked for again."""
        found: dict[int, list[Found]] = {}
        for places in _alike([view.pixels["pixel_values"].shape for view in views]):
            chosen = [views[place] for place in places]
            most = max(len(view.tokens) for view in chosen)
            wanted = [tokens for view in chosen for tokens in [*view.tokens, *view.tokens[-1:] * (most - len(view.tokens))]]
            words = {name: torch.cat([tokens[name] for tokens in wanted]) for name in wanted[0]}
            outputs = self._run({**words, "pixel_values": torch.cat([view.pixels["pixel_values"] for view in chosen])})
            for row, (place, view) in enumerate(zip(places, chosen, strict=True)):
                found[place] = [self._of_one(outputs, row, column, view.size) for column in range(len(view.tokens))]
        return [found[place] for place in range(len(views))]

    def _of_one(self, outputs: Any, row: int, column: int, size: tuple[int, int]) -> Found:
        one = SimpleNamespace(logits=outputs.logits[row : row + 1, :, column : column + 1], pred_boxes=outputs.pred_boxes[row : row + 1])
        (result,) = self._processor.post_process_grounded_object_detection(one, threshold=self._box_threshold, target_sizes=[size])
        return _things(result)


NETWORKS: dict[str, type[GroundingDino | Owl]] = {
    "grounding-dino": GroundingDino,
    "mm-grounding-dino": GroundingDino,
    "owlv2": Owl,
    "owlvit": Owl,
}


def _things(result: Mapping[str, Any]) -> Found:
    return [{"score": score, "box": box} for score, box in zip(result["scores"].tolist(), result["boxes"].tolist(), strict=True)]


def _check_lengths(entities: Sequence[str], lengths: Sequence[int], most: int) -> None:
    for entity, length in zip(entities, lengths, strict=True):
        if length > most:
            raise InvalidRequest(f"{entity[:40]!r}… has {length} tokens, the limit is {most}; name the thing in fewer words")


def _alike(shapes: Sequence[Hashable]) -> Iterator[list[int]]:
    """Places of what has one shape, at most `TOGETHER` at once."""
    groups: dict[Hashable, list[int]] = {}
    for place, shape in enumerate(shapes):
        groups.setdefault(shape, []).append(place)
    for group in groups.values():
        yield from (group[start : start + TOGETHER] for start in range(0, len(group), TOGETHER))
