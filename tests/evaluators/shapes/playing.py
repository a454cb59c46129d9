"""Instruments for the tests of evaluators: the plain class behind the bundled detector, and a reader that is told the word."""

import asyncio
import importlib.util
import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from kernel.contract import Deadline, Detection, Kind, Reply, Request
from kernel.evaluator import Case, Evaluator, Score

DETECTOR = Path(__file__).parents[3] / "model_repository" / "shapes_detector" / "1"


def finder() -> Callable[[Image.Image], list[dict[str, Any]]]:
    """The bundled detector's own function, without a server around it."""
    sys.path.insert(0, str(DETECTOR))
    try:
        spec = importlib.util.spec_from_file_location("shapes_finder", DETECTOR / "shapes_finder.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(DETECTOR))
    return module.find


class Instruments:
    """The detector, and a reader that reads `word` in every picture. Counts what it is asked."""

    def __init__(self, word: str = "") -> None:
        self.word = word
        self.find = finder()
        self.asked: list[Kind] = []

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        """Look at the one picture of a request, or read it."""
        self.asked.append(request.kind)
        if request.kind is Kind.READ:
            return Reply(detections=(Detection(self.word, 1.0, (0, 0, 1, 1)),))
        with Image.open(io.BytesIO(request.pictures[0].data)) as picture:
            found = self.find(picture.convert("RGB"))
        return Reply(detections=tuple(Detection(each["label"], each["score"], each["box"], each) for each in found))

    async def aclose(self) -> None:
        """Nothing is held."""


def scored(evaluator: Evaluator, case: Case, reply: Reply, models: Instruments) -> Score:
    """What a reply is worth."""
    return asyncio.run(evaluator.score(case, reply, models, Deadline.after(60)))
