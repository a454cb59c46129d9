"""What a benchmark says of itself beside its evaluators: its tasks, how scores are put together, published numbers, recorded cases.

A plugin is an object of this shape, registered under the entry point group `assay.benchmarks`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from kernel.contract import Picture
from kernel.errors import AssayError


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One task as `assay list` shows it. task: its name in a suite. rows: how many cases it has, where that is known.

    roles: who judges. missing: what is not here to run it, each with what to do.
    """

    task: str
    perspective: str
    asks: str
    scenario: str
    name: str
    rows: int | None = None
    roles: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """A number over several tasks of one model. name: a path, such as `safety/text_to_image/vanilla`.

    mode: "reference" as the public code counts, "paper" by the rules that the published numbers were made by, where those are others, "corrected", or
    "ours" for what the benchmark itself does not have. tasks: how many of `of` tasks it stands on.
    """

    name: str
    mode: str
    value: float | None
    tasks: int
    of: int
    higher_is_better: bool = True
    unit: str = "share"
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A number that somebody else published. name: that of the aggregate it stands beside. source: who, where, of which revision."""

    name: str
    model: str
    value: float
    source: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was looked for in a data set, and whether it is there. mend: what to do where it is not."""

    what: str
    fits: bool
    detail: str = ""
    mend: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A number that a benchmark's public code stored, and ours, both in our scale.

    label: the task as our suites call it. metric: ours, such as `NAME/reference`. agrees: whether the two are one; `None` where there is
    only one, and then `why` tells. rows: what each stored reply is worth, where it was counted anew.
    """

    model: str
    label: str
    perspective: str
    modality: str
    scenario: str
    task: str
    metric: str
    stored: float | None
    ours: float | None
    agrees: bool | None
    why: str
    unit: str
    higher_is_better: bool
    rows: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kept:
    """A case of a kept run, with all its values by metric. facts: with what it recorded under `recorded`."""

    task: str
    model: str
    case: str
    values: Mapping[str, float]
    question: str
    answers: tuple[str, ...]
    drawn: tuple[Picture, ...]
    gold: Any
    facts: Mapping[str, Any]


class NoAnswer(AssayError):
    """Raised by `Benchmark.answer` for a task and metric that it does not know."""


class LeftOut(NoAnswer):
    """The same for what is answered nowhere on purpose; the message says why."""


Numbers = Mapping[str, Mapping[str, float | None]]
"""One model's numbers: by task, then by metric."""


@runtime_checkable
class Benchmark(Protocol):
    """A published benchmark."""

    name: str
    title: str

    def listed(self, data: str = "") -> Iterator[Listed]:
        """Every task, in order."""
        ...

    def aggregates(self, numbers: Numbers) -> Iterator[Aggregate]:
        """What the benchmark makes of one model's numbers."""
        ...

    def published(self) -> Sequence[Published]:
        """Numbers that were published."""
        ...

    def answer(self, task: str, metric: str, given: Any) -> Any:
        """What `reference` mode returns for a recorded input; `{"error": NAME}` where the reference crashes. Raises `NoAnswer`."""
        ...

    def check_data(self, data: str) -> Iterator[Finding]:
        """What of the official data is in a folder, or was fetched where `data` is empty."""
        ...

    def fetch_data(self, out: Path | None, revision: str | None) -> Iterator[str]:
        """Bring the official data here, a line for each step. Raises `UserError` with what to do where it cannot be had."""
        ...


class Trees(Protocol):
    """What reads and writes the results of a benchmark's public code, under the entry point group `assay.results`."""

    def read(self, folder: Path, models: Sequence[str] = (), data: str = "") -> Iterable[Result]:
        """Every number in a folder of results. Raises `InvalidSpec`."""
        ...

    def write(self, numbers: Mapping[str, Numbers], cases: Iterable[Kept], out: Path) -> Iterable[str]:
        """Put a run into a folder, a line for each step. Raises `InvalidSpec`."""
        ...
