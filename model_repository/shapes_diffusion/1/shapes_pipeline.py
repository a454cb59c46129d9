"""The diffusers pipeline of `shapes_diffusion`: words to a small picture, in pixel space, without an autoencoder.

The transformer predicts the clean picture (`prediction_type` "sample") of a straight path from noise, and the scheduler
is DPM-Solver++ over that path. Every picture has its own generator and its own guidance, so that a batch may hold
pictures of many requests.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from diffusers import DiffusionPipeline, DPMSolverMultistepScheduler, PixArtTransformer2DModel
from transformers import PreTrainedTokenizerBase, T5EncoderModel

LONGEST = 32
"""Tokens of a prompt; what is beyond is not read."""
GUIDED_ABOVE = 250
"""Timestep (of 1000) under which guidance is left out: there the picture is only cleaned, and it costs half."""


class ShapesPipeline(DiffusionPipeline):
    """Text encoder, diffusion transformer and scheduler, each a standard class of its library."""

    model_cpu_offload_seq = "text_encoder->transformer"

    def __init__(
        self,
        transformer: PixArtTransformer2DModel,
        scheduler: DPMSolverMultistepScheduler,
        text_encoder: T5EncoderModel,
        tokenizer: PreTrainedTokenizerBase,
    ) -> None:
        super().__init__()
        self.register_modules(transformer=transformer, scheduler=scheduler, text_encoder=text_encoder, tokenizer=tokenizer)

    def encode(self, prompts: Sequence[str], *, shortest: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
        """States of the text encoder and their mask, padded to `LONGEST` or to the longest of the prompts."""
        tokens = self.tokenizer(
            list(prompts),
            padding="longest" if shortest else "max_length",
            max_length=LONGEST,
            truncation=True,
            return_tensors="pt",
        ).to(self.device)
        mask = tokens["attention_mask"]
        return self._read(tokens["input_ids"], mask), mask

    @torch.inference_mode()
    def __call__(
        self,
        prompts: Sequence[str],
        *,
        negative_prompts: Sequence[str],
        generators: Sequence[torch.Generator],
        guidance: Sequence[float],
        steps: int,
    ) -> torch.Tensor:
        """Paint one picture for each prompt.

        Returns:
            Floats in 0..1 of shape (pictures, 3, height, width).
        """
        noise = [torch.randn(self.picture, generator=each) for each in generators]
        sample = torch.stack(noise).to(self.device)
        wanted, unwanted = self.encode(prompts), self.encode(negative_prompts)
        states, mask = torch.cat([unwanted[0], wanted[0]]), torch.cat([unwanted[1], wanted[1]])
        scale = torch.tensor(guidance, device=self.device, dtype=sample.dtype).view(-1, 1, 1, 1)
        self.scheduler.set_timesteps(steps, device=self.device)
        for timestep in self.progress_bar(self.scheduler.timesteps):
            if timestep >= GUIDED_ABOVE:
                without, clean = self._clean(torch.cat([sample] * 2), timestep, states, mask).chunk(2)
                clean = without + scale * (clean - without)
            else:
                clean = self._clean(sample, timestep, *wanted)
            sample = self.scheduler.step(clean.clamp(-1.1, 1.1), timestep, sample, return_dict=False)[0]
        return (sample / 2 + 0.5).clamp(0, 1)

    @property
    def picture(self) -> tuple[int, int, int]:
        """The shape of a picture: channels, height, width."""
        side = self.transformer.config.sample_size
        return self.transformer.config.in_channels, side, side

    def _read(self, tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        states: torch.Tensor = self.text_encoder(input_ids=tokens, attention_mask=mask).last_hidden_state
        return states

    def _clean(self, sample: torch.Tensor, timestep: torch.Tensor, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        timesteps = timestep.expand(len(sample)).to(sample.dtype)
        found: torch.Tensor = self.transformer(sample, encoder_hidden_states=states, encoder_attention_mask=mask, timestep=timesteps, return_dict=False)[0]
        return found
