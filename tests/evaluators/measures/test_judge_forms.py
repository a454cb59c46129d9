"""Every form of a judge's question can be asked, and its verdict be read."""

from __future__ import annotations

import json

import pytest

from evaluators.measures import judges


@pytest.mark.parametrize("form", judges.INSTRUCTIONS)
def test_a_question_names_its_form_and_says_which_verdict_is_wanted(form: str) -> None:
    """The first line is for judges by rule, the rest for those that read."""
    asked = judges.question("judge", form, {"response": "a red circle"})
    head, told = (asked.system or "").split("\n")

    assert head == f"judge: {form}"
    assert "he verdict is" in told.removesuffix(judges.ENVELOPE)
    assert told.endswith(judges.ENVELOPE)


@pytest.mark.parametrize(
    ("form", "said", "yes"), [("mentions", "Yes", True), ("complies", "no.", False), ("locates", "[0, 0.5, 1, 1]", None), ("rates", "75", None)]
)
def test_a_verdict_is_read_back_whatever_its_form(form: str, said: str, yes: bool | None) -> None:
    """In whatever words it is wrapped."""
    asked = judges.question("judge", form, {"response": "a red circle"})
    marker = json.loads(asked.text.rsplit("marker: ", 1)[1])

    verdict = judges.verdict(asked, f"Here it is: {json.dumps({'marker': marker, 'verdict': said})}")

    assert (verdict.text, verdict.kept, verdict.yes) == (said, True, yes)


def test_a_verdict_that_is_no_text_is_none() -> None:
    """A box as a list of numbers would be read in two ways."""
    asked = judges.question("judge", "locates", {"response": "[0, 0, 1, 1]"})
    marker = json.loads(asked.text.rsplit("marker: ", 1)[1])

    assert not judges.verdict(asked, json.dumps({"marker": marker, "verdict": [0, 0, 1, 1]})).kept
