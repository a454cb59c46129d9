"""Letters in replies, with the benchmark's own accidents."""

from __future__ import annotations

import pytest

from evaluators.measures import vqa

RULES = (vqa.says_yes, vqa.says_no, vqa.capital_yes, vqa.capital_no, vqa.affirms, vqa.begins_with_yes)


@pytest.mark.parametrize(
    ("reply", "holds"),
    [
        ("Yes", (True, False, True, False, True, True)),
        ("yes.", (True, False, False, False, True, True)),
        ("YES", (True, False, True, False, False, False)),
        ("No", (False, True, False, True, False, False)),
        ("no", (False, True, False, False, False, False)),
        ("None of them", (False, True, False, True, False, False)),
        ("It is red.", (False, False, False, False, False, False)),
        ("I know of two eyes", (True, True, False, False, True, False)),
        ("No. Yes", (True, True, True, True, True, False)),
        ("", (False, False, False, False, False, False)),
    ],
)
def test_each_rule_has_its_letters(reply: str, holds: tuple[bool, ...]) -> None:
    """Small and capital, anywhere or at the beginning."""
    assert tuple(rule(reply) for rule in RULES) == holds
