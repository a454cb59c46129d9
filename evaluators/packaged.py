"""A benchmark whose parts stand in modules of one package: its table, its data, its summary, its published numbers, its recorded answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from kernel.benchmark import Aggregate, Finding, LeftOut, Listed, NoAnswer, Numbers, Published


@dataclass(frozen=True, slots=True)
class Packaged:
    """A published benchmark as the kernel finds it. Modules are loaded when they are asked for.

    package: has the modules `official` (`listed`), `data` (`check`, `fetch`), `summary` (`aggregates`) and `published` (`TABLE`).
    answers: its modules with `ANSWERS`, by task and metric. exceptions: what is answered nowhere, and why.
    """

    name: str
    title: str
    package: str
    answers: tuple[str, ...]
    exceptions: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def _part(self, name: str) -> Any:
        return import_module(f"{self.package}.{name}")

    def listed(self, data: str = "") -> Iterator[Listed]:
        """Every row of the benchmark's tables."""
        rows: Iterator[Listed] = self._part("official").listed(data)
        return rows

    def aggregates(self, numbers: Numbers) -> Iterator[Aggregate]:
        """The benchmark's own scores, as its public code makes them and corrected."""
        scores: Iterator[Aggregate] = self._part("summary").aggregates(numbers)
        return scores

    def published(self) -> Sequence[Published]:
        """The numbers that could be found."""
        table: Sequence[Published] = self._part("published").TABLE
        return table

    def answer(self, task: str, metric: str, given: Any) -> Any:
        """What `reference` mode returns for a recorded input."""
        for part in self.answers:
            if (task, metric) in (answers := self._part(part).ANSWERS):
                return answers[task, metric](given)
        if (task, metric) in self.exceptions:
            raise LeftOut(self.exceptions[task, metric])
        raise NoAnswer(f"{task} {metric}")

    def check_data(self, data: str) -> Iterator[Finding]:
        """What of the official data is there."""
        found: Iterator[Finding] = self._part("data").check(data)
        return found

    def fetch_data(self, out: Path | None, revision: str | None) -> Iterator[str]:
        """Bring the official data here from the hub."""
        steps: Iterator[str] = self._part("data").fetch(out, revision)
        return steps
