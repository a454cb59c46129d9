"""What all tasks of MMDT share: where their rows come from, and how pictures are asked for and told apart."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from evaluators.measures import judges
from evaluators.mmdt import official, sample
from evaluators.mmdt.data import Row, open_data
from evaluators.rows import RowFault
from kernel.contract import Deadline, Finish, Kind, Model, Picture, Reply, Request, Sampling, Text
from kernel.errors import InvalidSpec
from kernel.evaluator import Case, Evaluator, Skip

FAULT = "fault"
JUDGES = frozenset(("judge", "vqa"))

GREEDY = Sampling(temperature=0.0, max_tokens=128)
SUFFIXES: Mapping[str, str] = {
    "identification": "Name the object in a few words.",
    "attribute": "Answer in a few words.",
    "spatial": "Give the final relative position as one of these words: left, right, above, below.",
    "count": "Give the number of each object separately.",
    "action": "Answer in one sentence.",
}

Made = tuple[Request, dict[str, Any], dict[str, Any]]
"""Request, gold and facts of a case."""


@dataclass(frozen=True, kw_only=True)
class MmdtTask(Evaluator):
    """A task of MMDT (arXiv 2503.14827). `data` is "sample", a folder, or empty for what was fetched from the hub.

    repairs: what `corrected` does otherwise than the public code, by a short name of the defect.
    """

    repairs: ClassVar[Mapping[str, str]] = {}

    data: str = ""

    def __post_init__(self) -> None:
        """Refuse a scenario or task that the benchmark does not have."""
        if self.known is None:
            scenario, task = self._place
            tasks = [each.task for each in self._every() if each.scenario == scenario]
            raise ValueError(f"the scenario {scenario} has no task {task}; it has {', '.join(tasks)}")

    @property
    def modality(self) -> str:
        """The benchmark's word for what is asked."""
        return "text_to_image" if self.asks is Kind.IMAGINE else "image_to_text"

    @property
    def known(self) -> official.Task | None:
        """The task in the table of the published data."""
        return next((each for each in self._every() if (each.scenario, each.task) == self._place), None)

    @property
    def listed(self) -> official.Task:
        """The same, of a task that is one. Raises `ValueError` for a part of one."""
        if self.known is None:
            raise ValueError(f"{self.name} has no task {self._place}")
        return self.known

    @property
    def _place(self) -> tuple[str, str]:
        return getattr(self, "scenario", ""), getattr(self, "task", "")

    def _every(self) -> Iterator[official.Task]:
        return (each for each in official.TASKS if (each.perspective, each.modality) == (self.perspective, self.modality))

    def rows(self, config: str, split: str, task: str | None = None, task_field: str = "task") -> Iterator[Row]:
        """The rows of a split, lazily. Raises `InvalidSpec` where it is not there, with what to do."""
        return open_data(self.data).rows(self.modality, config, split, task, task_field)

    def provenance(self) -> Mapping[str, Any]:
        """The task's data sets, their revisions, and the checksums of its splits; and the wording in which judges are asked."""
        asked = {"judges": {"wording": judges.wording(), "version": judges.VERSION}} if JUDGES & set(self.roles) else {}
        return {**open_data(self.data).provenance(self.modality, (self.listed,)), **asked}

    def how_many(self) -> int | None:
        """All rows of the task's splits; `None` where the data is not here, of which `cases` tells."""
        try:
            return sum(map(open_data(self.data).count, self.listed.sources))
        except InvalidSpec:
            return None

    def case_of(self, place: str, make: Callable[[], Made], *, cluster: str = "") -> Case:
        """The case of a row. place: where the row stands, the beginning of the case's id. cluster: the row, where a case is a part of one.

        Where `make` raises `RowFault`, the case is there all the same, and fails alone with the reason.
        """
        try:
            request, gold, facts = make()
        except RowFault as fault:
            request, gold, facts = Request(self.target, (Text(""),), self.asks), {FAULT: str(fault)}, {}
        content = hashlib.sha256(f"{request.digest()} {json.dumps(gold, sort_keys=True)}".encode()).hexdigest()[:12]
        where = {name: value for name, value in zip(("scenario", "task"), self._place, strict=True) if value}
        return Case(f"{place}-{content}", request, gold, {**where, **facts}, cluster or place)

    async def probe(self, case: Case, model: Model, deadline: Deadline) -> Reply:
        """One call; none for a row that cannot be asked."""
        sound(case)
        return await model.infer(case.request, deadline=deadline)


def sound(case: Case) -> dict[str, Any]:
    """What judges a case. Raises `RowFault` for a case whose row cannot be asked."""
    if FAULT in case.gold:
        raise RowFault(case.gold[FAULT])
    return dict(case.gold)


def paint(target: str, prompt: str, seed: int) -> Request:
    """One picture of a prompt."""
    return Request(target, (Text(prompt),), Kind.IMAGINE, sampling=Sampling(n=1, seed=seed))


async def paint_each(request: Request, seeds: Sequence[int], model: Model, deadline: Deadline) -> Reply:
    """One picture for each seed, as one reply. Raises `ModelError`.

    `report["at"]` tells which seeds have a picture: a refusal or a filter leaves its place empty and is no failure of the call.
    """
    replies = [await model.infer(paint(request.model, request.text, seed), deadline=deadline) for seed in seeds]
    at = [place for place, reply in enumerate(replies) if reply.pictures]
    return Reply(
        pictures=tuple(replies[place].pictures[0] for place in at),
        finish=tuple(reply.finish[0] if reply.finish else Finish.STOP for reply in replies),
        report={**replies[0].report, "at": at},
    )


def painted(reply: Reply, number: int) -> list[Picture | None]:
    """The pictures of a reply by seed, `None` where there is none. A player's one picture stands for all."""
    if "at" not in reply.report:
        return [reply.pictures[0] if reply.pictures else None] * number
    found = dict(zip(reply.report["at"], reply.pictures, strict=True))
    return [found.get(place) for place in range(number)]


def gold_picture(case: Case) -> Reply:
    """The reply of a player that paints what the sample has as right; official rows have no such picture, so there it does not apply."""
    path = case.gold.get("gold_picture") if isinstance(case.gold, Mapping) else None
    if not path:
        raise Skip("the data has no right picture for this prompt")
    return Reply(pictures=(Picture((sample.folder() / path).read_bytes()),), finish=(Finish.STOP,))
