"""Does a model still see when noise, weather or coding spoil the picture? Image to text, over drawn scenes."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Literal

from evaluators.redteam.corruptions import SEVERITIES, SIDE, Corruption, corrupt
from evaluators.scenes import Scene, draw
from evaluators.shapes.groups import Task, anchor, group_size, groups
from evaluators.shapes.image_to_text import answers, ask, content_id, whole_groups
from evaluators.shapes.judging import judge
from kernel.contract import Deadline, Kind, Model, Reply
from kernel.evaluator import Case, Evaluator, Score


@lru_cache(maxsize=1024)
def spoilt(scene: Scene, name: str, severity: int, seed: int) -> bytes:
    """The encoded picture of a scene after a corruption, made once however many models are asked about it."""
    buffer = io.BytesIO()
    corrupt(draw(scene, SIDE), name, severity, seed).save(buffer, "PNG")
    return buffer.getvalue()


@dataclass(frozen=True, kw_only=True)
class OutOfDistribution(Evaluator):
    """Plain questions about pictures that went through one of the fifteen corruptions of ImageNet-C.

    Question: how much of what the model sees in a clean picture does it still see in a noisy, blurred, snowed-over, faded,
    bent or coarsely coded one? `severity` is 1 to 5, or "all" for each in turn, a group of pictures at a time.

    Data and source: the questions and scenes of the natural scenario of `shapes.image_to_text`, from the same seed the same
    ones, painted at 224 pixels, for which the parameters of the corruptions were chosen (see `corruptions`).

    Scoring: as in `shapes.image_to_text`; chance is 1/4. The share right on clean pictures is that task's natural scenario.

    Known limits: on light backgrounds `snow`, `frost` and `brightness` hit the ceiling of white sooner than on photographs,
    and `brightness` 4 and 5 come out nearly the same. Severities 1 and 2 of `elastic` can bend a thing out of its shape, or
    out of the picture; 3 to 5 move less.
    """

    name: ClassVar[str] = "shapes.out_of_distribution"
    version: ClassVar[int] = 1
    asks: ClassVar[Kind] = Kind.GENERATE
    perspective: ClassVar[str] = "robustness"

    corruption: Corruption
    task: Task = "identification"
    severity: Literal[1, 2, 3, 4, 5, "all"] = "all"
    size: int = 100
    seed: int = 7

    def __post_init__(self) -> None:
        """Refuse a size that holds no whole group."""
        whole_groups(self.size, group_size("natural", self.task))

    def cases(self) -> Iterator[Case]:
        """All cases, group by group; with all severities, the n-th group has the n-th of them, in turn."""
        number = whole_groups(self.size, group_size("natural", self.task))
        for index, group in enumerate(groups("natural", self.task, self.seed, number)):
            severity = SEVERITIES[index % len(SEVERITIES)] if self.severity == "all" else self.severity
            facts = {**group.prompt.facts, "corruption": self.corruption, "severity": severity, "group": index}
            for position, shown in enumerate(group.shown):
                seed = _seed(self.seed, self.task, index, position)
                request = ask(self.target, group.prompt.text, spoilt(shown.scene, self.corruption, severity, seed))
                yield Case(
                    content_id(request, shown.right),
                    request,
                    shown.right,
                    {**facts, "options": list(group.prompt.options)},
                    cluster=request.pictures[0].digest,
                )

    def how_many(self) -> int:
        """Whole groups times their size."""
        return self.size // group_size("natural", self.task) * group_size("natural", self.task)

    async def score(self, case: Case, reply: Reply, models: Model, deadline: Deadline) -> Score:
        """Compare the option that the reply gives with the right one."""
        return judge(reply.text, case.facts["options"], case.gold)

    def gold(self, case: Case) -> Reply:
        """The right option."""
        return answers(case.gold)

    def constant(self) -> Reply:
        """The answer that is right once in every group."""
        return answers(anchor("natural", self.task, self.seed))

    def chance(self) -> float:
        """One case of each group."""
        return 1 / group_size("natural", self.task)


def _seed(*parts: int | str) -> int:
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:4], "big")
