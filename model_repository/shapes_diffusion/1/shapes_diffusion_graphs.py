"""The graphs of shapes_diffusion for `assay engines`: its text encoder and its denoiser. It paints in pixels and has no decoder of latents."""

from __future__ import annotations

import torch
from painter import PIPELINE, TOGETHER
from shapes_pipeline import LONGEST, ShapesPipeline

from gateway.engines.graph import Axis, Graph, Input, below, masked, steps
from gateway.engines.networks import Calls

BATCH = Axis(1, TOGETHER, 2 * TOGETHER)
"""Twice as many as are painted together: with guidance, each is cleaned with and without its prompt."""
LENGTH = Axis(1, LONGEST, LONGEST)


def graphs() -> list[Graph]:
    """What `ShapesPipeline` calls of its networks, as graphs."""
    pipeline = ShapesPipeline.from_pretrained(PIPELINE, local_files_only=True, dtype=torch.float32, low_cpu_mem_usage=False)
    encoder, denoiser = pipeline.text_encoder.eval(), pipeline.transformer.eval()
    encoder.set_attn_implementation("eager")  # torch's exporter cannot take apart its fused attention with a bias
    width, (channels, side) = encoder.config.d_model, (denoiser.config.in_channels, denoiser.config.sample_size)
    picture = ("batch", channels, side, side)
    read = Graph(
        name="text_encoder",
        network=Calls(encoder, ("input_ids", "attention_mask"), "last_hidden_state"),
        inputs=(Input("input_ids", ("batch", "length"), below(encoder.config.vocab_size)), Input("attention_mask", ("batch", "length"), masked("right"))),
        outputs={"states": ("batch", "length", width)},
        axes={"batch": BATCH, "length": LENGTH},
    )
    names = ("hidden_states", "encoder_hidden_states", "encoder_attention_mask", "timestep")
    clean = Graph(
        name="denoiser",
        network=Calls(denoiser, names, 0, return_dict=False),
        inputs=(
            Input("sample", picture),
            Input("states", ("batch", "length", width)),
            Input("mask", ("batch", "length"), masked("right")),
            Input("timestep", ("batch",), steps()),
        ),
        outputs={"clean": picture},
        axes={"batch": BATCH, "length": LENGTH},
    )
    return [read, clean]
