"""A language model of a few numbers with the graphs that real ones have, computed by torch: nothing has to be exported to write with it."""

from __future__ import annotations

from types import SimpleNamespace

import torch
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM

from gateway.engines.graph import Axis
from gateway.engines.networks import decoder_step, token_embedding

WORDS, WIDTH, PLACES, ROOM, END = 23, 16, 24, 4, 0


class TorchNetwork:
    """A described graph, called by torch. sizes: of what it was given, call by call."""

    def __init__(self, graph) -> None:
        self.graph = SimpleNamespace(inputs=graph.inputs, axes={name: (axis.least, axis.usual, axis.most) for name, axis in graph.axes.items()})
        self._described, self.sizes = graph, []

    def __call__(self, **inputs: torch.Tensor) -> dict[str, torch.Tensor]:
        tensors = tuple(inputs[each.name] for each in self._described.inputs)
        self.sizes.append(tuple(tensors[0].shape[:2]))
        return dict(zip(self._described.outputs, self._described.answer(tensors), strict=True))


class TorchNetworks(dict):
    """As `gateway.engines.serving.Networks`."""

    device = torch.device("cpu")


def model() -> LlamaForCausalLM:
    torch.manual_seed(3)
    config = LlamaConfig(
        vocab_size=WORDS, hidden_size=WIDTH, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, max_position_embeddings=PLACES, pad_token_id=END
    )
    network = LlamaForCausalLM(config).eval()
    for each in network.parameters():
        if each.ndim > 1:
            nn.init.normal_(each, std=0.5)
    return network


def networks(network: LlamaForCausalLM) -> TorchNetworks:
    batch = Axis(1, 2, ROOM)
    words = token_embedding(network.get_input_embeddings(), batch, PLACES)
    step = decoder_step(network.model, network.lm_head, network.config, batch)
    return TorchNetworks({each.name: TorchNetwork(each) for each in (words, step)})


@torch.no_grad()
def written(network: LlamaForCausalLM, prompt: list[int], most: int) -> list[int]:
    """What the model writes alone, every token from the beginning: no cache, no padding, no neighbours."""
    tokens = list(prompt)
    while len(tokens) < len(prompt) + most and len(tokens) <= PLACES:
        tokens.append(int(network(torch.tensor([tokens])).logits[0, -1].argmax()))
        if tokens[-1] == END:
            break
    return tokens[len(prompt) :]
