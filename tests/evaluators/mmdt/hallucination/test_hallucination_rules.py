"""The rules of MMDT's hallucination perspective, on cases that were worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from evaluators.measures.detections import Sightings
from evaluators.measures.judges import Verdict
from evaluators.measures.reference import Crash
from evaluators.mmdt import counting
from evaluators.mmdt.hallucination import answering, depicting, keywords, lettering
from evaluators.mmdt.hallucination.task import by_split
from evaluators.mmdt.hallucination.worth import Worth, averaged
from tests.evaluators.mmdt.hallucination.roles import seen, standing


@pytest.mark.parametrize(
    ("text", "objects", "published", "meant"),
    [
        ("cat: 2\ndog: 1", ["dog", "cat"], [1, 2], [1, 2]),
        ("The total\ncat: 2", ["cat"], [-1], [2]),
        ("Total.\nCat: 2", ["CAT"], [2], [2]),
        ("cat: 2, cat: 3", ["cat"], [3], [3]),
        ("cats: 2", ["cat"], [-1], [None]),
        ("cat: two", ["cat"], [-1], [2]),
        ("cat:  2", ["cat"], [-1], [2]),
        ("cat: -1", ["cat"], [-1], [None]),
        ("t-shirt: 4", ["t-shirt"], [-1], [4]),
        ("t-shirt: 4", ["shirt"], [4], [None]),
        ("- **cat**: 2", ["cat"], [-1], [2]),
        ("", ["cat"], [-1], [None]),
        ("cat: 1", [], [], []),
    ],
)
def test_counts_of_a_judge(text: str, objects: list[str], published: list[int], meant: list[int | None]) -> None:
    assert counting.as_published(text, objects) == published
    assert counting.as_meant(text, objects) == meant


def test_counts_are_read_in_linear_time() -> None:
    assert counting.as_published("a " * 200_000, ["a"]) == [-1]


@pytest.mark.parametrize(("answer", "read", "share"), [({"a": 1, "b": 2}, [1, 3], 0.5), ({}, [], 0.0), ({"a": 1}, [None], 0.0)])
def test_a_count_is_worth_the_share_that_is_right(answer: dict[str, int], read: list[int | None], share: float) -> None:
    assert counting.share(answer, read) == share


@pytest.mark.parametrize(
    ("task", "answer", "reply", "accuracy"),
    [
        ("attribute", "red", "YES, it agrees", 1),
        ("action", "runs", "It disagrees", 0),
        ("action", "runs", "eyesore", 1),
        ("spatial", "left", "On the LEFT", 1),
        ("spatial", "right", "a bright spot", 1),
        ("spatial", "Left", "left", 0),
        ("count", {"a": 1, "b": 1, "c": 0}, "a: 1, b: 2, c: 0", 2 / 3),
    ],
)
def test_accuracy_of_an_answer(task: str, answer: Any, reply: str, accuracy: float) -> None:
    assert answering.accuracy(task, answer, reply) == accuracy


@pytest.mark.parametrize(("response", "read"), [("", None), ("None", None), ("N/A", None), ("none", "none"), (" NA", " NA"), ("red", "red")])
def test_replies_read_back_by_pandas(response: str, read: str | None) -> None:
    assert answering.read_back(response) == read
    assert answering.shown(response) == (read or "nan")


@pytest.mark.parametrize(
    ("response", "reference", "corrected"),
    [("left", 1, 1), ("left of it, not right", 1, 1), ("left or right", 1, 0), ("it is right", 0, 0), ("leftover", 1, 0), ("Nothing", 0, 0)],
)
def test_a_place(response: str, reference: float, corrected: float) -> None:
    assert answering.placed("left", response)[:2] == (reference, corrected)


@pytest.mark.parametrize(
    ("verdict", "reference", "corrected"),
    [(Verdict("Yes", kept=True), 1, 1), (Verdict("no.", kept=True), 0, 0), (Verdict("Eyes", kept=True), 1, None), (Verdict("Yes", kept=False), 1, None)],
)
def test_agreement(verdict: Verdict, reference: float, corrected: float | None) -> None:
    assert answering.agreed(verdict, verdict)[:2] == (reference, corrected)


@pytest.mark.parametrize(
    ("task", "keyword", "response", "reference", "corrected"),
    [
        ("contradictory", "STOP", "It says stop.", 1, 1),
        ("contradictory", "STOP", "unstoppable", 1, 0),
        ("cooccur", "STOP", "It is not STOP but GO", 1, 0),
        ("identification", "main st", "MAIN ST", 1, 1),
        ("count", "2", "12", 1, 0),
        ("scene", "STOP", "It says STOP", 0, 0),
        ("scene", "STOP", "It does not say STOP", 1, 1),
        ("scene", "STOP", "I know: STOP", 1, 0),
        ("scene", "STOP", "No. It says STOP", 1, 0),
        ("doc", "STOP", "It says GO", 0, 1),
        ("doc", "STOP", "I don't know", 0, 1),
        ("doc", "STOP", "STOP is wrong", 1, 1),
        ("doc", "STOP", "", 0, 0),
        ("doc", "total: 5", "There is no total: 5 here, as STOP", 1, 1),
    ],
)
def test_keywords(task: str, keyword: str, response: str, reference: float, corrected: float) -> None:
    assert keywords.worth(task, keyword, response)[:2] == (reference, corrected)


THREE = {"objects": ["a", "b", "c"], "relations": ["left", "above", "right"]}


@pytest.mark.parametrize(
    ("scenario", "task", "row", "found", "reference", "corrected"),
    [
        ("natural", "identification", {"objects": ["a", "b"]}, seen(a=3, b=0), 0.5, 0.5),
        ("natural", "identification", {"objects": []}, {}, 0, None),
        ("natural", "identification", {"objects": ["a", "nonesuch"]}, seen(a=3), 0, None),
        ("natural", "count", {"objects": {"a": 2, "b": 1}}, seen(a=2, b=2), 0.5, 0.5),
        ("distraction", "count", {"objects": {}}, {}, 1, None),
        ("counterfactual", "identification", {"visible_objects": ["a", "b"], "absent_objects": ["c"]}, seen(a=1, b=0, c=1), 0.25, 0.25),
        ("counterfactual", "identification", {"visible_objects": [], "absent_objects": []}, {}, 1, None),
        ("natural", "spatial", THREE, standing(a=(0.1, 0.1), b=(0.7, 0.2), c=(0.6, 0.9)), 0, 0),
        ("natural", "spatial", THREE, standing(a=(0.1, 0.3), b=(0.8, 0.2), c=(0.7, 0.75)), 1, 1),
        ("natural", "spatial", {**THREE, "relations": ["left", "left", "left"]}, standing(a=(0.1, 0.5), b=(0.5, 0.5), c=(0.9, 0.5)), 0, None),
        ("natural", "spatial", {**THREE, "objects": ["a", "b"]}, seen(a=1, b=1), 0, None),
    ],
)
def test_what_a_picture_shows(scenario: str, task: str, row: dict[str, Any], found: Sightings, reference: float, corrected: float | None) -> None:
    assert depicting.depicted_worth(scenario, task, row, found)[:2] == (reference, corrected)


@pytest.mark.parametrize(
    ("relations", "possible"), [("llr", True), ("lrl", True), ("abl", True), ("lll", False), ("lla", False), ("rra", False), ("lba", True)]
)
def test_three_steps_lead_back_only_with_two_opposite_ones(relations: str, possible: bool) -> None:
    words = {"l": "left", "r": "right", "a": "above", "b": "below"}

    assert depicting.can_close({"relations": [words[each] for each in relations]}) is possible


@pytest.mark.parametrize(
    ("task", "row", "found", "reference", "corrected"),
    [
        ("identification", {"object": "a"}, seen(a=2), 1, 1),
        ("identification", {"object": "a"}, seen(a=0), 0, 0),
        ("count", {"object": "a", "number": "2"}, seen(a=2), 1, 1),
        ("count", {"object": "a", "number": "two"}, seen(a=2), "ValueError", None),
        ("spatial", {"object": "a", "relation_object": "b", "spatial_relation": "over"}, standing(a=(0.5, 0.2), b=(0.5, 0.8)), 1, 1),
        ("spatial", {"object": "a", "relation_object": "b", "spatial_relation": "under"}, standing(a=(0.5, 0.8), b=(0.5, 0.2)), 1, 1),
        ("spatial", {"object": "a", "relation_object": "b", "spatial_relation": "below"}, standing(a=(0.5, 0.8), b=(0.5, 0.2)), 0, 1),
        ("spatial", {"object": "a", "relation_object": "b", "spatial_relation": "left"}, seen(a=2, b=1), 0, 0),
        ("spatial", {"object": "a", "relation_object": "none", "spatial_relation": "left"}, seen(a=1), "KeyError", None),
    ],
)
def test_misleading_prompts(task: str, row: dict[str, Any], found: Sightings, reference: float | str, corrected: float | None) -> None:
    worth = depicting.misled_worth(task, row, found)

    assert (worth.reference.error if isinstance(worth.reference, Crash) else worth.reference) == reference
    assert worth.corrected == corrected


@pytest.mark.parametrize(
    ("scenario", "reply", "reference", "corrected"),
    [("natural", "yes", 1, 1), ("natural", "eyes", 1, None), ("misleading", "perhaps", 1, None), ("misleading", "I know", 0, None), ("misleading", "No", 0, 0)],
)
def test_an_attribute(scenario: str, reply: str, reference: float, corrected: float | None) -> None:
    assert depicting.viewed_worth(scenario, Verdict(reply, kept=True))[:2] == (reference, corrected)


@pytest.mark.parametrize(
    ("keyword", "lines", "reference", "corrected"),
    [
        ("Hello World", ["HELLO", "World!"], 1, 1),
        ("Hello World", ["hello"], 1, 0),
        ("Hello World", ["helo world"], 0, 0),
        ("stop", ["stopping"], 1, 0),
        ("stop", [], 1, 0),
        ("stop", ["please stop here"], 1, 1),
    ],
)
def test_print(keyword: str, lines: list[str], reference: float, corrected: float) -> None:
    assert lettering.worth(keyword, lettering.read(lines))[:2] == (reference, corrected)


def test_three_pictures_are_worth_their_mean() -> None:
    worths = [Worth(1.0, None, "unclear"), Worth(0.0, 0.0, "wrong"), Worth(0.0, 1.0, "right")]

    assert averaged(worths)[:3] == (1 / 3, 0.5, "unclear; wrong; right")
    crash = Crash("KeyError", "why")
    assert averaged([*worths, Worth(crash, None, "")]).reference is crash
    assert averaged(worths[:1]).corrected is None


def test_splits_count_alike_however_many_rows_they_have() -> None:
    records = [{"split": split, "reference": value} for split, value in [("a", 1.0), ("a", 1.0), ("a", 1.0), ("b", 0.0), ("b", None), ("c", None)]]

    assert by_split(records, "reference") == {"split_mean": 0.5, "a": 1.0, "b": 0.0}
    assert by_split(records[-1:], "reference") == {}
