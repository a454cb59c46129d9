"""A double of TensorRT 11, not TensorRT: it records what it is asked to do, and ONNX Runtime gives the answers.

Its plan is the graph itself behind a few bytes. It has only names that the real bindings have, 11.4.0.106: `SURFACE` was read from
them with their libraries replaced by empty ones.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime

from gateway.engines.plans import Machine

MAGIC = b"not a TensorRT plan: "
SURFACE = {
    "Builder": {"create_network", "create_builder_config", "create_optimization_profile", "build_serialized_network"},
    "OnnxParser": {"parse_from_file", "num_errors", "get_error"},
    "IBuilderConfig": {"set_memory_pool_limit", "add_optimization_profile", "create_timing_cache", "set_timing_cache", "get_timing_cache"},
    "IOptimizationProfile": {"set_shape"},
    "ITimingCache": {"serialize"},
    "Runtime": {"deserialize_cuda_engine"},
    "ICudaEngine": {"create_execution_context", "get_tensor_dtype"},
    "IExecutionContext": {"set_input_shape", "infer_shapes", "get_tensor_shape", "set_tensor_address", "execute_async_v3"},
}
TYPES = {"tensor(float)": ("FLOAT", np.float32), "tensor(int64)": ("INT64", np.int64)}


class Double:
    """The module `tensorrt`. calls: everything that was asked, in order. off: what is added to every answer. plan: `None` where building fails.

    longest: what every axis may be at most, in the place of a profile.
    """

    __version__ = "11.4.0.106"
    MemoryPoolType = Enum("MemoryPoolType", ["WORKSPACE"])

    class Logger:
        WARNING = 2

        def __init__(self, severity: int) -> None:
            self.severity = severity

    def __init__(self, *, faults: Sequence[str] = (), off: float = 0.0, fails: bool = False, cache_fits: bool = True, longest: int = 32) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.faults, self.off, self.fails, self.cache_fits = faults, off, fails, cache_fits
        self.graph: bytes = b""
        self.longest = longest

    def log(self, *call: Any) -> None:
        self.calls.append(call)

    def Builder(self, logger: Logger) -> Any:  # noqa: N802
        def profile() -> Any:
            return SimpleNamespace(set_shape=lambda name, least, usual, most: self.log("set_shape", name, least, usual, most))

        def built(network: Any, config: Any) -> bytes | None:
            self.log("build_serialized_network")
            return None if self.fails else MAGIC + self.graph

        return SimpleNamespace(
            create_network=lambda flags=0: self.log("create_network", flags),
            create_builder_config=self._config,
            create_optimization_profile=profile,
            build_serialized_network=built,
        )

    def OnnxParser(self, network: Any, logger: Logger) -> Any:  # noqa: N802
        def parse(path: str) -> bool:
            self.graph = Path(path).read_bytes()
            self.log("parse_from_file", path)
            return not self.faults

        return SimpleNamespace(parse_from_file=parse, num_errors=len(self.faults), get_error=lambda index: self.faults[index])

    def _config(self) -> Any:
        config = SimpleNamespace(
            set_memory_pool_limit=lambda pool, size: self.log("set_memory_pool_limit", pool.name, size),
            add_optimization_profile=lambda profile: 0,
            create_timing_cache=lambda kept: SimpleNamespace(kept=kept, serialize=lambda: kept + b"+"),
            get_timing_cache=lambda: config.cache,
        )

        def set_cache(cache: Any, ignore_mismatch: bool) -> bool:
            self.log("set_timing_cache", cache.kept, ignore_mismatch)
            config.cache = cache
            return self.cache_fits or not cache.kept

        config.set_timing_cache = set_cache
        return config

    def Runtime(self, logger: Logger) -> Any:  # noqa: N802
        def read(plan: bytes) -> Any:
            return _engine(self, plan.removeprefix(MAGIC)) if plan.startswith(MAGIC) else None

        return SimpleNamespace(deserialize_cuda_engine=read)


def _engine(double: Double, graph: bytes) -> Any:
    types = {name: TYPES[datatype] for name, datatype in _types(graph).items()}
    return SimpleNamespace(
        get_tensor_dtype=lambda name: SimpleNamespace(name=types[name][0]),
        create_execution_context=lambda: _Context(double, graph, types),
    )


class _Context:
    def __init__(self, double: Double, graph: bytes, types: dict[str, Any]) -> None:
        self.double, self.types = double, types
        self.session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.addresses: dict[str, int] = {}

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        self.shapes[name] = shape
        return max(shape) <= self.double.longest

    def infer_shapes(self) -> list[str]:
        return [each.name for each in self.session.get_inputs() if each.name not in self.shapes]

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        inputs = {each: np.zeros(shape, self.types[each][1]) for each, shape in self.shapes.items()}
        return self.session.run([name], inputs)[0].shape

    def set_tensor_address(self, name: str, memory: int) -> bool:
        self.addresses[name] = memory
        return True

    def execute_async_v3(self, stream_handle: int) -> bool:
        self.double.log("execute_async_v3", stream_handle)
        inputs = {name: self._at(name, shape).copy() for name, shape in self.shapes.items()}
        for each, found in zip(self.session.get_outputs(), self.session.run(None, inputs), strict=True):
            self._at(each.name, found.shape)[...] = found + self.double.off
        return True

    def _at(self, name: str, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
        kind = np.dtype(self.types[name][1])
        size = int(np.prod(shape))
        if not size:
            return np.empty(shape, kind)  # TensorRT takes an empty input without an address as well
        memory = (ctypes.c_char * (size * kind.itemsize)).from_address(self.addresses[name])
        return np.frombuffer(memory, kind, size).reshape(shape)


def _types(graph: bytes) -> dict[str, str]:
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    return {each.name: each.type for each in (*session.get_inputs(), *session.get_outputs())}


def machine(double: Double | None = None, gpu: str = "a double of a GPU", capability: str = "9.0") -> Machine:
    """The double as a machine whose GPU is the CPU."""
    return Machine(trt=double or Double(), gpu=gpu, capability=capability, device="cpu", stream=lambda: 17, wait=lambda: None)
