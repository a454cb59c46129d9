"""Answers embed requests with a checkpoint of transformers: texts and pictures of all requests that come together share forward passes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from graph_network import GraphNetwork
from sentences import Sentences, pooled, sentences
from transformers import AutoConfig, AutoImageProcessor, AutoModel, AutoProcessor, AutoTokenizer
from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES, MODEL_MAPPING_NAMES

from gateway.engines.serving import Networks
from gateway.graphed import PRECISION
from gateway.loading import checked, folder_of, loaded, part
from gateway.pictures import decode
from kernel.contract import Reply, Request, Text
from kernel.errors import InvalidRequest, InvalidSpec, ModelError, TooLarge, Unsupported

TOWERS = ("clip", "siglip", "siglip2")
PADDED = ("siglip", "siglip2")
"""Their pooling looks at the last place, and they were trained with every place taken."""
TOGETHER = 64
"""Texts or pictures in one forward pass, at most."""
MOST_CHARACTERS = 1_000_000
MOST_SLENDER = 100
"""Longer side to shorter side: a strip is enlarged until its shorter side fits, and costs gigabytes."""

Rows = list[tuple[float, ...]]


class Towers:
    """CLIP, SigLIP and SigLIP 2: a tower for texts and one for pictures, whose vectors can be compared."""

    def __init__(self, checkpoint: str, folder: Path, *, remote_code: bool, config: Any, graphs: GraphNetwork | None, **placing: str) -> None:
        self._network = graphs or loaded(checkpoint, AutoModel, folder, remote_code=remote_code, **placing)
        self._processor = part(checkpoint, AutoProcessor, folder, remote_code=remote_code)
        # With torchvision installed the library would resize otherwise, and the vectors would depend on that.
        self._processor.image_processor = part(checkpoint, AutoImageProcessor, folder, remote_code=remote_code, backend="pil")
        self._padding = "max_length" if config.model_type in PADDED else True
        self._longest = config.text_config.max_position_embeddings
        self.normalize = False

    def texts(self, texts: Sequence[str]) -> torch.Tensor:
        """A row for each text."""
        tokens = self._processor(text=list(texts), padding=self._padding, truncation=True, max_length=self._longest, return_tensors="pt")
        found: torch.Tensor = self._network.get_text_features(**tokens.to(self._network.device)).pooler_output
        return found

    def prepared(self, picture: Any) -> Any:
        """A picture as the network takes it. Kept like that: the large pictures of a whole batch are gigabytes."""
        return self._processor(images=[picture], return_tensors="pt")

    def pictures(self, prepared: Sequence[Any]) -> torch.Tensor:
        """A row for each picture."""
        network = self._network
        joined = {name: torch.cat([each[name] for each in prepared]).to(network.device) for name in prepared[0]}
        joined["pixel_values"] = joined["pixel_values"].to(network.dtype)
        found: torch.Tensor = network.get_image_features(**joined).pooler_output
        return found


class Sayings:
    """An encoder of texts, as sentence-transformers has them."""

    prepared = pictures = None

    def __init__(self, checkpoint: str, reading: Sentences, *, remote_code: bool, graphs: GraphNetwork | None, **placing: str) -> None:
        self._network = graphs or loaded(checkpoint, AutoModel, reading.folder, remote_code=remote_code, spare=("pooler.",), **placing)
        self._tokenizer = part(checkpoint, AutoTokenizer, reading.folder, remote_code=remote_code)
        self._reading = reading
        self._longest = min(reading.longest or self._tokenizer.model_max_length, places(self._network))
        self.normalize = reading.normalize

    def texts(self, texts: Sequence[str]) -> torch.Tensor:
        """A row for each text."""
        read = [text.lower() for text in texts] if self._reading.lower else list(texts)
        tokens = self._tokenizer(read, padding=True, truncation=True, max_length=self._longest, return_tensors="pt").to(self._network.device)
        return pooled(self._network(**tokens).last_hidden_state, tokens["attention_mask"], self._reading.pooling)


class Embedder:
    """Holds the network, or its graphs where a runtime for them is given; `answer` is what Triton's batches go to."""

    def __init__(
        self,
        checkpoint: str,
        *,
        device: str = "auto",
        dtype: str = "auto",
        remote_code: bool = False,
        normalize: bool | None = None,
        runtime: str | None = None,
        engines: str = "",
        precision: str = PRECISION,
    ) -> None:
        folder = folder_of(checkpoint)
        reading = sentences(checkpoint, folder)
        checked(checkpoint, reading.folder)
        config = part(checkpoint, AutoConfig, reading.folder, remote_code=remote_code)
        graphs = None if runtime is None else GraphNetwork(Networks(Path(engines), runtime, precision=precision))
        given: dict[str, Any] = {"remote_code": remote_code, "graphs": graphs, "device": device, "dtype": dtype}
        if config.model_type in TOWERS and hasattr(config, "text_config"):
            self._model: Any = Towers(checkpoint, folder, config=config, **given)
        elif _reads(config):
            self._model = Sayings(checkpoint, reading, **given)
        else:
            named = ", ".join(config.architectures or [config.model_type])
            raise InvalidSpec(checkpoint, [f"its architecture is {named}; expected CLIP, SigLIP, SigLIP 2, or an encoder of texts such as BERT"])
        self._normalize = self._model.normalize if normalize is None else normalize

    def answer(self, requests: Sequence[Request]) -> list[Reply | ModelError]:
        """A row for each text or picture; a request that asks the impossible gets its error, the others their rows."""
        read = [self._read(request) for request in requests]
        asked = [each for each in read if not isinstance(each, ModelError)]
        said = iter(self._rows(self._model.texts, [item for texts, items in asked if texts for item in items]))
        shown = iter(self._rows(self._model.pictures, [item for texts, items in asked if not texts for item in items]))
        return [each if isinstance(each, ModelError) else Reply(rows=tuple(next(said if each[0] else shown) for _ in each[1])) for each in read]

    def _read(self, request: Request) -> tuple[bool, list[Any]] | ModelError:
        """Whether these are texts, and each as the network takes it; or what is wrong with them."""
        if request.pictures and self._model.prepared is None:
            return Unsupported(f"{len(request.pictures)} pictures were sent; this model takes texts")
        try:
            if not request.pictures:
                return True, [_text(part.text) for part in request.parts if isinstance(part, Text)]
            return False, [self._model.prepared(_picture(picture.data)) for picture in request.pictures]
        except ModelError as error:
            return error

    @torch.inference_mode()
    def _rows(self, embed: Callable[[Sequence[Any]], torch.Tensor], items: Sequence[Any]) -> Rows:
        rows: Rows = []
        for start in range(0, len(items), TOGETHER):
            found = embed(items[start : start + TOGETHER]).float()
            rows += map(tuple, (torch.nn.functional.normalize(found, dim=-1) if self._normalize else found).cpu().tolist())
        return rows


def places(network: Any) -> int:
    """Tokens that the network has places for; RoBERTa and its kin begin to count after the padding's number."""
    if isinstance(network, GraphNetwork):
        return network.longest
    for name, module in network.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, torch.nn.Embedding):
            return module.num_embeddings - (0 if module.padding_idx is None else module.padding_idx + 1)
    return int(getattr(network.config, "max_position_embeddings", 0)) or 2**20


def _reads(config: Any) -> bool:
    """Whether it is an encoder of texts, or brings code of its own that was asked for."""
    return not config.is_encoder_decoder and (config.model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES or config.model_type not in MODEL_MAPPING_NAMES)


def _text(text: str) -> str:
    if len(text) > MOST_CHARACTERS:
        raise TooLarge(f"the text has {len(text):,} characters, the limit is {MOST_CHARACTERS:,}")
    return text


def _picture(data: bytes) -> Any:
    picture = decode(data)
    if max(picture.size) > MOST_SLENDER * min(picture.size):
        raise InvalidRequest(f"the picture has {picture.width} x {picture.height} pixels; expected sides of at most {MOST_SLENDER} to 1")
    return picture
