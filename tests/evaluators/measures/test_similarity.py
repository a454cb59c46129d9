"""How alike embeddings are, with numbers worked out by hand."""

from __future__ import annotations

from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluators.measures.similarity import Rows, cosine, euclidean

PAIRS = [
    ([1, 0], [1, 0], 1, 0),
    ([1, 0], [0, 1], 0, sqrt(2)),
    ([1, 0], [-1, 0], -1, 2),
    ([1, 2, 2], [2, 4, 4], 1, 3),
    ([3, 4], [4, 3], 0.96, sqrt(2)),
    ([1e-30, 0], [1e-30, 1e-30], sqrt(0.5), 1e-30),
]


@pytest.mark.parametrize(("a", "b", "angle", "distance"), PAIRS)
def test_pairs_worked_out_by_hand(a: list[float], b: list[float], angle: float, distance: float) -> None:
    """The angle does not see lengths; the distance does."""
    assert cosine([a], [b]) == pytest.approx([angle])
    assert euclidean([a], [b]) == pytest.approx([distance])


def test_rows_are_compared_one_by_one_or_one_with_all() -> None:
    """In their order."""
    a, b = [pair[0] for pair in PAIRS[:3]], [pair[1] for pair in PAIRS[:3]]

    assert cosine(a, b) == pytest.approx([1, 0, -1])
    assert cosine(a[:1], b) == cosine(b, a[:1]) == pytest.approx([1, 0, -1])
    assert euclidean(a[:1], b) == euclidean(b, a[:1]) == pytest.approx([0, sqrt(2), 2])


ROWS = st.lists(st.floats(-1e6, 1e6).filter(lambda value: abs(value) > 1e-6), min_size=3, max_size=3)


@given(ROWS, ROWS, st.floats(0.01, 100))
def test_what_always_holds(a: list[float], b: list[float], scale: float) -> None:
    """Both are symmetric; the cosine is at most 1 and the same for longer rows; a row is no distance from itself."""
    assert cosine([a], [b]) == pytest.approx(cosine([b], [a]))
    assert -1 <= cosine([a], [b])[0] <= 1
    assert cosine([[value * scale for value in a]], [b]) == pytest.approx(cosine([a], [b]), abs=1e-9)
    assert euclidean([a], [b]) == euclidean([b], [a])
    assert euclidean([a], [a]) == [0]


@pytest.mark.parametrize(
    ("a", "b", "fault"),
    [
        ([[1, 2]], [[1, 2, 3]], "rows of 2 numbers and of 3"),
        ([[1], [2]], [[1], [2], [3]], "2 rows and 3; expected as many"),
        ([], [[1]], "0 rows with"),
        ([[]], [[]], "1 rows with"),
        ([[1, 2], [1]], [[1, 2], [1, 2]], "2 rows with"),
    ],
)
def test_what_cannot_be_compared_is_refused(a: Rows, b: Rows, fault: str) -> None:
    """No number is made up."""
    for measure in (cosine, euclidean):
        with pytest.raises(ValueError, match=fault):
            measure(a, b)


def test_a_row_of_zeros_has_no_direction() -> None:
    """But a distance."""
    with pytest.raises(ValueError, match="a row of zeros has no direction"):
        cosine([[1, 0], [0, 0]], [[1, 0]])
    assert euclidean([[0, 0]], [[3, 4]]) == [5]
