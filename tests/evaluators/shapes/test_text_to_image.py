"""Text to image: players score what is known in advance, and a model sees the prompt and nothing else."""

import itertools
from typing import get_args

import pytest
from playing import Instruments, scored

from evaluators.scenes import COLOURS, RELATIONS, SHAPES, WORDS
from evaluators.shapes.groups import Scenario, Task
from evaluators.shapes.orders import ASIDES, COMPANIONS, OPPOSITE, round_size
from evaluators.shapes.prompts import HABIT
from evaluators.shapes.text_to_image import TextToImage, painted
from kernel.contract import Finish, Kind, Reply, Text
from kernel.evaluator import Case

EVERY = list(itertools.product(get_args(Scenario), get_args(Task)))


def task(scenario: str, name: str, **options: int) -> TextToImage:
    return TextToImage(target="model", scenario=scenario, task=name, **{"size": 8, **options})


@pytest.mark.parametrize(("scenario", "name"), EVERY)
class TestEveryTask:
    """What holds for each scenario and task."""

    def test_gold_is_at_the_top(self, scenario: str, name: str) -> None:
        """The bundled detector finds in a drawing of the order what was ordered."""
        evaluator = task(scenario, name)
        for case in evaluator.cases():
            score = scored(evaluator, case, evaluator.gold(case), Instruments(case.gold["word"] or ""))

            assert score.value == 1, score.reason

    def test_constant_is_exactly_at_chance(self, scenario: str, name: str) -> None:
        """One picture for all is right as often as chance says."""
        evaluator = task(scenario, name)
        cases = list(evaluator.cases())
        instruments = Instruments(cases[0].gold["word"] or "")
        values = [scored(evaluator, case, evaluator.constant(), instruments).value or 0 for case in cases]

        assert evaluator.chance() == pytest.approx(sum(values) / len(values))
        assert evaluator.chance() <= 0.34

    def test_who_paints_nothing_gets_nothing(self, scenario: str, name: str) -> None:
        """No picture scores 0, and no instrument is asked."""
        evaluator = task(scenario, name)
        instruments = Instruments()
        case = next(evaluator.cases())
        replies = (Reply(), Reply(finish=(Finish.REFUSAL,)))
        scores = [scored(evaluator, case, reply, instruments) for reply in replies]

        assert [(score.value, score.found) for score in scores] == [(0.0, False)] * 2
        assert instruments.asked == []

    def test_a_request_is_the_prompt(self, scenario: str, name: str) -> None:
        """One text, a seed, and nothing else."""
        for case in task(scenario, name).cases():
            (text,) = case.request.parts

            assert isinstance(text, Text)
            assert case.request.kind is Kind.IMAGINE
            assert (case.request.negative, case.request.system) == (None, None)

    def test_ids_come_from_the_content(self, scenario: str, name: str) -> None:
        """They are different, and the same for every model."""
        ids = [case.id for case in task(scenario, name).cases()]
        other = [case.id for case in TextToImage(target="other", scenario=scenario, task=name, size=8).cases()]

        assert len(set(ids)) == len(ids) == task(scenario, name).how_many()
        assert ids == other

    def test_prompts_keep_to_the_words_that_the_bundled_model_knows(self, scenario: str, name: str) -> None:
        """An unknown word would test the vocabulary, not the picture."""
        for case in task(scenario, name, size=48).cases():
            assert set(case.request.text.lower().split()) <= KNOWN


KNOWN = {
    *(word.lower() for word in WORDS),
    *COLOURS,
    *SHAPES,
    *(f"{shape}s" for shape in SHAPES),
    *" ".join((*ASIDES, *RELATIONS)).split(),
    *[
        "crosses",
        "small",
        "medium",
        "large",
        "a",
        "an",
        "the",
        "of",
        "and",
        "picture",
        "draw",
        "image",
        "with",
        "word",
        "it",
        "is",
        "not",
        "one",
        "two",
        "three",
    ],
}


def cases(scenario: str, name: str, size: int = 48) -> list[Case]:
    return list(task(scenario, name, size=size).cases())


@pytest.mark.parametrize("scenario", get_args(Scenario))
def test_each_answer_stands_once_in_a_round(scenario: str) -> None:
    """Colours, relations and numbers are balanced, whatever the scenario."""
    for name, answers in (
        ("attribute", sorted(COLOURS)),
        ("spatial", sorted(RELATIONS)),
        ("count", [1, 2, 3]),
    ):
        first = cases(scenario, name)[: round_size(scenario, name)]
        told = {
            "attribute": lambda wanted: wanted["things"][0][0],
            "spatial": lambda wanted: wanted["relation"],
            "count": lambda wanted: len(wanted["things"]),
        }[name]

        assert answers == sorted(told(case.gold) for case in first)


def test_counterfactual_things_break_the_habit() -> None:
    """A shape wears the usual colour of another one."""
    for name in get_args(Task):
        for case in cases("counterfactual", name):
            for colour, shape in case.gold["things"]:
                assert HABIT[shape] != colour


def test_cooccurrence_has_both_splits() -> None:
    """What usually goes together, and what does not."""
    for name in get_args(Task):
        assert {"high", "low"} == {case.facts["split"] for case in cases("cooccurrence", name)}
    for case in cases("cooccurrence", "identification"):
        shapes = [shape for _, shape in case.gold["things"]]
        alone = case.facts["split"] == "high"

        assert len(shapes) == (1 if alone else 2)
        assert alone or COMPANIONS[shapes[0]] != shapes[1]


def test_misleading_prompts_deny_what_is_false() -> None:
    """The denied value is never the wanted one."""
    for case in cases("misleading", "attribute"):
        ((colour, _),) = case.gold["things"]
        denied = case.request.text.rsplit("it is not ", 1)[1]

        assert denied in COLOURS
        assert denied != colour
    for case in cases("misleading", "spatial"):
        assert case.request.text.endswith(f"not {OPPOSITE[case.gold['relation']]} it")


def test_a_word_and_things_are_worth_a_half_each() -> None:
    """In the ocr scenario, but for identification."""
    evaluator = task("ocr", "attribute")
    case = next(evaluator.cases())
    worth = [scored(evaluator, case, evaluator.gold(case), Instruments(word)).value for word in (case.gold["word"], "NONSENSE", "")]

    assert worth == [1.0, 0.5, 0.5]


def test_the_reader_is_asked_only_where_a_word_is_wanted() -> None:
    """Reading costs more than detecting."""
    instruments = Instruments()
    for scenario in ("natural", "ocr"):
        evaluator = task(scenario, "count")
        case = next(evaluator.cases())
        scored(evaluator, case, evaluator.gold(case), instruments)

    assert instruments.asked == [Kind.DETECT, Kind.DETECT, Kind.READ]


def test_a_score_says_what_was_seen() -> None:
    """For a person who looks at the case."""
    evaluator = task("natural", "spatial")
    first, second, *_ = evaluator.cases()
    score = scored(evaluator, first, painted(evaluator.gold(second).pictures[0].data), Instruments())

    assert score.value == 0
    assert f"is {second.gold['relation']} " in score.reason
    assert score.reason.endswith(f"wanted {first.gold['relation']}")


@pytest.mark.parametrize("size", [0, 3])
def test_a_size_without_a_whole_round_is_refused(size: int) -> None:
    """The message says what was given and what is needed."""
    with pytest.raises(ValueError, match=f"size is {size}, but the cases of this task come in groups of 4"):
        task("natural", "spatial", size=size)
