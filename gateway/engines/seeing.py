"""The graphs of language models, and of those that see: the eye, the table of tokens, and a step of the decoder with its cache."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers.models.qwen2_vl.modeling_qwen2_vl import apply_rotary_pos_emb_vision

from gateway.engines.graph import Axis, Graph, Input, below, ordered, shape
from gateway.engines.networks import BATCH, LONGEST, decoder_step, picture, token_embedding

PLACES = Axis(1, 256, 1280)
"""What Qwen's decoder reads of pictures at once; attention in the eye needs memory for the square of four times as many patches."""


def causal(network: Any) -> list[Graph]:
    """A language model without eyes."""
    return _language(network, network.model, network.config)


def llava(network: Any) -> list[Graph]:
    """The eye takes pictures of one size."""
    return [_eye(network, _Seen(network)), *_language(network, network.model.language_model, network.config.text_config)]


def idefics3(network: Any) -> list[Graph]:
    """Idefics 3 and SmolVLM. The eye takes tiles of one size, none of them filled up."""
    return [_eye(network, _Tiled(network)), *_language(network, network.model.text_model, network.config.text_config)]


def qwen2_vl(network: Any) -> list[Graph]:
    """Qwen2-VL and Qwen2.5-VL. Pictures are cut to patches, several one after the other.

    What depends on their grids comes in: the place of every patch (`position_ids`), and which frame it is in (`frames`), for Qwen2.5-VL also the
    order by windows (`window_index`) and which window each patch is in (`windows`). The decoder's positions are those of time, height and width.
    """
    vision, text = network.config.vision_config, network.config.text_config
    patches = "+".join(["places"] * vision.spatial_merge_size**2)
    inputs = [
        Input("pixel_values", (1, patches, vision.in_channels * vision.temporal_patch_size * vision.patch_size**2)),
        Input("position_ids", (1, patches, 2), below(16)),
        Input("frames", (1, patches), below(2)),
    ]
    if hasattr(vision, "window_size"):
        inputs += [Input("window_index", (1, "places"), ordered), Input("windows", (1, patches), below(2))]
    eye = Graph(
        name="vision_encoder",
        network=Patched(network.model.visual, tuple(each.name for each in inputs)),
        inputs=tuple(inputs),
        outputs={"image_features": (1, "places", text.hidden_size)},
        axes={"batch": Axis(1, 1, 1), "places": PLACES},
    )
    return [eye, *_language(network, network.model.language_model, text, positions=(3, "batch", "length"))]


def _language(network: Any, decoder: Any, config: Any, **more: Any) -> list[Graph]:
    longest = min(LONGEST, config.max_position_embeddings)
    return [token_embedding(network.get_input_embeddings(), BATCH, longest), decoder_step(decoder, network.lm_head, config, BATCH, **more)]


def _eye(network: Any, seen: nn.Module) -> Graph:
    """From pictures of one size to what the decoder reads in their places."""
    pixels = picture(network.config.vision_config)
    with torch.no_grad():
        places, width = seen(torch.zeros(shape(pixels.dims, {"batch": 1}))).shape[1:]
    return Graph(
        name="vision_encoder",
        network=seen,
        inputs=(pixels,),
        outputs={"image_features": ("batch", places, width)},
        axes={"batch": BATCH},
    )


class _Seen(nn.Module):
    """LLaVA's eye."""

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


class _Tiled(nn.Module):
    """Idefics 3's eye."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.tower, self.connector = network.model.vision_model, network.model.connector

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.connector(self.tower(pixels).last_hidden_state)
        return found


class Patched(nn.Module):
    """Qwen's eye: patches look at those of the same frame, or of the same window."""

    def __init__(self, tower: Any, names: tuple[str, ...]) -> None:
        super().__init__()
        self.tower, self.names = tower, names
        for block in tower.blocks:
            block.attn = _Masked(block.attn)

    def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
        """What the decoder reads, in the order of the pictures."""
        given = dict(zip(self.names, (tensor[0] for tensor in tensors), strict=True))
        more = {"cu_seqlens": _alike(given.pop("frames"))}
        if "windows" in given:
            more["cu_window_seqlens"] = _alike(given.pop("windows"))
        found: torch.Tensor = self.tower(given.pop("pixel_values"), None, **given, **more).pooler_output
        return found[None]


def _alike(numbers: torch.Tensor) -> torch.Tensor:
    return numbers[:, None] == numbers


class _Masked(nn.Module):
    """Attention in which a mask stands for the lengths of what is cut apart, which no graph can be cut by."""

    def __init__(self, attention: Any) -> None:
        super().__init__()
        self.attention = attention

    def forward(self, states: torch.Tensor, cu_seqlens: torch.Tensor, position_embeddings: tuple[torch.Tensor, torch.Tensor], **_: Any) -> torch.Tensor:
        query, key, value = self.attention.qkv(states).unflatten(-1, (3, self.attention.num_heads, -1)).unbind(1)
        query, key = apply_rotary_pos_emb_vision(query, key, *position_embeddings)
        likeness = query.transpose(0, 1) @ key.permute(1, 2, 0) * self.attention.scaling
        weights = likeness.masked_fill(~cu_seqlens, torch.finfo(likeness.dtype).min).softmax(-1)
        found: torch.Tensor = self.attention.proj((weights @ value.transpose(0, 1)).transpose(0, 1).flatten(1))
        return found
