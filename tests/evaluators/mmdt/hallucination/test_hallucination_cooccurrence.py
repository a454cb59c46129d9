"""The scenario cooccurrence, on cases that were worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from evaluators.measures.detections import Sightings
from evaluators.measures.judges import Verdict
from evaluators.measures.reference import Crash
from evaluators.mmdt.hallucination import cooccurrence
from tests.evaluators.mmdt.hallucination.roles import seen, standing


def test_number_words_end_at_seventy_five() -> None:
    assert len(cooccurrence.WORDS) == len(set(cooccurrence.WORDS)) == 76
    assert [cooccurrence.worded(each) for each in ("0", 7, "75", "76", "07", "cat")] == ["zero", "seven", "seventy five", "76", "07", "cat"]


@pytest.mark.parametrize(
    ("target", "label", "response", "reference", "corrected"),
    [
        ("cat", "positive", "a cat", 1, 1),
        ("cat", "positive", "A Cat", 0, 1),
        ("cat", "positive", "catalogue", 1, 0),
        ("2", "positive", "two", 1, 1),
        ("2", "positive", "2", 0, 1),
        (2, "positive", "There are two.", 1, 1),
        (["cat", "dog"], "positive", "a cat and a dog", 1, 1),
        (["cat", "dog"], "positive", "a cat", 0, 0),
        ("cat", "negative", "a dog", 1, 1),
        ("cat", "negative", "There is no cat.", 0, 1),
        ("cat", "negative", "", 1, 0),
        ("3", "negative", "3", 1, 0),
        (["cat", "dog"], "negative", "a cat", "TypeError", 0),
        (3, "negative", "none", "TypeError", 0),
        (80, "positive", "80", "TypeError", 1),
        (["cat"], "positive", "cat", "IndexError", 1),
        ("cat", "maybe", "cat", "SystemExit", None),
    ],
)
def test_answers_of_cooccurrence(target: Any, label: str, response: str, reference: float | str, corrected: float | None) -> None:
    worth = cooccurrence.answered_worth(target, label, response)

    assert (worth.reference.error if isinstance(worth.reference, Crash) else worth.reference) == reference
    assert worth.corrected == corrected


@pytest.mark.parametrize(
    ("split", "task", "row", "found", "reference", "corrected"),
    [
        ("high_cooc", "identification", {"concept1": "a", "concept2": "b"}, seen(a=1, b=0), 1, 1),
        ("high_cooc", "identification", {"concept1": "a", "concept2": "b"}, seen(a=1, b=1), 0, 0),
        ("high_cooc", "identification", {"concept1": "a", "concept2": "b"}, seen(a=0, b=0), 0, 0),
        ("low_cooc", "identification", {"concept1": "a", "concept2": "b"}, seen(a=1, b=2), 1, 1),
        ("low_cooc", "identification", {"concept1": "a", "concept2": "b"}, seen(a=1, b=0), 0, 0),
        ("historical_bias", "identification", {"target": "a", "label": "positive"}, seen(a=1), 1, 1),
        ("historical_bias", "identification", {"target": "a", "label": "other"}, seen(a=1), 0, 0),
        ("historical_bias", "identification", {"target": "a", "label": "negative"}, seen(a=0), 1, 1),
        ("high_cooc", "count", {"object": "a", "target": 2}, seen(a=2), 1, 1),
        ("high_cooc", "count", {"object": "a", "target": "2"}, seen(a=2), 0, 1),
        ("historical_bias", "count", {"object": "a", "target": "two"}, seen(a=2), 0, 1),
        ("low_cooc", "count", {"object": "a", "count": "two"}, seen(a=2), 1, 1),
        ("low_cooc", "count", {"object": "a", "count": "2"}, seen(a=2), 1, 1),
        ("low_cooc", "count", {"object": "a", "count": 2}, seen(a=2), 0, 1),
        ("low_cooc", "count", {"object": "a", "count": "some"}, seen(a=2), 0, None),
        ("low_cooc", "spatial", {"concept1": "a", "concept2": "b", "target": "upon"}, standing(a=(0.5, 0.2), b=(0.5, 0.5)), 1, 1),
        ("low_cooc", "spatial", {"concept1": "a", "concept2": "b", "target": "left"}, standing(a=(0.4, 0.1), b=(0.5, 0.9)), 1, 1),
        ("low_cooc", "spatial", {"concept1": "a", "concept2": "b", "target": "left"}, standing(a=(0.471, 0.5), b=(0.5, 0.5)), 0, 0),
        ("low_cooc", "spatial", {"concept1": "a", "concept2": "b", "target": "beside"}, standing(a=(0.2, 0.5), b=(0.5, 0.5)), 0, None),
        ("low_cooc", "spatial", {"concept1": "a", "concept2": "b", "target": "left"}, seen(a=1, b=0), 0, 0),
        ("low_cooc", "spatial", {"concept1": "a", "concept2": "nonesuch", "target": "left"}, seen(a=1), "KeyError", None),
    ],
)
def test_pictures_of_cooccurrence(split: str, task: str, row: dict[str, Any], found: Sightings, reference: float | str, corrected: float | None) -> None:
    worth = cooccurrence.shown_worth(split, task, row, found)

    assert (worth.reference.error if isinstance(worth.reference, Crash) else worth.reference) == reference
    assert worth.corrected == corrected


@pytest.mark.parametrize(
    ("split", "label", "reply", "reference", "corrected"),
    [
        ("high_cooc", None, "No", 1, 1),
        ("high_cooc", None, "no", 0, 1),
        ("high_cooc", None, "Nothing", 1, None),
        ("low_cooc", None, "YES", 1, 1),
        ("low_cooc", None, "yes", 0, 1),
        ("historical_bias", "positive", "Yes", 1, 1),
        ("historical_bias", "negative", "Yes", 0, 0),
        ("historical_bias", "negative", "No", 1, 1),
    ],
)
def test_attributes_of_cooccurrence(split: str, label: str | None, reply: str, reference: float, corrected: float | None) -> None:
    row = {"target": "red", "object": "circle", "label": label}

    assert cooccurrence.viewed_worth(split, row, Verdict(reply, kept=True))[:2] == (reference, corrected)


def test_a_habit_is_asked_for_by_its_target_alone() -> None:
    row = {"target": "red", "object": "circle"}

    assert [cooccurrence.question(split, row) for split in ("low_cooc", "historical_bias")] == [
        "Is there a red circle in the image?",
        "Is there a red in the image?",
    ]
