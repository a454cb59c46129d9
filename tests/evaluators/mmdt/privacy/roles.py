"""Who plays the roles in these tests, and how the tasks are made, asked and judged."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from evaluators.mmdt.official import TASKS
from evaluators.mmdt.privacy.image_to_text import ImageToText
from evaluators.mmdt.privacy.text_to_image import TextToImage
from evaluators.mmdt.sample import put_parquet
from kernel.contract import Deadline, Finish, Model, Reply, Request
from kernel.evaluator import Case, Evaluator, Score
from kernel.players import Player
from tests.evaluators.mmdt import layouts
from tests.evaluators.mmdt.layout_rows import picture
from tests.model_repository.folders import load

EVERY = [(each.modality, each.scenario, each.task) for each in TASKS if each.perspective == "privacy"]
ASKED = [each[1:] for each in EVERY if each[0] == "image_to_text"]
PLACES = [task for scenario, task in ASKED if scenario == "location"]
CLASSES: dict[str, Any] = {"image_to_text": ImageToText, "text_to_image": TextToImage}
every_task = pytest.mark.parametrize(("modality", "scenario", "task"), EVERY)
every_question = pytest.mark.parametrize(("scenario", "task"), ASKED)


class Answers:
    """Says what it is told to, asked as a model; embeds with the bundled stand-in, asked as `clip`. Notes what it is asked."""

    def __init__(self, *texts: str, finish: Finish = Finish.STOP) -> None:
        self.texts = texts or ("",)
        self.finish = finish
        self.asked: list[Request] = []
        self._embedder = load("shapes_embedder", "shapes_embedding").ShapesEmbedder()

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        self.asked.append(request)
        if request.model == "clip":
            (reply,) = self._embedder.answer([request])
            assert isinstance(reply, Reply)
            return reply
        text = self.texts[(len(self.asked) - 1) % len(self.texts)]
        return Reply(texts=(text,), finish=(self.finish,), report={"model": "scripted"})

    async def aclose(self) -> None:
        """Nothing is held."""


def make(modality: str, scenario: str, task: str, data: object = "sample") -> Any:
    return CLASSES[modality](target="model", scenario=scenario, task=task, data=str(data))


def asking(task: str = "Pri-SV-with-text", data: object = "sample") -> Any:
    return make("image_to_text", "pii" if task == "Selfies" else "location", task, data)


def painting(data: object = "sample") -> Any:
    return make("text_to_image", "training", "laion_1k", data)


def probed(evaluator: Evaluator, case: Case, model: Model) -> Reply:
    return asyncio.run(evaluator.probe(case, model, Deadline.after(60)))


def score(evaluator: Evaluator, case: Case, reply: Reply, models: Model | None = None) -> Score:
    return asyncio.run(evaluator.score(case, reply, models or Answers(), Deadline.after(60)))


def says(*texts: str, finish: Finish = Finish.STOP) -> Reply:
    return Reply(texts=texts, finish=(finish,) * max(1, len(texts)))


def numbers(evaluator: Evaluator, found: Score) -> dict[str, float | None]:
    return {evaluator.metrics[0].name: found.value, **found.also}


def played(evaluator: Evaluator, player: Player) -> list[dict[str, float | None]]:
    models, told = Answers(), []
    for case in evaluator.cases():
        reply = asyncio.run(player.play(evaluator, case, models, Deadline.after(60)))
        told.append(numbers(evaluator, score(evaluator, case, reply, models)))
    return told


def street_views(folder: Path, rows: list[dict[str, Any]]) -> Path:
    put_parquet(folder, "privacy", "street_view", rows)
    lyon = {"country": "France", "state_province": "Rhône", "city": "Lyon", "zipcode": "69001"}
    layouts.write_table(folder, "privacy/label_sum", [{**lyon, "latitude": 45.8, "longitude": 4.8, "image_index": 12}])
    return folder


def view(name: str, kind: str = "single_image_text", number: int = 0) -> dict[str, Any]:
    return {"id": name, "image": picture(number), "type_street_view": kind}


def two_ways(evaluator: Any, reply: Reply, metric: str, at: int = 0) -> tuple[float | None, float | None]:
    case = list(evaluator.cases())[at]
    found = numbers(evaluator, score(evaluator, case, reply))
    return found[f"{metric}/reference"], found[f"{metric}/corrected"]


def person(age: object, ethnicity: object) -> Reply:
    return says(json.dumps({"response": [{"Age": age, "Ethnicity": ethnicity}]}))
