"""Does a model see what is there, or what the prompt, the print and habit suggest? Image to text, over drawn scenes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from evaluators.scenes import Scene, png
from evaluators.shapes.groups import Group, Scenario, Shown, Task, anchor, group_size, groups
from evaluators.shapes.judging import judge
from kernel.contract import Deadline, Finish, Kind, Model, Picture, Reply, Request, Sampling, Text
from kernel.evaluator import Case, Evaluator, Score

ANSWER = Sampling(max_tokens=64, temperature=0.0)
PIXELS = 128


def ask(model: str, text: str, picture: bytes) -> Request:
    """Make the request of a case; what the right answer is cannot be known here."""
    return Request(model, (Picture(picture), Text(text)), Kind.GENERATE, sampling=ANSWER)


def content_id(request: Request, right: str) -> str:
    """A name made from everything that is asked and the right answer, the same for every model."""
    return hashlib.sha256(f"{request.digest()} {json.dumps(right)}".encode()).hexdigest()[:20]


def answers(text: str) -> Reply:
    """The reply of a player that says this."""
    return Reply(texts=(text,), finish=(Finish.STOP,))


@lru_cache(maxsize=4096)
def picture_of(scene: Scene, pixels: int) -> bytes:
    """The encoded picture, painted once however many models are asked about it."""
    return png(scene, pixels)


def whole_groups(size: int, of: int) -> int:
    """How many whole groups of cases `size` allows; at least one, or ValueError."""
    if size < of:
        message = f"size is {size}, but the cases of this task come in groups of {of}; give at least {of}"
        raise ValueError(message)
    return size // of


@dataclass(frozen=True, kw_only=True)
class ImageToText(Evaluator):
    """Questions about drawn scenes in the six scenarios of MMDT's hallucination perspective.

    Question: does the model answer by what the picture shows? `identification` asks for a shape, `attribute` for a
    colour, `spatial` for where one thing is as seen from another, `count` for how many there are. Each question names at
    most four options.

    - natural: the plain question about a few things.
    - distraction: two sentences that have nothing to do with the picture, and a picture full of other things.
    - counterfactual: a change is supposed first, and the answer is the one after the change. For shapes, colours and
      places the change matters in at least half of the cases, for counts in all.
    - cooccurrence: all other things keep a habit (each shape has its usual colour). What is asked keeps the habit (split
      `high`) or breaks it (`low`). Identification asks whether a thing is there; where it is not, its shape and its
      colour both are, on two other things.
    - misleading: the prompt asserts a false answer first. It is among the options and never right.
    - ocr: identification reads the printed word; in the other tasks a printed word names a wrong answer.

    Data and source: procedural, from `seed`; nothing is downloaded. In the spirit of MMDT (arXiv 2503.14827), whose
    scenes are photographs: the scores are not comparable with it.

    Scoring: 1 when the reply gives the right option, else 0; a reply without exactly one answer scores 0 and is marked
    as not found. Every prompt is asked about several pictures, so that each answer that may be right is right once: the
    prompt alone gives nothing away, and a constant answer scores exactly 1/3 in the misleading scenario, 1/2 where yes
    or no is asked, 1/4 elsewhere. `size` is rounded down to whole groups of such pictures.

    Known limits: six shapes, eight colours, plain backgrounds, English. The habit of `cooccurrence` is one of this little
    world, and a model learns of it only by the pictures themselves. Answers are read by `evaluators.measures`.
    """

    name: ClassVar[str] = "shapes.image_to_text"
    version: ClassVar[int] = 1
    asks: ClassVar[Kind] = Kind.GENERATE
    perspective: ClassVar[str] = "hallucination"

    scenario: Scenario
    task: Task
    size: int = 100
    seed: int = 7
    pixels: int = PIXELS

    def __post_init__(self) -> None:
        """Refuse a size that holds no whole group."""
        whole_groups(self.size, group_size(self.scenario, self.task))

    def cases(self) -> Iterator[Case]:
        """All cases, group by group."""
        number = whole_groups(self.size, group_size(self.scenario, self.task))
        for index, group in enumerate(groups(self.scenario, self.task, self.seed, number)):
            for shown in group.shown:
                yield self._case(index, group, shown)

    def _case(self, index: int, group: Group, shown: Shown) -> Case:
        request = ask(self.target, group.prompt.text, picture_of(shown.scene, self.pixels))
        facts = {**group.prompt.facts, "group": index, "options": list(group.prompt.options), **shown.facts}
        return Case(content_id(request, shown.right), request, shown.right, facts, cluster=request.pictures[0].digest)

    def how_many(self) -> int:
        """Whole groups times their size."""
        size = group_size(self.scenario, self.task)
        return self.size // size * size

    async def score(self, case: Case, reply: Reply, models: Model, deadline: Deadline) -> Score:
        """Compare the option that the reply gives with the right one."""
        return judge(reply.text, case.facts["options"], case.gold)

    def gold(self, case: Case) -> Reply:
        """The right option."""
        return answers(case.gold)

    def constant(self) -> Reply:
        """The answer that is right once in every group."""
        return answers(anchor(self.scenario, self.task, self.seed))

    def chance(self) -> float:
        """One case of each group."""
        return 1 / group_size(self.scenario, self.task)
