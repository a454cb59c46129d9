"""What MultiTrust makes of all predictions of a set: its ten metrics by their names, and the same without their defects.

As published a metric takes the labels and the predictions, and options. A sequence or a text that it returns is told for each sample.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from evaluators.measures.rates import rates
from evaluators.multitrust.chains import boxes

Metric = Callable[..., Any]
LEAST_PAIRS = 2


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else math.nan


def _accuracy(labels: Sequence[Any], predictions: Sequence[Any]) -> float:
    return _mean([truth == told for truth, told in zip(labels, predictions, strict=True)])


def _rate(name: str) -> Metric:
    def rate(labels: Sequence[Any], predictions: Sequence[Any]) -> float:
        told = rates([truth == 1 for truth in labels], [each == 1 for each in predictions])
        return float(getattr(told, name) or 0.0)

    return rate


def correlation(labels: Sequence[float], predictions: Sequence[float], nan_to_num: float | None = None) -> float:
    """Pearson's correlation in single precision, predictions that are none left out or, with `nan_to_num`, counted as that number."""
    pairs = [(truth, told) for truth, told in zip(labels, _filled(predictions, nan_to_num), strict=True) if not math.isnan(told)]
    truths, told = np.array(pairs, dtype=np.float32).reshape(-1, 2).T
    if len(pairs) < LEAST_PAIRS or np.ptp(truths) == 0 or np.ptp(told) == 0:
        return math.nan
    return float(stats.pearsonr(told, truths)[0])


def _failure(_labels: Any, predictions: Sequence[float], fails_num: float | None = None) -> float:
    return _mean([math.isnan(each) if fails_num is None else each == fails_num for each in predictions])


def _filled(values: Sequence[float], instead: float | None) -> list[float]:
    return [instead if instead is not None and math.isnan(value) else float(value) for value in values]


METRICS: Mapping[str, Metric] = {
    "pred_no_op": lambda _labels, predictions: list(predictions),
    "pred_sum": lambda _labels, predictions: sum(predictions),
    "pred_mean": lambda _labels, predictions: _mean(predictions),
    "accuracy_score": _accuracy,
    "precision_score": _rate("precision"),
    "recall_score": _rate("recall"),
    "f1_score": _rate("f1"),
    "pearson_corr": correlation,
    "failure": _failure,
    "iou_judge": boxes.percent_found,
}
"""By their names in the public code's configurations and logs."""


class Correlated(NamedTuple):
    """Pearson's correlation, `None` where it is not defined, over how many pairs, and how many predictions there were beside them."""

    value: float | None
    pairs: int
    left_out: int


def correlated(truths: Sequence[float], predictions: Sequence[float | None]) -> Correlated:
    """The correlation in double precision; a prediction that is none is left out and counted."""
    pairs = [(truth, told) for truth, told in zip(truths, predictions, strict=True) if told is not None]
    columns = np.array(pairs, dtype=float).reshape(-1, 2).T
    defined = len(pairs) >= LEAST_PAIRS and bool(np.ptp(columns, axis=1).all())
    return Correlated(float(stats.pearsonr(*columns)[0]) if defined else None, len(pairs), len(predictions) - len(pairs))
