"""The configurations for TensorRT, parsed with Triton's own messages; no server with a TensorRT backend was started here."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.protobuf import text_format

from gateway.engines.configuration import configuration, faults, read
from gateway.engines.manifest import read_manifest
from kernel.errors import InvalidSpec


@pytest.fixture
def graph(folder: Path):
    return read_manifest("tiny", folder).graphs["small"]


def test_a_configuration_made_for_a_graph_fits_it(graph):
    made = text_format.MessageToString(configuration("tiny", graph))

    assert list(faults(read(made), graph)) == []


def test_only_the_batch_is_left_out_and_other_axes_are_open(graph):
    made = configuration("tiny", graph)

    assert [list(each.dims) for each in made.input] == [[-1], [-1]]
    assert [list(each.dims) for each in made.output] == [[3], [-1, 3]]
    assert (made.platform, made.max_batch_size) == ("tensorrt_plan", 8)


def test_a_tensor_of_nothing_but_a_batch_is_one_number_to_the_caller(graph):
    timestep = graph.inputs[0].model_copy(update={"dims": ("batch",)})

    [made, _] = configuration("tiny", graph.model_copy(update={"inputs": (timestep, graph.inputs[1])})).input

    assert (list(made.dims), list(made.reshape.shape), made.HasField("reshape")) == ([1], [], True)


@pytest.mark.parametrize(
    ("was", "becomes", "told"),
    [
        ('name: "tokens"', 'name: "words"', "input tokens: is None, the graph has TYPE_INT64 [-1]"),
        ("TYPE_INT64", "TYPE_INT32", "input tokens: is TYPE_INT32 [-1], the graph has TYPE_INT64 [-1]"),
        ("dims: 3", "dims: 4", "output pooled: is TYPE_FP32 [4], the graph has TYPE_FP32 [3]"),
        ("max_batch_size: 8", "max_batch_size: 9", "max_batch_size: is 9, the profile has 1 to 8"),
        ('platform: "tensorrt_plan"', 'platform: "onnxruntime_onnx"', "platform: is 'onnxruntime_onnx', expected 'tensorrt_plan'"),
    ],
)
def test_what_differs_from_the_graph_is_told(graph, was: str, becomes: str, told: str):
    made = text_format.MessageToString(configuration("tiny", graph))

    assert told in list(faults(read(made.replace(was, becomes, 1)), graph))


def test_a_step_with_a_cache_has_no_configuration(graph):
    with pytest.raises(InvalidSpec, match="only graphs that are done after one call"):
        configuration("tiny", graph.model_copy(update={"streamed": True}))
