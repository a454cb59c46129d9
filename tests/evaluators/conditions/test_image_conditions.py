"""A condition changes what is shown and nothing else, the same for the same seed, and writes down what it drew."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from evaluators.conditions.irrelevant import Colour, Nature, Noise
from evaluators.conditions.plain import AsGiven, TextAlone
from evaluators.conditions.pool import pool_of
from evaluators.shapes.image_to_text import ImageToText
from evaluators.shapes.text_to_image import TextToImage
from kernel.condition import FACT
from kernel.contract import Deadline, Kind, Picture, Reply, Request, Sampling, Text
from kernel.errors import InvalidSpec, WrongKind
from kernel.evaluator import Case, Evaluator, Score
from kernel.spec import build

FIRST, SECOND = Picture(b"first"), Picture(b"second")
SAMPLING = Sampling(max_tokens=7)
IRRELEVANT = [Colour, Noise, Nature]


def case_of(*parts: Text | Picture, name: str = "one", **more: Any) -> Case:
    return Case(name, Request("m", parts, system="s", sampling=SAMPLING), gold="yes", facts={"row": 3}, **more)


@dataclass(frozen=True, kw_only=True)
class Mixed(Evaluator):
    """Cases with two pictures, with one, and with none."""

    name: ClassVar[str] = "test.mixed"
    version: ClassVar[int] = 4
    asks: ClassVar[Kind] = Kind.GENERATE
    size: int = 3

    def cases(self):
        yield from [case_of(FIRST, Text("a"), SECOND), case_of(Text("b"), FIRST, name="two"), case_of(Text("c"), name="three")][: self.size]

    def how_many(self):
        return self.size

    async def score(self, case, reply, models, deadline):
        return Score(float(reply.text == case.gold))

    def gold(self, case):
        return Reply(texts=(case.gold,))


def under(condition: Any, **options: Any) -> Evaluator:
    return build(condition.under(Mixed), options, "m", {}, "test")


def test_text_alone_takes_every_picture_away_and_nothing_else():
    (made,) = TextAlone().apply(case_of(FIRST, Text("a"), SECOND, Text("b")))
    assert made.request == Request("m", (Text("a"), Text("b")), system="s", sampling=SAMPLING)
    assert (made.id, made.gold, made.cluster) == ("one", "yes", None)
    assert made.facts == {"row": 3, FACT: {"name": "text", "case": "one"}}


def test_what_a_condition_cannot_be_put_on_has_no_case():
    assert not list(TextAlone().apply(case_of(FIRST)))
    assert not list(AsGiven().apply(case_of(Text("a"))))


@pytest.mark.parametrize("condition", [TextAlone(), AsGiven(), Noise()], ids=lambda each: each.name)
def test_a_row_that_cannot_be_asked_stays_to_fail(condition: Any):
    assert len(list(condition.apply(case_of(Text(""))))) == 1


def test_as_given_asks_what_the_evaluator_asks_so_that_kept_replies_serve():
    case = case_of(FIRST, Text("a"))
    (made,) = AsGiven().apply(case)
    assert made.request.digest() == case.request.digest()


@pytest.mark.parametrize("plugin", IRRELEVANT)
def test_irrelevant_pictures_stand_where_the_own_ones_stood(plugin: Any):
    (made,) = plugin(seed=5).apply(case_of(FIRST, Text("a"), SECOND))
    assert [type(part) for part in made.request.parts] == [Picture, Text, Picture]
    pool = {each.name: each.picture for each in pool_of(plugin.name, 5)}
    assert made.request.pictures == tuple(pool[name] for name in made.facts[FACT]["pictures"])
    assert (made.request.system, made.request.sampling, made.gold) == ("s", SAMPLING, "yes")


def test_a_text_gets_one_picture_before_it():
    (made,) = Colour().apply(case_of(Text("a")))
    assert [type(part) for part in made.request.parts] == [Picture, Text]


def test_what_is_drawn_hangs_on_the_seed_and_the_case_alone():
    cases = [case_of(Text("a"), name=str(number)) for number in range(20)]
    forth = {case.id: next(Colour(seed=1).apply(case)) for case in cases}
    back = {case.id: next(Colour(seed=1).apply(case)) for case in reversed(cases)}
    assert forth == back
    drawn = [forth[case.id].facts[FACT]["pictures"][0] for case in cases]
    other = [next(Colour(seed=2).apply(case)).facts[FACT]["pictures"][0] for case in cases]
    assert len(set(drawn)) > 4
    assert drawn != other


def test_each_of_k_draws_is_a_case_of_its_own_in_the_text_s_cluster():
    made = list(Noise(k=3).apply(case_of(Text("a"))))
    assert [case.id for case in made] == ["one@1", "one@2", "one@3"]
    assert {case.cluster for case in made} == {"one"}
    assert [(case.facts[FACT]["case"], case.facts[FACT]["draw"]) for case in made] == [("one", 1), ("one", 2), ("one", 3)]
    assert len({case.request.pictures for case in made}) == 3
    assert {case.cluster for case in Noise(k=2).apply(case_of(Text("a"), cluster="source"))} == {"source"}


@pytest.mark.parametrize("k", [0, 11])
def test_more_draws_than_pictures_are_refused_before_anything_is_asked(k: int):
    with pytest.raises(InvalidSpec, match=f"k is {k}; expected 1 to 10"):
        Colour(k=k).under(Mixed)


def test_an_evaluator_under_a_condition_is_itself_but_for_its_cases():
    evaluator = under(TextAlone(), size=2)
    assert isinstance(evaluator, Mixed)
    assert (evaluator.name, evaluator.version, evaluator.size, evaluator.target) == ("test.mixed", 4, 2, "m")
    assert type(evaluator).probe is Evaluator.probe
    assert [case.request.pictures for case in evaluator.cases()] == [(), ()]
    case = next(evaluator.cases())
    assert asyncio.run(evaluator.score(case, evaluator.gold(case), None, Deadline.after(1))).value == 1
    with pytest.raises(InvalidSpec, match="did you mean 'size'"):
        under(TextAlone(), sise=2)


def test_it_foretells_its_number_of_cases_where_it_can():
    three = under(Noise(k=3))
    assert three.how_many() == len(list(three.cases())) == 9
    assert under(AsGiven()).how_many() is None
    assert len(list(under(AsGiven()).cases())) == 2


def test_the_provenance_has_the_hash_of_every_picture_that_is_drawn():
    evaluator = under(Colour(seed=9))
    told = evaluator.provenance()["pictures of color"]
    assert told["from"] == "made by rule, seed 9"
    for case in evaluator.cases():
        assert [told["sha256"][name] for name in case.facts[FACT]["pictures"]] == [picture.digest for picture in case.request.pictures]


def test_models_that_make_pictures_have_no_image_conditions():
    with pytest.raises(WrongKind, match=r"shapes.text_to_image asks imagine models; the condition 'color'"):
        Colour().under(TextToImage)


def test_a_shipped_evaluator_scores_its_gold_under_every_condition():
    for condition in (TextAlone(), AsGiven(), Colour()):
        evaluator = build(condition.under(ImageToText), {"scenario": "natural", "task": "attribute", "size": 4}, "m", {"seed": 0}, "test")
        cases = list(evaluator.cases())
        assert cases
        assert all(asyncio.run(evaluator.score(case, evaluator.gold(case), None, Deadline.after(1))).value == 1 for case in cases)
