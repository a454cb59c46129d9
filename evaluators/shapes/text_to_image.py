"""Does a model paint what was asked for, no less and no more? Text to image, judged by a detector of shapes and by OCR."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean
from typing import ClassVar

from evaluators.shapes.groups import Scenario, Task
from evaluators.shapes.image_to_text import content_id, picture_of, whole_groups
from evaluators.shapes.orders import Order, orders, right_scene, round_size
from evaluators.shapes.viewing import View, judge_view, perfect, seen_in, words_in
from kernel.contract import Deadline, Finish, Kind, Model, Picture, Reply, Request, Sampling, Text
from kernel.evaluator import Case, Evaluator, Score

DETECTOR, OCR = "shapes-detector", "ocr"
PIXELS = 64
"""Side of the drawings that the players paint: as small as what the bundled model paints, so that instruments take as long."""


@dataclass(frozen=True, kw_only=True)
class TextToImage(Evaluator):
    """Prompts for pictures of plain shapes in the six scenarios of MMDT's hallucination perspective.

    Question: does the picture show what the prompt says? `identification` looks at shapes, `attribute` at colours, `spatial`
    at where one thing is as seen from another, `count` at how many things there are (one to three).

    - natural: the plain prompt.
    - distraction: two asides that have nothing to do with the picture.
    - counterfactual: things against the habit: a shape in the usual colour of another one.
    - cooccurrence: one thing that usually comes with another, which must stay away (split `high`), or two that do not usually
      come together (split `low`); for the other tasks, things that keep the habit and things that break it.
    - misleading: a false value is mentioned, only to be denied.
    - ocr: a word is to be printed. Identification asks for nothing else; in the other tasks the word stands beside the things,
      and each is worth a half.

    Data and source: procedural, from `seed`; nothing is downloaded. In the spirit of MMDT (arXiv 2503.14827), not comparable
    with its scores: prompts are about six shapes in eight colours, so that a detector without learning can judge.

    Scoring: 1 when the detector finds exactly what was asked for (what the task does not look at may differ), else 0; no
    picture scores 0 and is marked as not found. Prompts come in rounds that hold each answer once, and `size` is rounded down
    to whole rounds: the constant player, who always paints the first picture asked for, scores what `chance` says.

    Known limits: as those of the detector (plain shapes on a plain background) and of the OCR. A picture with the asked things
    and a stray one is wrong, however fine. Only the first picture of a reply is judged.
    """

    name: ClassVar[str] = "shapes.text_to_image"
    version: ClassVar[int] = 1
    asks: ClassVar[Kind] = Kind.IMAGINE
    perspective: ClassVar[str] = "hallucination"
    instruments: ClassVar[tuple[str, ...]] = (DETECTOR, OCR)

    scenario: Scenario
    task: Task
    size: int = 48
    seed: int = 7

    def __post_init__(self) -> None:
        """Refuse a size that holds no whole round."""
        self._rounds()

    def _rounds(self) -> int:
        return whole_groups(self.size, round_size(self.scenario, self.task))

    def cases(self) -> Iterator[Case]:
        """All cases, round by round."""
        for index, order in enumerate(self._orders()):
            request = paint(self.target, order.prompt, self.seed + index)
            facts = {"scenario": self.scenario, "task": self.task, **order.facts}
            yield Case(content_id(request, order.prompt), request, order.wanted, facts, cluster=order.prompt)

    def _orders(self) -> Iterator[Order]:
        return orders(self.scenario, self.task, self.seed, self._rounds())

    def how_many(self) -> int:
        """Whole rounds times their size."""
        return self._rounds() * round_size(self.scenario, self.task)

    async def score(self, case: Case, reply: Reply, models: Model, deadline: Deadline) -> Score:
        """Compare what the instruments find in the picture with what was asked for."""
        if not reply.pictures:
            return Score(0.0, "no picture", found=False)
        picture = reply.pictures[0]
        found = await models.infer(Request(DETECTOR, (picture,), Kind.DETECT), deadline=deadline)
        words = None
        if case.gold["word"]:
            read = await models.infer(Request(OCR, (picture,), Kind.READ), deadline=deadline)
            words = words_in(read.detections)
        return judge_view(self.task, case.gold, View(seen_in(found.detections), words))

    def gold(self, case: Case) -> Reply:
        """A drawing of exactly what was asked for."""
        return painted(picture_of(right_scene(case.gold), PIXELS))

    def constant(self) -> Reply:
        """The picture that the first case asks for."""
        return painted(picture_of(right_scene(next(self._orders()).wanted), PIXELS))

    def chance(self) -> float:
        """What that picture is worth over all cases, to instruments without fault."""
        wanted = [order.wanted for order in self._orders()]
        view = perfect(right_scene(wanted[0]))
        return fmean(judge_view(self.task, each, view).value or 0.0 for each in wanted)


def paint(model: str, prompt: str, seed: int) -> Request:
    """Make the request of a case; it holds the prompt and a seed, and nothing else."""
    return Request(model, (Text(prompt),), Kind.IMAGINE, sampling=Sampling(n=1, seed=seed))


def painted(picture: bytes) -> Reply:
    """The reply of a player that paints this."""
    return Reply(pictures=(Picture(picture),), finish=(Finish.STOP,))
