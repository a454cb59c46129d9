"""Judging answers: each way to write an option, and what is told of a wrong one."""

import pytest

from evaluators.shapes.judging import FORMS, judge
from evaluators.shapes.prompts import VALUES

COLOURS = ("cyan", "blue", "purple", "pink")
NUMBERS = ("1", "2", "3", "4")


@pytest.mark.parametrize(("option", "form"), [(option, form) for option, forms in FORMS.items() for form in forms])
def test_every_form_of_an_option_counts_alone(option: str, form: str) -> None:
    """No entry of the list is dead, and none is taken for another option of its kind."""
    options = next(values for values in VALUES.values() if option in values)

    assert judge(f"It is {form}.", options, option).value == 1


@pytest.mark.parametrize("kind", VALUES)
def test_every_option_is_right_for_itself_and_wrong_for_others(kind: str) -> None:
    """The gold player scores 1 on each, and never by another answer."""
    for right in VALUES[kind]:
        scores = {answer: judge(answer, VALUES[kind], right).value for answer in VALUES[kind]}

        assert {answer: float(answer == right) for answer in VALUES[kind]} == scores


@pytest.mark.parametrize(
    ("text", "options", "right", "value", "reason", "found"),
    [
        ("cyan", COLOURS, "cyan", 1.0, "answers 'cyan'", True),
        ("light blue", COLOURS, "cyan", 1.0, "answers 'cyan'", True),
        ("blue", COLOURS, "cyan", 0.0, "answers 'blue'; right is 'cyan'", True),
        ("", COLOURS, "cyan", 0.0, "no answer: nothing to read; right is 'cyan'", False),
        ("blue or cyan", COLOURS, "cyan", 0.0, "no answer: names blue, cyan; right is 'cyan'", False),
        ("orange", COLOURS, "cyan", 0.0, "no answer: names none of the options; right is 'cyan'", False),
        ("There are three.", NUMBERS, "3", 1.0, "answers '3'", True),
        ("7", NUMBERS, "3", 0.0, "answers '7'; right is '3'", True),
        ("Yes, there is.", ("yes", "no"), "yes", 1.0, "answers 'yes'", True),
        ("There is no star.", ("yes", "no"), "no", 0.0, "no answer: says neither yes nor no; right is 'no'", False),
    ],
)
def test_a_score_says_why(text: str, options: tuple[str, ...], right: str, value: float, reason: str, found: bool) -> None:
    """What was found, what is right, and whether anything was found at all."""
    score = judge(text, options, right)

    assert (value, reason, found) == (score.value, score.reason, score.found)
