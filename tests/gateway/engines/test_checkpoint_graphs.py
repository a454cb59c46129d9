"""Graphs of checkpoints as transformers and diffusers save them, tiny and with random weights."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from gateway.engines import commands
from gateway.engines.described import graphs_of
from gateway.engines.export import export
from gateway.engines.graph import shape
from kernel.errors import InvalidSpec, UnknownName
from tests.gateway.engines import seeing_checkpoints
from tests.model_repository import tiny_checkpoints, tiny_instruments, tiny_pipelines

MADE = {
    "clip": (tiny_instruments.clip, ["vision_tower", "text_tower"]),
    "llava": (tiny_checkpoints.llava, ["vision_encoder", "token_embedding", "decoder_step"]),
    "grounding_dino": (tiny_instruments.grounding_dino, ["detector"]),
    "stable_diffusion": (tiny_pipelines.stable_diffusion, ["text_encoder", "denoiser", "vae_decoder"]),
    "stable_diffusion_3": (tiny_pipelines.stable_diffusion_3, ["text_encoder", "text_encoder_2", "text_encoder_3", "denoiser", "vae_decoder"]),
}
SEEING = ["vision_encoder", "token_embedding", "decoder_step"]
OF_THEIR_OWN = {
    "stable_diffusion_xl": (tiny_pipelines.stable_diffusion_xl, ["text_encoder", "text_encoder_2", "denoiser", "vae_decoder"], ["text_encoder_2", "denoiser"]),
    "flux": (partial(tiny_pipelines.flux, guided=True), ["text_encoder", "text_encoder_2", "denoiser", "vae_decoder"], ["text_encoder", "denoiser"]),
    "siglip": (tiny_instruments.siglip, ["vision_tower", "text_tower"], ["vision_tower", "text_tower"]),
    "siglip2": (tiny_instruments.siglip2, ["vision_tower", "text_tower"], ["vision_tower"]),
    "owlv2": (tiny_instruments.owlv2, ["detector"], ["detector"]),
    "owlvit": (tiny_instruments.owlvit, ["detector"], []),
    "mm_grounding_dino": (tiny_instruments.mm_grounding_dino, ["detector"], []),
    "qwen2_vl": (tiny_checkpoints.qwen2_vl, SEEING, ["vision_encoder", "decoder_step"]),
    "qwen2_5_vl": (seeing_checkpoints.qwen2_5_vl, SEEING, ["vision_encoder"]),
    "idefics3": (tiny_checkpoints.idefics3, SEEING, ["vision_encoder"]),
    "smolvlm": (seeing_checkpoints.smolvlm, SEEING, []),
    "toxicity": (tiny_instruments.toxicity, ["classifier"], ["classifier"]),
    "nsfw": (tiny_instruments.nsfw, ["classifier"], ["classifier"]),
}
"""A checkpoint, its graphs, and those of them whose networks no other checkpoint has; only these are exported, for each takes seconds."""


@pytest.mark.slow
@pytest.mark.parametrize("name", MADE)
def test_every_network_of_a_checkpoint_is_a_graph_that_answers_as_torch_does(name: str, tmp_path: Path):
    make, graphs = MADE[name]
    checkpoint = make(tmp_path / name)

    found = list(commands.export(str(checkpoint), out=tmp_path / "out"))

    assert sorted(finding.graph for finding in found) == sorted(graphs)
    assert all(finding.fits for finding in found), found


@pytest.mark.slow
@pytest.mark.parametrize(("name", "graph"), [(name, graph) for name, (_, _, own) in OF_THEIR_OWN.items() for graph in own])
def test_a_network_that_only_one_checkpoint_has_is_a_graph_that_answers_as_torch_does(name: str, graph: str, tmp_path: Path):
    graphs = {each.name: each for each in graphs_of(str(OF_THEIR_OWN[name][0](tmp_path / name)))}

    made = export(graphs[graph], tmp_path)

    assert made.worst.relative <= made.tolerance


@pytest.mark.parametrize("name", OF_THEIR_OWN)
def test_a_checkpoint_has_the_graphs_of_its_architecture_with_the_shapes_they_are_described_with(name: str, tmp_path: Path):
    make, graphs, _ = OF_THEIR_OWN[name]

    found = graphs_of(str(make(tmp_path / name)))

    assert sorted(graph.name for graph in found) == sorted(graphs)
    for graph in found:
        sizes = next(graph.trials())
        answers = graph.answer(graph.tensors(sizes))
        assert [tuple(answer.shape) for answer in answers] == [shape(dims, sizes) for dims in graph.outputs.values()], graph.name


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


def test_a_network_that_no_graph_can_be_is_refused_with_the_reason(tmp_path: Path):
    with pytest.raises(InvalidSpec, match="LongformerForSequenceClassification cannot be exported: which words look at all others"):
        graphs_of(str(tiny_instruments.refusals(tmp_path / "refusals")))


def test_a_refiner_of_pictures_is_refused(tmp_path: Path):
    index = tiny_pipelines.stable_diffusion_xl(tmp_path / "refiner") / "model_index.json"
    index.write_text(json.dumps({**json.loads(index.read_text()), "requires_aesthetics_score": True}))

    with pytest.raises(InvalidSpec, match="a refiner of SDXL"):
        graphs_of(str(index.parent))


def test_a_model_without_networks_of_ours_is_refused():
    with pytest.raises(InvalidSpec, match="describes no graphs"):
        graphs_of("ocr")


def test_an_unknown_model_is_told_with_the_nearest_name():
    with pytest.raises(UnknownName, match="shapes-vlm"):
        graphs_of("shapes-vml")
