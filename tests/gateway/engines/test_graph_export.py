"""Graphs made by torch's exporter and asked by ONNX Runtime, both for real."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from gateway.engines import decompositions
from gateway.engines.comparison import Runtime, difference
from gateway.engines.export import export, sampled
from gateway.engines.manifest import read_manifest
from kernel.errors import InvalidSpec
from tests.gateway.engines.small import Pooling, small


def test_an_exported_graph_answers_as_torch_does_at_sizes_it_was_not_exported_with(folder: Path):
    graph = read_manifest("tiny", folder).graphs["small"]

    assert [trial.sizes for trial in graph.trials] == list(small().trials())
    assert graph.worst.relative < 1e-6


def test_any_batch_and_any_length_go_in(folder: Path):
    runtime, network = Runtime(folder / "small.onnx"), Pooling()
    for batch, length in ((1, 1), (2, 31), (8, 3)):
        tokens, mask = torch.randint(0, 7, (batch, length)), torch.ones(batch, length, dtype=torch.int64)
        found = runtime.answer({"tokens": tokens.numpy(), "mask": mask.numpy()})
        wanted = [each.detach().numpy() for each in network(tokens, mask)]
        assert difference(wanted, [found["pooled"], found["states"]]).absolute < 1e-6


def test_the_manifest_has_names_types_axes_and_the_hash_of_every_file(folder: Path):
    manifest = read_manifest("tiny", folder)

    graph = manifest.graphs["small"]
    assert [(each.name, each.type, each.dims) for each in graph.inputs] == [
        ("tokens", "tensor(int64)", ("batch", "length")),
        ("mask", "tensor(int64)", ("batch", "length")),
    ]
    assert [(each.name, each.dims) for each in graph.outputs] == [("pooled", ("batch", 3)), ("states", ("batch", "length", 3))]
    assert set(graph.files) == {"small.onnx", "small.npz"}
    assert graph.opset >= 18
    assert graph.profile() == dict.fromkeys(("tokens", "mask"), ((1, 1), (4, 16), (8, 32)))
    assert set(manifest.made_with) == {"torch", "onnx", "onnxruntime"}


def test_a_sample_keeps_inputs_with_what_torch_answered(folder: Path):
    inputs, outputs = sampled(folder / "small.npz")

    wanted = Pooling()(*(torch.from_numpy(inputs[name]) for name in ("tokens", "mask")))
    assert np.array_equal(outputs["pooled"], wanted[0].detach().numpy())


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda folder: (folder / "small.onnx").write_bytes(b"other"), "small.onnx is not what was exported"),
        (lambda folder: (folder / "small.npz").unlink(), "small.npz is missing"),
        (lambda folder: (folder / "manifest.json").unlink(), "no graphs of tiny"),
        (lambda folder: (folder / "manifest.json").write_text("{}"), "cannot be read"),
    ],
)
def test_changed_files_are_refused_with_the_command_that_makes_them_anew(folder: Path, spoil, told: str):
    spoil(folder)

    with pytest.raises(InvalidSpec) as refused:
        read_manifest("tiny", folder)

    assert told in str(refused.value)
    assert f"assay engines export tiny --out {folder.parent}" in str(refused.value)


class Deciding(nn.Module):
    """Goes another way for other values, which no graph can."""

    def forward(self, tokens: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        states = tokens[..., None].float().expand(-1, -1, 3)
        return (states.mean(1), states) if tokens.sum() > 5 else (states.sum(1), states)


def test_a_network_that_cannot_be_exported_is_refused_in_one_line(tmp_path: Path):
    with pytest.raises(InvalidSpec, match=r"small: torch cannot export it: \w+"):
        export(small(Deciding()), tmp_path)


def test_what_differs_is_measured_as_it_is_and_relative_to_large_values():
    apart = difference([np.array([100.0, 0.0]), np.array([])], [np.array([99.0, 0.5]), np.array([])])

    assert apart.absolute == 1.0
    assert apart.relative == 0.01


@pytest.mark.parametrize("found", [np.array([1.0, np.nan]), np.array([1.0])])
def test_no_number_and_another_shape_are_as_wrong_as_can_be(found):
    assert difference([np.array([1.0, 2.0])], [found]).absolute == float("inf")


def test_what_is_infinite_on_both_sides_is_alike():
    endless = np.array([-np.inf, 1.0])

    assert difference([endless], [endless + np.array([0.0, 0.5])]).absolute == 0.5
    assert difference([endless], [np.array([0.0, 1.0])]).absolute == float("inf")


def test_operators_without_onnx_are_made_of_others():
    values, tests = torch.tensor([[3, 1, 4, 1, 5, 9, 2, 6], [2, 7, 1, 8, 2, 8, 1, 8]]), torch.tensor([1, 8])

    assert torch.equal(decompositions.isin(values, tests), torch.isin(values, tests))
    assert torch.equal(decompositions.cummax(values, 1)[0], torch.cummax(values, 1)[0])
    assert torch.equal(decompositions.cummin(values, 1)[0], torch.cummin(values, 1)[0])
