"""The pipeline of `shapes_diffusion` with its networks as graphs; the scheduler stays diffusers', the tokenizer transformers'."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import DPMSolverMultistepScheduler
from shapes_pipeline import ShapesPipeline
from transformers import AutoTokenizer

from gateway.engines.serving import Networks


class GraphPipeline(ShapesPipeline):
    """Paints as `ShapesPipeline` does. folder: of the pipeline, whose weights are not read."""

    def __init__(self, folder: Path, networks: Networks) -> None:
        scheduler = DPMSolverMultistepScheduler.from_pretrained(folder / "scheduler", local_files_only=True)
        super().__init__(None, scheduler, None, AutoTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True))
        self._reader, self._denoiser, self._device = networks["text_encoder"], networks["denoiser"], networks.device

    @property
    def device(self) -> torch.device:
        """Where the graphs are."""
        return self._device

    @property
    def picture(self) -> tuple[int, int, int]:
        """The shape of a picture: channels, height, width."""
        [sample] = [each for each in self._denoiser.graph.inputs if each.name == "sample"]
        channels, height, width = map(int, sample.dims[1:])
        return channels, height, width

    def _read(self, tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return self._reader(input_ids=tokens, attention_mask=mask)["states"]

    def _clean(self, sample: torch.Tensor, timestep: torch.Tensor, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return self._denoiser(sample=sample, states=states, mask=mask, timestep=timestep.expand(len(sample)))["clean"]
