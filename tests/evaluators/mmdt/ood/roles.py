"""Who plays the roles in these tests: the plain classes behind the bundled instruments, and scripts; and the perspective's sample by itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from itertools import product

from evaluators.mmdt.official import CORRUPTIONS, STYLES
from evaluators.mmdt.ood.task import OodTask
from evaluators.mmdt.ood.text_to_image import TextToImage
from evaluators.scenes import Scene, png
from kernel.contract import Deadline, Detection, Finish, Kind, Model, Picture, Reply, Request
from kernel.evaluator import Case, Score
from tests.model_repository.folders import load

PAINTED = list(product(("Shake_", "Paraphrase_"), ("helpfulness", "count", "spatial", "color", "size")))
ASKED = list(product((*STYLES, *CORRUPTIONS), ("identification", "count", "spatial", "attribute")))


class Bundled:
    """The bundled detector, canned judge and embedder of shapes."""

    def __init__(self) -> None:
        judge = load("canned_judge", "canned_judge").CannedJudge()
        detector, embedder = load("shapes_detector", "shapes_detection").ShapesDetector(), load("shapes_embedder", "shapes_embedding").ShapesEmbedder()
        self._players = {"detector": detector, "clip": embedder, "judge": judge, "vqa": judge}

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        (reply,) = self._players[request.model].answer([request])
        if not isinstance(reply, Reply):
            raise reply
        return reply

    async def aclose(self) -> None:
        """Nothing is held."""


class Scripted:
    """Says, finds or embeds what it is told to; `kept`: whether a verdict comes in the form of the judges. Notes what it is asked."""

    def __init__(
        self,
        says: Callable[[Request], str] | str = "",
        finds: Iterable[Detection] = (),
        rows: Callable[[Request], tuple[float, ...]] | None = None,
        *,
        kept: bool = True,
    ) -> None:
        self.says = says
        self.finds = tuple(finds)
        self.rows = rows
        self.kept = kept
        self.asked: list[Request] = []

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        self.asked.append(request)
        if request.kind is Kind.EMBED:
            assert self.rows is not None
            return Reply(rows=(self.rows(request),))
        if request.kind is Kind.DETECT:
            return Reply(detections=self.finds)
        text = self.says if isinstance(self.says, str) else self.says(request)
        if self.kept:
            text = json.dumps({"marker": json.loads(request.text.rsplit("\nmarker: ", 1)[1]), "verdict": text})
        return Reply(texts=(text,), finish=(Finish.STOP,))

    async def aclose(self) -> None:
        """Nothing is held."""


def score(evaluator: OodTask, case: Case, reply: Reply, models: Model) -> Score:
    """What a reply is worth, by the metrics that the evaluator declares."""
    found = asyncio.run(evaluator.score(case, reply, models, Deadline.after(60)))
    assert list(found.also) == [metric.name for metric in evaluator.metrics[1:]]
    return found


def both(found: Score) -> tuple[float | None, float | None]:
    """The first metric in both ways."""
    (corrected,) = found.also.values()
    return found.value, corrected


def says(text: str, finish: Finish = Finish.STOP) -> Reply:
    """A reply in words."""
    return Reply(texts=(text,), finish=(finish,))


def shows(picture: bytes) -> Reply:
    """A reply with a picture."""
    return Reply(pictures=(Picture(picture),), finish=(Finish.STOP,))


BLANK = png(Scene(()), 100)
"""A hundred pixels a side, so that a box in pixels is one in hundredths."""
NOTHING = Reply(finish=(Finish.REFUSAL,))


def painting(scenario: str, name: str, data: str = "sample") -> TextToImage:
    return TextToImage(target="model", scenario=scenario, task=name, data=data)
