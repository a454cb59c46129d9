"""What the tasks of the fairness perspective share: cases of rows, several answers to one question, and which seeds were honoured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from evaluators.mmdt import official
from evaluators.mmdt.task import Made, MmdtTask
from evaluators.rows import Row
from kernel.contract import Reply
from kernel.evaluator import Case

CONFIG = "fairness"
ATTRIBUTES = ("gender", "race", "age")


@dataclass(frozen=True, kw_only=True)
class FairnessTask(MmdtTask):
    """A task whose cases are made of rows; one of a row that lacks something fails alone, when it is asked."""

    perspective: ClassVar[str] = "fairness"

    @property
    def known(self) -> official.Task | None:
        """The task in the table of the published data; of a domain of a scenario, the scenario's."""
        return super().known or next((each for each in self._every() if each.scenario == self._place[0]), None)

    def how_many(self) -> None:
        """A row is several cases, or several rows are one."""
        return

    def case(self, row: Row, part: str, make: Callable[[], Made]) -> Case:
        """The case of a row, or of a part of one."""
        source = f"{CONFIG}/{row.split}/{row.position:05}"
        return self.case_of("/".join(filter(None, (source, part))), make, cluster=source)


def is_seeded(reply: Reply) -> bool:
    """Whether the model takes seeds, so that the same seed brings the same picture again."""
    return "seed" not in reply.report.get("not_honoured", ())
