"""Boxes: where they lie to each other, and how much they share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluators.measures.boxes import Box, overlap, relation

MIDDLE = (40.0, 40.0, 60.0, 60.0)

RIGHT = [
    ((0, 40, 20, 60), "left of"),
    ((80, 40, 100, 60), "right of"),
    ((40, 0, 60, 20), "above"),
    ((40, 80, 60, 100), "below"),
    ((0, 30, 20, 50), "left of"),
    ((80, 50, 100, 70), "right of"),
    ((30, 0, 50, 20), "above"),
    ((50, 80, 70, 100), "below"),
    ((39, 40, 59, 60), "left of"),  # overlapping, but to one side
    ((41, 40, 61, 60), "right of"),
    ((45, 0, 55, 100.5), "below"),  # by its middle
]
WRONG = [
    ((0, 40, 20, 60), "right of"),
    ((80, 40, 100, 60), "left of"),
    ((40, 0, 60, 20), "below"),
    ((40, 80, 60, 100), "above"),
    ((0, 0, 20, 20), "left of"),  # exactly diagonal
    ((0, 0, 20, 20), "above"),
    ((80, 80, 100, 100), "right of"),
    ((80, 80, 100, 100), "below"),
    (MIDDLE, "left of"),  # the same place
    (MIDDLE, "below"),
    ((0, 10, 20, 30), "above"),
]


@pytest.mark.parametrize(("box", "expected"), RIGHT)
def test_relation_is_told_by_the_greater_offset(box: Box, expected: str) -> None:
    """The middle of the first box, as seen from the middle of the second."""
    assert expected == relation(box, MIDDLE)


@pytest.mark.parametrize(("box", "unexpected"), WRONG)
def test_no_other_relation_is_told(box: Box, unexpected: str) -> None:
    """Neither the opposite, nor one that is not clear."""
    assert unexpected != relation(box, MIDDLE)


def test_more_clarity_can_be_asked_for() -> None:
    """Steeper, and farther apart."""
    box = (0, 20, 20, 40)

    assert relation(box, MIDDLE) == "left of"
    assert relation(box, MIDDLE, dominance=2.5) is None
    assert relation(box, MIDDLE, least=40) is None


BOXES = st.tuples(st.floats(0, 50), st.floats(0, 50), st.floats(50, 100), st.floats(50, 100))
MIRRORED = {"left of": "right of", "right of": "left of", "above": "below", "below": "above", None: None}


@given(BOXES, BOXES)
def test_looking_back_turns_the_relation_round(a: Box, b: Box) -> None:
    """If a is left of b, b is right of a."""
    assert MIRRORED[relation(a, b)] == relation(b, a)


@given(BOXES, BOXES)
def test_overlap_is_symmetric_and_a_share(a: Box, b: Box) -> None:
    """Between nothing and all."""
    assert overlap(a, b) == overlap(b, a)
    assert 0 <= overlap(a, b) <= 1


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ((0, 0, 10, 10), (0, 0, 10, 10), 1.0),
        ((0, 0, 10, 10), (10, 0, 20, 10), 0.0),
        ((0, 0, 10, 10), (5, 0, 15, 10), 1 / 3),
        ((0, 0, 0, 0), (0, 0, 0, 0), 0.0),
        ((0, 0, 10, 10), (2, 2, 8, 8), 0.36),
    ],
)
def test_overlap_of_known_boxes(a: Box, b: Box, expected: float) -> None:
    """Intersection over union."""
    assert expected == pytest.approx(overlap(a, b))
