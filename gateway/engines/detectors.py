"""The graphs of detectors that look for what a text names: GroundingDINO, OWLv2, OWL-ViT."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import nn

from gateway.engines.graph import Axis, Dims, Graph, Input, below, masked, whole
from gateway.engines.networks import Calls, length_of, picture

BATCH = Axis(1, 2, 8)
"""A detector's pictures are large."""


def grounding_dino(network: Any) -> list[Graph]:
    """The whole detector, for pictures of one size: the shorter side that its processor makes, squared."""
    config, side = network.config, _shorter_side(Path(network.name_or_path))
    longest = config.max_text_len - 1  # a text of exactly as many tokens as logits is no case of its own to the network, but to the exporter
    words = ("batch", "length")
    inputs = (
        Input("pixel_values", ("batch", 3, side, side)),
        Input("pixel_mask", ("batch", side, side), whole()),
        Input("input_ids", words, below(config.text_config.vocab_size)),
        Input("token_type_ids", words, below(1)),
        Input("attention_mask", words, masked("right")),
    )
    detector = Graph(
        name="detector",
        network=Calls(network, tuple(each.name for each in inputs), ("logits", "pred_boxes")),
        inputs=inputs,
        outputs={"logits": ("batch", config.num_queries, config.max_text_len), "pred_boxes": ("batch", config.num_queries, 4)},
        axes={"batch": BATCH, "length": Axis(4, min(32, longest), longest)},
        tolerance=1e-3,
    )
    return [detector]


def owl(network: Any) -> list[Graph]:
    """The whole detector: every patch of a picture against every text. A text that begins with token 0 fills up, and has the least logit."""
    vision, text = network.config.vision_config, network.config.text_config
    patches, queries = (vision.image_size // vision.patch_size) ** 2, ("batch", "queries", "length")
    outputs: dict[str, Dims] = {"logits": ("batch", patches, "queries"), "pred_boxes": ("batch", patches, 4)}
    if hasattr(network, "objectness_head"):
        outputs["objectness_logits"] = ("batch", patches)
    inputs = (picture(vision), Input("input_ids", queries, below(text.vocab_size)), Input("attention_mask", queries, masked("right")))
    detector = Graph(
        name="detector",
        network=_Texts(Calls(network, tuple(each.name for each in inputs), tuple(outputs))),
        inputs=inputs,
        outputs=outputs,
        axes={"batch": BATCH, "queries": Axis(1, 4, 64), "length": length_of(text)},
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


class _Texts(nn.Module):
    """Takes the texts of each picture apart, where a network wants them one after the other."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: torch.Tensor, tokens: torch.Tensor, mask: torch.Tensor) -> Any:
        return self.network(pixels, tokens.flatten(0, 1), mask.flatten(0, 1))
