"""What counts of what a detector found: thresholds, areas and rounding at their edges."""

from __future__ import annotations

import pytest

from evaluators.measures.detections import BOX_THRESHOLD, BOX_THRESHOLDS, Sighting, area, normalised, sightings
from kernel.contract import Detection

SIZE = (200, 100)
HALF = (0.0, 0.0, 100.0, 100.0)


def test_thresholds_are_the_benchmarks() -> None:
    """GroundingDINO's in MMDT."""
    assert BOX_THRESHOLD == 0.5
    assert BOX_THRESHOLDS == {"misleading identification": 0.6, "misleading count": 0.6, "ood count": 0.4, "ood size": 0.55, "ood spatial": 0.55}


def test_a_box_counts_strictly_above_the_threshold() -> None:
    """At it, it does not; the score is rounded only afterwards."""
    found = sightings([Detection("cat", score, HALF) for score in (0.5, 0.5000001, 0.49999, 0.91239)], ["cat"], SIZE)

    assert found == {"cat": [Sighting(0.5, (0.0, 0.0, 0.5, 1.0)), Sighting(0.912, (0.0, 0.0, 0.5, 1.0))]}
    assert [0, 2] == [len(sightings([Detection("cat", 0.6, HALF)] * 2, ["cat"], SIZE, box_threshold=threshold)["cat"]) for threshold in (0.6, 0.59)]


@pytest.mark.parametrize(
    ("box", "counts"),
    [
        ((40, 20, 60, 30), True),  # a tenth by a tenth is a hundredth
        ((40, 20, 59.8, 30), False),
        ((60, 60, 80, 70), True),  # the same elsewhere, where floats are less than a hundredth
        ((-100, 0, 20, 10), True),  # a tenth by a tenth of it is in the picture
        ((-100, 0, 19.8, 10), False),
        ((40, 20, 59.95, 30), True),  # rounded to three decimals first
        ((0, 0, 200, 0.9), False),
    ],
)
def test_a_box_counts_from_a_hundredth_of_the_picture(box: tuple[float, float, float, float], counts: bool) -> None:
    """Of what lies in the picture, after rounding."""
    assert bool(sightings([Detection("cat", 0.9, box)], ["cat"], SIZE)["cat"]) is counts


def test_boxes_are_shares_of_the_sides() -> None:
    """Cut at the edges, three decimals."""
    assert normalised((-5, 33.333, 66.6667, 120), SIZE) == (0.0, 0.333, 0.333, 1.0)
    assert area((0.2, 0.2, 0.3, 0.3)) == 0.01


def test_each_entity_has_its_own() -> None:
    """Whatever the case; one with "none" in it is not looked for; what was not asked for is passed over; nothing is suppressed."""
    detections = [Detection("Red Cat", 0.9, HALF), Detection("dog", 0.9, HALF), Detection("red cat", 0.8, HALF), Detection("sun", 0.9, HALF)]

    found = sightings(detections, ["red cat", "Dog", "dog ", "tv", "NoneType", "canone"], SIZE)

    assert {entity: len(each) for entity, each in found.items()} == {"red cat": 2, "Dog": 1, "dog ": 1, "tv": 0}
