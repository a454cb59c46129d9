"""Means with 95 % intervals, and paired differences. A mean over nothing is `None`.

The interval is the percentile bootstrap over clusters (cases that share a source are drawn together). Clusters with
equal sum and size are exchangeable, so drawing n clusters is one multinomial draw over the distinct ones: the same
distribution, in time and memory of the distinct ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

DRAWS = 2_000
CHUNK = 1_000_000
"""Numbers drawn at a time, a bound on memory."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over `n` cases in `clusters` clusters, with its 95 % interval; the interval of a single cluster is `None`."""

    mean: float | None
    low: float | None
    high: float | None
    n: int
    clusters: int


def estimate(sums: Sequence[tuple[float, int, int]], seed: int = 0) -> Estimate:
    """Mean and interval from (sum of values, number of cases, number of such clusters)."""
    if not sums:
        return Estimate(None, None, None, 0, 0)
    totals, sizes, counts = (np.array(column, dtype=float) for column in zip(*sorted(sums), strict=True))
    clusters = int(counts.sum())
    n = int((sizes * counts).sum())
    mean = float((totals * counts).sum() / n)
    if clusters < 2:
        return Estimate(mean, None, None, n, clusters)
    means = _bootstrap(totals, sizes, counts / clusters, clusters, seed)
    low, high = np.percentile(means, [2.5, 97.5])
    return Estimate(mean, float(low), float(high), n, clusters)


def paired_difference(first: Mapping[str, float], second: Mapping[str, float], seed: int = 0) -> Estimate:
    """The mean of first minus second over the cases that both have, with its interval."""
    both = sorted(first.keys() & second.keys())
    differences, counts = np.unique([first[case] - second[case] for case in both], return_counts=True) if both else ((), ())
    return estimate([(float(value), 1, int(count)) for value, count in zip(differences, counts, strict=True)], seed)


def _bootstrap(totals: Numbers, sizes: Numbers, shares: Numbers, clusters: int, seed: int) -> Numbers:
    random = np.random.default_rng(seed)
    means = []
    step = max(1, CHUNK // len(totals))
    for begin in range(0, DRAWS, step):
        drawn = random.multinomial(clusters, shares, size=min(step, DRAWS - begin))
        means.append((drawn @ totals) / (drawn @ sizes))
    return np.concatenate(means)
