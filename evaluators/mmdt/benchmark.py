"""MMDT as the kernel finds it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from kernel.benchmark import Aggregate, Finding, Listed, NoAnswer, Numbers, Published

PERSPECTIVES = ("safety", "hallucination", "fairness", "privacy", "adversarial", "ood")


class Mmdt:
    """Xu et al., MMDT: Decoding the Trustworthiness and Safety of Multimodal Foundation Models, ICLR 2025."""

    name = "mmdt"
    title = "MMDT: safety, hallucination, fairness, privacy, adversarial and out-of-distribution robustness, text to image and image to text"

    def listed(self, data: str = "") -> Iterator[Listed]:
        """Every row of the benchmark's two tables."""
        from evaluators.mmdt import official  # noqa: PLC0415 - the data's readers are for those who look at data

        return official.listed(data)

    def aggregates(self, numbers: Numbers) -> Iterator[Aggregate]:
        """Scenario and perspective scores, as the public summary makes them and corrected."""
        from evaluators.mmdt import summary  # noqa: PLC0415

        return summary.aggregates(numbers)

    def published(self) -> Sequence[Published]:
        """The numbers that could be found."""
        from evaluators.mmdt import published  # noqa: PLC0415

        return published.TABLE

    def answer(self, task: str, metric: str, given: Any) -> Any:
        """What `reference` mode returns for a recorded input."""
        for part in (*(f"{perspective}.answers" for perspective in PERSPECTIVES), "summary_answers"):
            answers = import_module(f"evaluators.mmdt.{part}").ANSWERS
            if (task, metric) in answers:
                return answers[task, metric](given)
        raise NoAnswer(f"{task} {metric}")

    def check_data(self, data: str) -> Iterator[Finding]:
        """What of the official data is there."""
        from evaluators.mmdt import data as reading  # noqa: PLC0415

        return reading.check(data)

    def fetch_data(self, out: Path | None, revision: str | None) -> Iterator[str]:
        """Bring the official data here from the hub."""
        from evaluators.mmdt import data as reading  # noqa: PLC0415

        return reading.fetch(out, revision)


BENCHMARK = Mmdt()
