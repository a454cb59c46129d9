"""What is known of a graph before it is exported."""

from __future__ import annotations

import torch

from gateway.engines.graph import Axis, Graph, Input, masked, shape
from tests.gateway.engines.small import small


def test_a_graph_is_tried_at_sizes_that_are_not_the_examples_and_at_its_least():
    graph = small()

    tried = list(graph.trials())

    assert graph.example() not in tried
    assert {"batch": 1, "length": 1} in tried
    assert len(tried) == 3
    assert all(1 <= sizes["batch"] <= 8 and 1 <= sizes["length"] <= 32 for sizes in tried)


def test_the_last_axis_is_tried_at_its_least_while_the_others_are_long():
    cache = Graph(
        name="step",
        network=torch.nn.Identity(),
        inputs=(Input("past", ("batch", "past")),),
        outputs={},
        axes={"batch": Axis(1, 2, 8), "past": Axis(0, 4, 9)},
    )

    assert any(sizes["past"] == 0 and sizes["batch"] > 1 for sizes in cache.trials())


def test_sizes_may_be_sums_of_axes():
    assert shape(("batch", "past+length", 4), {"batch": 2, "past": 3, "length": 5}) == (2, 8, 4)


def test_a_mask_fills_up_every_second_row_on_its_side():
    chance = torch.Generator()

    assert masked("left")((2, 6), chance).tolist() == [[1] * 6, [0, 0, 1, 1, 1, 1]]
    assert masked("right")((2, 6), chance).tolist() == [[1] * 6, [1, 1, 1, 1, 0, 0]]


def test_the_same_inputs_come_again():
    graph, sizes = small(), {"batch": 2, "length": 3}

    assert all(torch.equal(one, other) for one, other in zip(graph.tensors(sizes), graph.tensors(sizes), strict=True))
