"""Means and intervals against slow definitions, and the laws they owe."""

from __future__ import annotations

import random
from collections import Counter
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.stats import Estimate, estimate, paired_difference

values = st.floats(-1e6, 1e6, allow_nan=False)


def of(clusters: list[list[float]]):
    """The sums that a store would give for these clusters."""
    return [(total, size, count) for (total, size), count in Counter((sum(cluster), len(cluster)) for cluster in clusters).items()]


def test_a_mean_over_nothing_is_none():
    assert estimate([]) == Estimate(None, None, None, 0, 0)


def test_one_cluster_has_a_mean_and_no_interval():
    assert estimate(of([[1.0, 0.0]])) == Estimate(0.5, None, None, 2, 1)


@given(st.lists(st.lists(values, min_size=1, max_size=4), min_size=1, max_size=30))
def test_the_mean_is_the_mean_of_all_cases(clusters: list[list[float]]):
    found = estimate(of(clusters))
    assert found.mean == pytest.approx(fmean(value for cluster in clusters for value in cluster), rel=1e-9, abs=1e-6)
    assert found.n == sum(map(len, clusters))


@given(st.lists(st.lists(values, min_size=1, max_size=4), min_size=2, max_size=20), st.randoms())
def test_the_order_of_cases_changes_nothing(clusters: list[list[float]], chance: random.Random):
    sums = of(clusters)
    shuffled = list(sums)
    chance.shuffle(shuffled)
    assert estimate(sums) == estimate(shuffled)


def test_the_interval_is_that_of_the_plain_bootstrap():
    """Drawing clusters one by one gives the same interval, within the noise of the draws."""
    chance = np.random.default_rng(7)
    clusters = [list(chance.binomial(1, 0.7, size=chance.integers(1, 5)).astype(float)) for _ in range(120)]

    drawn = []
    for _ in range(4_000):
        picked = [clusters[index] for index in chance.integers(0, len(clusters), len(clusters))]
        drawn.append(sum(map(sum, picked)) / sum(map(len, picked)))

    found = estimate(of(clusters))
    low, high = np.percentile(drawn, [2.5, 97.5])
    assert (found.low, found.high) == (pytest.approx(low, abs=0.01), pytest.approx(high, abs=0.01))


def test_the_interval_covers_the_truth_about_95_times_in_100():
    chance = np.random.default_rng(11)
    covered = 0
    for seed in range(200):
        hits = int(chance.binomial(200, 0.6))
        found = estimate([(1.0, 1, hits), (0.0, 1, 200 - hits)], seed)
        covered += found.low <= 0.6 <= found.high
    assert 180 <= covered <= 200


def test_cases_of_one_source_widen_the_interval():
    """Fifty pictures asked four times each are fifty facts, not two hundred."""
    alone = estimate(of([[float(n % 2)] for n in range(200)]))
    together = estimate(of([[float(n % 2)] * 4 for n in range(50)]))
    assert together.high - together.low > 1.5 * (alone.high - alone.low)


def test_a_paired_difference_uses_only_the_cases_that_both_have():
    first, second = {"a": 1.0, "b": 1.0, "c": 0.0}, {"b": 0.0, "c": 0.0, "d": 1.0}
    found = paired_difference(first, second)
    assert (found.mean, found.n) == (0.5, 2)
    assert paired_difference({"a": 1.0}, {"b": 1.0}).mean is None
