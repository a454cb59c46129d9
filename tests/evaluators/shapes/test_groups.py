"""Groups: the prompt gives nothing away, and the picture gives the answer."""

import itertools
import re
from collections.abc import Callable
from dataclasses import replace
from typing import get_args

import pytest

from evaluators.scenes import COLOURS, REACH, SHAPES, Scene, relation
from evaluators.shapes.groups import Group, Scenario, Task, anchor, group_size, groups
from evaluators.shapes.prompts import HABIT, kind_of
from evaluators.shapes.questions import PHRASES, plural

EVERY = list(itertools.product(get_args(Scenario), get_args(Task)))
SEEDS = (7, 8)


def drawn(scenario: str, task: str, number: int = 6) -> list[Group]:
    return [group for seed in SEEDS for group in groups(scenario, task, seed, number)]


@pytest.mark.parametrize(("scenario", "task"), EVERY)
class TestEveryCombination:
    """What holds for each scenario and task."""

    def test_each_answer_is_right_once(self, scenario: str, task: str) -> None:
        """A group holds as many pictures as answers that may be right."""
        for group in drawn(scenario, task):
            rights = [shown.right for shown in group.shown]

            assert len(set(rights)) == len(rights) == group_size(scenario, task)
            assert set(rights) <= set(group.prompt.options)

    def test_options_are_distinct_and_named_in_the_prompt(self, scenario: str, task: str) -> None:
        """All of them, once, at the end."""
        for group in drawn(scenario, task):
            options = group.prompt.options

            assert len(set(options)) == len(options)
            assert group.prompt.text.endswith(f": {', '.join(options)}.")

    def test_the_constant_answer_is_right_once_in_each_group(self, scenario: str, task: str) -> None:
        """So it scores exactly what chance says."""
        for seed in SEEDS:
            for group in groups(scenario, task, seed, 6):
                assert [shown.right for shown in group.shown].count(anchor(scenario, task, seed)) == 1

    def test_same_seed_gives_the_same_groups_and_another_gives_others(self, scenario: str, task: str) -> None:
        """Chance comes from the seed alone, and the n-th group does not depend on how many are drawn."""
        few, many = list(groups(scenario, task, 7, 2)), list(groups(scenario, task, 7, 4))

        assert few == many[:2]
        assert few != list(groups(scenario, task, 8, 2))

    def test_pictures_of_a_group_differ(self, scenario: str, task: str) -> None:
        """Two answers never share a picture."""
        for group in drawn(scenario, task):
            assert len({shown.scene for shown in group.shown}) == len(group.shown)

    def test_the_picture_and_the_prompt_give_the_answer(self, scenario: str, task: str) -> None:
        """A solver that reads the prompt and looks at the scene, and shares no code with the makers, agrees."""
        for group in drawn(scenario, task):
            for shown in group.shown:
                assert shown.right == solve(group.prompt.text, shown.scene)

    def test_nothing_is_cut_off_or_covered(self, scenario: str, task: str) -> None:
        """Turning and dressing a scene keeps its things apart, inside, and clear of the printed word."""
        for group in drawn(scenario, task, 3):
            for thing in group.shown[0].scene.things:
                reach = thing.radius * REACH
                assert reach <= min(thing.x, thing.y, 1 - thing.x, 1 - thing.y)


# -- a solver of its own ------------------------------------------------------


def solve(text: str, scene: Scene) -> str:
    """Answer a prompt about a scene, by the words."""
    for kind, phrases in PHRASES.items():
        for phrase in phrases:
            if kind in SOLVERS and (found := _matched(phrase, text)):
                changed, after = _supposed(text, scene)
                return after(SOLVERS[kind](found.groupdict(), changed))
    message = f"no question in {text!r}"
    raise AssertionError(message)


def _matched(phrase: str, text: str) -> re.Match[str] | None:
    pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[a-z ]+?)", re.escape(phrase))
    return re.search(rf"(?:^|\. ){pattern} (?:Choose one|Options|Answer with|Pick one)", text)


def _supposed(text: str, scene: Scene) -> tuple[Scene, Callable[[str], str]]:
    found = re.match(r"Suppose that (.*?)\.", text)
    change = found[1] if found else ""
    if change.startswith("every"):
        first, second = re.findall(r"turns (?:into a )?(\w+)", change)
        swap = {first: second, second: first}
        things = [replace(each, shape=swap.get(each.shape, each.shape), colour=swap.get(each.colour, each.colour)) for each in scene.things]
        return replace(scene, things=tuple(things)), str
    across = "mirrored" in change or "upside down" in change
    down = "flipped" in change or "upside down" in change
    things = [replace(each, x=1 - each.x if across else each.x, y=1 - each.y if down else each.y) for each in scene.things]
    more = {"one more of them is added": 1, "one of them is taken away": -1}.get(change, 0)
    return replace(scene, things=tuple(things)), lambda answer: str(int(answer) + more) if answer.isdecimal() else answer


def _shape(said: dict[str, str], scene: Scene) -> str:
    (thing,) = [each for each in scene.things if each.colour == said["colour"]]
    return thing.shape


def _presence(said: dict[str, str], scene: Scene) -> str:
    return "yes" if said["a_name"].split(" ", 1)[1] in {each.name for each in scene.things} else "no"


def _colour(said: dict[str, str], scene: Scene) -> str:
    (thing,) = [each for each in scene.things if each.shape == said["what"]]
    return thing.colour


def _relation(said: dict[str, str], scene: Scene) -> str:
    (a,), (b,) = ([each for each in scene.things if each.name == said[name]] for name in "ab")
    return relation(a, b) or "unclear"


def _number(said: dict[str, str], scene: Scene) -> str:
    return str(sum(plural(each.shape) == said["things"] for each in scene.things))


SOLVERS: dict[str, Callable[[dict[str, str], Scene], str]] = {
    "shape": _shape,
    "presence": _presence,
    "colour": _colour,
    "relation": _relation,
    "number": _number,
    "word": lambda _, scene: scene.word or "",
}


# -- what makes a scenario ----------------------------------------------------


@pytest.mark.parametrize("task", get_args(Task))
def test_the_false_claim_is_an_option_and_never_right(task: str) -> None:
    """The misleading scenario asserts something false in every case."""
    for group in drawn("misleading", task):
        claimed = group.prompt.facts["claimed"]

        assert claimed in group.prompt.options
        assert claimed not in {shown.right for shown in group.shown}
        assert re.match(rf"The [a-z ]*\b{claimed}\b.*?\. ", group.prompt.text)


@pytest.mark.parametrize("task", ["attribute", "spatial", "count"])
def test_the_printed_word_names_a_wrong_option(task: str) -> None:
    """It contradicts the picture, and only the picture."""
    numbers = {"ONE": "1", "TWO": "2", "THREE": "3", "FOUR": "4", "FIVE": "5", "SIX": "6"}
    for group in drawn("ocr", task):
        for shown in group.shown:
            word = shown.scene.word or ""
            options = {numbers.get(word, word.lower()), f"{word.lower()} of"} & set(group.prompt.options)

            assert len(options) == 1
            assert shown.right not in options


@pytest.mark.parametrize("task", ["identification", "spatial", "count"])
def test_cooccurrence_keeps_the_habit_in_one_half_and_breaks_it_in_the_other(task: str) -> None:
    """What is asked about wears its usual colour in the high split, and another one in the low split."""
    for group in drawn("cooccurrence", task):
        said = group.prompt.subject
        if task == "count":
            worn = {each.colour for shown in group.shown for each in shown.scene.things if each.shape == said["shape"]}
            kept = worn == {HABIT[said["shape"]]}
        else:
            kept = said["colour"] == HABIT[said["shape"]]

        assert kept == (group.prompt.facts["split"] == "high")
    assert {"high", "low"} == {group.prompt.facts["split"] for group in drawn("cooccurrence", task)}


def test_what_is_absent_is_there_in_parts() -> None:
    """Where the answer is no, the colour and the shape stand in the picture, on two things."""
    for group in drawn("cooccurrence", "identification"):
        said = group.prompt.subject
        (absent,) = [shown.scene for shown in group.shown if shown.right == "no"]

        assert said["colour"] in {each.colour for each in absent.things}
        assert said["shape"] in {each.shape for each in absent.things}


@pytest.mark.parametrize("task", get_args(Task))
def test_distraction_fills_the_picture(task: str) -> None:
    """Six things, and two sentences that have nothing to do with them."""
    for group in drawn("distraction", task):
        assert {6} == {len(shown.scene.things) for shown in group.shown}
        assert group.prompt.text.count(". ") >= 2


def test_a_change_that_is_supposed_matters() -> None:
    """Who ignores it is wrong in at least half of the cases."""
    for task in get_args(Task):
        shown = [shown for group in drawn("counterfactual", task) for shown in zip(group.shown, itertools.repeat(group), strict=False)]
        ignored = [solve(re.sub(r"^Suppose that .*?\. ", "", group.prompt.text), each.scene) == each.right for each, group in shown]

        assert sum(ignored) <= len(ignored) / 2


def test_habits_are_of_known_shapes_and_different_colours() -> None:
    """Each shape has one, and no two share it."""
    assert set(SHAPES) == set(HABIT)
    assert len(set(HABIT.values())) == len(HABIT)
    assert set(HABIT.values()) <= set(COLOURS)


def test_kinds_have_their_own_way_in_two_scenarios() -> None:
    """Reading and presence stand for identification there."""
    assert [kind_of(scenario, "identification") for scenario in ("natural", "cooccurrence", "ocr")] == ["shape", "presence", "word"]
