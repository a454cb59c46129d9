"""Image to text: players score what is known in advance, and nothing of the answer is in the request."""

import itertools
from collections import Counter, defaultdict
from typing import get_args

import pytest
from playing import Instruments, scored

from evaluators.shapes.groups import Scenario, Task
from evaluators.shapes.image_to_text import ImageToText
from kernel.contract import Finish, Picture, Reply, Text
from kernel.evaluator import Evaluator

EVERY = list(itertools.product(get_args(Scenario), get_args(Task)))
INSTRUMENTS = Instruments()


def task(scenario: str, name: str, **options: int) -> ImageToText:
    return ImageToText(target="model", scenario=scenario, task=name, **{"size": 12, "pixels": 64, **options})


def mean(evaluator: Evaluator, reply: Reply) -> float:
    values = [scored(evaluator, case, reply, INSTRUMENTS).value for case in evaluator.cases()]
    return sum(value for value in values if value is not None) / len(values)


@pytest.mark.parametrize(("scenario", "name"), EVERY)
class TestEveryTask:
    """What holds for each scenario and task."""

    def test_gold_is_at_the_top(self, scenario: str, name: str) -> None:
        """Who knows the answer is right in every case."""
        evaluator = task(scenario, name)

        assert {1.0} == {scored(evaluator, case, evaluator.gold(case), INSTRUMENTS).value for case in evaluator.cases()}

    def test_constant_is_exactly_at_chance(self, scenario: str, name: str) -> None:
        """One answer for all is right as often as chance says, to the last case."""
        evaluator = task(scenario, name)

        assert evaluator.chance() == pytest.approx(mean(evaluator, evaluator.constant()), abs=1e-12)

    def test_no_constant_answer_does_better(self, scenario: str, name: str) -> None:
        """The player's constant is the best there is."""
        evaluator = task(scenario, name)
        golds = Counter(case.gold for case in evaluator.cases())

        assert max(golds.values()) / golds.total() <= evaluator.chance() + 1e-12

    @pytest.mark.parametrize("text", ["", "   ", "None", "I'm sorry, but I can't help with that.", "Error in generation: red circle above 3"])
    def test_who_says_nothing_gets_nothing(self, scenario: str, name: str, text: str) -> None:
        """Empty and refusing players score 0, and nothing is found in what they say."""
        evaluator = task(scenario, name)
        scores = [scored(evaluator, case, Reply(texts=(text,), finish=(Finish.STOP,)), INSTRUMENTS) for case in evaluator.cases()]

        assert {(0.0, False)} == {(score.value, score.found) for score in scores}

    def test_the_prompt_alone_gives_nothing_away(self, scenario: str, name: str) -> None:
        """Among the cases that share a prompt each answer is right at most once, so that the best reader of prompts is at chance."""
        evaluator = task(scenario, name, size=24)
        rights = defaultdict(list)
        for case in evaluator.cases():
            rights[case.request.text].append(case.gold)
        best = sum(max(Counter(golds).values()) for golds in rights.values())

        assert best / sum(map(len, rights.values())) == pytest.approx(evaluator.chance())

    def test_a_request_is_a_picture_and_the_prompt(self, scenario: str, name: str) -> None:
        """The right answer stands in it only among the options, and the picture carries no text."""
        for case in task(scenario, name).cases():
            picture, text = case.request.parts

            assert isinstance(picture, Picture)
            assert isinstance(text, Text)
            assert case.gold in case.facts["options"]
            assert b"tEXt" not in picture.data
            assert b"iTXt" not in picture.data
            assert case.request.system is None

    def test_ids_come_from_the_content(self, scenario: str, name: str) -> None:
        """They are different, the same for every model, and the same in every run."""
        ids = [case.id for case in task(scenario, name).cases()]
        other = [case.id for case in ImageToText(target="other", scenario=scenario, task=name, size=12, pixels=64).cases()]

        assert len(set(ids)) == len(ids)
        assert ids == other

    def test_the_number_of_cases_is_known_before(self, scenario: str, name: str) -> None:
        """Whole groups only, and no more than asked for."""
        for size in (4, 11, 12):
            evaluator = task(scenario, name, size=size)

            assert evaluator.how_many() == len(list(evaluator.cases())) <= size

    def test_a_case_is_shown_with_its_facts(self, scenario: str, name: str) -> None:
        """Scenario, task and options, for the report; the cluster is the picture."""
        for case in task(scenario, name).cases():
            assert (scenario, name) == (case.facts["scenario"], case.facts["task"])
            assert case.cluster == case.request.pictures[0].digest


def test_another_seed_gives_other_cases() -> None:
    """No case of one seed is among those of another."""
    one, other = ({case.id for case in task("natural", "attribute", seed=seed).cases()} for seed in (1, 2))

    assert not one & other


def test_first_cases_are_the_same_on_every_machine() -> None:
    """A change here makes every kept reply and every published figure incomparable."""
    cases = list(itertools.islice(task("natural", "identification", seed=7).cases(), 4))

    assert {"Which shape does the pink object have? Answer with one of: cross, circle, star, diamond."} == {case.request.text for case in cases}
    assert sorted(case.gold for case in cases) == ["circle", "cross", "diamond", "star"]


@pytest.mark.parametrize("size", [-1, 0, 3])
def test_a_size_without_a_whole_group_is_refused(size: int) -> None:
    """The message says what was given and what is needed."""
    with pytest.raises(ValueError, match=f"size is {size}, but the cases of this task come in groups of 4"):
        task("natural", "count", size=size)
