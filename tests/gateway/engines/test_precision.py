"""Precision through ModelOpt, which is not installed here: a double of it records the calls."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest

from gateway.engines import precision
from kernel.errors import InvalidSpec

SAMPLE = {"tokens": np.zeros((2, 3), np.int64)}


@pytest.mark.parametrize(("name", "capability"), [("fp32", "7.5"), ("fp16", "8.0"), ("bf16", "8.0"), ("fp8", "8.9"), ("fp8", "12.0")])
def test_a_precision_that_the_gpu_has_is_taken(name: str, capability: str):
    precision.check(name, capability)


def test_a_precision_that_the_gpu_has_not_is_refused_with_those_it_has():
    with pytest.raises(InvalidSpec, match=r"needs compute capability 8\.9; this GPU has 8\.0, expected one of fp32, fp16, bf16"):
        precision.check("fp8", "8.0")


def test_a_precision_that_there_is_not_is_refused():
    with pytest.raises(InvalidSpec, match="expected one of fp32, fp16, bf16, fp8"):
        precision.check("int3", "9.0")


def test_single_precision_needs_nothing(folder: Path, tmp_path: Path):
    assert precision.cast(folder / "small.onnx", "fp32", SAMPLE, tmp_path) == folder / "small.onnx"


def test_without_modelopt_the_refusal_says_what_to_install(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "modelopt.onnx.autocast", None)

    with pytest.raises(InvalidSpec, match=r"pip install 'nvidia-modelopt\[onnx\]'.*--precision fp32"):
        precision.cast(folder / "small.onnx", "fp16", SAMPLE, tmp_path)


def test_half_precision_is_autocasts_with_types_kept_at_the_ends(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked = {}

    def convert(**options) -> onnx.ModelProto:
        asked.update(options)
        return onnx.load(options["onnx_path"])

    monkeypatch.setitem(sys.modules, "modelopt.onnx.autocast", SimpleNamespace(convert_to_mixed_precision=convert))

    made = precision.cast(folder / "small.onnx", "bf16", SAMPLE, tmp_path)

    assert made == tmp_path / "small.bf16.onnx"
    assert made.is_file()
    assert (asked["low_precision_type"], asked["keep_io_types"]) == ("bf16", True)
    with np.load(asked["calibration_data"]) as kept:
        assert kept.files == ["tokens"]


def test_eight_bits_are_quantised_with_the_sample(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked = {}
    monkeypatch.setitem(sys.modules, "modelopt.onnx.quantization", SimpleNamespace(quantize=asked.update))

    made = precision.cast(folder / "small.onnx", "fp8", SAMPLE, tmp_path)

    assert made == tmp_path / "small.fp8.onnx"
    assert asked["quantize_mode"] == "fp8"
    assert list(asked["calibration_data"]) == ["tokens"]
