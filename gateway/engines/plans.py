"""Builds and runs TensorRT plans, against the documented Python API of TensorRT 11.

Networks are strongly typed, which is all that TensorRT 11 has. Not yet run on a GPU: tests play it against a double of TensorRT
that records the calls.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from gateway.engines.comparison import Arrays
from kernel.errors import InvalidSpec

MAJOR = 11
WORKSPACE = 4 << 30
"""Bytes that a layer may use beside its tensors."""
CACHE = "timing.cache"
TYPES = {"FLOAT": torch.float32, "HALF": torch.float16, "BF16": torch.bfloat16, "INT64": torch.int64, "INT32": torch.int32, "BOOL": torch.bool}
"""TensorRT's types of inputs and outputs as torch's."""

NO_GPU = "this machine has no GPU that torch sees, and a plan is built on the GPU that runs it; go to one with the folder of the graphs"
INSTALL = "install TensorRT 11 with its builder library, as NVIDIA's own container has it; the package registry has only bindings and the lean runtime"

Profile = Mapping[str, Sequence[tuple[int, ...]]]


@dataclass(frozen=True)
class Machine:
    """TensorRT and the GPU that it builds for. stream: the address of the stream to run on. wait: until what runs there has ended."""

    trt: Any
    gpu: str
    capability: str
    device: str
    stream: Callable[[], int]
    wait: Callable[[], None]


def this_machine() -> Machine:
    """TensorRT and the first GPU here. Raises `InvalidSpec` with what is missing."""
    if not torch.cuda.is_available():
        raise InvalidSpec("TensorRT", [NO_GPU])
    try:
        trt = importlib.import_module("tensorrt")
    except (ImportError, OSError) as error:
        raise InvalidSpec("TensorRT", [f"cannot be imported ({error}); {INSTALL}"]) from error
    if int(trt.__version__.split(".")[0]) != MAJOR:
        raise InvalidSpec("TensorRT", [f"found {trt.__version__}, expected {MAJOR}; {INSTALL}"])
    return Machine(
        trt=trt,
        gpu=torch.cuda.get_device_name(),
        capability=".".join(map(str, torch.cuda.get_device_capability())),
        device="cuda",
        stream=lambda: int(torch.cuda.current_stream().cuda_stream),
        wait=torch.cuda.synchronize,
    )


def build(machine: Machine, graph: Path, profile: Profile, cache: Path) -> bytes:
    """The plan of a graph. The timing cache is read where it fits this GPU, and written. Raises `InvalidSpec` with what TensorRT says."""
    trt = machine.trt
    logger = trt.Logger(trt.Logger.WARNING)
    builder = trt.Builder(logger)
    network = builder.create_network()
    parser = trt.OnnxParser(network, logger)
    if not parser.parse_from_file(str(graph)):
        faults = [str(parser.get_error(index)) for index in range(parser.num_errors)]
        raise InvalidSpec(str(graph), ["TensorRT's parser does not take it", *faults])
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, WORKSPACE)
    reach = builder.create_optimization_profile()
    for name, (least, usual, most) in profile.items():
        reach.set_shape(name, least, usual, most)
    if config.add_optimization_profile(reach) < 0:
        raise InvalidSpec(str(graph), [f"TensorRT takes no profile of {dict(profile)}"])
    timing = config.create_timing_cache(cache.read_bytes() if cache.is_file() else b"")
    if not config.set_timing_cache(timing, ignore_mismatch=False):
        timing = config.create_timing_cache(b"")
        config.set_timing_cache(timing, ignore_mismatch=False)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise InvalidSpec(str(graph), ["TensorRT built no plan of it; its log above says why"])
    cache.write_bytes(bytes(config.get_timing_cache().serialize()))
    return bytes(plan)


class Engine:
    """A plan, ready to run."""

    def __init__(self, machine: Machine, plan: bytes) -> None:
        self._machine = machine
        self._runtime = machine.trt.Runtime(machine.trt.Logger(machine.trt.Logger.WARNING))
        self._engine = self._runtime.deserialize_cuda_engine(plan)
        if self._engine is None:
            raise InvalidSpec("plan", ["TensorRT cannot read it; its log above says why"])
        self._context = self._engine.create_execution_context()

    def answer(self, inputs: Arrays, outputs: Sequence[str]) -> Arrays:
        """These outputs for these inputs, there and back. Raises `InvalidSpec` where TensorRT refuses them."""
        found = self.run({name: torch.from_numpy(array) for name, array in inputs.items()}, outputs)
        self._machine.wait()
        return {name: tensor.float().cpu().numpy() for name, tensor in found.items()}

    def run(self, inputs: Mapping[str, torch.Tensor], outputs: Sequence[str]) -> dict[str, torch.Tensor]:
        """These outputs for these inputs, on the GPU; they are finished when torch's stream has come so far. Raises `InvalidSpec`."""
        context, device = self._context, self._machine.device
        given = {name: tensor.to(device, self._type(name)).contiguous() for name, tensor in inputs.items()}
        for name, tensor in given.items():
            if not context.set_input_shape(name, tuple(tensor.shape)):
                raise InvalidSpec("plan", [f"input {name}: the shape {list(tensor.shape)} is outside the profile"])
        if missing := context.infer_shapes():
            raise InvalidSpec("plan", [f"inputs that nobody gave: {', '.join(missing)}"])
        made = {name: torch.empty(tuple(context.get_tensor_shape(name)), dtype=self._type(name), device=device) for name in outputs}
        for name, tensor in (*given.items(), *made.items()):
            context.set_tensor_address(name, tensor.data_ptr())
        if not context.execute_async_v3(self._machine.stream()):
            raise InvalidSpec("plan", ["TensorRT could not run it; its log above says why"])
        return made

    def _type(self, name: str) -> torch.dtype:
        return TYPES[self._engine.get_tensor_dtype(name).name]
