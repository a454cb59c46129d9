"""The graphs of towers for pictures and texts whose vectors are compared: CLIP, SigLIP, SigLIP 2."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from gateway.engines.graph import Axis, Graph, Input, below, masked
from gateway.engines.networks import BATCH, Calls, length_of, picture, words


def clip(network: Any) -> list[Graph]:
    """Both towers, with their projections: what a score of likeness is made of."""
    config = network.config.text_config
    axes = {"batch": BATCH, "length": length_of(config)}
    return [_eye(network, network.config.projection_dim), _reader(network, words(config), axes, network.config.projection_dim)]


def siglip(network: Any) -> list[Graph]:
    """Both towers. Texts have as many tokens as there are places, filled up without a mask, because the last place is what is read."""
    return [_eye(network, network.config.vision_config.hidden_size), _filled_up(network)]


def siglip2(network: Any) -> list[Graph]:
    """As SigLIP, but for pictures of any proportions, cut to patches: `spatial_shapes` has their rows and columns."""
    config = network.config.vision_config
    network.vision_model.embeddings = Proportioned(network.vision_model.embeddings)
    least = 16
    inputs = (
        Input("pixel_values", ("batch", "patches", config.num_channels * config.patch_size**2)),
        Input("pixel_attention_mask", ("batch", "patches"), masked("right")),
        Input("spatial_shapes", ("batch", 2), below(int(least**0.5) + 1, 1)),
    )
    eye = Graph(
        name="vision_tower",
        network=_calls(network, "get_image_features", inputs),
        inputs=inputs,
        outputs={"image_embeds": ("batch", config.hidden_size)},
        axes={"batch": BATCH, "patches": Axis(least, max(least, config.num_patches), max(1024, config.num_patches))},
    )
    return [eye, _filled_up(network)]


def _eye(network: Any, width: int) -> Graph:
    inputs = (picture(network.config.vision_config),)
    return Graph(
        name="vision_tower",
        network=_calls(network, "get_image_features", inputs),
        inputs=inputs,
        outputs={"image_embeds": ("batch", width)},
        axes={"batch": BATCH},
    )


def _filled_up(network: Any) -> Graph:
    config = network.config.text_config
    tokens = Input("input_ids", ("batch", config.max_position_embeddings), below(config.vocab_size))
    return _reader(network, (tokens,), {"batch": BATCH}, config.projection_size)


def _reader(network: Any, inputs: tuple[Input, ...], axes: dict[str, Axis], width: int) -> Graph:
    return Graph(
        name="text_tower",
        network=_calls(network, "get_text_features", inputs),
        inputs=inputs,
        outputs={"text_embeds": ("batch", width)},
        axes=axes,
    )


def _calls(network: Any, method: str, inputs: tuple[Input, ...]) -> Calls:
    return Calls(network, tuple(each.name for each in inputs), "pooler_output", method=method)


class Proportioned(nn.Module):
    """SigLIP 2's embeddings without a loop over pictures: the table of places is stretched by a product with the weights of its points.

    The weights are those of torch's bilinear interpolation with antialiasing.
    """

    def __init__(self, embeddings: Any) -> None:
        super().__init__()
        self.patch_embedding, self.table, self.side = embeddings.patch_embedding, embeddings.position_embedding, embeddings.position_embedding_size

    def forward(self, pixel_values: torch.Tensor, spatial_shapes: torch.Tensor) -> torch.Tensor:
        """The state of every patch; those beyond a picture have the place of its first one."""
        rows, columns = spatial_shapes[:, :1], spatial_shapes[:, 1:]
        patch = torch.arange(pixel_values.shape[1])[None].expand(pixel_values.shape[0], -1)
        patch = torch.where(patch < rows * columns, patch, 0)
        down = self._weights(torch.div(patch, columns, rounding_mode="floor"), rows)
        across = self._weights(torch.remainder(patch, columns), columns)
        places = (down[..., :, None] * across[..., None, :]).flatten(2) @ self.table.weight
        found: torch.Tensor = self.patch_embedding(pixel_values) + places
        return found

    def _weights(self, place: torch.Tensor, size: torch.Tensor) -> torch.Tensor:
        """Of each point of the table's side for the places of a side of this size."""
        scale = (self.side / size.to(torch.float32))[..., None]
        middle = scale * (place[..., None] + 0.5)
        points = torch.arange(self.side) + 0.5
        weights = (1 - ((points - middle) / scale.clamp(min=1)).abs()).clamp(min=0)
        found: torch.Tensor = weights / weights.sum(-1, keepdim=True)
        return found
