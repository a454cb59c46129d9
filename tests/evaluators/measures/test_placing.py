"""Where boxes lie, in the four ways of the benchmark, at the edges of each rule."""

from __future__ import annotations

import pytest

from evaluators.measures.boxes import Box
from evaluators.measures.placing import arranged, between, described, direction, leans, lies, sized


def at(x: float, y: float, width: float = 0.1, height: float = 0.1) -> Box:
    """A box by its centre."""
    return (x - width / 2, y - height / 2, x + width / 2, y + height / 2)


MIDDLE = at(0.5, 0.5)


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (0.25, 0.5, "left"),
        (0.75, 0.5, "right"),
        (0.5, 0.25, "above"),
        (0.5, 0.75, "below"),
        (0.25, 0.375, "left"),
        (0.25, 0.25, "above"),  # as far across as down: down decides
        (0.75, 0.75, "below"),
        (0.5, 0.5, "below"),  # the same centre
    ],
)
def test_direction_is_the_greater_offset(x: float, y: float, expected: str) -> None:
    """Strictly greater across, or it is up or down."""
    assert direction(at(x, y), MIDDLE) == expected


@pytest.mark.parametrize(("actual", "words"), [("left", {"left"}), ("right", {"right"}), ("above", {"above", "top", "over"}), ("below", {"under"})])
def test_words_of_misleading_prompts(actual: str, words: set[str]) -> None:
    """As published, "below" never fits; mended it fits what is below."""
    every = ("left", "right", "above", "top", "over", "under", "below", "beneath", "")

    assert {word for word in every if described(actual, word, as_published=True)} == words
    assert {word for word in every if described(actual, word, as_published=False)} == words | ({"below"} if actual == "below" else set())


def test_one_axis_decides_for_adversarial_prompts() -> None:
    """However far off the other one is, and strictly."""
    far = at(0.49, 0.1)

    assert [lies(far, MIDDLE, relation) for relation in ("left of", "right of", "above", "below")] == [True, False, True, False]
    assert not any(lies(MIDDLE, MIDDLE, relation) for relation in ("left of", "right of", "above", "below"))
    with pytest.raises(KeyError):
        lies(far, MIDDLE, "beside")


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        (0.75, 0.5, {"right"}),
        (0.25, 0.25, {"left", "above", "on", "over", "upon"}),
        (0.5, 0.75, {"below", "under", "beneath"}),
        (0.529, 0.5, set()),  # not more than 0.03
        (0.53, 0.5, {"right"}),  # as floats, 0.53 - 0.5 is more than 0.03, and so the public code has it
        (0.532, 0.5, {"right"}),
        (0.5, 0.5, set()),
    ],
)
def test_co_occurrence_asks_for_more_than_a_little(x: float, y: float, words: set[str]) -> None:
    """In the word's direction alone; words that are none never hold."""
    every = ("left", "right", "above", "on", "over", "upon", "below", "under", "beneath", "near", "")

    a = (round(x - 0.05, 3), round(y - 0.05, 3), round(x + 0.05, 3), round(y + 0.05, 3))
    assert {word for word in every if leans(a, (0.45, 0.45, 0.55, 0.55), word)} == words


TALL = at(0.5, 0.5, 0.1, 0.5)
LEFT, RIGHT, HIGH = at(0.2, 0.5), at(0.8, 0.5), at(0.5, 0.2)


def test_one_other_by_edges() -> None:
    """A box that is taller is above and below at once; a word that is none never holds."""
    relations = ("on the right of", "on the left of", "on", "above", "over", "below", "beneath", "under", "near", "left")

    assert [each for each in relations if arranged([LEFT, MIDDLE], [each])] == ["on the left of"]
    assert [each for each in relations if arranged([TALL, MIDDLE], [each])] == ["on", "above", "over", "below", "beneath", "under"]
    assert [each for each in relations if arranged([MIDDLE, TALL], [each])] == ["on", "above", "over", "below", "beneath", "under"]
    assert [each for each in relations if arranged([at(0.5, 0.5, 0.8), MIDDLE], [each])] == ["on the right of", "on the left of"]
    assert not [each for each in relations if arranged([MIDDLE, at(0.5, 0.5, 0.8)], [each])]
    assert not arranged([LEFT, MIDDLE], [])


@pytest.mark.parametrize(
    ("boxes", "relations", "holds"),
    [
        ([MIDDLE, LEFT, RIGHT], ["on the right of", "on the left of"], True),
        ([MIDDLE, LEFT, RIGHT], ["on the right of", "on the right of"], False),
        ([MIDDLE, LEFT, RIGHT], ["on the left of", "on the left of"], False),
        ([MIDDLE, LEFT, RIGHT], ["near", "on the left of"], True),  # an unknown first word is passed over
        ([MIDDLE, LEFT, RIGHT], ["on the right of", "near"], False),  # an unknown second one is not
        ([MIDDLE, LEFT, RIGHT], ["between"], True),
        ([LEFT, MIDDLE, RIGHT], ["between"], False),
        ([HIGH, LEFT, MIDDLE, RIGHT], ["above", "on the left of"], True),  # one of the pair is above, both are left
        ([LEFT, at(0.3, 0.5), MIDDLE, RIGHT], ["above", "on the left of"], False),
        ([HIGH, RIGHT, MIDDLE, RIGHT], ["above", "on the left of"], False),
        ([MIDDLE, at(0.6, 0.5), LEFT, RIGHT], ["between"], True),
        ([MIDDLE, LEFT, LEFT, RIGHT], ["between"], False),
        ([MIDDLE, LEFT, RIGHT, HIGH, LEFT], ["above", "above"], False),
    ],
)
def test_more_others(boxes: list[Box], relations: list[str], holds: bool) -> None:
    """Two relations each to their own; otherwise between."""
    assert arranged(boxes, relations) is holds


def test_between_goes_across_and_down() -> None:
    """In either order."""
    assert between(MIDDLE, LEFT, RIGHT)
    assert between(MIDDLE, RIGHT, LEFT)
    assert between(MIDDLE, at(0.5, 0.8), HIGH)
    assert not between(LEFT, MIDDLE, RIGHT)


@pytest.mark.parametrize(("word", "holds"), [("larger", True), ("bigger", True), ("smaller", False), ("heavier", False)])
def test_sizes_are_areas(word: str, holds: bool) -> None:
    """Strictly; other words never hold."""
    assert sized(TALL, MIDDLE, word) is holds
    assert not sized(MIDDLE, MIDDLE, word)
