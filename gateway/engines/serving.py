"""The graphs of a model as they are served: each takes named tensors and gives named tensors, through ONNX Runtime or as a TensorRT plan.

For a `model.py` in the model repository. ONNX Runtime computes on the GPU where it offers CUDA, else on the CPU. What goes into a graph
and what comes out stays on its device, so the cache of a language model never leaves the GPU.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Protocol, TypeAlias, get_args

import numpy as np
import torch

from gateway.engines import belonging, comparison, manifest, plans
from gateway.engines.graph import shape
from gateway.engines.manifest import read_manifest
from gateway.engines.plans import Engine, Machine
from gateway.graphed import PRECISION, plan_of
from kernel.errors import InvalidSpec

RuntimeName = Literal["onnx", "tensorrt"]
CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
TYPES: Mapping[str, tuple[torch.dtype, type[np.generic]]] = {
    "tensor(float)": (torch.float32, np.float32),
    "tensor(float16)": (torch.float16, np.float16),
    "tensor(int64)": (torch.int64, np.int64),
    "tensor(int32)": (torch.int32, np.int32),
    "tensor(bool)": (torch.bool, np.bool_),
}
"""ONNX Runtime's names of types as torch's and numpy's."""

Tensors: TypeAlias = dict[str, torch.Tensor]


class Network(Protocol):
    """One graph. graph: what it takes and gives."""

    graph: manifest.Graph

    def __call__(self, **inputs: torch.Tensor) -> Tensors:
        """All outputs, by their names, where the inputs are: on the device of the networks."""
        ...


class Networks:
    """The graphs in a folder that `assay engines export` made, by their names. Raises `InvalidSpec` with the command that mends what is wrong.

    device: where tensors have to be that go in. precision: of the plans; graphs for ONNX Runtime have the one that they were exported with.
    """

    def __init__(self, folder: Path, runtime: str, *, precision: str = PRECISION, machine: Machine | None = None) -> None:
        if runtime not in get_args(RuntimeName):
            raise InvalidSpec(str(folder), [f"runtime is {runtime!r}; expected one of {', '.join(get_args(RuntimeName))}"])
        self.folder = folder
        found = read_manifest(folder.name, folder)
        self._networks: dict[str, Network] = {}
        if runtime == "onnx":
            self.device = torch.device("cuda" if comparison.offers(CUDA) and torch.cuda.is_available() else "cpu")
            for name, graph in found.graphs.items():
                self._networks[name] = OnnxNetwork(folder / f"{name}.onnx", graph, self.device)
        else:
            machine = machine or plans.this_machine()
            self.device = torch.device(machine.device)
            for name, graph in found.graphs.items():
                belonging.read_plan(folder, name, precision, graph, machine)
                self._networks[name] = PlanNetwork(plan_of(folder, name, precision), graph, machine)

    def __getitem__(self, name: str) -> Network:
        if name not in self._networks:
            raise InvalidSpec(str(self.folder), [f"has the graphs {', '.join(self._networks)}; expected {name} among them, so it is another model's folder"])
        return self._networks[name]

    def __contains__(self, name: str) -> bool:
        return name in self._networks


class OnnxNetwork:
    """A graph in ONNX Runtime, bound to the memory of torch's tensors."""

    def __init__(self, path: Path, graph: manifest.Graph, device: torch.device) -> None:
        self.graph = graph
        self._device = device
        self._types = {each.name: TYPES[each.type] for each in (*graph.inputs, *graph.outputs)}
        self._session = comparison.session(path, [CUDA, CPU] if device.type == "cuda" else [CPU])

    def __call__(self, **inputs: torch.Tensor) -> Tensors:
        """All outputs."""
        given = {name: tensor.to(self._device, self._types[name][0]).contiguous() for name, tensor in inputs.items()}
        sizes = {dim: size for each in self.graph.inputs for dim, size in zip(each.dims, given[each.name].shape, strict=True) if isinstance(dim, str)}
        made = {each.name: torch.empty(shape(each.dims, sizes), dtype=self._types[each.name][0], device=self._device) for each in self.graph.outputs}
        binding = self._session.io_binding()
        for bind, tensors in ((binding.bind_input, given), (binding.bind_output, made)):
            for name, tensor in tensors.items():
                bind(name, self._device.type, self._device.index or 0, self._types[name][1], tuple(tensor.shape), tensor.data_ptr())
        if self._device.type == "cuda":
            torch.cuda.current_stream().synchronize()  # ONNX Runtime computes on a stream of its own, and waits for that one itself
        self._session.run_with_iobinding(binding)
        return made


class PlanNetwork:
    """A TensorRT plan on the GPU."""

    def __init__(self, plan: Path, graph: manifest.Graph, machine: Machine) -> None:
        self.graph = graph
        self._names = [each.name for each in graph.outputs]
        self._engine = Engine(machine, plan.read_bytes())

    def __call__(self, **inputs: torch.Tensor) -> Tensors:
        """All outputs. What is computed next on torch's stream finds them finished."""
        return self._engine.run(inputs, self._names)
