"""Counting in two ways: as a benchmark's public code counts, with its defects, and without them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from kernel.evaluator import Metric, Score

Counting = Literal["paper", "reference", "corrected"]
"""As for the published numbers, as the public code counts today, and without its defects."""


class Crash(Exception):
    """The reference ends in an error here, so that it has no number. error: the name of the error's class."""

    def __init__(self, error: str, why: str) -> None:
        self.error = error
        super().__init__(f"the reference ends in {error}: {why}")


def counted(name: str, *, higher_is_better: bool = True, unit: str = "share") -> tuple[Metric, Metric]:
    """A metric in both ways of counting, `reference` first."""
    return (Metric(f"{name}/reference", higher_is_better, unit), Metric(f"{name}/corrected", higher_is_better, unit))


def or_error(rule: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A rule over a recorded input that answers with the name of the error in which the reference ends, where it does."""

    def answered(given: Any) -> Any:
        try:
            return rule(given)
        except Crash as crash:
            return {"error": crash.error}
        except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:  # at an input of another form the reference stumbles likewise
            return {"error": type(error).__name__}

    return answered


def both(
    reference: Mapping[str, float | Crash | None],
    corrected: Mapping[str, float | None],
    reason: str,
    *,
    record: Mapping[str, Any] | None = None,
    found: bool = True,
) -> Score:
    """A score in both ways of counting, by metric; the first metric named is the task's first one.

    A `Crash` leaves its metric without a value, and its text stands in the reason.
    """
    also: dict[str, float | None] = {}
    crashes = []
    for name, value in reference.items():
        if isinstance(value, Crash):
            crashes.append(str(value))
        also[f"{name}/reference"] = None if isinstance(value, Crash) else value
    also |= {f"{name}/corrected": value for name, value in corrected.items()}
    first = also.pop(next(iter(also)))
    return Score(first, "; ".join([reason, *dict.fromkeys(crashes)]), also, found, record or {})
