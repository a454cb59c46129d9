"""The graphs of text-to-image pipelines of diffusers: their text encoders, the denoiser, and the decoder of latents."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import torch
from torch import nn

from gateway.engines import of_transformers
from gateway.engines.graph import Axis, Graph, Input, masked, steps
from gateway.engines.networks import Calls, encoder
from kernel.errors import InvalidSpec

BATCH = Axis(1, 2, 8)
"""With guidance, each picture is cleaned with and without its prompt."""
WORDS = Axis(1, 77, 512)
"""Tokens of a prompt, as the text encoder hands them over."""
TIMESTEP = Input("timestep", ("batch",), steps())
SIZES = 6
"""Numbers that tell SDXL the size of the picture, of the one it was cut from, and where."""


def graphs(folder: Path) -> list[Graph]:
    """The graphs of a pipeline. Raises `InvalidSpec` where a part is missing, or nothing of it is known."""
    try:
        parts = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise InvalidSpec(str(folder), [f"model_index.json: {error}"]) from None
    classes = {name: part[1] for name, part in parts.items() if isinstance(part, list) and part[1]}
    if parts.get("requires_aesthetics_score"):
        raise InvalidSpec(str(folder), ["a refiner of SDXL, which begins from a picture; only pipelines that begin from a text have graphs"])
    read = _reading(classes)
    found = []
    for name, architecture in classes.items():
        if architecture in read:
            found.append(read[architecture](of_transformers.loaded(folder / name, architecture), name))
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


def _side(folder: Path, classes: Mapping[str, str]) -> int | None:
    """Of the latents, as the denoiser was trained; FLUX is not bound to any."""
    name = next((name for name, architecture in classes.items() if architecture in DENOISERS), "")
    told = json.loads((folder / name / "config.json").read_text(encoding="utf-8")) if name else {}
    side: int | None = told.get("sample_size")
    return side


def _reading(classes: Mapping[str, str]) -> Mapping[str, Callable[[Any, str], Graph]]:
    """What a pipeline takes of each kind of text encoder."""
    plain: Callable[[Any, str], Graph] = encoder
    if "FluxTransformer2DModel" in classes.values():
        plain = _whole_prompt
    elif "text_encoder_2" in classes:
        plain = _inner_states
    return {"CLIPTextModel": plain, "CLIPTextModelWithProjection": _both, "T5EncoderModel": encoder}


def _inner_states(network: Any, name: str) -> Graph:
    """The states of all tokens before the last layer."""
    states = encoder(network, name)
    return replace(states, network=_Inner(network))


def _both(network: Any, name: str) -> Graph:
    """The states before the last layer, and one for the whole prompt."""
    states = encoder(network, name)
    return replace(states, network=_Inner(network, "text_embeds"), outputs={**states.outputs, "pooled": ("batch", network.config.projection_dim)})


def _whole_prompt(network: Any, name: str) -> Graph:
    """One state for the whole prompt."""
    states = encoder(network, name)
    names = tuple(each.name for each in states.inputs)
    return replace(states, network=Calls(network, names, "pooler_output"), outputs={"pooled": ("batch", network.config.hidden_size)})


class _Inner(nn.Module):
    """What SDXL and Stable Diffusion 3 read of CLIP."""

    def __init__(self, network: nn.Module, pooled: str | None = None) -> None:
        super().__init__()
        self.network, self.pooled = network, pooled

    def forward(self, tokens: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, ...]:
        found = self.network(input_ids=tokens, attention_mask=mask, output_hidden_states=True)
        return (found.hidden_states[-2], *([] if self.pooled is None else [getattr(found, self.pooled)]))


def _latents(config: Any) -> Input:
    return Input("sample", ("batch", config.in_channels, config.sample_size, config.sample_size))


def _unet(network: Any) -> Graph:
    config = network.config
    names = ("sample", "timestep", "encoder_hidden_states")
    inputs: tuple[Input, ...] = (_latents(config), TIMESTEP, _states(config.cross_attention_dim))
    if config.addition_embed_type is None:
        return _denoiser(config, _first(network, names), inputs)
    if config.addition_embed_type != "text_time":
        found = f"addition_embed_type is {config.addition_embed_type!r}"
        raise InvalidSpec("UNet2DConditionModel", [f"{found}; only a UNet without one, or with 'text_time' as SDXL's, has a graph"])
    pooled = config.projection_class_embeddings_input_dim - SIZES * config.addition_time_embed_dim
    inputs = (*inputs, Input("pooled", ("batch", pooled)), Input("time_ids", ("batch", SIZES), steps(1024)))
    return _denoiser(config, _Sized(network), inputs)


class _Sized(nn.Module):
    """SDXL's UNet, which is told how large the picture is, was, and where it was cut."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, sample: torch.Tensor, timestep: torch.Tensor, states: torch.Tensor, pooled: torch.Tensor, sizes: torch.Tensor) -> Any:
        return self.network(sample, timestep, states, added_cond_kwargs={"text_embeds": pooled, "time_ids": sizes}, return_dict=False)[0]


def _pixart(network: Any) -> Graph:
    config = network.config
    if config.use_additional_conditions or (config.use_additional_conditions is None and config.sample_size == 128):
        raise InvalidSpec("PixArtTransformer2DModel", ["it takes resolution and aspect ratio as well; only one without them has a graph yet"])
    names = ("hidden_states", "encoder_hidden_states", "encoder_attention_mask", "timestep")
    mask = Input("mask", ("batch", "length"), masked("right"))
    return _denoiser(config, _first(network, names), (_latents(config), _states(config.caption_channels), mask, TIMESTEP))


def _sd3(network: Any) -> Graph:
    config = network.config
    names = ("hidden_states", "encoder_hidden_states", "pooled_projections", "timestep")
    pooled = Input("pooled", ("batch", config.pooled_projection_dim))
    return _denoiser(config, _first(network, names), (_latents(config), _states(config.joint_attention_dim), pooled, TIMESTEP))


def _flux(network: Any) -> Graph:
    """FLUX takes latents two by two, in a row of any length, with the place of each; timesteps are from 0 to 1."""
    config = network.config
    inputs = [
        Input("sample", ("batch", "places", config.in_channels)),
        _states(config.joint_attention_dim),
        Input("pooled", ("batch", config.pooled_projection_dim)),
        Input("timestep", ("batch",), steps(1)),
        Input("img_ids", ("batch", "places", 3), steps(64)),
        Input("txt_ids", ("batch", "length", 3), steps(1)),
    ]
    if config.guidance_embeds:
        inputs.append(Input("guidance", ("batch",), steps(10)))
    return Graph(
        name="denoiser",
        network=_Placed(network),
        inputs=tuple(inputs),
        outputs={"predicted": ("batch", "places", config.out_channels or config.in_channels)},
        axes={"batch": BATCH, "length": WORDS, "places": Axis(1, 4096, 8192)},
    )


class _Placed(nn.Module):
    """FLUX's transformer, whose places are the same for all of a batch: the first one's count."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, sample: torch.Tensor, states: torch.Tensor, pooled: torch.Tensor, timestep: torch.Tensor, *more: torch.Tensor) -> Any:
        seen, read, *guidance = more
        placed = {"img_ids": seen[0], "txt_ids": read[0], "guidance": guidance[0] if guidance else None}
        return self.network(sample, states, pooled, timestep, **placed, return_dict=False)[0]


def _first(network: Any, names: tuple[str, ...]) -> Calls:
    return Calls(network, names, 0, return_dict=False)


def _denoiser(config: Any, network: nn.Module, inputs: tuple[Input, ...]) -> Graph:
    return Graph(
        name="denoiser",
        network=network,
        inputs=inputs,
        outputs={"predicted": ("batch", config.out_channels, config.sample_size, config.sample_size)},
        axes={"batch": BATCH, "length": WORDS},
    )


def _states(width: int) -> Input:
    return Input("states", ("batch", "length", width))


def _decoder(network: Any, side: int | None) -> Graph:
    """From latents, already scaled, to pictures from -1 to 1."""
    config = network.config
    scale = 2 ** (len(config.block_out_channels) - 1)
    side = side or config.sample_size // scale
    return Graph(
        name="vae_decoder",
        network=Calls(network, ("z",), 0, method="decode", return_dict=False),
        inputs=(Input("latents", ("batch", config.latent_channels, side, side)),),
        outputs={"picture": ("batch", config.out_channels, side * scale, side * scale)},
        axes={"batch": Axis(1, 1, 4)},
    )


DENOISERS: Mapping[str, Callable[[Any], Graph]] = {
    "UNet2DConditionModel": _unet,
    "PixArtTransformer2DModel": _pixart,
    "SD3Transformer2DModel": _sd3,
    "FluxTransformer2DModel": _flux,
}
