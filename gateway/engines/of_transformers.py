"""The graphs of checkpoints of transformers, by their architecture."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
import transformers

from gateway.engines import classifiers, detectors, seeing, towers
from gateway.engines.graph import Graph
from gateway.engines.networks import encoder
from kernel.errors import InvalidSpec


def graphs(folder: Path) -> list[Graph]:
    """The graphs of a checkpoint. Raises `InvalidSpec` where there is none, or none that is known."""
    told = read_config(folder)
    architecture = str((told.get("architectures") or [told.get("model_type")])[0])
    if architecture in REFUSED:
        raise InvalidSpec(str(folder), [f"config.json: {architecture} cannot be exported: {REFUSED[architecture]}"])
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


KNOWN: Mapping[str, Callable[[Any], list[Graph]]] = {
    "CLIPModel": towers.clip,
    "SiglipModel": towers.siglip,
    "Siglip2Model": towers.siglip2,
    "GroundingDinoForObjectDetection": detectors.grounding_dino,
    "MMGroundingDinoForObjectDetection": detectors.grounding_dino,
    "Owlv2ForObjectDetection": detectors.owl,
    "OwlViTForObjectDetection": detectors.owl,
    "CLIPTextModel": lambda network: [encoder(network)],
    "T5EncoderModel": lambda network: [encoder(network)],
    "BertModel": lambda network: [encoder(network)],
    "BertForSequenceClassification": classifiers.text,
    "DistilBertForSequenceClassification": classifiers.text,
    "RobertaForSequenceClassification": classifiers.text,
    "XLMRobertaForSequenceClassification": classifiers.text,
    "ViTForImageClassification": classifiers.image,
    "LlavaForConditionalGeneration": seeing.llava,
    "Idefics3ForConditionalGeneration": seeing.idefics3,
    "SmolVLMForConditionalGeneration": seeing.idefics3,
    "Qwen2VLForConditionalGeneration": seeing.qwen2_vl,
    "Qwen2_5_VLForConditionalGeneration": seeing.qwen2_vl,
    "LlamaForCausalLM": seeing.causal,
    "MistralForCausalLM": seeing.causal,
    "Qwen2ForCausalLM": seeing.causal,
}
"""The graphs of an architecture."""

REFUSED: Mapping[str, str] = {
    "LongformerForSequenceClassification": "which words look at all others is found out from the words themselves, which no graph of fixed operators can",
}
"""Architectures whose networks cannot be exported, and why."""
