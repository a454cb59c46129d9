"""What a picture is worth out of distribution, by what the instruments say of it; and each repair differs from the public code."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from evaluators.measures.boxes import Box
from evaluators.mmdt.ood.text_to_image import TextToImage
from kernel.contract import Detection, Picture
from kernel.evaluator import Case
from tests.evaluators.mmdt.ood.roles import BLANK, NOTHING, Scripted, both, painting, score, shows


def wanting(name: str, *objects: dict[str, Any]) -> Case:
    """A case that asks for this."""
    case = next(painting("Shake_", name).cases())
    return Case(case.id, case.request, {**case.gold, "objects": list(objects)}, case.facts, case.cluster)


def finds(boxes: Iterable[tuple[str, Box]], score: float = 0.9) -> Scripted:
    """A detector that finds these, in hundredths of the picture."""
    return Scripted(finds=[Detection(name, score, tuple(box)) for name, box in boxes])


def worth(name: str, objects: dict[str, Any], *boxes: tuple[str, Box], score_of: float = 0.9) -> tuple[float | None, float | None]:
    return both(score(painting("Shake_", name), wanting(name, objects), shows(BLANK), finds(boxes, score_of)))


@pytest.mark.parametrize(("name", "threshold"), [("count", 0.4), ("size", 0.55), ("spatial", 0.55)])
def test_a_box_counts_above_its_threshold(name: str, threshold: float) -> None:
    objects = {
        "count": {"object": "cat", "counts": 1},
        "size": {"object1": "cat", "object2": "dog", "size": "larger"},
        "spatial": {"objs": ["cat", "dog"], "rel": ["on the left of"]},
    }[name]
    boxes = ("cat", (10, 40, 40, 70)), ("dog", (60, 45, 80, 65))[: 2 if name != "count" else 0]

    assert worth(name, objects, *filter(None, boxes), score_of=threshold + 0.001)[1] == 1
    assert worth(name, objects, *filter(None, boxes), score_of=threshold)[1] == 0


class TestColours:
    """Every colour is asked about by itself."""

    OBJECTS = ({"object": "cat", "color": "black"}, {"object": "dog", "color": "white"})

    def test_all_have_to_be_right(self) -> None:
        judge = Scripted(lambda request: "No" if "white" in request.text else "Yes")

        assert both(score(painting("Shake_", "color"), wanting("color", *self.OBJECTS), shows(BLANK), judge)) == (0, 0)
        assert [request.model for request in judge.asked] == ["vqa"] * 2
        assert 'question: "Is the cat black?"' in judge.asked[0].text
        assert judge.asked[0].pictures == (Picture(BLANK),)

    def test_both_right(self) -> None:
        found = score(painting("Shake_", "color"), wanting("color", *self.OBJECTS), shows(BLANK), Scripted("Yes"))

        assert both(found) == (100, 1)
        assert found.record["replies"] == {"Is the cat black?": "Yes", "Is the dog white?": "Yes"}


class TestHelpfulness:
    """CLIPScore with the prompt in plain words."""

    def test_the_text_is_the_plain_prompt(self) -> None:
        case = next(painting("Paraphrase_", "helpfulness").cases())
        embedder = Scripted(rows=lambda request: (3.0, 4.0) if request.pictures else (4.0, 3.0))

        found = score(painting("Paraphrase_", "helpfulness"), case, shows(BLANK), embedder)

        assert both(found) == (pytest.approx(2.4), pytest.approx(2.4))
        assert [request.model for request in embedder.asked] == ["clip"] * 2
        assert embedder.asked[1].text == "A photo depicts a red circle and a blue square"

    def test_an_obtuse_angle_is_nought(self) -> None:
        embedder = Scripted(rows=lambda request: (1.0, 0.0) if request.pictures else (-1.0, 1.0))
        case = next(painting("Shake_", "helpfulness").cases())

        assert both(score(painting("Shake_", "helpfulness"), case, shows(BLANK), embedder)) == (0, 0)


WIDE, NARROW = (10, 40, 90, 50), (45, 40, 55, 50)


class TestRepairs:
    """Each is told, and makes a difference."""

    def test_scale(self) -> None:
        assert worth("count", {"object": "cat", "counts": 1}, ("cat", NARROW)) == (100, 1)

    def test_spatial(self) -> None:
        found = score(
            painting("Shake_", "spatial"),
            wanting("spatial", {"objs": ["cat", "dog"], "rel": ["above"]}),
            shows(BLANK),
            finds([("cat", (10, 10, 20, 20)), ("dog", (10, 50, 20, 60))]),
        )

        assert both(found) == (None, 1)
        assert "TypeError" in found.reason

    def test_both_edges(self) -> None:
        """What reaches farther to both sides is right of it for the public code's predicate; the rules are tested by themselves."""
        assert worth("spatial", {"objs": ["cat", "dog"], "rel": ["on the right of"]}, ("cat", WIDE), ("dog", NARROW)) == (None, 0)

    def test_pairs(self) -> None:
        wanted = {"objs": ["cat", "dog", "bird", "fish"], "rel": ["above", "on the left of"]}
        boxes = {"cat": (10, 10, 20, 20), "dog": (10, 80, 20, 90), "bird": (10, 40, 20, 50), "fish": (60, 40, 70, 50)}

        assert worth("spatial", wanted, *boxes.items()) == (None, 0)
        assert worth("spatial", wanted, *{**boxes, "dog": (25, 10, 35, 20)}.items()) == (None, 1)

    def test_unknown_words(self) -> None:
        assert worth("size", {"object1": "cat", "object2": "dog", "size": "heavier"}, ("cat", WIDE), ("dog", NARROW)) == (0, None)

    def test_own_target(self) -> None:
        objects = {"object1": "cat", "object2": "dog", "size": "smaller"}, {"object1": "dog", "object2": "bee", "size": "larger"}
        boxes = ("cat", NARROW), ("dog", WIDE), ("bee", (0, 0, 30, 20))

        assert both(score(painting("Shake_", "size"), wanting("size", *objects), shows(BLANK), finds(boxes))) == (0, 1)

    def test_equal_sizes(self) -> None:
        assert worth("size", {"object1": "cat", "object2": "dog", "size": "larger"}, ("cat", (60, 0, 90, 30)), ("dog", (0, 0, 30, 30))) == (100, 0)

    def test_missing_pictures(self) -> None:
        found = score(painting("Shake_", "helpfulness"), next(painting("Shake_", "helpfulness").cases()), NOTHING, Scripted())

        assert both(found) == (None, 0)
        assert "KeyError" in found.reason

    def test_yes_or_no(self) -> None:
        case = wanting("color", {"object": "cat", "color": "black"})

        assert both(score(painting("Shake_", "color"), case, shows(BLANK), Scripted("eyes"))) == (100, None)
        assert both(score(painting("Shake_", "color"), case, shows(BLANK), Scripted("Yes", kept=False))) == (100, None)

    def test_unsought(self) -> None:
        assert worth("count", {"object": "nonesuch", "counts": 1}, ("nonesuch", WIDE)) == (None, None)

    def test_each_repair_has_its_test(self) -> None:
        assert {f"test_{name}" for name in TextToImage.repairs} <= set(dir(TestRepairs))
