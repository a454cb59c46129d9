"""Makes an ONNX graph of a network with torch's exporter, and checks it with ONNX Runtime at other sizes than the example's."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

from gateway.engines import manifest
from gateway.engines.comparison import Arrays, Runtime, difference
from gateway.engines.decompositions import TABLE
from gateway.engines.graph import Dims, Graph, Sizes
from kernel.errors import InvalidSpec

INPUT, OUTPUT = "input:", "output:"
"""Before the names of tensors in a sample."""


class _Positional(nn.Module):
    """Takes any number of tensors, which is how all graphs are called."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *tensors: torch.Tensor) -> Any:
        return self.network(*tensors)


def export(graph: Graph, folder: Path) -> manifest.Graph:
    """Write the graph into a folder, with a sample of inputs and outputs, and check it. Raises `InvalidSpec` where it cannot be exported."""
    path = folder / f"{graph.name}.onnx"
    for old in folder.glob(f"{graph.name}.onnx*"):
        old.unlink()
    with _quiet():
        try:
            captured = torch.export.export(_Positional(graph.network).eval(), graph.tensors(graph.example()), dynamic_shapes=(_axes(graph),), strict=False)
            _without_idle_squeezes(captured)
            if any(node.target in TABLE for node in captured.graph.nodes):
                captured = captured.run_decompositions(dict(TABLE))
            program = torch.onnx.export(
                captured, input_names=[each.name for each in graph.inputs], output_names=list(graph.outputs), dynamo=True, verbose=False
            )
        except (torch.onnx.OnnxExporterError, RuntimeError, ValueError) as error:
            raise InvalidSpec(graph.name, [f"torch cannot export it: {_cause(error)}"]) from error
        if program is not None:
            program.save(path)
    return _recorded(graph, path)


def _without_idle_squeezes(captured: torch.export.ExportedProgram) -> None:
    """Take out the squeezes of an axis longer than 1: torch lets them pass, ONNX does not, and the exporter writes them down as they are."""
    squeezes = captured.graph.find_nodes(op="call_function", target=torch.ops.aten.squeeze.dim)
    for node in squeezes:
        source, place = node.args
        if source.meta["val"].shape[place] != 1:
            node.replace_all_uses_with(source)
            captured.graph.erase_node(node)


def _recorded(graph: Graph, path: Path) -> manifest.Graph:
    runtime = Runtime(path)
    trials: list[manifest.Trial] = []
    sample = f"{graph.name}.npz"
    for sizes in graph.trials():
        inputs, wanted = _asked(graph, sizes)
        found = runtime.answer(inputs)
        apart = difference(list(wanted.values()), [found[name] for name in wanted])
        if not trials:
            named = {INPUT + name: array for name, array in inputs.items()} | {OUTPUT + name: array for name, array in wanted.items()}
            np.savez(path.parent / sample, **named)
        trials.append(manifest.Trial(sizes=dict(sizes), absolute=apart.absolute, relative=apart.relative))
    files = [path, *sorted(path.parent.glob(f"{path.name}.*")), path.parent / sample]
    return manifest.Graph(
        files={each.name: manifest.sha256(each) for each in files},
        opset=_opset(path),
        inputs=tuple(_tensor(each.name, each.dims, runtime.inputs) for each in graph.inputs),
        outputs=tuple(_tensor(name, dims, runtime.outputs) for name, dims in graph.outputs.items()),
        axes={name: (axis.least, axis.usual, axis.most) for name, axis in graph.axes.items()},
        tolerance=graph.tolerance,
        streamed=graph.streamed,
        trials=tuple(trials),
        sample=sample,
    )


def sampled(path: Path) -> tuple[Arrays, Arrays]:
    """The inputs of a sample, and what torch gave for them."""
    with np.load(path) as kept:
        arrays = {name: kept[name] for name in kept.files}
    inputs, outputs = ({name.removeprefix(mark): array for name, array in arrays.items() if name.startswith(mark)} for mark in (INPUT, OUTPUT))
    return inputs, outputs


def versions() -> dict[str, str]:
    """Of the libraries that make a graph."""
    return {"torch": torch.__version__, "onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__}


def _asked(graph: Graph, sizes: Sizes) -> tuple[Arrays, Arrays]:
    tensors = graph.tensors(sizes, seed=1)
    inputs = {each.name: tensor.numpy() for each, tensor in zip(graph.inputs, tensors, strict=True)}
    return inputs, {name: tensor.numpy() for name, tensor in zip(graph.outputs, graph.answer(tensors), strict=True)}


def _axes(graph: Graph) -> tuple[dict[int, Any], ...]:
    """One symbol for every axis that is free, wherever it stands; what a sum of axes comes to is found by the exporter."""
    symbols = {name: torch.export.Dim(name, min=axis.least, max=axis.most) for name, axis in graph.axes.items() if axis.least < axis.most}
    return tuple({place: symbols.get(dim, torch.export.Dim.AUTO) for place, dim in enumerate(each.dims) if isinstance(dim, str)} for each in graph.inputs)


def _tensor(name: str, dims: Dims, found: dict[str, tuple[str, tuple[Any, ...]]]) -> manifest.Tensor:
    datatype, places = found[name]
    fixed = {place: dim for place, dim in enumerate(dims) if isinstance(dim, int)}
    if len(places) != len(dims) or any(places[place] != dim for place, dim in fixed.items()):
        raise InvalidSpec(name, [f"the exported graph has the shape {list(places)}; its description says {list(dims)}"])
    return manifest.Tensor(name=name, type=datatype, dims=dims)


def _opset(path: Path) -> int:
    return next(each.version for each in onnx.load(path, load_external_data=False).opset_import if not each.domain)


def _cause(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {' '.join(str(error).split()):.400}"


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter warns of its own parts, and of packages that none of our graphs needs."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
