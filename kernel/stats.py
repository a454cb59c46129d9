"""Means with 95 % intervals, paired differences, and how far two columns of numbers agree. A mean over nothing is `None`.

The interval is the percentile bootstrap over clusters (cases that share a source are drawn together). Clusters with
equal sum and size are exchangeable, so drawing n clusters is one multinomial draw over the distinct ones: the same
distribution, in time and memory of the distinct ones.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Sum = tuple[float, int, int]
"""Of a cluster, or of several that are alike: sum of values, number of cases, number of such clusters."""

DRAWS = 2_000
TOTAL_DRAWS = 200
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


def estimate(sums: Sequence[Sum], seed: int = 0) -> Estimate:
    """Mean and interval from (sum of values, number of cases, number of such clusters)."""
    if not sums:
        return Estimate(None, None, None, 0, 0)
    totals, sizes, counts = _columns(sums)
    clusters = int(counts.sum())
    n = int((sizes * counts).sum())
    mean = float((totals * counts).sum() / n)
    if clusters < 2:
        return Estimate(mean, None, None, n, clusters)
    means = _bootstrap(totals, sizes, counts, seed)
    low, high = np.percentile(means, [2.5, 97.5])
    return Estimate(mean, float(low), float(high), n, clusters)


def estimate_totals(
    records: Sequence[tuple[str, Mapping[str, Any]]], over: Callable[[Sequence[Mapping[str, Any]]], Mapping[str, float | None]], seed: int = 0
) -> dict[str, Estimate]:
    """Numbers that `over` makes of all records together, with their intervals: clusters are drawn anew, the records' order stays.

    records: cluster and record. A total that most draws do not have is given without an interval.
    """
    by_cluster: dict[str, list[int]] = {}
    for at, (cluster, _) in enumerate(records):
        by_cluster.setdefault(cluster, []).append(at)
    members = [by_cluster[cluster] for cluster in by_cluster]
    random = np.random.default_rng(seed)
    found = over([record for _, record in records])
    drawn: dict[str, list[float]] = {name: [] for name in found}
    for _ in range(TOTAL_DRAWS if len(members) > 1 else 0):
        chosen = sorted(at for index in random.integers(len(members), size=len(members)) for at in members[index])
        for name, value in over([records[at][1] for at in chosen]).items():
            if value is not None and math.isfinite(value):
                drawn.setdefault(name, []).append(value)
    made = {}
    for name, value in found.items():
        enough = value is not None and 2 * len(drawn[name]) > TOTAL_DRAWS
        low, high = np.percentile(drawn[name], [2.5, 97.5]) if enough else (None, None)
        made[name] = Estimate(value, None if low is None else float(low), None if high is None else float(high), len(records), len(members))
    return made


def paired_difference(first: Mapping[str, float], second: Mapping[str, float], seed: int = 0, clusters: Mapping[str, str] = MappingProxyType({})) -> Estimate:
    """The mean of first minus second over the cases that both have, with its interval. A case that `clusters` does not name is one by itself."""
    return estimate(difference_sums(first, second, clusters), seed)


def difference_sums(first: Mapping[str, float], second: Mapping[str, float], clusters: Mapping[str, str] = MappingProxyType({})) -> list[Sum]:
    """First minus second over the cases that both have, summed by cluster, as `estimate` takes it."""
    by_cluster: dict[str, list[float]] = {}
    for case in sorted(first.keys() & second.keys()):
        by_cluster.setdefault(clusters.get(case, case), []).append(first[case] - second[case])
    counted = Counter((math.fsum(found), len(found)) for found in by_cluster.values())
    return [(total, size, count) for (total, size), count in counted.items()]


def mean_of_means(groups: Sequence[Sequence[Sum]], seed: int = 0) -> Estimate:
    """The mean of several groups' means, each weighing the same, with its interval: the clusters of each group are drawn anew."""
    found = [estimate(group, seed) for group in groups]
    n, clusters = sum(each.n for each in found), sum(each.clusters for each in found)
    means = [each.mean for each in found if each.mean is not None]
    if not means or len(means) < len(found):
        return Estimate(None, None, None, n, clusters)
    mean = math.fsum(means) / len(means)
    if any(each.clusters < 2 for each in found):
        return Estimate(mean, None, None, n, clusters)
    draws = [_bootstrap(*_columns(group), seed + position) for position, group in enumerate(groups)]
    low, high = np.percentile(np.mean(draws, axis=0), [2.5, 97.5])
    return Estimate(mean, float(low), float(high), n, clusters)


def agreement(pairs: Sequence[tuple[float, float]]) -> dict[str, float | None]:
    """How far two give the same verdicts: the share of equal ones, and Cohen's kappa, which takes off what chance would bring.

    There is no kappa where both give one and the same verdict to everything.
    """
    if not pairs:
        return {"same": None, "kappa": None}
    same = sum(first == second for first, second in pairs) / len(pairs)
    given = [Counter(column) for column in zip(*pairs, strict=True)]
    by_chance = sum(number * given[1][verdict] for verdict, number in given[0].items()) / len(pairs) ** 2
    return {"same": same, "kappa": None if by_chance == 1 else (same - by_chance) / (1 - by_chance)}


def correlation(pairs: Sequence[tuple[float, float]]) -> dict[str, float | None]:
    """Pearson's correlation, and Spearman's, which is that of the ranks. There is none where one side is always the same."""
    columns = np.array(pairs, dtype=float).T
    if not pairs or (np.ptp(columns, axis=1) == 0).any():
        return {"pearson": None, "spearman": None}
    return {"pearson": float(np.corrcoef(columns)[0, 1]), "spearman": float(np.corrcoef([_ranks(column) for column in columns])[0, 1])}


def _ranks(values: Numbers) -> Numbers:
    """Ranks from 0; equal values have the mean of theirs."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts + 1) / 2)[places], dtype=float)


def _columns(sums: Sequence[Sum]) -> tuple[Numbers, Numbers, Numbers]:
    totals, sizes, counts = (np.array(column, dtype=float) for column in zip(*sorted(sums), strict=True))
    return totals, sizes, counts


def _bootstrap(totals: Numbers, sizes: Numbers, counts: Numbers, seed: int) -> Numbers:
    """Means over clusters that were drawn anew, `DRAWS` of them."""
    clusters = int(counts.sum())
    shares = counts / clusters
    random = np.random.default_rng(seed)
    means = []
    step = max(1, CHUNK // len(totals))
    for begin in range(0, DRAWS, step):
        drawn = random.multinomial(clusters, shares, size=min(step, DRAWS - begin))
        means.append((drawn @ totals) / (drawn @ sizes))
    return np.concatenate(means)
