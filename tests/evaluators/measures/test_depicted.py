"""Scores of made pictures by what was found in them: right, half right and wrong ones."""

from __future__ import annotations

import pytest

from evaluators.measures.depicted import Depicted, counted, counterfactual, identified, placed
from evaluators.measures.detections import Sighting, Sightings

LEFT, RIGHT, HIGH = (Sighting(0.9, box) for box in ((0.0, 0.6, 0.2, 0.8), (0.8, 0.6, 1.0, 0.8), (0.4, 0.0, 0.6, 0.2)))
FOUND: Sightings = {"cat": [LEFT], "dog": [RIGHT], "sun": [HIGH], "tv": [], "ant": [LEFT, RIGHT]}


def test_identified() -> None:
    """Once or more; the share of what is wanted."""
    assert identified(FOUND, ["cat", "ant"]) == Depicted(1.0, strict=True)
    assert identified(FOUND, ["cat", "tv"]) == Depicted(0.5, strict=False)
    assert identified(FOUND, []) == Depicted(0.0, strict=True)


def test_counterfactual() -> None:
    """Half for what is to be seen, half for what is not."""
    assert counterfactual(FOUND, ["cat"], ["tv"]) == Depicted(1.0, strict=True)
    assert counterfactual(FOUND, ["cat", "tv"], ["dog"]) == Depicted(0.25, strict=False)
    assert counterfactual(FOUND, [], ["dog"]) == Depicted(0.5, strict=False)
    assert counterfactual(FOUND, ["cat"], []) == Depicted(1.0, strict=True)


def test_counted() -> None:
    """Exactly as often."""
    assert counted(FOUND, {"ant": 2, "cat": 1, "tv": 0}) == Depicted(1.0, strict=True)
    assert counted(FOUND, {"ant": 3, "cat": 1}) == Depicted(0.5, strict=False)
    assert counted(FOUND, {}) == Depicted(1.0, strict=True)


def test_placed() -> None:
    """Around the circle, and only what is there exactly once."""
    assert placed(FOUND, ["cat", "dog", "sun"], ["left", "below", "above"]) == Depicted(1.0, strict=True)
    assert placed(FOUND, ["cat", "dog", "sun"], ["left", "above", "above"]) == Depicted(2 / 3, strict=False)
    assert placed(FOUND, ["cat", "ant", "sun"], ["left", "below", "above"]) == Depicted(1 / 3, strict=False)
    with pytest.raises(ValueError, match="2 entities and 3 relations; expected three of both"):
        placed(FOUND, ["cat", "dog"], ["left"] * 3)


def test_what_was_not_looked_for_is_an_error() -> None:
    """It is neither there nor not there."""
    with pytest.raises(KeyError):
        identified(FOUND, ["none"])
