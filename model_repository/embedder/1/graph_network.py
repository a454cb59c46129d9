"""Graphs of towers and encoders in the place of a network of transformers: the calls that the embedder makes of one."""

from __future__ import annotations

import torch
from transformers.modeling_outputs import BaseModelOutputWithPooling

from gateway.engines.serving import Network, Networks


class GraphNetwork:
    """Takes the names of tensors that the library takes, and leaves out those that a graph has no use for."""

    dtype = torch.float32
    """Of what goes in: graphs and plans have that in every precision."""

    def __init__(self, networks: Networks) -> None:
        self._networks = networks
        self.device = networks.device

    @property
    def longest(self) -> int:
        """Tokens that the encoder reads at most."""
        return self._networks["text_encoder"].graph.axes["length"][2]

    def __call__(self, **tokens: torch.Tensor) -> BaseModelOutputWithPooling:
        """States of an encoder."""
        return BaseModelOutputWithPooling(last_hidden_state=_asked(self._networks["text_encoder"], tokens))

    def get_text_features(self, **tokens: torch.Tensor) -> BaseModelOutputWithPooling:
        """Vectors of texts."""
        return BaseModelOutputWithPooling(pooler_output=_asked(self._networks["text_tower"], tokens))

    def get_image_features(self, **pictures: torch.Tensor) -> BaseModelOutputWithPooling:
        """Vectors of pictures."""
        return BaseModelOutputWithPooling(pooler_output=_asked(self._networks["vision_tower"], pictures))


def _asked(network: Network, tensors: dict[str, torch.Tensor]) -> torch.Tensor:
    """The one output, of as many calls as the profile needs."""
    given = {each.name: tensors[each.name].split(network.graph.axes["batch"][2]) for each in network.graph.inputs}
    found = [network(**dict(zip(given, part, strict=True))) for part in zip(*given.values(), strict=True)]
    return torch.cat([next(iter(each.values())) for each in found])
