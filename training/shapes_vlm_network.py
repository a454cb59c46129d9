"""The network of shapes_vlm: LLaVA in miniature, and the heads that teach its eye."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import nn
from transformers import LlamaConfig, LlavaConfig, LlavaForConditionalGeneration, ResNetModel

from training.pictures import GRID, HEADS, PIXELS

PLACE = Path("model_repository/shapes_vlm/1")
"""Where Triton looks for the model; its classes live there, so that the folder is complete without this one."""
WIDTH = 192

sys.path.insert(0, str(PLACE.resolve()))
from shapes_eye import EyeConfig  # noqa: E402 - found only now


def eye_config() -> EyeConfig:
    """A small residual network, from 64×64 pixels to 8×8 patches.

    Vision transformers (CLIP's, Swin's) were tried first: after 400 steps of 32 pictures they told shapes hardly better
    than chance.
    """
    return EyeConfig(
        image_size=PIXELS,
        grid=GRID,
        hidden_size=WIDTH,
        embedding_size=64,
        hidden_sizes=[96, WIDTH],
        depths=[2, 2],
        layer_type="basic",
        downsample_in_first_stage=False,
    )


def build(tokens: dict[str, int]) -> LlavaForConditionalGeneration:
    """Make the whole network, untrained; `tokens` is the vocabulary."""
    speech = LlamaConfig(
        vocab_size=len(tokens),
        hidden_size=WIDTH,
        intermediate_size=448,
        num_hidden_layers=4,
        num_attention_heads=6,
        num_key_value_heads=6,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        bos_token_id=tokens["<bos>"],
        eos_token_id=tokens["<eos>"],
        pad_token_id=tokens["<pad>"],
    )
    config = LlavaConfig(
        vision_config=eye_config(),
        text_config=speech,
        image_token_id=tokens["<image>"],
        image_seq_length=GRID**2,
        projector_hidden_act="gelu",
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
        tie_word_embeddings=True,
    )
    return _spread(LlavaForConditionalGeneration(config))


def _spread(network: LlavaForConditionalGeneration) -> LlavaForConditionalGeneration:
    # Transformers begins with a spread of 0.02, which is right for a width of 2,500 and far too little for this one.
    for module in (network.model.language_model, network.model.multi_modal_projector):
        for layer in module.modules():
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, std=0.7 * layer.in_features**-0.5)
    nn.init.normal_(network.model.get_input_embeddings().weight, std=0.05)
    return network


def new_eye() -> ResNetModel:
    """Make the vision encoder alone, untrained."""
    return ResNetModel(eye_config())


class Pupil(nn.Module):
    """A vision encoder with one linear head per thing that is told of a patch; the heads are thrown away later."""

    def __init__(self, tower: ResNetModel) -> None:
        super().__init__()
        self.tower = tower
        self.norm = nn.LayerNorm(WIDTH)
        self.heads = nn.ModuleDict({head: nn.Linear(WIDTH, classes) for head, classes in HEADS.items()})

    def forward(self, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
        """Logits [n, patches, classes] per head."""
        return self.tell(self.see(pictures))

    def see(self, pictures: torch.Tensor) -> torch.Tensor:
        """Patches without their places, [n, patches, width]."""
        return self.tower(pictures).last_hidden_state.flatten(2).transpose(1, 2)

    def tell(self, seen: torch.Tensor) -> dict[str, torch.Tensor]:
        """Logits per head from what is seen."""
        return {head: layer(self.norm(seen)) for head, layer in self.heads.items()}
