"""What the tasks over public data sets share: rows become cases, and a row that lacks something fails alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from evaluators import rows
from evaluators.public import sample
from evaluators.public.files import DataSet
from evaluators.rows import Row, RowFault
from kernel.contract import Deadline, Finish, Model, Reply, Request, Sampling, Text
from kernel.errors import InvalidSpec
from kernel.evaluator import Case, Evaluator

FAULT = "fault"
UNASKED = "unasked"
"""In a gold: why the model cannot be asked, though an answer could be judged."""
GREEDY = Sampling(max_tokens=64, temperature=0.0)

Made = tuple[Request, dict[str, Any], dict[str, Any]]
"""Request, gold and facts of a case."""


@dataclass(frozen=True, kw_only=True)
class PublicTask(Evaluator):
    """A task over a public data set. `data` is "sample", or a folder with the published files.

    known: how many cases each task has over the files as published, by the value of the option `axis`.
    """

    data_set: ClassVar[DataSet]
    axis: ClassVar[str]
    known: ClassVar[Mapping[str, int]]

    data: str = ""

    @property
    def patterns(self) -> tuple[str, ...]:
        """The file with the rows, by preference."""
        raise NotImplementedError

    @property
    def file(self) -> Path:
        """The file with the rows. Raises `InvalidSpec` where it is not here."""
        return self.data_set.file(self.data, self.patterns)

    @property
    def beside(self) -> tuple[Path, ...]:
        """Further files that are read to judge."""
        return ()

    def rows(self) -> Iterator[Row]:
        """The rows of the task. Raises `InvalidSpec` for a file that is not here or cannot be read."""
        path = self.file
        return rows.read([path], f"{self.data_set.name}/{path.name}", path.parent, path.stem)

    def provenance(self) -> Mapping[str, Any]:
        """Where the copy is, its revision, and the checksum of the files that are read."""
        copy = self.data_set.copy(self.data)
        where = sample.NAME if self.data == sample.NAME else str(copy.folder)
        return {self.data_set.repository: {"where": where, **copy.provenance([self.file, *self.beside])}}

    def how_many(self) -> int | None:
        """One case a row; `None` where the data is not here, of which `cases` tells."""
        try:
            return sum(1 for _ in self.rows())
        except InvalidSpec:
            return None

    def case_of(self, place: str, make: Callable[[], Made], *, cluster: str = "") -> Case:
        """The case of a row. place: the beginning of its id. Where `make` raises `RowFault`, the case is there all the same, and fails with the reason."""
        try:
            request, gold, facts = make()
        except RowFault as fault:
            request, gold, facts = Request(self.target, (Text(""),), self.asks), {FAULT: str(fault)}, {}
        content = hashlib.sha256(f"{request.digest()} {json.dumps(gold, sort_keys=True)}".encode()).hexdigest()[:12]
        return Case(f"{place}-{content}", request, gold, {self.axis: getattr(self, self.axis), **facts}, cluster or place)

    async def probe(self, case: Case, model: Model, deadline: Deadline) -> Reply:
        """One call; none for a row that cannot be asked."""
        if UNASKED in sound(case):
            raise RowFault(case.gold[UNASKED])
        return await model.infer(case.request, deadline=deadline)


def sound(case: Case) -> dict[str, Any]:
    """What judges a case. Raises `RowFault` for a case whose row cannot be judged."""
    if FAULT in case.gold:
        raise RowFault(case.gold[FAULT])
    return dict(case.gold)


def says(text: str) -> Reply:
    """The reply of a player that says this."""
    return Reply(texts=(text,), finish=(Finish.STOP,))
