"""The vision encoder of shapes_vlm: a small residual network whose every patch knows its place."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModel, PreTrainedModel, ResNetConfig, ResNetModel
from transformers.modeling_outputs import BaseModelOutput


class EyeConfig(ResNetConfig):
    """A residual network's configuration, with what LLaVA asks of a vision encoder."""

    model_type = "shapes_eye"

    image_size: int = 64
    grid: int = 8
    hidden_size: int = 192


class Eye(PreTrainedModel):
    """From pictures [n, 3, 64, 64] to patches [n, 64, width], row by row."""

    config_class = EyeConfig
    main_input_name = "pixel_values"

    def __init__(self, config: EyeConfig) -> None:
        super().__init__(config)
        self.resnet = ResNetModel(config)
        self.rows = nn.Parameter(torch.empty(config.grid, 1, config.hidden_size))
        self.columns = nn.Parameter(torch.empty(1, config.grid, config.hidden_size))
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        if module is self:
            nn.init.normal_(self.rows, std=0.3)
            nn.init.normal_(self.columns, std=0.3)

    def forward(self, pixel_values: torch.Tensor, **_: Any) -> BaseModelOutput:
        """Patches as the last, and only, hidden state."""
        seen = self.resnet(pixel_values).last_hidden_state.flatten(2).transpose(1, 2)
        placed = seen + (self.rows + self.columns).flatten(0, 1)
        return BaseModelOutput(last_hidden_state=placed, hidden_states=(placed,))


AutoConfig.register(EyeConfig.model_type, EyeConfig, exist_ok=True)
AutoModel.register(EyeConfig, Eye, exist_ok=True)
