"""A plan as a model of Triton's TensorRT backend: the configuration that fits a graph, and what of a given one does not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2 as pb

from gateway.engines.manifest import Graph, Tensor
from gateway.repository import CONFIG
from kernel.errors import InvalidSpec

PLATFORM = "tensorrt_plan"
TYPES = {
    "tensor(float)": pb.TYPE_FP32,
    "tensor(float16)": pb.TYPE_FP16,
    "tensor(bfloat16)": pb.TYPE_BF16,
    "tensor(int64)": pb.TYPE_INT64,
    "tensor(int32)": pb.TYPE_INT32,
    "tensor(bool)": pb.TYPE_BOOL,
}
"""ONNX Runtime's names of types as Triton's."""


def configuration(model: str, graph: Graph) -> pb.ModelConfig:
    """The configuration under which Triton serves the plan of a graph as a model of that name. Raises `InvalidSpec` for one that it cannot batch."""
    if graph.streamed:
        raise InvalidSpec(model, ["what a call gives out, the next one takes in; Triton's TensorRT backend serves only graphs that are done after one call"])
    config = pb.ModelConfig(name=model, platform=PLATFORM, max_batch_size=graph.axes["batch"][2])
    config.input.extend(pb.ModelInput(**_told(each)) for each in graph.inputs)
    config.output.extend(pb.ModelOutput(**_told(each)) for each in graph.outputs)
    config.dynamic_batching.preferred_batch_size.append(graph.axes["batch"][1])
    config.dynamic_batching.max_queue_delay_microseconds = 1000
    config.instance_group.add(kind=pb.ModelInstanceGroup.KIND_GPU, count=1)
    return config


def lay_out(model: Path, plan: Path, graph: Graph) -> None:
    """Make a model folder of Triton around a plan, ready for `tritonserver --model-repository`; the plan is in it by a second name, not twice."""
    (model / "1").mkdir(parents=True, exist_ok=True)
    (model / CONFIG).write_text(text_format.MessageToString(configuration(model.name, graph)), encoding="utf-8")
    served = model / "1" / "model.plan"
    served.unlink(missing_ok=True)
    served.hardlink_to(plan)


def read(text: str) -> pb.ModelConfig:
    """A configuration in Triton's own message. Raises `InvalidSpec`."""
    try:
        return text_format.Parse(text, pb.ModelConfig())
    except text_format.ParseError as error:
        raise InvalidSpec("configuration", [str(error)]) from None


def faults(config: pb.ModelConfig, graph: Graph) -> Iterator[str]:
    """Where a configuration differs from the graph whose plan it serves."""
    if config.platform != PLATFORM:
        yield f"platform: is {config.platform!r}, expected {PLATFORM!r}"
    if not 0 < config.max_batch_size <= graph.axes["batch"][2]:
        yield f"max_batch_size: is {config.max_batch_size}, the profile has 1 to {graph.axes['batch'][2]}"
    yield from _different("input", config.input, graph.inputs)
    yield from _different("output", config.output, graph.outputs)


def _different(what: str, found: Sequence[pb.ModelInput] | Sequence[pb.ModelOutput], wanted: Sequence[Tensor]) -> Iterator[str]:
    kind = pb.ModelInput if what == "input" else pb.ModelOutput
    told = {each.name: _shown(each) for each in found}
    known = {each.name: _shown(kind(**_told(each))) for each in wanted}
    for name in sorted(told.keys() | known.keys()):
        if told.get(name) != known.get(name):
            yield f"{what} {name}: is {told.get(name)}, the graph has {known.get(name)}"


def _told(tensor: Tensor) -> dict[str, Any]:
    """A tensor without its batch, which Triton puts in front; one that is nothing but a batch is one number to the caller."""
    dims = [dim if isinstance(dim, int) else -1 for dim in tensor.dims[1:]]
    told = {"name": tensor.name, "data_type": TYPES[tensor.type], "dims": dims}
    return told if dims else {**told, "dims": [1], "reshape": pb.ModelTensorReshape(shape=[])}


def _shown(tensor: pb.ModelInput | pb.ModelOutput) -> str:
    reshaped = f" as {list(tensor.reshape.shape)}" if tensor.HasField("reshape") else ""
    return f"{pb.DataType.Name(tensor.data_type)} {list(tensor.dims)}{reshaped}"
