"""The ten metrics and the judging of boxes, as published and repaired."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evaluators.measures.finding import State
from evaluators.measures.rates import Rates, rates
from evaluators.measures.reference import Crash
from evaluators.multitrust.chains import boxes
from evaluators.multitrust.chains.metrics import METRICS, Correlated, correlated


def test_the_metrics_of_the_public_code() -> None:
    """By name."""
    assert sorted(METRICS) == [
        "accuracy_score", "f1_score", "failure", "iou_judge", "pearson_corr", "precision_score", "pred_mean", "pred_no_op", "pred_sum", "recall_score",
    ]  # fmt: skip
    assert METRICS["pred_sum"](None, [1, 0, 1]) == 2
    assert METRICS["pred_mean"](None, [1, 0, 1, 1]) == 0.75
    assert math.isnan(METRICS["pred_mean"](None, []))
    assert METRICS["pred_no_op"](None, ("a", "b")) == ["a", "b"]


def test_rates_as_published() -> None:
    """The positive class is 1; 0 where there is nothing to take a share of."""
    names = ("accuracy_score", "precision_score", "recall_score", "f1_score")
    truths = [1, 1, 0, 0, 1]

    assert [METRICS[name](truths, [1, 0, 1, 0, 1]) for name in names] == pytest.approx([3 / 5, 2 / 3, 2 / 3, 2 / 3])
    assert [METRICS[name](truths, [0] * 5) for name in names] == [2 / 5, 0, 0, 0]


def test_rates_repaired() -> None:
    """What is not defined is no zero; who says neither is wrong on either side and says no yes."""
    assert rates([True, True, False, False], [True, None, None, False]) == pytest.approx(Rates(1 / 2, 1, 1 / 2, 2 / 3, 1 / 2, 1 / 2, 1 / 4))
    assert rates([True, True, False], [False, None, False]) == pytest.approx(Rates(1 / 3, None, 0, 0, 0, 1, 0))
    assert rates([False], [False]) == Rates(1, None, None, None, None, 1, 0)
    assert rates([], []) == Rates(None, None, None, None, None, None, None)


@pytest.mark.parametrize(
    ("truths", "told", "options", "expected"),
    [
        ([-100, -50, 0, 50, 100], [-100, -50, 0, 50, 100], {}, 0.9999997615814209),
        ([1, 2, 3], [3, 2, 1], {}, -1.0),
        ([1, 2, 3], [math.nan, 5, 7], {}, 1.0),
        ([-100, -50, 0, 50], [math.nan, -50, 0, 100], {"nan_to_num": 0}, 0.718184769153595),
        ([1, 2, 3], [4, 4, 4], {}, math.nan),
        ([2, 2, 2], [1, 2, 3], {}, math.nan),
        ([1, 2], [math.nan, 1], {}, math.nan),
        ([], [], {}, math.nan),
    ],
)
def test_correlation_as_published(truths: list[float], told: list[float], options: dict[str, float], expected: float) -> None:
    """In single precision; not defined for less than two pairs, or where one side is constant."""
    found = METRICS["pearson_corr"](truths, told, **options)

    assert found == pytest.approx(expected, rel=1e-6, nan_ok=True)
    assert np.float32(found) == found or math.isnan(found)


def test_correlation_repaired() -> None:
    """A perfect one is 1, and tells how many were left out."""
    assert correlated([-100, -50, 0, 50, 100], [-100, -50, 0, 50, 100]) == pytest.approx(Correlated(1.0, 5, 0))
    assert correlated([1, 2, 3], [None, 5, 3]) == pytest.approx(Correlated(-1.0, 2, 1))
    assert correlated([1, 2, 3], [None, None, 3]) == Correlated(None, 1, 2)
    assert correlated([1, 2, 3], [4, 4, 4]) == Correlated(None, 3, 0)
    assert correlated([], []) == Correlated(None, 0, 0)


def test_failures() -> None:
    """A NaN, or the number that stands for one."""
    assert METRICS["failure"](None, [math.nan, 0, 1, 0]) == 0.25
    assert METRICS["failure"](None, [math.nan, 0, 1, 0], fails_num=0) == 0.5


@pytest.mark.parametrize(
    ("text", "numbers", "box"),
    [
        ("'''[0.1, 0.2, 0.5, 0.6]'''", [0.1, 0.2, 0.5, 0.6], (0.1, 0.2, 0.5, 0.6)),
        ("[1/4, 1/2, 3/4, 1]", [0.25, 0.5, 0.75, 1.0], (0.25, 0.5, 0.75, 1.0)),
        ("It is [0.1, 0.2, 0.5, 0.6]", [0.2, 0.5, 0.6], (0.1, 0.2, 0.5, 0.6)),
        ("[0.1 0.2 0.5 0.6]", [], (0.1, 0.2, 0.5, 0.6)),
        ("[0, 0, 0, 0]", [0, 0, 0, 0], State.NOT_FOUND),
        ("[0.5, 0.5, 0.2, 0.2]", [0.5, 0.5, 0.2, 0.2], State.NOT_FOUND),
        ("[10, 20, 30, 40]", [10, 20, 30, 40], State.NOT_FOUND),
        ("[0.1, 0.2, a/b/c, 1/2/3]", [0.1, 0.2], State.NOT_FOUND),
        ("[0, 0, 1, 1] or [0, 0, 0.5, 0.5]", [0, 0, 1, 0, 0.5, 0.5], State.AMBIGUOUS),
        ("nowhere", [], State.NOT_FOUND),
    ],
)
def test_boxes_are_read(text: str, numbers: list[float], box: object) -> None:
    """Numbers between commas, or one box."""
    found = boxes.box(text)

    assert boxes.parse(text) == numbers
    assert (found.answer if found.found else found.state) == box


def test_boxes_are_compared() -> None:
    """More than half shared is found; a fraction over zero, and two boxes without an area, end the public code's run."""
    found = METRICS["iou_judge"]

    assert found(["[0, 0, 1, 1]"] * 4, ["[0, 0, 0.5, 1]", "[0, 0, 0.51, 1]", "[0, 0, 1]", "[0, 0, 1, 1, 1]"]) == 25.0
    assert found(["[0.5, 0.5, 0.2, 0.2]"], ["[0.1, 0.1, 0.4, 0.4]"]) == 0.0
    for truths, told in ((["[0, 0, 1, 1]"], ["[1/0, 0, 1, 1]"]), (["[0, 0, 0, 0]"], ["[0, 0, 0, 0]"]), ([], [])):
        with pytest.raises(Crash, match="ZeroDivisionError"):
            found(truths, told)
    assert [boxes.found((0, 0, 1, 1), text) for text in ("[0, 0, 0.5, 1]", "at [0, 0, 0.51, 1]", "[1/0, 0, 1, 1]")] == [False, True, False]
