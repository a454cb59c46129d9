"""A graph in another precision, through ModelOpt. TensorRT 11 takes every tensor's type from the graph, so precision is put into the graph.

Inputs and outputs keep their types. fp16 and bf16 are AutoCast's; fp8 is explicit quantisation around what AutoCast leaves in fp16.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import onnx

from gateway.engines.comparison import Arrays
from kernel.errors import InvalidSpec

Precision = Literal["fp32", "fp16", "bf16", "fp8"]
TOLERANCE: dict[str, float] = {"fp32": 1e-3, "fp16": 2e-2, "bf16": 1e-1, "fp8": 1e-1}
"""The largest error of a plan against the graph, where values are above 1 relative to them. Even fp32 is TF32 on a GPU."""
LEAST_CAPABILITY: dict[str, tuple[int, int]] = {"fp32": (7, 5), "fp16": (7, 5), "bf16": (8, 0), "fp8": (8, 9)}
INSTALL = "pip install 'nvidia-modelopt[onnx]' in an environment with CUDA"


def check(precision: str, capability: str) -> None:
    """Raises `InvalidSpec` for a precision that there is not, or that the GPU does not have."""
    if precision not in get_args(Precision):
        raise InvalidSpec(f"precision {precision}", [f"expected one of {', '.join(get_args(Precision))}"])
    has = tuple(map(int, capability.split(".")))
    least = LEAST_CAPABILITY[precision]
    if has < least:
        known = ", ".join(name for name, each in LEAST_CAPABILITY.items() if has >= each) or "none"
        raise InvalidSpec(f"precision {precision}", [f"needs compute capability {least[0]}.{least[1]}; this GPU has {capability}, expected one of {known}"])


def cast(graph: Path, precision: str, sample: Arrays, folder: Path) -> Path:
    """The graph in this precision, written into a folder; the graph itself for fp32. Raises `InvalidSpec` where ModelOpt is missing."""
    if precision == "fp32":
        return graph
    made, inputs = folder / f"{graph.stem}.{precision}.onnx", folder / f"{graph.stem}.inputs.npz"
    np.savez(inputs, **sample)
    if precision == "fp8":
        _modelopt("modelopt.onnx.quantization").quantize(
            onnx_path=str(graph),
            quantize_mode="fp8",
            calibration_data=dict(sample),
            calibration_method="max",
            calibration_eps=["cpu"],
            high_precision_dtype="fp16",
            output_path=str(made),
        )
        return made
    converted = _modelopt("modelopt.onnx.autocast").convert_to_mixed_precision(
        onnx_path=str(graph), low_precision_type=precision, keep_io_types=True, calibration_data=str(inputs)
    )
    del converted.graph.value_info[:]  # AutoCast leaves shapes between the nodes that ONNX Runtime takes at their word, and some are wrong
    onnx.save(converted, made)
    return made


def _modelopt(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise InvalidSpec(module, [f"cannot be imported ({error}); {INSTALL}, or build with --precision fp32"]) from error
