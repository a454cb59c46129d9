"""Steps of the transfer attack, on inputs whose outcome can be worked out by hand."""

from __future__ import annotations

import pytest

from evaluators.multitrust.answers_attack import ANSWERS


def test_a_step_goes_where_the_way_points_and_stays_in_the_picture():
    given = {"now": [[[[0.9, 0.1]]]], "original": [[[[0.5, 0.5]]]], "outer_momentum": [[[[0.0, 0.0]]]], "mu": 1, "ksi": "3/4"}

    found = ANSWERS["R.4/R.5", "CWA outer step"](given)

    assert found["patch"] == [[[[1.0, 0.0]]]]
    assert found["outer_momentum"][0][0][0] == pytest.approx([0.5, -0.5])


def test_a_spectrum_of_one_value_is_its_mean_and_comes_back():
    found = ANSWERS["R.4/R.5", "SSA.dct"]({"x": [[1.0, 1.0], [1.0, 1.0]]})

    assert found["dct"] == [[4.0, 0.0], [4.0, 0.0]]
    assert found["dct_2d"] == [[16.0, 0.0], [0.0, 0.0]]
    assert found["idct_2d(dct_2d(x))"] == [[1.0, 1.0], [1.0, 1.0]]
