"""What a benchmark task is: cases to ask, how to ask them, and what an answer is worth.

A plugin is a frozen dataclass that inherits from `Evaluator` and is registered under the entry point group
`assay.evaluators`. Its fields are the options that a suite may set.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from kernel.contract import Deadline, Kind, Model, Reply, Request
from kernel.errors import AssayError


@dataclass(frozen=True, slots=True)
class Metric:
    """A number that a task reports: the mean of its per-case values, or, in `totals`, a number over all cases together.

    name: where a benchmark counts in two ways, `NAME/reference` is what its public code would say, and `NAME/corrected` is
    without that code's defects.
    """

    name: str
    higher_is_better: bool = True
    unit: str = "share"


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to ask, with what is needed to judge the answer.

    id: stable, made from the content, the same for every model. facts: plain JSON, shown in the report.
    gold: the reference answer in plain JSON; it never enters the request. cluster: cases that share a source
    (picture or prompt) share a cluster, and the interval is taken over clusters.
    """

    id: str
    request: Request
    gold: Any = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    cluster: str | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """What an answer is worth, and why.

    value: of the task's first metric; `None` means that no valid verdict was reached ("unscored").
    also: values of the task's further metrics, by name. found: whether the scorer found an answer in the reply.
    record: what `Evaluator.over` and the reader of the report need of this case, in plain JSON.
    """

    value: float | None
    reason: str = ""
    also: Mapping[str, float | None] = field(default_factory=dict)
    found: bool = True
    record: Mapping[str, Any] = field(default_factory=dict)


class Skip(AssayError):
    """Raised by an evaluator for a case that does not apply; the case is counted as skipped, with the reason."""


@dataclass(frozen=True, kw_only=True)
class Evaluator(ABC):
    """A task. `target` is the name of the model under test; all other fields are options of the suite."""

    name: ClassVar[str]
    version: ClassVar[int]
    asks: ClassVar[Kind]
    perspective: ClassVar[str] = "other"
    metrics: ClassVar[tuple[Metric, ...]] = (Metric("accuracy"),)
    totals: ClassVar[tuple[Metric, ...]] = ()
    """Numbers that are no mean over cases; `over` makes them of what the cases recorded."""
    instruments: ClassVar[tuple[str, ...]] = ()
    """Names of the models that `score` asks."""
    roles: ClassVar[tuple[str, ...]] = ()
    """Names of the parts, such as `judge`, that `score` asks; catalog and suite say which models play them. What needs a part that
    nobody plays is unscored."""

    target: str

    @property
    def pairing(self) -> tuple[str, str] | None:
        """Where the data has a task under several conditions itself: the name that those share, and this one's condition.

        The condition is a name such as `text` or `given`, or one kind of it, such as `given/blurred`; `irrelevant` is `color`, `nature` and `noise`
        in one. Cases that belong together tell the same `case` in their fact `condition`, as `kernel.condition.conditioned` does.
        """
        return None

    def provenance(self) -> Mapping[str, Any]:
        """Where the cases come from, for the manifest: data sets by name, with revision and checksum. Raises `InvalidSpec` where one is not here."""
        return {}

    @abstractmethod
    def cases(self) -> Iterator[Case]:
        """All cases, lazily, in a fixed order."""

    def how_many(self) -> int | None:
        """The number of cases, where it is known before they are made; only the display needs it."""
        return None

    async def probe(self, case: Case, model: Model, deadline: Deadline) -> Reply:
        """Ask the model under test. One call unless overridden."""
        return await model.infer(case.request, deadline=deadline)

    @abstractmethod
    async def score(self, case: Case, reply: Reply, models: Model, deadline: Deadline) -> Score:
        """Judge an answer. May ask the instruments through `models`, never the model under test."""

    def over(self, records: Sequence[Mapping[str, Any]]) -> Mapping[str, float | None]:
        """The numbers of `totals`, over the records of scored cases; a total that cannot be had is `None` or left out."""
        return {}

    def gold(self, case: Case) -> Reply:
        """The reply of a player that knows the answer."""
        raise Skip(f"{self.name} has no gold answer")

    def constant(self) -> Reply:
        """The reply of a player that says the same to every case: one answer of the allowed ones."""
        raise Skip(f"{self.name} has no constant answer")

    def chance(self) -> float | None:
        """What `constant` is expected to score, where that is known."""
        return None
