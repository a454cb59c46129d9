"""The graphs of text-to-image pipelines of diffusers: their text encoders, the denoiser, and the decoder of latents."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import diffusers
import torch

from gateway.engines import of_transformers
from gateway.engines.graph import Axis, Graph, Input, masked, steps
from gateway.engines.networks import Calls
from kernel.errors import InvalidSpec

BATCH = Axis(1, 2, 8)
"""With guidance, each picture is cleaned with and without its prompt."""
WORDS = Axis(1, 77, 512)
"""Tokens of a prompt, as the text encoder hands them over."""
ENCODERS = ("CLIPTextModel", "CLIPTextModelWithProjection", "T5EncoderModel")


def graphs(folder: Path) -> list[Graph]:
    """The graphs of a pipeline. Raises `InvalidSpec` where a part is missing, or nothing of it is known."""
    try:
        parts = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise InvalidSpec(str(folder), [f"model_index.json: {error}"]) from None
    classes = {name: part[1] for name, part in parts.items() if isinstance(part, list) and part[1]}
    found = []
    for name, architecture in classes.items():
        if architecture in ENCODERS:
            found.append(of_transformers.encoder(of_transformers.loaded(folder / name, architecture), name))
        elif architecture in DENOISERS:
            found.append(DENOISERS[architecture](_loaded(folder / name, architecture)))
        elif architecture == "AutoencoderKL":
            found.append(_decoder(_loaded(folder / name, architecture), _side(folder, classes)))
    if not set(classes.values()) & set(DENOISERS):
        raise InvalidSpec(str(folder), [f"no denoiser that is known; found {', '.join(sorted(classes.values()))}, expected one of {', '.join(DENOISERS)}"])
    return found


def _loaded(folder: Path, architecture: str) -> Any:
    if not any(folder.glob("*.safetensors")):
        found = ", ".join(sorted(each.name for each in folder.glob("*.bin"))) or "no weights"
        raise InvalidSpec(str(folder), [f"found {found}, expected *.safetensors; pickles are not read"])
    network = getattr(diffusers, architecture).from_pretrained(folder, local_files_only=True, use_safetensors=True, torch_dtype=torch.float32)
    return network.eval()


def _side(folder: Path, classes: Mapping[str, str]) -> int:
    """Of the latents, as the denoiser was trained."""
    name = next((name for name, architecture in classes.items() if architecture in DENOISERS), "")
    told = json.loads((folder / name / "config.json").read_text(encoding="utf-8")) if name else {}
    side = told.get("sample_size", 64)
    return int(side)


def _latents(config: Any) -> tuple[str | int, ...]:
    return ("batch", config.in_channels, config.sample_size, config.sample_size)


def _unet(network: Any) -> Graph:
    config = network.config
    if config.addition_embed_type is not None:
        raise InvalidSpec("UNet2DConditionModel", [f"addition_embed_type is {config.addition_embed_type!r}; only a UNet without one has a graph yet"])
    names = ("sample", "timestep", "encoder_hidden_states")
    inputs = (Input("sample", _latents(config)), Input("timestep", ("batch",), steps()), _states(config.cross_attention_dim))
    return _denoiser(network, names, inputs, config.out_channels)


def _pixart(network: Any) -> Graph:
    config = network.config
    if config.use_additional_conditions or (config.use_additional_conditions is None and config.sample_size == 128):
        raise InvalidSpec("PixArtTransformer2DModel", ["it takes resolution and aspect ratio as well; only one without them has a graph yet"])
    names = ("hidden_states", "encoder_hidden_states", "encoder_attention_mask", "timestep")
    mask = Input("mask", ("batch", "length"), masked("right"))
    inputs = (Input("sample", _latents(config)), _states(config.caption_channels), mask, Input("timestep", ("batch",), steps()))
    return _denoiser(network, names, inputs, config.out_channels)


def _sd3(network: Any) -> Graph:
    config = network.config
    names = ("hidden_states", "encoder_hidden_states", "pooled_projections", "timestep")
    pooled = Input("pooled", ("batch", config.pooled_projection_dim))
    inputs = (Input("sample", _latents(config)), _states(config.joint_attention_dim), pooled, Input("timestep", ("batch",), steps()))
    return _denoiser(network, names, inputs, config.out_channels)


def _denoiser(network: Any, names: tuple[str, ...], inputs: tuple[Input, ...], channels: int) -> Graph:
    side = network.config.sample_size
    return Graph(
        name="denoiser",
        network=Calls(network, names, 0, return_dict=False),
        inputs=inputs,
        outputs={"predicted": ("batch", channels, side, side)},
        axes={"batch": BATCH, "length": WORDS},
    )


def _states(width: int) -> Input:
    return Input("states", ("batch", "length", width))


def _decoder(network: Any, side: int) -> Graph:
    """From latents, already scaled, to pictures from -1 to 1."""
    config = network.config
    larger = side * 2 ** (len(config.block_out_channels) - 1)
    return Graph(
        name="vae_decoder",
        network=Calls(network, ("z",), 0, method="decode", return_dict=False),
        inputs=(Input("latents", ("batch", config.latent_channels, side, side)),),
        outputs={"picture": ("batch", config.out_channels, larger, larger)},
        axes={"batch": Axis(1, 1, 4)},
    )


DENOISERS: Mapping[str, Callable[[Any], Graph]] = {
    "UNet2DConditionModel": _unet,
    "PixArtTransformer2DModel": _pixart,
    "SD3Transformer2DModel": _sd3,
}
