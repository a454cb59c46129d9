"""What all tasks of MMDT share: where their rows come from, and how pictures are asked for and told apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from evaluators.mmdt import sample
from evaluators.mmdt.data import Row, open_data
from kernel.contract import Deadline, Finish, Kind, Model, Picture, Reply, Request, Sampling, Text
from kernel.evaluator import Case, Evaluator, Skip


@dataclass(frozen=True, kw_only=True)
class MmdtTask(Evaluator):
    """A task of MMDT (arXiv 2503.14827). `data` is "sample", a folder, or empty for what was fetched from the hub.

    repairs: what `corrected` does otherwise than the public code, by a short name of the defect.
    """

    repairs: ClassVar[Mapping[str, str]] = {}

    data: str = ""

    @property
    def modality(self) -> str:
        """The benchmark's word for what is asked."""
        return "text_to_image" if self.asks is Kind.IMAGINE else "image_to_text"

    def rows(self, config: str, split: str, task: str | None = None, task_field: str = "task") -> Iterator[Row]:
        """The rows of a split, lazily. Raises `InvalidSpec` where it is not there, with what to do."""
        return open_data(self.data).rows(self.modality, config, split, task, task_field)

    def provenance(self) -> Mapping[str, Any]:
        """The data set, its revision and checksum."""
        return open_data(self.data).provenance(self.modality)


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
