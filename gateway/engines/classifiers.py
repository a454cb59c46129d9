"""The graphs of classifiers: of texts, and of pictures."""

from __future__ import annotations

from typing import Any

from gateway.engines.graph import Graph, Input
from gateway.engines.networks import BATCH, Calls, length_of, picture, words


def text(network: Any) -> list[Graph]:
    """From a text to a logit for every label."""
    config = network.config
    return [_classifier(network, words(config), {"batch": BATCH, "length": length_of(config)})]


def image(network: Any) -> list[Graph]:
    """From a picture to a logit for every label."""
    return [_classifier(network, (picture(network.config),), {"batch": BATCH})]


def _classifier(network: Any, inputs: tuple[Input, ...], axes: dict[str, Any]) -> Graph:
    return Graph(
        name="classifier",
        network=Calls(network, tuple(each.name for each in inputs), "logits"),
        inputs=inputs,
        outputs={"logits": ("batch", network.config.num_labels)},
        axes=axes,
    )
