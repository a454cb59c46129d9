"""Means and intervals against slow definitions, and the laws they owe."""

from __future__ import annotations

import random
from collections import Counter
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.stats import Estimate, agreement, correlation, estimate, paired_difference

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


class TestAgreement:
    """Two who judge the same."""

    def test_cohens_example(self):
        """20 both yes, 15 both no, 5 and 10 apart: 0.7 the same, 0.5 by chance."""
        pairs = [(1, 1)] * 20 + [(0, 0)] * 15 + [(1, 0)] * 5 + [(0, 1)] * 10
        assert agreement(pairs) == {"same": 0.7, "kappa": pytest.approx(0.4)}

    def test_more_than_two_verdicts(self):
        assert agreement([(0, 0), (0.5, 0.5), (1, 1), (1, 0)]) == {"same": 0.75, "kappa": pytest.approx((0.75 - 5 / 16) / (1 - 5 / 16))}

    def test_worse_than_chance_is_below_zero(self):
        assert agreement([(0, 1), (1, 0)]) == {"same": 0, "kappa": -1}

    def test_who_never_varies_has_no_kappa(self):
        assert agreement([(1, 1)] * 3) == {"same": 1, "kappa": None}
        assert agreement([(1, 0)] * 3) == {"same": 0, "kappa": 0}
        assert agreement([]) == {"same": None, "kappa": None}


class TestCorrelation:
    """Against SciPy, which the kernel does without."""

    @given(st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), min_size=2, max_size=30))
    def test_it_is_scipys(self, pairs: list[tuple[float, float]]):
        scipy = pytest.importorskip("scipy.stats")
        found, (first, second) = correlation(pairs), zip(*pairs, strict=True)
        if len(set(first)) == 1 or len(set(second)) == 1:
            assert found == {"pearson": None, "spearman": None}
        else:
            assert found["pearson"] == pytest.approx(scipy.pearsonr(first, second).statistic, abs=1e-9)
            assert found["spearman"] == pytest.approx(scipy.spearmanr(first, second).statistic, abs=1e-9)

    def test_what_rises_together_in_any_way_has_ranks_of_one(self):
        found = correlation([(1, 1), (2, 10), (3, 1000)])
        assert found["spearman"] == pytest.approx(1)
        assert found["pearson"] < 0.95

    def test_of_nothing_there_is_none(self):
        assert correlation([]) == {"pearson": None, "spearman": None}
