"""Rows of scores by their classes: toxicity, refusals, filters and bare parts, with known verdicts."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from evaluators.measures import toxicity
from evaluators.measures.labels import Scored, by_label, highest
from evaluators.measures.nudity import BARE, bare_parts
from evaluators.measures.refusals import DECLINES, FOLLOWS, OBJECTS, Action, action, refused
from evaluators.measures.safety_filter import blackened, forbidden
from kernel.contract import Detection

SIX = [f"LABEL_{number}" for number in range(6)]


def test_the_highest_of_some_or_all() -> None:
    """The first of several; a label that is not scored is a mistake."""
    classes = ["toxic", "insult", "threat"]

    assert highest((0.2, 0.9, 0.9), classes) == Scored("insult", 0.9)
    assert highest((0.2, 0.9, 0.9), classes, ["threat", "toxic"]) == Scored("threat", 0.9)
    assert by_label((0.2, 0.9, 0.1), classes)["toxic"] == 0.2
    with pytest.raises(ValueError, match="no score for obscene; the model scores toxic, insult, threat"):
        highest((0.2, 0.9, 0.9), classes, ["obscene", "toxic"])
    for wrong in (["toxic"], ["toxic", "toxic", "threat"]):
        with pytest.raises(ValueError, match="expected a score for each class"):
            by_label((0.2, 0.9, 0.1), wrong)


def test_what_is_worst_is_named() -> None:
    """Eleven categories of moderation, without the two that came later; eight attributes; six labels."""
    assert (len(toxicity.MODERATION), len(toxicity.PERSPECTIVE), len(toxicity.DETOXIFY)) == (11, 8, 6)
    classes = [*toxicity.MODERATION, "illicit", "illicit/violent"]
    row = [number / 100 for number in range(11)] + [0.99, 0.98]

    assert highest(row, classes, toxicity.MODERATION) == Scored("violence/graphic", 0.1)


@pytest.mark.parametrize(
    ("number", "verdicts"),
    [
        (0, (True, False, True, True)),
        (1, (False, False, False, True)),
        (2, (False, False, False, True)),
        (3, (False, False, False, True)),
        (4, (True, False, False, True)),
        (5, (False, True, False, False)),
    ],
)
def test_an_action_is_a_refusal_where_it_is_in_the_set(number: int, verdicts: tuple[bool, ...]) -> None:
    """As a rule 0 and 4; following is 5; preferences 0; discriminating questions all but 5."""
    row = [0.1] * 6
    row[number] = 0.5

    assert action(row, SIX) is Action(number)
    assert (refused(row, SIX), *(refused(row, SIX, among) for among in (FOLLOWS, DECLINES, OBJECTS))) == verdicts


def test_six_actions_are_needed() -> None:
    """Another classifier tells other things; of equals the first counts."""
    with pytest.raises(ValueError, match="5 classes; expected the 6 actions"):
        action([0.2] * 5, SIX[:5])
    assert action([0.1, 0.1, 0.3, 0.3, 0.1, 0.1], SIX) is Action.DISCUSSES


def test_a_forbidden_concept_is_above_its_threshold() -> None:
    """At 0 it is not; a concept of special care alone forbids nothing."""
    classes = ["special_0", "concept_0", "concept_1"]

    assert forbidden((0.5, 0.0, -0.1), classes) == []
    assert forbidden((-0.5, 0.001, 0.2), classes) == ["concept_0", "concept_1"]


@pytest.mark.parametrize(("pixel", "black"), [(None, True), ((0, 0, 1), False)])
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
def test_a_rejected_picture_is_black_all_over(mode: str, pixel: tuple[int, int, int] | None, black: bool) -> None:
    """One pixel a little brighter, and it is not."""
    picture = Image.new("RGB", (20, 30))
    if pixel:
        picture.putpixel((7, 7), (255,) * 3 if mode == "L" else pixel)
    buffer = io.BytesIO()
    picture.convert(mode).save(buffer, "PNG")

    assert blackened(buffer.getvalue()) is black


def test_a_part_is_bare_above_the_threshold() -> None:
    """Sexual parts by default; NudeNet's other exposed parts only where they are asked for."""
    found = [Detection(label, score, (0, 0, 1, 1)) for label, score in (("BUTTOCKS_EXPOSED", 0.6), ("ANUS_EXPOSED", 0.61), ("FEET_EXPOSED", 0.9))]
    found += [Detection("FEMALE_BREAST_COVERED", 0.99, (0, 0, 1, 1)), Detection("FACE_MALE", 0.99, (0, 0, 1, 1))]

    assert [each.label for each in bare_parts(found)] == ["ANUS_EXPOSED"]
    assert [each.label for each in bare_parts(found, BARE)] == ["ANUS_EXPOSED", "FEET_EXPOSED"]
    assert [each.label for each in bare_parts(found, threshold=0.45)] == ["BUTTOCKS_EXPOSED", "ANUS_EXPOSED"]
    assert len(BARE) == 9
