"""GenEval: places, colours and numbers by what a detector found, and by what people said."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from evaluators.public.composition import CAPTIONS, COLOURS, TAGS, approved, faults, majority, relations
from evaluators.public.geneval import Geneval
from kernel.contract import Deadline, Detection, Kind, Picture, Reply, Request
from kernel.errors import RoleUnfilled
from kernel.players import Constant, Empty, Refuses
from tests.evaluators.public.public_players import Nobody, judged, played, put_lines

LEFT, RIGHT, OVER, FAR = (0, 40, 20, 60), (80, 40, 100, 60), (40, 0, 60, 20), (60, 60, 90, 90)


@pytest.mark.parametrize(
    ("a", "b", "told"),
    [
        (LEFT, RIGHT, {"left of"}), (RIGHT, LEFT, {"right of"}), (OVER, (40, 80, 60, 100), {"above"}), ((40, 80, 60, 100), OVER, {"below"}),
        (LEFT, LEFT, set()), ((0, 0, 20, 20), (4, 0, 24, 20), set()), ((0, 0, 20, 20), (4.1, 0, 24.1, 20), set()),
        ((0, 0, 20, 20), (9, 0, 29, 20), {"left of"}), (FAR, (0, 0, 30, 30), {"right of", "below"}), ((0, 0, 10, 10), (10, 90, 20, 100), {"above"}),
    ],
)  # fmt: skip
def test_places_are_told_by_centres_farther_apart_than_a_tenth_of_both_sides(a: Sequence[float], b: Sequence[float], told: set[str]):
    assert relations(a, b) == told


def thing(name: str, count: int = 1, **more: Any) -> dict[str, Any]:
    return {"class": name, "count": count, **more}


TWO = {"include": [thing("cup"), thing("dog")]}
THREE_CUPS = {"include": [thing("cup", 3)], "exclude": [thing("cup", 4)]}
BESIDE = {"include": [thing("cup"), thing("dog", position=["right of", 0])]}
RED = {"include": [thing("cup", color="red")]}


@pytest.mark.parametrize(
    ("wanted", "found", "colours", "number"),
    [
        (TWO, {"cup": [LEFT], "dog": [RIGHT]}, {}, 0), (TWO, {"cup": [LEFT, OVER], "dog": [RIGHT]}, {}, 0), (TWO, {"cup": [LEFT]}, {}, 1), (TWO, {}, {}, 2),
        (THREE_CUPS, {"cup": [LEFT] * 3}, {}, 0), (THREE_CUPS, {"cup": [LEFT] * 4}, {}, 1), (THREE_CUPS, {"cup": [LEFT] * 2}, {}, 1),
        (BESIDE, {"cup": [LEFT], "dog": [RIGHT]}, {}, 0), (BESIDE, {"cup": [RIGHT], "dog": [LEFT]}, {}, 1), (BESIDE, {"dog": [RIGHT]}, {}, 2),
        (BESIDE, {"cup": [LEFT], "dog": [RIGHT, LEFT]}, {}, 0), (BESIDE, {"cup": [LEFT], "dog": [LEFT, RIGHT]}, {}, 1),
        (RED, {"cup": [LEFT]}, {0: ["red"]}, 0), (RED, {"cup": [LEFT]}, {0: ["blue"]}, 1), (RED, {"cup": []}, {}, 1),
    ],
)  # fmt: skip
def test_what_is_not_as_wanted_is_told(wanted: dict[str, Any], found: dict[str, Any], colours: dict[int, list[str]], number: int):
    assert len(faults(wanted, found, colours)) == number


def said(*counts: str, colours: Sequence[str] = ("", ""), place: tuple[str, str] = ("", "")) -> dict[str, str]:
    counted = {f"Answer.task-count-{at}": each for at, each in enumerate([*counts, ""][:2])}
    coloured = {f"Answer.task-color-{at}": each for at, each in enumerate(colours)}
    return counted | coloured | {"Answer.task-position-x": place[0], "Answer.task-position-y": place[1]}


@pytest.mark.parametrize(
    ("wanted", "answers", "is_right"),
    [
        (TWO, said("1", "2.0"), True), (TWO, said("1", "0.0"), False), (THREE_CUPS, said("3"), True), (THREE_CUPS, said("5"), False),
        (THREE_CUPS, said("2"), False),
        (BESIDE, said("1", "1.0", place=("right", "neither_y")), True), (BESIDE, said("1", "1.0", place=("left", "above")), False),
        (BESIDE, said("1", "0.0"), False),
        (RED, said("1", colours=("red|white", "")), True), (RED, said("1", colours=("darkred", "")), False), (RED, said("0"), False),
    ],
)  # fmt: skip
def test_one_persons_answers_approve_a_picture_or_do_not(wanted: dict[str, Any], answers: dict[str, str], is_right: bool):
    assert approved(wanted, answers) is is_right


def test_a_majority_is_more_than_half():
    assert majority([True, True, False])
    assert not majority([True, False])
    assert not majority([])


class Instruments(Nobody):
    """A detector that finds what it is told, and a CLIP that sees the mean colour of what is cut out."""

    def __init__(self, *found: tuple[str, float, Sequence[float]]) -> None:
        self.found = found

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        if request.kind is Kind.DETECT:
            assert request.model == "detector"
            names = request.text.split("\n")
            return Reply(detections=tuple(Detection(name, score, box) for name, score, box in self.found if name in names))
        if request.model != "clip":
            raise RoleUnfilled(request.model)
        if request.pictures:
            return Reply(rows=tuple(Image.open(io.BytesIO(each.data)).resize((1, 1)).getpixel((0, 0)) for each in request.pictures))
        colours = [caption.split(" a ")[1].replace("-", " ").split()[0] for caption in request.text.split("\n")]
        assert len(colours) == len(COLOURS) * len(CAPTIONS)
        known = {"red": (9.0, 1.0, 1.0), "blue": (1.0, 1.0, 9.0)}
        return Reply(rows=tuple(known.get(colour, (1.0, 9.0, 1.0)) for colour in colours))


def painted(left: str, right: str) -> Reply:
    picture = Image.new("RGB", (100, 100), "white")
    for at, colour in ((0, left), (60, right)):
        picture.paste(Image.new("RGB", (40, 40), colour), (at, 30))
    file = io.BytesIO()
    picture.save(file, "PNG")
    return Reply(pictures=(Picture(file.getvalue()),))


ON_THE_LEFT, ON_THE_RIGHT = (0, 30, 40, 70), (60, 30, 100, 70)


def one(folder: Path, tag: str, wanted: dict[str, Any]) -> tuple[Geneval, Any]:
    put_lines(folder / "geneval/prompts/evaluation_metadata.jsonl", [{"tag": tag, **wanted, "prompt": "a photo"}])
    task = Geneval(target="model", data=str(folder), tag=tag, pictures=1)
    return task, next(task.cases())


@pytest.mark.parametrize(("colours", "worth"), [(("red", "blue"), 1), (("blue", "red"), 0), (("red", "red"), 0)])
def test_each_thing_has_its_own_colour(tmp_path: Path, colours: tuple[str, str], worth: float):
    task, case = one(tmp_path, "color_attr", {"include": [thing("cup", color="red"), thing("dog", color="blue")]})
    instruments = Instruments(("cup", 0.9, ON_THE_LEFT), ("dog", 0.8, ON_THE_RIGHT))

    assert judged(task, case, painted(*colours), instruments).values == {"correct": worth}


def test_the_surest_box_is_the_one_whose_colour_counts(tmp_path: Path):
    task, case = one(tmp_path, "colors", RED)

    for surer, worth in ((ON_THE_LEFT, 1), (ON_THE_RIGHT, 0)):
        instruments = Instruments(*(("cup", 0.9 if box == surer else 0.5, box) for box in (ON_THE_RIGHT, ON_THE_LEFT)))
        assert judged(task, case, painted("red", "blue"), instruments).values == {"correct": worth}


@pytest.mark.parametrize(("tag", "score", "worth"), [("single_object", 0.31, 1), ("single_object", 0.3, 0), ("counting", 0.91, 1), ("counting", 0.85, 0)])
def test_where_things_are_counted_the_detector_has_to_be_surer(tmp_path: Path, tag: str, score: float, worth: float):
    task, case = one(tmp_path, tag, {"include": [thing("cup")]})

    assert judged(task, case, painted("red", "blue"), Instruments(("cup", score, ON_THE_LEFT))).values == {"correct": worth}


def test_places_are_taken_in_pixels(tmp_path: Path):
    task, case = one(tmp_path, "position", BESIDE)

    assert judged(task, case, painted("red", "blue"), Instruments(("cup", 0.9, ON_THE_LEFT), ("dog", 0.9, ON_THE_RIGHT))).values == {"correct": 1}
    assert judged(task, case, painted("red", "blue"), Instruments(("dog", 0.9, ON_THE_LEFT), ("cup", 0.9, ON_THE_RIGHT))).values == {"correct": 0}


def test_without_instruments_there_is_no_verdict(tmp_path: Path):
    task, case = one(tmp_path, "colors", RED)

    assert judged(task, case, painted("red", "blue")).status == "unscored"


@pytest.mark.parametrize("tag", TAGS)
def test_who_paints_nothing_or_the_same_is_at_the_bottom(sampled: Path, tag: str):
    task = Geneval(target="model", data=str(sampled), tag=tag)

    assert played(task, Empty(), Instruments())["correct"] == played(task, Refuses(), Instruments())["correct"] == 0
    assert played(task, Constant(), Instruments())["correct"] == 0


def test_prompts_are_painted_with_other_seeds_in_one_cluster(sampled: Path):
    task = Geneval(target="model", data=str(sampled), tag="colors", pictures=3)
    cases = list(task.cases())

    assert len(cases) == task.how_many() == 6
    assert [case.request.sampling.seed for case in cases] == [0, 1, 2] * 2
    assert len({case.cluster for case in cases}) == 2
    assert task.gold(cases[0]).pictures


def test_a_prompt_that_wants_nothing_fails_alone(tmp_path: Path):
    task, case = one(tmp_path, "colors", {"include": []})

    assert "expected a list of things" in judged(task, case, painted("red", "blue")).reason
