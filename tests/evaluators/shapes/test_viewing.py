"""Judging pictures: views that show what is wanted, and views that nearly do."""

import pytest

from evaluators.shapes.orders import right_scene
from evaluators.shapes.viewing import Seen, View, judge_view, perfect, seen_in, words_in
from kernel.contract import Detection

LEFT, RIGHT, TOP, BOTTOM, MIDDLE = (0, 40, 20, 60), (80, 40, 100, 60), (40, 0, 60, 20), (40, 80, 60, 100), (40, 40, 60, 60)
RED, BLUE, STAR = ("red", "circle"), ("blue", "square"), ("yellow", "star")


def view(*things: tuple[tuple[str, str], tuple[int, int, int, int]], words: tuple[str, ...] = ()) -> View:
    return View(tuple(Seen(colour, shape, box) for (colour, shape), box in things), words)


def wanted(*things: tuple[str, str], relation: str | None = None, word: str | None = None) -> dict[str, object]:
    return {"things": [list(thing) for thing in things], "relation": relation, "word": word}


SHOWN = [
    ("identification", wanted(RED), view((RED, MIDDLE))),
    ("identification", wanted(RED), view((("blue", "circle"), MIDDLE))),  # the colour is not looked at
    ("identification", wanted(RED, BLUE), view((BLUE, LEFT), (RED, RIGHT))),
    ("attribute", wanted(RED), view((RED, MIDDLE))),
    ("attribute", wanted(RED), view((("red", "star"), MIDDLE))),  # the shape is not looked at
    ("spatial", wanted(RED, BLUE, relation="left of"), view((RED, LEFT), (BLUE, RIGHT))),
    ("spatial", wanted(RED, BLUE, relation="right of"), view((BLUE, LEFT), (RED, RIGHT))),
    ("spatial", wanted(RED, BLUE, relation="above"), view((RED, TOP), (BLUE, BOTTOM))),
    ("spatial", wanted(RED, BLUE, relation="below"), view((RED, BOTTOM), (BLUE, TOP))),
    ("spatial", wanted(RED, BLUE, relation="left of"), view((RED, LEFT), (STAR, TOP), (BLUE, RIGHT))),  # others are not looked at
    ("count", wanted(RED, RED), view((RED, LEFT), (RED, RIGHT))),
    ("count", wanted(RED), view((BLUE, MIDDLE))),  # only the number is looked at
    ("identification", wanted(word="STOP"), view(words=("stop",))),
    ("identification", wanted(word="STOP"), view((RED, LEFT), words=("the", "stop"))),
]
NOT_SHOWN = [
    ("identification", wanted(RED), view()),
    ("identification", wanted(RED), view((BLUE, MIDDLE))),
    ("identification", wanted(RED), view((RED, LEFT), (BLUE, RIGHT))),
    ("identification", wanted(RED), view((RED, LEFT), (RED, RIGHT))),
    ("identification", wanted(RED, BLUE), view((RED, LEFT))),
    ("attribute", wanted(RED), view((BLUE, MIDDLE))),
    ("attribute", wanted(RED), view()),
    ("spatial", wanted(RED, BLUE, relation="left of"), view((BLUE, LEFT), (RED, RIGHT))),
    ("spatial", wanted(RED, BLUE, relation="above"), view((RED, LEFT), (BLUE, RIGHT))),
    ("spatial", wanted(RED, BLUE, relation="left of"), view((RED, LEFT))),
    ("spatial", wanted(RED, BLUE, relation="left of"), view((RED, LEFT), (RED, TOP), (BLUE, RIGHT))),
    ("spatial", wanted(RED, BLUE, relation="left of"), view((RED, (0, 0, 20, 20)), (BLUE, (80, 80, 100, 100)))),  # diagonal
    ("count", wanted(RED, RED), view((RED, LEFT))),
    ("count", wanted(RED), view()),
    ("identification", wanted(word="STOP"), view(words=("stopper",))),
    ("identification", wanted(word="STOP"), view(words=("sto",))),
    ("identification", wanted(word="STOP"), view(words=())),
    ("identification", wanted(word="STOP"), View(())),
]


@pytest.mark.parametrize(("task", "order", "seen"), SHOWN, ids=range(len(SHOWN)))
def test_what_is_wanted_is_shown(task: str, order: dict[str, object], seen: View) -> None:
    """What the task does not look at may differ."""
    assert judge_view(task, order, seen).value == 1


@pytest.mark.parametrize(("task", "order", "seen"), NOT_SHOWN, ids=range(len(NOT_SHOWN)))
def test_nearly_is_not_enough(task: str, order: dict[str, object], seen: View) -> None:
    """One thing missing, one too many, or one in the wrong place."""
    assert judge_view(task, order, seen).value == 0


def test_only_coloured_shapes_count_as_things() -> None:
    """Whatever else a detector names is passed over."""
    labels = ("red circle", "grey circle", "red", "", "red circle thing", "a red circle")
    found = seen_in(Detection(label, 1.0, MIDDLE) for label in labels)

    assert [thing.name for thing in found] == ["red circle"]


def test_words_are_read_in_plain_small_letters() -> None:
    """Several on a line, with marks between."""
    read = [Detection("STOP, the", 1.0, MIDDLE), Detection("Car!", 1.0, MIDDLE)]

    assert words_in(read) == ("stop", "the", "car")


def test_a_right_scene_looks_right_to_perfect_instruments() -> None:
    """The drawing of an order shows what was ordered."""
    order = wanted(RED, BLUE, relation="below", word="STOP")

    assert judge_view("spatial", order, perfect(right_scene(order))).value == 1
