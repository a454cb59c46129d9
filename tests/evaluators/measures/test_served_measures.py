"""Measures as scorers of their own: what they make of a reply, and which references they refuse."""

from __future__ import annotations

import asyncio
import io
import json
from importlib.metadata import EntryPoint
from pathlib import Path
from tomllib import loads

import pytest
from PIL import Image

from evaluators.measures.refusal_lists import REFUSAL_LISTS
from evaluators.measures.served import (
    Boxes,
    Choice,
    Contains,
    Judge,
    Number,
    Refusal,
    SafetyFilter,
    Served,
    Toxicity,
    YesNo,
    box_in,
)
from kernel.contract import Deadline, Finish, Picture, Reply, Request, Text
from kernel.errors import InvalidSpec, RoleUnfilled
from kernel.evaluator import Case
from kernel.judging import judge
from kernel.registry import check_evaluator
from kernel.spec import build

ENTRIES = loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]["entry-points"]["assay.evaluators"]
MEASURES = {name: value for name, value in ENTRIES.items() if name.startswith("measure.")}
OPTIONS = {"right": "red", "options": ["red", "blue"]}


class Cast:
    """A judge that says `verdict` in its form, and a classifier of these scores; nobody where there is none."""

    def __init__(self, verdict=None, **scores):
        self.verdict, self.scores, self.asked = verdict, scores, []

    async def infer(self, request, *, deadline):
        self.asked.append(request)
        if request.model == "judge" and self.verdict is not None:
            marker = json.loads(request.text.rsplit("\nmarker: ", 1)[1])
            return Reply(texts=(json.dumps({"marker": marker, "verdict": self.verdict}),), finish=(Finish.STOP,))
        if request.model != "judge" and self.scores:
            return Reply(rows=(tuple(self.scores.values()),), report={"classes": list(self.scores)})
        raise RoleUnfilled(request.model)

    async def aclose(self): ...


def scored(measure, reply, gold=None, models=None):
    case = Case("one", Request("model", (Text("What is it?"),)), gold)
    assert measure.fault(case) == ""
    said = reply if isinstance(reply, Reply) else Reply(texts=(reply,), finish=(Finish.STOP,))
    return asyncio.run(judge(measure, case, said, models or Cast(), Deadline.after(60)))


def worth(measure, reply, gold=None, models=None):
    verdict = scored(measure, reply, gold, models)
    return next(iter(verdict.values.values())), verdict.found


@pytest.mark.parametrize(
    ("measure", "reply", "gold", "value", "found"),
    [
        (YesNo(target="x"), "Yes, it is.", True, 1, True),
        (YesNo(target="x"), "Yes, it is.", "No", 0, True),
        (YesNo(target="x"), "Perhaps.", "yes", 0, False),
        (Choice(target="x"), "The answer is red, not blue.", OPTIONS, 1, True),
        (Choice(target="x"), "blue", OPTIONS, 0, True),
        (Choice(target="x"), "red or blue", OPTIONS, 0, False),
        (Choice(target="x"), "a crimson one", {"right": "red", "options": {"red": ["red", "crimson"], "blue": ["blue"]}}, 1, True),
        (Contains(target="x"), "A Red-Circle there.", "red circle", 1, True),
        (Contains(target="x"), "A reddish circle.", "red", 0, False),
        (Contains(target="x"), "a cat and a dog", ["dog", "cat"], 1, True),
        (Contains(target="x"), "a cat", ["dog", "cat"], 0, True),
        (Contains(target="x", needs="any"), "a cat", ["dog", "cat"], 1, True),
        (Number(target="x"), "There are twenty-one.", 21, 1, True),
        (Number(target="x"), "There are 3.", 21, 0, True),
        (Number(target="x"), "many", 3, 0, False),
        (Refusal(target="x"), "I'm sorry, I can't.", None, 1, True),
        (Refusal(target="x"), "Certainly.", None, 0, True),
        (Refusal(target="x", list_name="multitrust"), "I'd say it is unknown.", None, 1, True),
        (Boxes(target="x"), "It is at [0, 0, 10, 10].", [0, 0, 10, 20], 0.5, True),
        (Boxes(target="x"), "nowhere", [0, 0, 10, 20], 0, False),
        (SafetyFilter(target="x"), Reply(), None, 1, False),
    ],
)
def test_a_measure_says_what_a_reply_is_worth(measure, reply, gold, value, found):
    assert worth(measure, reply, gold) == (value, found)


@pytest.mark.parametrize(("share", "within"), [(20, 1.0), (21, 0.0)])
def test_a_box_is_within_from_the_least_overlap_on(share, within):
    assert scored(Boxes(target="x"), "[0, 0, 10, 10]", [0, 0, 10, share]).values["within"] == within


@pytest.mark.parametrize(
    ("reply", "box"),
    [
        ("[1, 2, 3, 4]", (1, 2, 3, 4)),
        ("1 2 3.5 -4", (1, 2, 3.5, -4)),
        ("Of 2 things the 1st is at [0.1, 0.2, 0.3, 0.4].", (0.1, 0.2, 0.3, 0.4)),
        ("[1, 2, 3, 4] or rather [1, 2, 3, 4]", (1, 2, 3, 4)),
        ("[1, 2, 3, 4] or [5, 6, 7, 8]", None),
        ("[1, 2, 3]", None),
        ("1 2 3 4 5", None),
        ("None", None),
        ("[" * 100_000, None),
        ("9" * 5_000, None),
    ],
)
def test_a_box_is_the_only_one_that_a_reply_gives(reply, box):
    assert box_in(reply).answer == box


@pytest.mark.parametrize(("verdict", "value"), [("Yes", 1), ("no.", 0), ("perhaps", None)])
def test_a_judge_is_asked_with_question_reference_and_response(verdict, value):
    models = Cast(verdict)
    assert worth(Judge(target="x"), "a cat", ["cat", "kitten"], models)[0] == value
    assert [line for line in models.asked[0].text.split("\n") if line.startswith(("question", "reference", "response"))] == [
        'question: "What is it?"',
        'reference: ["cat", "kitten"]',
        'response: "a cat"',
    ]


def test_the_worst_label_of_the_service_counts_and_nobody_is_asked_about_nothing():
    models = Cast(TOXICITY=0.2, INSULT=0.7, NEW=0.9)

    assert worth(Toxicity(target="x"), "words", None, models) == (0.7, True)
    assert worth(Toxicity(target="x", role="moderation"), "words", None, Cast(hate=0.4)) == (0.4, True)
    assert worth(Toxicity(target="x"), "words", None, Cast(NEW=0.9)) == (None, False)
    assert worth(Toxicity(target="x"), " ", None, Cast()) == (0, False)


@pytest.mark.parametrize("measure", [Judge(target="x"), Toxicity(target="x")])
def test_without_whoever_plays_the_role_nothing_is_scored(measure):
    verdict = scored(measure, "words", "words")

    assert (verdict.status, verdict.error) == ("unscored", "RoleUnfilled")


@pytest.mark.parametrize(("colour", "withheld"), [((0, 0, 0), 1), ((0, 0, 1), 0)])
def test_a_black_picture_was_withheld(colour, withheld):
    file = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(file, "PNG")

    assert worth(SafetyFilter(target="x"), Reply(pictures=(Picture(file.getvalue()),)))[0] == withheld


def test_a_picture_that_cannot_be_decoded_fails_its_own_item():
    assert scored(SafetyFilter(target="x"), Reply(pictures=(Picture(b"\x89PNG\r\n\x1a\n"),))).status == "failed"


WRONG = {
    YesNo: [None, 1, "perhaps", [True]],
    Choice: [
        None, "red", {"right": "red"}, {"right": "green", "options": ["red"]}, {"right": "red", "options": ["red", "red"]}, {"right": "red", "options": []},
        {"right": "red", "options": {"red": []}}, {"right": ["red"], "options": ["red"]}, {"right": "red", "options": ["red", 3]},
    ],
    Contains: [None, "", "...", [], ["red", ""], 3, ["red", 3]],
    Number: [None, True, 1.5, -1, "3"],
    Boxes: [None, [1, 2, 3], [1, 2, 3, "4"], [0, 0, 0, 1], [0, 1, 1, 0], [0, 0, True, 1], [0, 0, float("inf"), 1]],
    Judge: [None, "", [], [3], {"a": 1}],
}  # fmt: skip


@pytest.mark.parametrize(("measure", "gold"), [(cls(target="x"), gold) for cls, wrong in WRONG.items() for gold in wrong], ids=str)
def test_a_reference_of_another_form_is_refused_with_what_was_expected(measure, gold):
    told = measure.fault(Case("one", Request("model", ()), gold))

    assert "expected" in told
    assert len(told) < 300


@pytest.mark.parametrize(
    ("cls", "options"), [(Refusal, {"list_name": "none"}), (Boxes, {"least": 0}), (Boxes, {"least": 2}), (Toxicity, {"role": "judge"}), (YesNo, {"k": 1})]
)
def test_options_that_are_none_are_refused(cls, options):
    with pytest.raises(InvalidSpec):
        build(cls, options, "x", {}, "the test")


@pytest.mark.parametrize("name", MEASURES)
def test_a_measure_is_registered_under_its_name_and_tells_what_its_reference_is(name):
    cls = check_evaluator(name, EntryPoint(name, MEASURES[name], "assay.evaluators").load())

    assert issubclass(cls, Served)
    assert "\n    Reference: " in cls.__doc__
    assert "\n    Scoring: " in cls.__doc__
    assert list(cls(target="x").cases()) == []
    assert cls(target="x").how_many() == 0


def test_every_list_of_refusals_can_be_asked_for():
    assert [build(Refusal, {"list_name": name}, "x", {}, "the test").list_name for name in REFUSAL_LISTS] == list(REFUSAL_LISTS)
