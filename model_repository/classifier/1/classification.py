"""Answers classify requests with a checkpoint of transformers: texts or pictures of all requests that come together share forward passes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from class_names import classes_of
from transformers import AutoConfig, AutoImageProcessor, AutoModelForImageClassification, AutoModelForSequenceClassification, AutoTokenizer
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES, MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES

from gateway.loading import checked, folder_of, loaded, part
from gateway.pictures import decode
from kernel.contract import Reply, Request, Text
from kernel.errors import InvalidRequest, InvalidSpec, ModelError, TooLarge, Unsupported

ACTIVATIONS = ("softmax", "sigmoid", "none")
TOGETHER = 64
"""Texts or pictures in one forward pass, at most."""
MOST_CHARACTERS = 1_000_000
MOST_SLENDER = 100
"""Longer side to shorter side: a strip is enlarged until its shorter side fits, and costs gigabytes."""

Rows = list[tuple[float, ...]]


class Reader:
    """A classifier of texts. Longer ones are cut; a Longformer looks from its first token at all others, as the library has it."""

    takes = "texts"

    def __init__(self, checkpoint: str, folder: Path, max_length: int | None, *, remote_code: bool, **placing: str) -> None:
        self.network = loaded(checkpoint, AutoModelForSequenceClassification, folder, remote_code=remote_code, **placing)
        self._tokenizer = part(checkpoint, AutoTokenizer, folder, remote_code=remote_code)
        most = min(self._tokenizer.model_max_length, places(self.network))
        if max_length is not None and not 1 <= max_length <= most:
            raise InvalidSpec(checkpoint, [f"max_length is {max_length}; expected 1 to {most}, which the model has places for"])
        self._longest = max_length or most

    def prepared(self, request: Request) -> list[str]:
        """The texts."""
        texts = [part.text for part in request.parts if isinstance(part, Text)]
        longest = max(map(len, texts), default=0)
        if longest > MOST_CHARACTERS:
            raise TooLarge(f"the text has {longest:,} characters, the limit is {MOST_CHARACTERS:,}")
        return texts

    def logits(self, texts: Sequence[str]) -> torch.Tensor:
        """A row for each text."""
        tokens = self._tokenizer(list(texts), padding=True, truncation=True, max_length=self._longest, return_tensors="pt")
        found: torch.Tensor = self.network(**tokens.to(self.network.device)).logits
        return found


class Viewer:
    """A classifier of pictures."""

    takes = "pictures"

    def __init__(self, checkpoint: str, folder: Path, max_length: int | None, *, remote_code: bool, **placing: str) -> None:
        if max_length is not None:
            raise InvalidSpec(checkpoint, [f"max_length is {max_length}; it is for classifiers of texts, and this is one of pictures"])
        self.network = loaded(checkpoint, AutoModelForImageClassification, folder, remote_code=remote_code, **placing)
        # With torchvision installed the library would resize otherwise, and the scores would depend on that.
        self._processor = part(checkpoint, AutoImageProcessor, folder, remote_code=remote_code, backend="pil")

    def prepared(self, request: Request) -> list[torch.Tensor]:
        """The pictures as the network takes them. Kept like that: the large pictures of a whole batch are gigabytes."""
        return [self._processor(images=[_picture(each.data)], return_tensors="pt")["pixel_values"] for each in request.pictures]

    def logits(self, pictures: Sequence[torch.Tensor]) -> torch.Tensor:
        """A row for each picture."""
        found: torch.Tensor = self.network(pixel_values=torch.cat(list(pictures)).to(self.network.device, self.network.dtype)).logits
        return found


class Classifier:
    """Holds the network; `answer` is what Triton's batches go to. `classes` are the names of the scores."""

    def __init__(
        self,
        checkpoint: str,
        *,
        device: str = "auto",
        dtype: str = "auto",
        remote_code: bool = False,
        activation: str | None = None,
        max_length: int | None = None,
    ) -> None:
        folder = folder_of(checkpoint)
        said = checked(checkpoint, folder)
        config = part(checkpoint, AutoConfig, folder, remote_code=remote_code)
        if activation not in (None, *ACTIVATIONS):
            raise InvalidSpec(checkpoint, [f"activation is {activation!r}; expected one of {', '.join(ACTIVATIONS)}"])
        try:
            self.classes = classes_of(said)
        except ValueError as error:
            raise InvalidSpec(checkpoint, [f"config.json: {error}"]) from None
        made = _kind_of(checkpoint, config)
        self._model = made(checkpoint, folder, max_length, remote_code=remote_code, device=device, dtype=dtype)
        self._activation = activation or activation_of(config)

    def answer(self, requests: Sequence[Request]) -> list[Reply | ModelError]:
        """A row of scores for each text or picture; a request that asks the impossible gets its error, the others their scores."""
        read = [self._read(request) for request in requests]
        rows = iter(self._rows([item for each in read if not isinstance(each, ModelError) for item in each]))
        return [each if isinstance(each, ModelError) else Reply(rows=tuple(next(rows) for _ in each)) for each in read]

    def _read(self, request: Request) -> list[Any] | ModelError:
        sent = "pictures" if request.pictures else "texts"
        if sent != self._model.takes:
            return Unsupported(f"{len(request.parts)} {sent} were sent; this model takes {self._model.takes}")
        try:
            return self._model.prepared(request)
        except ModelError as error:
            return error

    @torch.inference_mode()
    def _rows(self, items: Sequence[Any]) -> Rows:
        """Pictures of one size share a pass; the library may give pictures of different shapes different sizes."""
        rows: dict[int, tuple[float, ...]] = {}
        for places_ in _alike(items):
            scores = activated(self._model.logits([items[place] for place in places_]).float(), self._activation)
            rows |= zip(places_, map(tuple, scores.cpu().tolist()), strict=True)
        return [rows[place] for place in range(len(items))]


def activated(logits: torch.Tensor, activation: str) -> torch.Tensor:
    """Scores of what the network gives."""
    match activation:
        case "softmax":
            return logits.softmax(dim=-1)
        case "sigmoid":
            return logits.sigmoid()
        case _:
            return logits


def activation_of(config: Any) -> str:
    """What the library's own pipelines do with a checkpoint's scores."""
    if config.problem_type == "regression":
        return "none"
    return "sigmoid" if config.problem_type == "multi_label_classification" or config.num_labels == 1 else "softmax"


def places(network: Any) -> int:
    """Tokens that the network has places for; RoBERTa and its kin begin to count after the padding's number."""
    for name, module in network.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, torch.nn.Embedding):
            return module.num_embeddings - (0 if module.padding_idx is None else module.padding_idx + 1)
    return int(getattr(network.config, "max_position_embeddings", 0)) or 2**20


def _kind_of(checkpoint: str, config: Any) -> type[Reader | Viewer]:
    """What the checkpoint's architecture takes. Raises `InvalidSpec` where it is no classifier."""
    named = config.architectures or []
    for made, table in ((Reader, MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES), (Viewer, MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES)):
        known = table.get(config.model_type, ())
        if set(named) & ({known} if isinstance(known, str) else set(known)):
            return made
    for made, ending in ((Reader, "ForSequenceClassification"), (Viewer, "ForImageClassification")):
        if any(name.endswith(ending) for name in named):
            return made
    what = ", ".join(named) or config.model_type
    raise InvalidSpec(checkpoint, [f"its architecture is {what}; expected a …ForSequenceClassification or a …ForImageClassification"])


def _alike(items: Sequence[Any]) -> list[list[int]]:
    """Places of items that can share a pass: texts with texts, pictures with those of their size."""
    groups: dict[Any, list[int]] = {}
    for place, item in enumerate(items):
        groups.setdefault(getattr(item, "shape", None), []).append(place)
    return [group[start : start + TOGETHER] for group in groups.values() for start in range(0, len(group), TOGETHER)]


def _picture(data: bytes) -> Any:
    picture = decode(data)
    if max(picture.size) > MOST_SLENDER * min(picture.size):
        raise InvalidRequest(f"the picture has {picture.width} x {picture.height} pixels; expected sides of at most {MOST_SLENDER} to 1")
    return picture
