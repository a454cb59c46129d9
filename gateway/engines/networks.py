"""Parts of transformers' models as networks of tensors alone, which is what can be exported."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import nn
from transformers import DynamicCache, PreTrainedModel

from gateway.engines.graph import Axis, Dims, Graph, Input, below, masked

BATCH = Axis(1, 8, 32)
LONGEST = 4096
"""Tokens of a plan's profile at most; what a network can read beyond would cost memory that nobody uses."""


class Calls(nn.Module):
    """A network that hands its inputs to another one by name, with more that is fixed, and gives one field of what comes, or several."""

    def __init__(self, network: nn.Module, names: tuple[str, ...], field: str | int | tuple[str, ...], method: str | None = None, **fixed: Any) -> None:
        super().__init__()
        self.network = network
        self.names, self.field, self.method, self.fixed = names, field, method, fixed

    def forward(self, *tensors: torch.Tensor) -> Any:
        """One tensor, or as many as there are fields."""
        call = self.network if self.method is None else getattr(self.network, self.method)
        found = call(**dict(zip(self.names, tensors, strict=True)), **self.fixed)
        if isinstance(self.field, tuple):
            return tuple(getattr(found, each) for each in self.field)
        return found[self.field] if isinstance(self.field, int) else getattr(found, self.field)


class DecoderStep(nn.Module):
    """One step of a language model: keys and values of each layer come in after what is read, and go out longer."""

    def __init__(self, decoder: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.decoder, self.head = decoder, head

    def forward(self, embeds: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor, *past: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Logits of the last place, then keys and values, layer by layer."""
        cache = DynamicCache(list(zip(past[::2], past[1::2], strict=True)))
        seen = self.decoder(inputs_embeds=embeds, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True)
        kept = [tensor for layer in cast(list[Any], cache.layers) for tensor in (layer.keys, layer.values)]
        return (self.head(seen.last_hidden_state[:, -1]), *kept)


def decoder_step(
    decoder: PreTrainedModel, head: nn.Linear, config: Any, batch: Axis, tolerance: float = 1e-4, *, positions: Dims = ("batch", "length")
) -> Graph:
    """The graph of a language model's step: the first reads a whole prompt (`past` is 0), each later one a token."""
    decoder.set_attn_implementation("eager")  # fused attention gives nothing in places that see nothing, where ONNX gives a mean
    width, most = config.hidden_size, config.max_position_embeddings
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    each = getattr(config, "head_dim", None) or width // config.num_attention_heads
    caches = [f"{part}_{layer}" for layer in range(config.num_hidden_layers) for part in ("key", "value")]
    return Graph(
        name="decoder_step",
        network=DecoderStep(decoder, head),
        inputs=(
            Input("inputs_embeds", ("batch", "length", width)),
            Input("attention_mask", ("batch", "past+length"), masked("left")),
            Input("position_ids", positions, below(min(most, 64))),
            *(Input(f"past_{name}", ("batch", heads, "past", each)) for name in caches),
        ),
        outputs={"logits": ("batch", head.out_features)} | {f"present_{name}": ("batch", heads, "past+length", each) for name in caches},
        axes={"batch": batch, "length": Axis(1, 1, most), "past": Axis(0, min(128, most - 1), most - 1)},
        tolerance=tolerance,
        streamed=True,
    )


def token_embedding(table: nn.Embedding, batch: Axis, longest: int) -> Graph:
    """The graph that turns tokens into what the decoder reads."""
    return Graph(
        name="token_embedding",
        network=table,
        inputs=(Input("input_ids", ("batch", "length"), below(table.num_embeddings)),),
        outputs={"inputs_embeds": ("batch", "length", table.embedding_dim)},
        axes={"batch": batch, "length": Axis(1, min(128, longest), longest)},
    )


def picture(config: Any) -> Input:
    """Pictures of the size that a network was trained with."""
    return Input("pixel_values", ("batch", config.num_channels, config.image_size, config.image_size))


def words(config: Any) -> tuple[Input, ...]:
    """Texts as tokens, the shorter ones filled up."""
    return (Input("input_ids", ("batch", "length"), below(config.vocab_size)), Input("attention_mask", ("batch", "length"), masked("right")))


def length_of(config: Any) -> Axis:
    """Of a text. RoBERTa and its kin begin to count their places after the padding's number."""
    places = getattr(config, "max_position_embeddings", 512) - (config.pad_token_id + 1 if "roberta" in config.model_type else 0)
    most = min(LONGEST, places)
    return Axis(1, min(32, most), most)


def encoder(network: Any, name: str = "text_encoder") -> Graph:
    """The graph of a text encoder: states of all tokens."""
    config = network.config
    return Graph(
        name=name,
        network=Calls(network, ("input_ids", "attention_mask"), "last_hidden_state"),
        inputs=words(config),
        outputs={"states": ("batch", "length", config.hidden_size)},
        axes={"batch": BATCH, "length": length_of(config)},
    )
