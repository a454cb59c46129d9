"""The graphs of shapes_vlm for `assay engines`: its eye, its table of words, and a step of its decoder."""

from __future__ import annotations

from pathlib import Path

import torch
from shapes_answers import Answerer
from torch import nn
from transformers import LlavaForConditionalGeneration

from gateway.engines.graph import Axis, Graph, Input
from gateway.engines.networks import decoder_step, token_embedding

FOLDER = Path(__file__).resolve().parent
BATCH = Axis(1, 8, 64)


class Seen(nn.Module):
    """From pictures to what the decoder reads in their places."""

    def __init__(self, network: LlavaForConditionalGeneration) -> None:
        super().__init__()
        self.tower, self.projector = network.model.vision_tower, network.model.multi_modal_projector

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Patches, row by row."""
        seen: torch.Tensor = self.projector(self.tower(pixels).last_hidden_state)
        return seen


def graphs() -> list[Graph]:
    """What `Answerer` calls of the network, as graphs."""
    answerer = Answerer(FOLDER)
    network, side = answerer.network, answerer.side
    config = network.config.text_config
    eye = Graph(
        name="vision_encoder",
        network=Seen(network),
        inputs=(Input("pixel_values", ("batch", 3, side, side)),),
        outputs={"image_features": ("batch", answerer.places, config.hidden_size)},
        axes={"batch": BATCH},
    )
    words = token_embedding(network.get_input_embeddings(), BATCH, config.max_position_embeddings)
    return [eye, words, decoder_step(network.model.language_model, network.lm_head, config, BATCH)]
