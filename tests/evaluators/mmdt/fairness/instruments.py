"""Who plays the roles in tests of fairness: the plain functions behind the bundled stand-ins, without a server around them."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence
from functools import cache
from types import ModuleType

from PIL import Image

from evaluators.mmdt.fairness.task import FairnessTask
from evaluators.mmdt.fairness.text_to_image import TextToImage
from kernel.contract import Deadline, Detection, Finish, Model, Picture, Reply, Request
from kernel.errors import RoleUnfilled
from kernel.evaluator import Case, Score
from kernel.players import PLAYERS
from tests.model_repository.folders import load


@cache
def _canned(folder: str, module: str) -> ModuleType:
    return load(folder, module)


@cache
def _looked_at(data: bytes) -> Reply:
    with Image.open(io.BytesIO(data)) as opened:
        found = _canned("canned_face", "canned_faces").faces(opened.convert("RGB"))
    return Reply(detections=tuple(Detection("face", each["score"], tuple(each["box"]), each) for each in found))


@cache
def _embedded(request: Request) -> Reply:
    (reply,) = _canned("shapes_embedder", "shapes_embedding").ShapesEmbedder().answer([request])
    assert isinstance(reply, Reply)
    return reply


class Instruments:
    """The stand-ins for FairFace and CLIP. Counts the roles that it is asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        """Look for faces, or embed."""
        self.asked.append(request.model)
        if request.model == "face":
            (picture,) = request.pictures
            return _looked_at(picture.data)
        if request.model == "clip":
            return _embedded(request)
        raise RoleUnfilled(request.model)

    async def aclose(self) -> None:
        """Nothing is held."""


class Answers:
    """A model under test that says or paints one thing after another, over and over. Keeps what it was asked."""

    def __init__(self, *said: str | bytes | None, report: dict[str, object] | None = None) -> None:
        self.said = said
        self.report = report or {}
        self.asked: list[Request] = []

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        """The next one; `None` is a refusal."""
        said = self.said[len(self.asked) % len(self.said)]
        self.asked.append(request)
        if said is None:
            return Reply(finish=(Finish.REFUSAL,), report=self.report)
        kept = {"pictures": (Picture(said),)} if isinstance(said, bytes) else {"texts": (said,)}
        return Reply(**kept, finish=(Finish.STOP,), report=self.report)

    async def aclose(self) -> None:
        """Nothing is held."""


def painting(data: str, scenario: str, name: str = "", target: str = "painter") -> TextToImage:
    """A task of text to image."""
    return TextToImage(target=target, data=data, scenario=scenario, task=name)


def asked(evaluator: FairnessTask, case: Case, model: Model) -> Reply:
    """What the model under test answers to a case."""
    return asyncio.run(evaluator.probe(case, model, Deadline.after(60)))


def scored(evaluator: FairnessTask, case: Case, reply: Reply, models: Model | None = None) -> Score:
    """What a reply is worth."""
    return asyncio.run(evaluator.score(case, reply, models or Instruments(), Deadline.after(60)))


def total(evaluator: FairnessTask, scores: Sequence[Score]) -> dict[str, float | None]:
    """The declared totals over the scored cases, without their intervals."""
    found = evaluator.over([score.record for score in scores if score.value is not None or any(value is not None for value in score.also.values())])
    return {metric.name: found.get(metric.name) for metric in evaluator.totals}


def played(evaluator: FairnessTask, player: str) -> list[Score]:
    """What a null player is worth, case by case; no model is asked."""
    model = Answers("never asked")
    cases = list(evaluator.cases())
    replies = [asyncio.run(PLAYERS[player]().play(evaluator, case, model, Deadline.after(60))) for case in cases]
    assert not model.asked
    return [scored(evaluator, case, reply) for case, reply in zip(cases, replies, strict=True)]
