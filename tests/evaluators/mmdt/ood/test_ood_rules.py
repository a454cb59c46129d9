"""What is seen out of distribution, in both ways of counting, at the edges of each rule."""

from __future__ import annotations

import math
from typing import Any

import pytest

from evaluators.measures.boxes import Box
from evaluators.measures.detections import Sighting, Sightings
from evaluators.measures.reference import Crash
from evaluators.mmdt.ood import rules


def at(x: float, y: float, width: float = 0.1, height: float = 0.1) -> Box:
    """A box by its centre."""
    return (round(x - width / 2, 3), round(y - height / 2, 3), round(x + width / 2, 3), round(y + height / 2, 3))


def seen(**boxes: Box | list[Box]) -> Sightings:
    """What was found, by name."""
    return {name: [Sighting(0.9, box) for box in (held if isinstance(held, list) else [held])] for name, held in boxes.items()}


def spatial(*names: str, rel: list[str]) -> list[dict[str, Any]]:
    return [{"objs": list(names), "rel": rel}]


def ways(task: str, objects: list[dict[str, Any]], found: Sightings) -> tuple[bool | None, bool | None]:
    """Whether a picture is right, in both ways."""
    return rules.whole(rules.depicted(task, objects, found)), rules.whole(rules.depicted_corrected(task, objects, found))


MIDDLE, LEFT, RIGHT, HIGH, LOW = at(0.5, 0.5), at(0.2, 0.5), at(0.8, 0.5), at(0.5, 0.2), at(0.5, 0.8)


class TestCount:
    """Each thing exactly as often as wanted."""

    @pytest.mark.parametrize(("cats", "dogs", "right"), [(2, 1, True), (2, 0, False), (3, 1, False), (1, 2, False)])
    def test_all_have_to_be_right(self, cats: int, dogs: int, right: bool) -> None:
        objects = [{"object": "cat", "counts": 2}, {"object": "dog", "counts": 1}]

        assert ways("count", objects, seen(cat=[MIDDLE] * cats, dog=[LEFT] * dogs)) == (right, right)

    def test_none_wanted_is_none_found(self) -> None:
        assert ways("count", [{"object": "cat", "counts": 0}], seen(cat=[])) == (True, True)

    def test_what_was_not_looked_for_cannot_be_told(self) -> None:
        with pytest.raises(KeyError):
            rules.depicted("count", [{"object": "nonesuch", "counts": 1}], {})


class TestSize:
    """Areas of the first boxes."""

    @pytest.mark.parametrize(
        ("word", "right"),
        [("larger", (True, True)), ("bigger", (True, True)), ("smaller", (False, False)), ("Larger", (False, None)), ("heavier", (False, None))],
    )
    def test_words(self, word: str, right: tuple[bool, bool | None]) -> None:
        """A word without a rule is wrong to the public code, and cannot be judged."""
        objects = [{"object1": "cat", "object2": "dog", "size": word}]

        assert ways("size", objects, seen(cat=at(0.3, 0.3, 0.4, 0.4), dog=[MIDDLE, at(0.5, 0.5, 1, 1)])) == right

    def test_equal_is_neither(self) -> None:
        found = seen(cat=MIDDLE, dog=MIDDLE)

        assert [ways("size", [{"object1": "cat", "object2": "dog", "size": word}], found) for word in ("larger", "smaller")] == [(False, False)] * 2

    def test_the_last_place_of_a_float_decides_for_the_public_code_alone(self) -> None:
        """0.9 - 0.6 is more than 0.3."""
        found = seen(cat=(0.6, 0.0, 0.9, 0.3), dog=(0.0, 0.0, 0.3, 0.3))

        assert ways("size", [{"object1": "cat", "object2": "dog", "size": "larger"}], found) == (True, False)

    @pytest.mark.parametrize("missing", ["cat", "dog"])
    def test_both_have_to_be_there(self, missing: str) -> None:
        found = {**seen(cat=MIDDLE, dog=at(0.5, 0.5, 0.2, 0.2)), missing: []}

        assert ways("size", [{"object1": "cat", "object2": "dog", "size": "smaller"}], found) == (False, False)

    def test_a_second_comparison_has_its_own_target(self) -> None:
        """The public code compares the cat with the fly."""
        objects = [{"object1": "cat", "object2": "dog", "size": "smaller"}, {"object1": "bee", "object2": "fly", "size": "larger"}]
        found = seen(cat=MIDDLE, dog=at(0.5, 0.5, 0.4, 0.4), bee=at(0.5, 0.5, 0.3, 0.3), fly=at(0.5, 0.5, 0.2, 0.2))

        assert ways("size", objects, found) == (False, True)


class TestSpatial:
    """One thing to one, two or three others."""

    @pytest.mark.parametrize(
        ("box", "words"),
        [
            (LEFT, {"on the left of"}),
            (RIGHT, {"on the right of"}),
            (HIGH, {"on", "above", "over"}),
            (LOW, {"below", "beneath", "under"}),
            (MIDDLE, set()),
        ],
    )
    def test_clear_places(self, box: Box, words: set[str]) -> None:
        every = ("on the left of", "on the right of", "on", "above", "over", "below", "beneath", "under")
        found = seen(cat=box, dog=MIDDLE)

        assert {word for word in every if ways("spatial", spatial("cat", "dog", rel=[word]), found) == (True, True)} == words
        assert {word for word in every if ways("spatial", spatial("cat", "dog", rel=[word]), found) == (False, False)} == set(every) - words

    @pytest.mark.parametrize(("box", "opposites"), [(at(0.5, 0.5, 0.1, 0.6), ("above", "below")), (at(0.5, 0.5, 0.6), ("on the left of", "on the right of"))])
    def test_opposites_hold_at_once_for_the_public_code_alone(self, box: Box, opposites: tuple[str, str]) -> None:
        """A box that reaches farther to both sides."""
        found = seen(cat=box, dog=MIDDLE)

        assert [ways("spatial", spatial("cat", "dog", rel=[word]), found) for word in opposites] == [(True, False)] * 2

    @pytest.mark.parametrize("missing", ["cat", "dog", "bird"])
    def test_all_have_to_be_there(self, missing: str) -> None:
        found = {**seen(cat=MIDDLE, dog=LEFT, bird=RIGHT), missing: []}

        assert ways("spatial", spatial("cat", "dog", "bird", rel=["between"]), found) == (False, False)

    @pytest.mark.parametrize(
        ("boxes", "rel", "right"),
        [
            ([MIDDLE, LEFT, LOW], ["on the right of", "above"], (True, True)),
            ([MIDDLE, LEFT, HIGH], ["on the right of", "above"], (False, False)),
            ([MIDDLE, LEFT, RIGHT], ["between"], (True, True)),
            ([MIDDLE, RIGHT, LEFT], ["in the middle of"], (True, True)),
            ([MIDDLE, HIGH, LOW], ["between"], (True, True)),
            ([LEFT, MIDDLE, RIGHT], ["between"], (False, False)),
            ([at(0.5, 0.5, 0.1, 0.6), LEFT, at(0.2, 0.5, 0.1, 0.2)], ["between"], (True, False)),
            ([HIGH, at(0.6, 0.2), MIDDLE, at(0.9, 0.9)], ["above", "on the left of"], (True, True)),
            ([HIGH, at(0.4, 0.9), MIDDLE, RIGHT], ["above", "on the left of"], (True, False)),
            ([MIDDLE, at(0.6, 0.5), LEFT, RIGHT], ["between"], (True, True)),
            ([MIDDLE, at(0.1, 0.5), LEFT, RIGHT], ["between"], (False, False)),
        ],
    )
    def test_more_things(self, boxes: list[Box], rel: list[str], right: tuple[bool, bool]) -> None:
        names = ["cat", "dog", "bird", "fish"][: len(boxes)]

        assert ways("spatial", spatial(*names, rel=rel), seen(**dict(zip(names, boxes, strict=True)))) == right

    @pytest.mark.parametrize(
        ("boxes", "rel", "reference"),
        [
            ([LEFT, MIDDLE], ["left"], False),
            ([LEFT, MIDDLE, RIGHT], ["near", "on the left of"], True),  # an unknown first word is passed over
            ([LEFT, MIDDLE, RIGHT], ["on the left of", "near"], False),
            ([HIGH, LEFT, MIDDLE, RIGHT, LOW], ["above"], False),
            ([LEFT, MIDDLE], [], False),
        ],
    )
    def test_what_has_no_rule_is_left_out(self, boxes: list[Box], rel: list[str], reference: bool) -> None:
        names = ["cat", "dog", "bird", "fish", "bee"][: len(boxes)]

        assert ways("spatial", spatial(*names, rel=rel), seen(**dict(zip(names, boxes, strict=True)))) == (reference, None)


def test_each_thing_is_looked_for_once() -> None:
    assert rules.entities("count", [{"object": "cat"}, {"object": "dog"}, {"object": "cat"}]) == ["cat", "dog"]
    assert rules.entities("size", [{"object1": "cat", "object2": "dog"}, {"object1": "cat", "object2": "bee"}]) == ["cat", "dog", "bee"]
    assert rules.entities("spatial", spatial("cat", "dog", "bee", rel=[])) == ["cat", "dog", "bee"]


@pytest.mark.parametrize(
    ("answers", "expected"), [([], False), ([True], True), ([True, False], False), ([True, None], None), ([None, False], False), ([True, True], True)]
)
def test_a_picture_is_right_when_all_of_it_is(answers: list[bool | None], expected: bool | None) -> None:
    assert rules.whole(answers) is expected


def test_clip_score_is_a_cosine_from_nought() -> None:
    """45 degrees, the same direction, and opposite ones."""
    scores = rules.clip_score([[1, 1], [2, 0], [1, 0]], [[3, 0], [5, 0], [-1, 0]])

    assert scores == pytest.approx([2.5 * math.sqrt(0.5), 2.5, 0.0])


def test_a_percentage_of_nothing_is_an_error() -> None:
    assert rules.percentage([True, False, False, True]) == 50
    with pytest.raises(Crash) as crash:
        rules.percentage([])
    assert crash.value.error == "ZeroDivisionError"


class TestTrials:
    """The mean of each trial, and of these the mean."""

    def test_trials_count_alike_however_many_rows_they_have(self) -> None:
        records = [{"trial": 0, "reference": 100.0}, {"trial": 0, "reference": 0.0}, {"trial": 1, "reference": 100.0}, {"trial": 2, "reference": 0.0}]

        assert rules.trial_mean(records, "reference") == 50

    def test_a_row_without_a_score_takes_the_trial_of_the_public_code_away(self) -> None:
        values = [(0, 1.0), (0, None), (1, 0.5), (2, 0.0)]
        records = [{"trial": trial, "reference": value, "corrected": value} for trial, value in values]

        assert rules.trial_mean(records, "reference") is None
        assert rules.trial_mean(records, "corrected") == 0.5

    def test_all_trials_are_needed(self) -> None:
        assert rules.trial_mean([{"trial": 0, "corrected": 1.0}, {"trial": 2, "corrected": 1.0}], "corrected") is None


class TestAnswers:
    """What a judge said of an answer."""

    @pytest.mark.parametrize(("judged", "right"), [("Yes", True), ("YES.", True), ("I can see eyes", True), ("No", False), ("", False)])
    def test_letters_of_yes(self, judged: str, right: bool) -> None:
        assert rules.agrees("spatial", "left", judged) is right

    @pytest.mark.parametrize(
        ("judged", "reference", "corrected"),
        [
            ("cat: 2\ndog: 1", True, True),
            ("cat: 2, dog: 2", False, False),
            ("cat: 2", False, False),
            ("Cat: 2; Dog: 1", True, True),
            ("cat:2, dog:1", False, True),
            ("cat: two, dog: one", False, True),
            ("cat: 2, dog: 3, dog: 1", True, True),
            ("the totals are\ncat: 2, dog: 1", False, True),
        ],
    )
    def test_all_numbers_have_to_be_right(self, judged: str, reference: bool, corrected: bool) -> None:
        answer = {"cat": 2, "dog": 1}

        assert (rules.agrees("count", answer, judged), rules.counts_corrected(answer, judged)) == (reference, corrected)

    def test_names_with_hyphens_and_digits(self) -> None:
        answer = {"t-shirt": 2, "tv2": 1}

        assert not rules.agrees("count", answer, "t-shirt: 2\ntv2: 1")
        assert rules.counts_corrected(answer, "t-shirt: 2\ntv2: 1")

    def test_one_object_ends_the_public_code(self) -> None:
        assert rules.without_a_second({"cat": 1, "dog": 2}) is None
        crash = rules.without_a_second({"cat": 1})
        assert crash is not None
        assert crash.error == "IndexError"
