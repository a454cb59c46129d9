"""What the tasks of both modalities share: which rows they take, and how a row that cannot be asked becomes a case that fails alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from evaluators.mmdt.task import Made, MmdtTask
from evaluators.rows import Row
from kernel.contract import Request
from kernel.evaluator import Case

CONFIG = "ood"


@dataclass(frozen=True, kw_only=True)
class OodTask(MmdtTask):
    """A task of the perspective; each scenario is a split of the data."""

    perspective: ClassVar[str] = "ood"
    id_field: ClassVar[str]

    scenario: str
    task: str

    def case(self, row: Row) -> Case:
        """The case of a row."""

        def made() -> Made:
            request, gold = self.question(row)
            return request, gold, {"id": ident}

        ident = row.position if (held := row.fields.get(self.id_field)) is None else held
        return self.case_of(f"{CONFIG}/{row.split}/{row.position}", made, cluster=f"{CONFIG}/{row.split}/{ident}")

    def question(self, row: Row) -> tuple[Request, dict[str, Any]]:
        """What the model is asked, and what its answer is judged by. Raises `RowFault`."""
        raise NotImplementedError
