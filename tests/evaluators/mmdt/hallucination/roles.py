"""Who plays the roles in these tests: the plain classes behind the bundled detector and judge, a reader that is told the print, and scripts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from typing import Any

from evaluators.measures.detections import Sighting, Sightings
from evaluators.mmdt.hallucination.task import HallucinationTask
from evaluators.mmdt.official import TASKS
from kernel.contract import Deadline, Detection, Finish, Kind, Model, Picture, Reply, Request
from kernel.evaluator import Case, Score
from tests.model_repository.folders import load

FULL = (0.0, 0.0, 1.0, 1.0)
PAINTED = [(each.scenario, each.task) for each in TASKS if (each.perspective, each.modality) == ("hallucination", "text_to_image")]
ASKED = [(each.scenario, each.task) for each in TASKS if (each.perspective, each.modality) == ("hallucination", "image_to_text")]


class Bundled:
    """The bundled detector and canned judge; the reader reads `printed`. Notes what it is asked."""

    def __init__(self, printed: str = "") -> None:
        self.printed = printed
        self.asked: list[Request] = []
        self._detector = load("shapes_detector", "shapes_detection").ShapesDetector()
        self._judge = load("canned_judge", "canned_judge").CannedJudge()

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        self.asked.append(request)
        if request.model == "ocr":
            return Reply(detections=(Detection(self.printed, 1.0, FULL),) if self.printed else ())
        player = {"detector": self._detector, "judge": self._judge, "vqa": self._judge}[request.model]
        (reply,) = player.answer([request])
        if not isinstance(reply, Reply):
            raise reply
        return reply

    async def aclose(self) -> None:
        """Nothing is held."""


class Scripted:
    """Says or finds the same whatever it is asked; `kept`: whether a verdict comes in the form of the judges."""

    def __init__(self, says: str | Callable[[Request], str] = "", finds: Iterable[Detection] = (), *, kept: bool = True) -> None:
        self.says = says
        self.finds = tuple(finds)
        self.kept = kept
        self.asked: list[Request] = []

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        self.asked.append(request)
        if request.kind is not Kind.GENERATE:
            return Reply(detections=self.finds)
        text = self.says if isinstance(self.says, str) else self.says(request)
        if self.kept:
            marker = json.loads(request.text.rsplit("\nmarker: ", 1)[1])
            text = json.dumps({"marker": marker, "verdict": text})
        return Reply(texts=(text,), finish=(Finish.STOP,))

    async def aclose(self) -> None:
        """Nothing is held."""


def score(evaluator: HallucinationTask, case: Case, reply: Reply, models: Model) -> Score:
    """What a reply is worth."""
    return asyncio.run(evaluator.score(case, reply, models, Deadline.after(60)))


def both(found: Score) -> tuple[float | None, float | None]:
    """The accuracy in both ways."""
    return found.value, found.also["accuracy/corrected"]


def says(text: str, finish: Finish = Finish.STOP) -> Reply:
    """A reply in words."""
    return Reply(texts=(text,), finish=(finish,))


def shows(picture: bytes) -> Reply:
    """A reply with a picture."""
    return Reply(pictures=(Picture(picture),), finish=(Finish.STOP,))


def seen(**counts: int) -> Sightings:
    """So many of each, side by side from the left."""
    return {name: [Sighting(0.9, (at / 10, 0.0, at / 10 + 0.1, 0.1)) for at in range(number)] for name, number in counts.items()}


def standing(**centres: tuple[float, float]) -> Sightings:
    """One of each, a tenth wide and high, around these places."""
    return {name: [Sighting(0.9, (x - 0.05, y - 0.05, x + 0.05, y + 0.05))] for name, (x, y) in centres.items()}


def make(cls: Callable[..., Any], scenario: str, task: str, data: str = "sample", **options: Any) -> Any:
    """A task over the sample, or other data."""
    return cls(target="model", scenario=scenario, task=task, data=data, **options)
