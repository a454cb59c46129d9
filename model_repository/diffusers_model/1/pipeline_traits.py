"""What one pipeline takes, and within which bounds: read off its call, its networks and its tokenizers."""

from __future__ import annotations

import inspect
from functools import cached_property
from math import lcm
from typing import Any

from diffusers import DiffusionPipeline, DPMSolverSDEScheduler
from pipeline_settings import MOST_STEPS
from transformers import CLIPTokenizer

from kernel.errors import InvalidSpec

EIGHT = 8
"""What most pipelines ask of a size, whatever their networks ask."""


class Traits:
    """Looked up once, when the pipeline is loaded."""

    def __init__(self, pipeline: DiffusionPipeline) -> None:
        self._pipeline = pipeline
        self._taken = inspect.signature(type(pipeline).__call__).parameters
        self.arguments = frozenset(self._taken)
        self._denoiser = getattr(pipeline, "transformer", None) or getattr(pipeline, "unet", None)

    def default(self, name: str) -> Any:
        """What the pipeline does with an argument that is not given; `None` also for one that it does not take."""
        return self._taken[name].default if name in self._taken else None

    @cached_property
    def guidance(self) -> str | None:
        """The argument that guidance is, if it has any effect.

        Some pipelines have two: one that was distilled into the network, if it was, and the true one, which needs a negative prompt.
        """
        if self.default("guidance_scale") is None:
            return None if self.default("true_cfg_scale") is None else "true_cfg_scale"
        distilled = getattr(getattr(self._denoiser, "config", None), "guidance_embeds", True)
        return "guidance_scale" if distilled or "true_cfg_scale" not in self._taken else None

    def heeds_guidance(self, negative: str | None) -> bool:
        """Whether guidance has an effect: true guidance beside a distilled one leads away from a negative prompt, and needs it."""
        return self.guidance is not None and (self.guidance == "guidance_scale" or negative is not None)

    @cached_property
    def taken(self) -> frozenset[str]:
        """Settings of a request that can have an effect."""
        optional = {"steps": "num_inference_steps" in self._taken, "guidance": self.guidance is not None}
        sizes = dict.fromkeys(("width", "height"), {"width", "height"} <= set(self._taken))
        return frozenset({"n", "seed", *(name for name, takes in {**optional, **sizes}.items() if takes)})

    def heeds_negative(self, guidance: float | None) -> bool:
        """Whether a negative prompt has an effect, asked after a call: without true guidance it has none."""
        if "negative_prompt" not in self._taken:
            return False
        if "true_cfg_scale" in self._taken:
            return self._above_one(guidance if self.guidance == "true_cfg_scale" else self.default("true_cfg_scale"))
        return bool(getattr(self._pipeline, "do_classifier_free_guidance", self._above_one(guidance)))

    @cached_property
    def multiple(self) -> int:
        """What width and height have to be multiples of."""
        own = getattr(self._pipeline, "vae_scale_factor", EIGHT)
        scale = getattr(getattr(self._pipeline, "image_processor", None), "config", {}).get("vae_scale_factor", own)
        patch = getattr(getattr(self._denoiser, "config", None), "patch_size", None) or 1
        # A pipeline that rounds sizes to its own and scales the picture afterwards is not bound to its patches.
        patched = own if self.default("use_resolution_binning") else own * (max(patch) if isinstance(patch, list | tuple) else patch)
        return lcm(EIGHT, scale, patched)

    @cached_property
    def most_steps(self) -> int:
        """No more than the noise was divided into."""
        return min(MOST_STEPS, self._pipeline.scheduler.config.get("num_train_timesteps", MOST_STEPS))

    @cached_property
    def checks_safety(self) -> bool:
        """Whether the pipeline looks at its own pictures."""
        return getattr(self._pipeline, "safety_checker", None) is not None

    def cut_by(self, texts: list[str]) -> list[str]:
        """The tokenizers for which one of the texts is too long, so that its end is not read."""
        return [name for name, tokenizer, longest in self._tokenizers if max(len(tokenizer(text).input_ids) for text in texts) > longest]

    @cached_property
    def _tokenizers(self) -> list[tuple[str, Any, int]]:
        """Each with its longest text: CLIP's is fixed, for others the pipeline may have a bound of its own."""
        own = self.default("max_sequence_length")
        found = {name: each for name, each in self._pipeline.components.items() if name.startswith("tokenizer") and each is not None}
        bounded = {name for name, each in found.items() if own is not None and not isinstance(each, CLIPTokenizer)}
        return [(name, each, min(own, each.model_max_length) if name in bounded else each.model_max_length) for name, each in found.items()]

    @staticmethod
    def _above_one(guidance: float | None) -> bool:
        return guidance is None or guidance > 1


def reschedule(pipeline: DiffusionPipeline, name: str, checkpoint: str) -> None:
    """Give the pipeline another scheduler, with the settings of its own. Raises `InvalidSpec`.

    One whose noise does not come from the generator of each picture is not among those that can be chosen: a seed would mean nothing.
    """
    usable = {each.__name__: each for each in pipeline.scheduler.compatibles if "dummy" not in each.__module__ and each is not DPMSolverSDEScheduler}
    if name not in usable:
        own = type(pipeline.scheduler).__name__
        raise InvalidSpec(checkpoint, [f"scheduler is {name!r}; beside its own {own} this pipeline goes with {', '.join(sorted(usable))}"])
    pipeline.scheduler = usable[name].from_config(pipeline.scheduler.config)
