"""The graphs of checkpoints of transformers, by their architecture."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import nn

from gateway.engines.graph import Axis, Graph, Input, below, masked, whole
from gateway.engines.networks import Calls, decoder_step, token_embedding
from kernel.errors import InvalidSpec

BATCH = Axis(1, 8, 32)
LONGEST = 4096
"""Tokens of a plan's profile at most; what a decoder can read beyond would cost memory that nobody uses."""


def graphs(folder: Path) -> list[Graph]:
    """The graphs of a checkpoint. Raises `InvalidSpec` where there is none, or none that is known."""
    told = read_config(folder)
    architecture = str((told.get("architectures") or [told.get("model_type")])[0])
    if architecture not in KNOWN:
        raise InvalidSpec(str(folder), [f"config.json: {architecture} has no graphs; expected one of {', '.join(KNOWN)}"])
    return KNOWN[architecture](loaded(folder, architecture))


def read_config(folder: Path) -> dict[str, Any]:
    """What `config.json` says. Raises `InvalidSpec`."""
    try:
        told = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except OSError:
        raise InvalidSpec(str(folder), ["config.json is missing; expected the folder of a checkpoint"]) from None
    except ValueError as error:
        raise InvalidSpec(str(folder), [f"config.json: {error}"]) from None
    if not isinstance(told, dict):
        raise InvalidSpec(str(folder), ["config.json: no JSON object"])
    return told


def loaded(folder: Path, architecture: str) -> Any:
    """The network, from safetensors and in single precision. Raises `InvalidSpec` where there are none."""
    if not any(folder.glob("*.safetensors")):
        found = ", ".join(sorted(each.name for each in folder.glob("*.bin"))) or "no weights"
        raise InvalidSpec(str(folder), [f"found {found}, expected *.safetensors; pickles are not read"])
    network: Any = getattr(transformers, architecture).from_pretrained(
        folder, local_files_only=True, use_safetensors=True, dtype=torch.float32, attn_implementation="eager"
    )
    return network.eval()


def _clip(network: Any) -> list[Graph]:
    """Both towers, with their projections: what a score of likeness is made of."""
    text, vision, width = network.config.text_config, network.config.vision_config, network.config.projection_dim
    return [
        Graph(
            name="vision_tower",
            network=_Pooled(network, "get_image_features", ("pixel_values",)),
            inputs=(_pixels(vision),),
            outputs={"image_embeds": ("batch", width)},
            axes={"batch": BATCH},
        ),
        Graph(
            name="text_tower",
            network=_Pooled(network, "get_text_features", ("input_ids", "attention_mask")),
            inputs=_text(text),
            outputs={"text_embeds": ("batch", width)},
            axes={"batch": BATCH, "length": _length(text)},
        ),
    ]


def encoder(network: Any, name: str = "text_encoder", *, field: str = "last_hidden_state") -> Graph:
    """A text encoder: states of all tokens."""
    config = network.config
    network.set_attn_implementation("eager")
    return Graph(
        name=name,
        network=Calls(network, ("input_ids", "attention_mask"), field),
        inputs=_text(config),
        outputs={"states": ("batch", "length", config.hidden_size)},
        axes={"batch": BATCH, "length": _length(config)},
    )


def _llava(network: Any) -> list[Graph]:
    """The eye, the table of tokens, and a step of the decoder with its cache."""
    vision, text = network.config.vision_config, network.config.text_config
    batch, longest = BATCH, min(LONGEST, text.max_position_embeddings)
    seen = _Seen(network)
    with torch.no_grad():
        places = seen(torch.zeros(1, vision.num_channels, vision.image_size, vision.image_size)).shape[1]
    eye = Graph(
        name="vision_encoder",
        network=seen,
        inputs=(_pixels(vision),),
        outputs={"image_features": ("batch", places, text.hidden_size)},
        axes={"batch": batch},
    )
    return [eye, token_embedding(network.get_input_embeddings(), batch, longest), decoder_step(network.model.language_model, network.lm_head, text, batch)]


def _causal(network: Any) -> list[Graph]:
    """The table of tokens, and a step of the decoder with its cache."""
    config = network.config
    longest = min(LONGEST, config.max_position_embeddings)
    return [token_embedding(network.get_input_embeddings(), BATCH, longest), decoder_step(network.model, network.lm_head, config, BATCH)]


def _grounding_dino(network: Any) -> list[Graph]:
    """The whole detector, for pictures of one size: the shorter side that its processor makes, squared."""
    config, side = network.config, _shorter_side(Path(network.name_or_path))
    longest = config.max_text_len - 1  # a text of exactly as many tokens as logits is no case of its own to the network, but to the exporter
    words = ("batch", "length")
    detector = Graph(
        name="detector",
        network=_Detected(network),
        inputs=(
            Input("pixel_values", ("batch", 3, side, side)),
            Input("pixel_mask", ("batch", side, side), whole()),
            Input("input_ids", words, below(config.text_config.vocab_size)),
            Input("token_type_ids", words, below(1)),
            Input("attention_mask", words, masked("right")),
        ),
        outputs={"logits": ("batch", config.num_queries, config.max_text_len), "pred_boxes": ("batch", config.num_queries, 4)},
        axes={"batch": Axis(1, 2, 8), "length": Axis(4, min(32, longest), longest)},
        tolerance=1e-3,
    )
    return [detector]


def _shorter_side(folder: Path) -> int:
    for name in ("preprocessor_config.json", "processor_config.json"):
        if (folder / name).is_file():
            told = json.loads((folder / name).read_text(encoding="utf-8"))
            size = told.get("image_processor", told).get("size", {})
            return int(size.get("shortest_edge") or size.get("height") or 800)
    return 800


class _Detected(nn.Module):
    """From pictures and words to logits and boxes."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: torch.Tensor, seen: torch.Tensor, tokens: torch.Tensor, types: torch.Tensor, read: torch.Tensor) -> tuple[torch.Tensor, ...]:
        found = self.network(pixel_values=pixels, pixel_mask=seen, input_ids=tokens, token_type_ids=types, attention_mask=read)
        return found.logits, found.pred_boxes


class _Pooled(nn.Module):
    """What a tower's projection makes of its input."""

    def __init__(self, network: Any, method: str, names: tuple[str, ...]) -> None:
        super().__init__()
        self.network, self.method, self.names = network, method, names

    def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
        found = getattr(self.network, self.method)(**dict(zip(self.names, tensors, strict=True)))
        return found if isinstance(found, torch.Tensor) else found.pooler_output


class _Seen(nn.Module):
    """From pictures of one size to what LLaVA's decoder reads in their places."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.tower, self.projector = network.model.vision_tower, network.model.multi_modal_projector
        self.layer = network.config.vision_feature_layer
        self.first = 1 if network.config.vision_feature_select_strategy == "default" else 0

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        states = self.tower(pixels, output_hidden_states=True).hidden_states
        layers = [self.layer] if isinstance(self.layer, int) else self.layer
        found: torch.Tensor = self.projector(torch.cat([states[layer][:, self.first :] for layer in layers], dim=-1))
        return found


def _pixels(config: Any) -> Input:
    return Input("pixel_values", ("batch", config.num_channels, config.image_size, config.image_size))


def _text(config: Any) -> tuple[Input, ...]:
    return (Input("input_ids", ("batch", "length"), below(config.vocab_size)), Input("attention_mask", ("batch", "length"), masked("right")))


def _length(config: Any) -> Axis:
    most = min(LONGEST, getattr(config, "max_position_embeddings", 512))
    return Axis(1, min(32, most), most)


KNOWN: Mapping[str, Callable[[Any], list[Graph]]] = {
    "CLIPModel": _clip,
    "GroundingDinoForObjectDetection": _grounding_dino,
    "CLIPTextModel": lambda network: [encoder(network)],
    "T5EncoderModel": lambda network: [encoder(network)],
    "BertModel": lambda network: [encoder(network)],
    "LlavaForConditionalGeneration": _llava,
    "LlamaForCausalLM": _causal,
    "MistralForCausalLM": _causal,
    "Qwen2ForCausalLM": _causal,
}
