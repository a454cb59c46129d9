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


def test_a_picture_is_kept_near_the_clean_one_by_its_largest_value_or_its_length():
    given = {"x": [[1.0, 0.5]], "x0": [[0.5, 0.5]], "eps": "1/4"}

    assert ANSWERS["R.4/R.5", "projection Linf"](given) == [[0.75, 0.5]]
    assert ANSWERS["R.4/R.5", "projection L2"](given) == [[0.75, 0.5]]
    assert ANSWERS["R.4/R.5", "projection L2"]({"x": [[0.8, 0.9]], "x0": [[0.5, 0.5]], "eps": 0.25})[0] == pytest.approx([0.65, 0.7])


def test_networks_of_one_slope_move_a_picture_to_the_bound():
    given = {"x": [[[0.5, 0.5]]], "weights": [[[[1.0, -1.0]]], [[[2.0, -2.0]]]], "eps": "16/255", "total_step": 10, "inner_step_size": 250, "mu": 1}

    found = ANSWERS["R.4/R.5", "SSA-CWA attack, two linear surrogates, randomness removed"](given)

    assert found[0][0] == pytest.approx([0.5 + 16 / 255, 0.5 - 16 / 255], abs=1e-6)
