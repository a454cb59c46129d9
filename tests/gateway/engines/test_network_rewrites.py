"""Where a graph's network is not the checkpoint's own forward, it answers as that does. Nothing is exported here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
import transformers
from transformers.vision_utils import get_vision_cu_seqlens, get_vision_position_ids, get_vision_window_index

from gateway.engines.described import graphs_of
from gateway.engines.graph import Graph
from tests.gateway.engines.seeing_checkpoints import qwen2_5_vl
from tests.model_repository import tiny_checkpoints, tiny_instruments, tiny_pipelines

GRIDS = torch.tensor([[1, 6, 10], [1, 2, 2], [2, 8, 4]])
"""Pictures of several proportions, none a whole number of windows in both directions, and a film of two frames."""


@pytest.mark.parametrize("make", [tiny_checkpoints.qwen2_vl, qwen2_5_vl])
def test_qwens_eye_sees_several_pictures_as_transformers_does(make, tmp_path: Path):
    folder = make(tmp_path / "qwen")
    vision = _network(folder).config.vision_config
    eye = _graphs(folder)["vision_encoder"]
    pixels = torch.randn(int(GRIDS.prod(1).sum()), *eye.inputs[0].dims[2:])
    given = {"position_ids": get_vision_position_ids(GRIDS, vision.spatial_merge_size), "frames": _numbered(get_vision_cu_seqlens(GRIDS))}
    if "window_index" in [each.name for each in eye.inputs]:
        order, ends = get_vision_window_index(GRIDS, vision.spatial_merge_size, vision.window_size, vision.patch_size)
        given |= {"window_index": order, "windows": _numbered(ends)}

    (found,) = eye.answer((pixels[None], *(tensor[None] for tensor in given.values())))

    wanted = torch.cat(_network(folder).get_image_features(pixels, GRIDS).pooler_output)
    assert [each.name for each in eye.inputs[1:]] == list(given)
    assert wanted.std() > 0.01
    assert torch.allclose(found[0], wanted, atol=1e-4, rtol=1e-4)


def test_siglip_2s_pictures_of_any_proportions_are_seen_as_transformers_sees_them(tmp_path: Path):
    folder = tiny_instruments.siglip2(tmp_path / "siglip2")
    shapes = torch.tensor([[16, 16], [3, 40], [25, 8], [1, 2]])
    mask = (torch.arange(256) < shapes.prod(1)[:, None]).to(torch.int64)
    pixels = torch.randn(len(shapes), 256, 3 * 16**2)

    (found,) = _graphs(folder)["vision_tower"].answer((pixels, mask, shapes))

    wanted = _network(folder).get_image_features(pixels, pixel_attention_mask=mask, spatial_shapes=shapes).pooler_output
    assert torch.allclose(found, wanted, atol=1e-5)


def test_idefics_3s_eye_sees_tiles_as_transformers_does(tmp_path: Path):
    folder = tiny_checkpoints.idefics3(tmp_path / "idefics3")
    tiles = torch.randn(3, 3, 32, 32)

    (found,) = _graphs(folder)["vision_encoder"].answer((tiles,))

    wanted = _network(folder).model.get_image_features(tiles[None]).pooler_output
    assert torch.allclose(found.flatten(0, 1), torch.cat(wanted), atol=1e-4)


def _sdxl(found: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.cat([found["text_encoder"]["states"], found["text_encoder_2"]["states"]], -1), found["text_encoder_2"]["pooled"]


def _sd3(found: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
    clips, long = [found["text_encoder"], found["text_encoder_2"]], found["text_encoder_3"]["states"]
    short = torch.cat([each["states"] for each in clips], -1)
    short = torch.nn.functional.pad(short, (0, long.shape[-1] - short.shape[-1]))
    return torch.cat([short, long], 1), torch.cat([each["pooled"] for each in clips], -1)


def _flux(found: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
    assert set(found["text_encoder"]) == {"pooled"}
    return found["text_encoder_2"]["states"], found["text_encoder"]["pooled"]


@pytest.mark.parametrize(
    ("make", "joined", "pooled_at"),
    [(tiny_pipelines.stable_diffusion_xl, _sdxl, 2), (tiny_pipelines.stable_diffusion_3, _sd3, 2), (tiny_pipelines.flux, _flux, 1)],
)
def test_text_encoders_give_what_their_pipeline_makes_of_a_prompt(make, joined, pooled_at: int, tmp_path: Path):
    folder = make(tmp_path / "pipeline")
    pipeline = diffusers.DiffusionPipeline.from_pretrained(folder)
    words = "a red circle"
    wanted = pipeline.encode_prompt(words, **dict.fromkeys(["prompt_2", "prompt_3"] if joined is _sd3 else ["prompt_2"], words))
    found = {}
    for name, graph in _graphs(folder).items():
        if name.startswith("text_encoder"):
            reader = getattr(pipeline, name.replace("text_encoder", "tokenizer"))
            longest = 77 if "CLIP" in type(reader).__name__ else 256 if joined is _sd3 else 512
            tokens = reader(words, padding="max_length", max_length=longest, truncation=True, return_tensors="pt").input_ids
            found[name] = dict(zip(graph.outputs, graph.answer((tokens, torch.ones_like(tokens))), strict=True))

    prompt, pooled = joined(found)

    assert torch.allclose(prompt, wanted[0], atol=1e-5)
    assert torch.allclose(pooled, wanted[pooled_at], atol=1e-5)


def _graphs(folder: Path) -> dict[str, Graph]:
    return {graph.name: graph for graph in graphs_of(str(folder))}


def _network(folder: Path) -> Any:
    config = transformers.AutoConfig.from_pretrained(folder)
    return getattr(transformers, config.architectures[0]).from_pretrained(folder).eval().requires_grad_(False)


def _numbered(ends: torch.Tensor) -> torch.Tensor:
    """From the ends of segments to the number of the segment that each place is in."""
    return torch.repeat_interleave(torch.arange(len(ends) - 1), ends.diff())
