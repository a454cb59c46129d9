"""What an answer to a question with given options is worth, the same for all evaluators that ask about scenes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evaluators.measures.choice import choose
from evaluators.measures.finding import Finding
from evaluators.measures.numbers import count
from evaluators.measures.yes_no import yes_or_no
from kernel.evaluator import Score

if TYPE_CHECKING:
    from collections.abc import Sequence

FORMS: dict[str, tuple[str, ...]] = {
    "circle": ("circle", "circles", "disc", "disk"),
    "square": ("square", "squares"),
    "triangle": ("triangle", "triangles"),
    "diamond": ("diamond", "diamonds", "rhombus"),
    "cross": ("cross", "crosses", "plus sign"),
    "star": ("star", "stars"),
    "cyan": ("cyan", "turquoise", "light blue", "aqua"),
    "purple": ("purple", "violet"),
    "left of": ("left of", "to the left", "on the left", "left"),
    "right of": ("right of", "to the right", "on the right", "right"),
    "above": ("above", "right above", "on top of", "over"),
    "below": ("below", "right below", "under", "beneath", "underneath"),
}
"""Other ways to write an option; an option that is not here is written as itself."""


def extract(text: str, options: Sequence[str]) -> Finding[str]:
    """Find which option a text gives, read as yes or no, a number, or a choice, by what the options are."""
    if set(options) == {"yes", "no"}:
        said = yes_or_no(text)
        return Finding(said.state, None if said.answer is None else ("no", "yes")[said.answer], said.reason)
    if all(option.isdecimal() for option in options):
        number = count(text)
        return Finding(number.state, None if number.answer is None else str(number.answer), number.reason)
    return choose(text, {option: FORMS.get(option, (option,)) for option in options})


def judge(text: str, options: Sequence[str], right: str) -> Score:
    """1 for the right option, 0 for another one and for none; no answer is told apart from a wrong one."""
    finding = extract(text, options)
    if finding.answer is None:
        return Score(0.0, f"no answer: {finding.reason}; right is {right!r}", found=False)
    if finding.answer == right:
        return Score(1.0, f"answers {right!r}")
    return Score(0.0, f"answers {finding.answer!r}; right is {right!r}")
