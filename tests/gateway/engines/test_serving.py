"""A folder of graphs as it is served: through ONNX Runtime, and as plans through the double of TensorRT. What does not belong is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gateway.engines import commands
from gateway.engines.export import sampled
from gateway.engines.serving import Networks
from gateway.graphed import MANIFEST, plan_of
from kernel.errors import InvalidSpec
from tests.gateway.engines.small import Pooling
from tests.gateway.engines.tensorrt_double import Double, machine


@pytest.fixture
def planned(folder: Path) -> Path:
    """The graphs with plans of the double."""
    list(commands.build("tiny", out=folder.parent, kind="fp32", machine=machine()))
    return folder


def opened(folder: Path, runtime: str, **more) -> Networks:
    given = {"precision": "fp32", "machine": machine()} if runtime == "tensorrt" else {}
    return Networks(folder, runtime, **{**given, **more})


@pytest.mark.parametrize("runtime", ["onnx", "tensorrt"])
@pytest.mark.parametrize(("batch", "length"), [(1, 1), (3, 7), (8, 32)])
def test_a_graph_takes_and_gives_named_tensors_of_any_size_in_its_profile(planned: Path, runtime: str, batch: int, length: int):
    tokens, mask = torch.randint(0, 7, (batch, length)), torch.ones(batch, length, dtype=torch.int64)
    network = opened(planned, runtime)["small"]

    found = network(mask=mask, tokens=tokens)

    with torch.no_grad():
        pooled, states = Pooling()(tokens, mask)
    assert list(found) == ["pooled", "states"]
    torch.testing.assert_close(found["pooled"], pooled)
    torch.testing.assert_close(found["states"], states)


@pytest.mark.parametrize("runtime", ["onnx", "tensorrt"])
def test_tensors_of_another_type_or_order_in_memory_are_taken(planned: Path, runtime: str):
    inputs, outputs = sampled(planned / "small.npz")
    given = {name: torch.from_numpy(array).int().T.contiguous().T for name, array in inputs.items()}

    found = opened(planned, runtime)["small"](**given)

    torch.testing.assert_close(found["pooled"], torch.from_numpy(outputs["pooled"]))


def test_plans_run_one_after_another_without_waiting_for_the_gpu(planned: Path):
    waits, double = [], Double()
    network = opened(planned, "tensorrt", machine=replace(machine(double), wait=lambda: waits.append(1)))["small"]

    for _ in range(3):
        network(tokens=torch.zeros(2, 3, dtype=torch.int64), mask=torch.ones(2, 3, dtype=torch.int64))

    assert [call for call in double.calls if call[0] == "execute_async_v3"] == [("execute_async_v3", 17)] * 3
    assert waits == []


def test_what_is_outside_the_profile_is_refused(planned: Path):
    with pytest.raises(InvalidSpec, match=r"input tokens: the shape \[1, 33\] is outside the profile"):
        opened(planned, "tensorrt")["small"](tokens=torch.zeros(1, 33), mask=torch.ones(1, 33))


def test_a_plan_of_another_gpu_is_refused_with_the_command_that_builds_it(planned: Path):
    with pytest.raises(InvalidSpec) as refused:
        opened(planned, "tensorrt", machine=machine(gpu="another GPU"))

    assert "this GPU is another GPU" in str(refused.value)
    assert f"assay engines build tiny --out {planned.parent} --precision fp32" in str(refused.value)


def test_a_plan_in_another_precision_was_not_built(planned: Path):
    with pytest.raises(InvalidSpec, match="assay engines build tiny .* --precision bf16"):
        opened(planned, "tensorrt", precision="bf16")


@pytest.mark.parametrize("runtime", ["onnx", "tensorrt"])
@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda folder: (folder / MANIFEST).unlink(), "no graphs of tiny"),
        (lambda folder: (folder / "small.onnx").write_bytes(b"other"), "small.onnx is not what was exported"),
        (lambda folder: (folder / "small.onnx").unlink(), "small.onnx is missing"),
    ],
)
def test_graphs_that_are_missing_or_changed_are_refused(planned: Path, runtime: str, spoil, told: str):
    spoil(planned)

    with pytest.raises(InvalidSpec) as refused:
        opened(planned, runtime)

    assert told in str(refused.value)
    assert f"assay engines export tiny --out {planned.parent}" in str(refused.value)


def test_a_changed_plan_is_refused(planned: Path):
    plan_of(planned, "small", "fp32").write_bytes(b"other")

    with pytest.raises(InvalidSpec, match="its bytes are not those that were built"):
        opened(planned, "tensorrt")


def test_another_models_folder_is_told_by_its_graphs(folder: Path):
    with pytest.raises(InvalidSpec, match="has the graphs small; expected decoder_step among them"):
        opened(folder, "onnx")["decoder_step"]


def test_an_unknown_runtime_is_refused(folder: Path):
    with pytest.raises(InvalidSpec, match="runtime is 'torch'; expected one of onnx, tensorrt"):
        opened(folder, "torch")


def test_a_plan_needs_a_gpu(planned: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    with pytest.raises(InvalidSpec, match="this machine has no GPU that torch sees"):
        Networks(planned, "tensorrt", precision="fp32")
