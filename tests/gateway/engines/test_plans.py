"""Building and verifying plans, against the double in `tensorrt_double`: no plan of TensorRT was made here, and no GPU was asked."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from gateway.engines import commands, plans
from gateway.engines.configuration import faults, read
from gateway.engines.manifest import read_manifest
from gateway.engines.plans import CACHE, WORKSPACE
from gateway.graphed import beside, plan_of
from kernel.errors import InvalidSpec
from tests.gateway.engines.tensorrt_double import SURFACE, Double, machine


def built(folder: Path, double: Double | None = None, kind: str = "fp32", **more) -> list[commands.Finding]:
    return list(commands.build("tiny", out=folder.parent, kind=kind, machine=machine(double, **more)))


def verified(folder: Path, double: Double | None = None, **more) -> list[commands.Finding]:
    return list(commands.verify("tiny", out=folder.parent, machine=machine(double, **more)))


def test_a_plan_is_built_with_the_profile_of_the_graph_and_measured_against_it(folder: Path):
    double = Double()

    [finding] = built(folder, double)

    assert (finding.graph, finding.what, finding.fits) == ("small", "plan, fp32", True)
    assert finding.error < 1e-6
    assert ("set_shape", "tokens", (1, 1), (4, 16), (8, 32)) in double.calls
    assert ("set_memory_pool_limit", "WORKSPACE", WORKSPACE) in double.calls
    assert ("create_network", 0) in double.calls
    assert ("execute_async_v3", 17) in double.calls


def test_the_timing_cache_is_kept_and_read_again(folder: Path):
    built(folder)
    double = Double()

    built(folder, double)

    assert ("set_timing_cache", b"+", False) in double.calls
    assert (folder / CACHE).read_bytes() == b"++"


def test_a_timing_cache_of_another_gpu_is_replaced(folder: Path):
    (folder / CACHE).write_bytes(b"foreign")
    double = Double(cache_fits=False)

    built(folder, double)

    assert [call for call in double.calls if call[0] == "set_timing_cache"] == [("set_timing_cache", b"foreign", False), ("set_timing_cache", b"", False)]
    assert (folder / CACHE).read_bytes() == b"+"


def test_what_was_built_stands_beside_the_plan(folder: Path):
    built(folder)

    told = beside(plan_of(folder, "small", "fp32")).read_text()

    for part in ('"tensorrt": "11.4.0.106"', '"gpu": "a double of a GPU"', '"capability": "9.0"', '"precision": "fp32"', '"profile"', '"graph"', '"relative"'):
        assert part in told


def test_a_plan_that_is_not_exact_does_not_fit(folder: Path):
    [finding] = built(folder, Double(off=0.5))

    assert not finding.fits
    assert finding.error == pytest.approx(0.5)


def test_verify_measures_graph_and_plan_again(folder: Path):
    built(folder)

    found = verified(folder)

    assert [(each.what, each.fits) for each in found] == [("graph", True), ("plan, fp32", True), ("configuration, fp32", True)]


def test_a_plan_lies_in_a_repository_of_triton_as_well(folder: Path):
    """Its configuration fits the graph, and building anew replaces what is served."""
    built(folder)
    built(folder)

    served = folder / "triton.fp32" / "tiny-small"
    config = read((served / "config.pbtxt").read_text())
    assert (config.name, config.platform) == ("tiny-small", "tensorrt_plan")
    assert list(faults(config, read_manifest("tiny", folder).graphs["small"])) == []
    assert (served / "1" / "model.plan").read_bytes() == plan_of(folder, "small", "fp32").read_bytes()


def test_verify_tells_where_a_configuration_left_its_graph(folder: Path):
    built(folder)
    config = folder / "triton.fp32" / "tiny-small" / "config.pbtxt"
    config.write_text(config.read_text().replace("max_batch_size: 8", "max_batch_size: 9"))

    [*_, found] = verified(folder)

    assert (found.what, found.fits) == ("configuration, fp32", False)
    assert "max_batch_size: is 9, the profile has 1 to 8" in found.detail


def test_verify_without_plans_tells_how_to_build_one(folder: Path):
    _, none = verified(folder)

    assert none.fits
    assert none.detail == f"none; build it on a GPU: assay engines build tiny --out {folder.parent}"


@pytest.mark.parametrize(
    ("gpu", "told"),
    [
        ({"gpu": "another GPU"}, "built for a double of a GPU (compute capability 9.0); this GPU is another GPU (9.0)"),
        ({"capability": "8.0"}, "this GPU is a double of a GPU (8.0)"),
    ],
)
def test_a_plan_of_another_gpu_is_refused_with_the_command_that_builds_it_anew(folder: Path, gpu: dict[str, str], told: str):
    built(folder)

    _, plan, _ = verified(folder, **gpu)

    assert not plan.fits
    assert told in plan.detail
    assert f"assay engines build tiny --out {folder.parent} --precision fp32" in plan.detail


def test_a_plan_of_another_tensorrt_is_refused(folder: Path):
    built(folder)
    newer = Double()
    newer.__version__ = "11.5.0.1"

    _, plan, _ = verified(folder, newer)

    assert not plan.fits
    assert "built by TensorRT 11.4.0.106; here is 11.5.0.1" in plan.detail


def test_a_plan_of_another_graph_is_refused(folder: Path):
    built(folder)
    record = beside(plan_of(folder, "small", "fp32"))
    told = record.read_text()
    record.write_text(told.replace('"graph": "', '"graph": "0'))

    _, plan, _ = verified(folder)

    assert not plan.fits
    assert "the graph is now " in plan.detail


def test_a_changed_plan_and_one_of_unknown_origin_are_refused(folder: Path):
    built(folder)
    path = plan_of(folder, "small", "fp32")
    path.write_bytes(path.read_bytes() + b" ")
    assert "its bytes are not those that were built" in verified(folder)[1].detail

    beside(path).unlink()
    assert "nobody knows whether it belongs here" in verified(folder)[1].detail


@pytest.mark.parametrize(
    ("double", "told"),
    [
        (Double(faults=["no importer for Strange"]), "TensorRT's parser does not take it; no importer for Strange"),
        (Double(fails=True), "TensorRT built no plan of it"),
    ],
)
def test_what_tensorrt_refuses_is_one_line(folder: Path, double: Double, told: str):
    with pytest.raises(InvalidSpec) as refused:
        built(folder, double)

    assert told in str(refused.value)
    assert not plan_of(folder, "small", "fp32").exists()


def test_a_machine_without_a_gpu_is_told_so(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    with pytest.raises(InvalidSpec, match="this machine has no GPU that torch sees"):
        list(commands.build("tiny", out=folder.parent))


def test_a_machine_without_the_builder_is_told_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setitem(__import__("sys").modules, "tensorrt", None)

    with pytest.raises(InvalidSpec, match="the package registry has only bindings and the lean runtime"):
        plans.this_machine()


def test_another_tensorrt_than_the_eleventh_is_refused(monkeypatch: pytest.MonkeyPatch):
    old = Double()
    old.__version__ = "10.16.1.11"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setitem(__import__("sys").modules, "tensorrt", old)

    with pytest.raises(InvalidSpec, match=r"found 10\.16\.1\.11, expected 11"):
        plans.this_machine()


def test_the_double_has_nothing_that_tensorrt_has_not():
    double = Double()
    builder = double.Builder("")
    engine = double.Runtime("").deserialize_cuda_engine

    assert set(vars(builder)) <= SURFACE["Builder"]
    assert set(vars(builder.create_builder_config())) <= SURFACE["IBuilderConfig"] | {"cache"}
    assert set(vars(double.OnnxParser(None, ""))) <= SURFACE["OnnxParser"]
    assert engine(b"no plan") is None
