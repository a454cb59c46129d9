"""Graphs of checkpoints as transformers and diffusers save them, tiny and with random weights."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.engines import commands
from gateway.engines.described import graphs_of
from kernel.errors import InvalidSpec, UnknownName
from tests.model_repository import tiny_checkpoints, tiny_instruments, tiny_pipelines

MADE = {
    "clip": (tiny_instruments.clip, ["vision_tower", "text_tower"]),
    "llava": (tiny_checkpoints.llava, ["vision_encoder", "token_embedding", "decoder_step"]),
    "grounding_dino": (tiny_instruments.grounding_dino, ["detector"]),
    "stable_diffusion": (tiny_pipelines.stable_diffusion, ["text_encoder", "denoiser", "vae_decoder"]),
    "stable_diffusion_3": (tiny_pipelines.stable_diffusion_3, ["text_encoder", "text_encoder_2", "text_encoder_3", "denoiser", "vae_decoder"]),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", MADE)
def test_every_network_of_a_checkpoint_is_a_graph_that_answers_as_torch_does(name: str, tmp_path: Path):
    make, graphs = MADE[name]
    checkpoint = make(tmp_path / name)

    found = list(commands.export(str(checkpoint), out=tmp_path / "out"))

    assert sorted(finding.graph for finding in found) == sorted(graphs)
    assert all(finding.fits for finding in found), found


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda folder: (folder / "config.json").unlink(), "config.json is missing"),
        (lambda folder: (folder / "config.json").write_text("{"), "config.json: "),
        (lambda folder: (folder / "config.json").write_text(json.dumps({"architectures": ["Strange"]})), "Strange has no graphs; expected one of CLIPModel"),
        (
            lambda folder: (folder / "model.safetensors").rename(folder / "pytorch_model.bin"),
            "found pytorch_model.bin, expected *.safetensors",
        ),
    ],
)
def test_a_checkpoint_that_cannot_be_exported_is_refused(tmp_path: Path, spoil, told: str):
    folder = tiny_checkpoints.llama(tmp_path / "llama")
    spoil(folder)

    with pytest.raises(InvalidSpec) as refused:
        graphs_of(str(folder))

    assert told in str(refused.value)


def test_a_model_without_networks_of_ours_is_refused():
    with pytest.raises(InvalidSpec, match="describes no graphs"):
        graphs_of("ocr")


def test_an_unknown_model_is_told_with_the_nearest_name():
    with pytest.raises(UnknownName, match="shapes-vlm"):
        graphs_of("shapes-vml")
