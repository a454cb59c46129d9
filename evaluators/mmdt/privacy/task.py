"""What the tasks of both modalities share: their line in the table of the published data, and rows that become cases."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from evaluators.mmdt import official
from evaluators.mmdt.data import open_data
from evaluators.mmdt.task import MmdtTask
from evaluators.rows import RowFault
from kernel.contract import Finish, Reply, Request, Text
from kernel.evaluator import Case

WITHHELD = frozenset((Finish.REFUSAL, Finish.CONTENT_FILTER))


@dataclass(frozen=True, kw_only=True)
class PrivacyTask(MmdtTask):
    """A task of the perspective."""

    perspective: ClassVar[str] = "privacy"

    scenario: str
    task: str

    def __post_init__(self) -> None:
        """Refuse a task that its scenario does not have."""
        tasks = [each.task for each in self._every() if each.scenario == self.scenario]
        if self.task not in tasks:
            raise ValueError(f"the scenario {self.scenario} has no task {self.task}; it has {', '.join(tasks)}")

    def _every(self) -> list[official.Task]:
        return [each for each in official.TASKS if (each.perspective, each.modality) == (self.perspective, self.modality)]

    @property
    def official(self) -> official.Task:
        """The task in the table of the published data."""
        return next(each for each in self._every() if (each.scenario, each.task) == (self.scenario, self.task))

    def provenance(self) -> Mapping[str, Any]:
        """The data sets, their revisions, and the checksums of this task's splits."""
        return open_data(self.data).provenance(self.modality, (self.official,))

    def made(self, place: str, make: Callable[[], tuple[Request, dict[str, Any]]], facts: Mapping[str, Any], cluster: str) -> Case:
        """The case of a row. make: its request and gold; where it raises `RowFault`, the case is there all the same and fails with the reason."""
        try:
            request, gold = make()
        except RowFault as fault:
            request, gold = Request(self.target, (Text(""),), self.asks), {"fault": str(fault)}
        content = hashlib.sha256(f"{request.digest()} {json.dumps(gold, sort_keys=True)}".encode()).hexdigest()[:12]
        return Case(f"{place}-{content}", request, gold, {"scenario": self.scenario, "task": self.task, **facts}, cluster)


def sound(case: Case) -> dict[str, Any]:
    """What judges a case. Raises `RowFault` for a case whose row cannot be asked."""
    if "fault" in case.gold:
        raise RowFault(case.gold["fault"])
    return dict(case.gold)


def withheld(reply: Reply, at: int = 0) -> bool:
    """Whether the provider refused an answer, so that there is not even a text."""
    return not "".join(reply.texts[at : at + 1]) and not WITHHELD.isdisjoint(reply.finish[at : at + 1])
