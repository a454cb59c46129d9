"""What dynamic batching buys and what Triton costs, for a multimodal and a diffusion model.

Each model is asked through Triton one call at a time and with many in flight, and as plain Python in this process: the same requests in
batches as large as Triton's, and one by one. All in one run; the number of torch's threads is the same on both sides.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from evaluators import scenes
from gateway.session import Session, open_gateway
from kernel.contract import Deadline, Kind, Picture, Request, Sampling, Text
from tests.model_repository.folders import load

ROUNDS = 3


@dataclass(frozen=True)
class Subject:
    """A model: its entry, how it is made without Triton, what it is asked, how much of it at once, and the least that is wanted."""

    name: str
    make: Callable[[], Any]
    asked: Sequence[Request]
    alone: int
    at_once: int
    wanted: float


def questions(number: int) -> list[Request]:
    """Distinct pictures, one short question each."""
    chance = random.Random(5)
    pictures = [Picture(scenes.png(scenes.sample(chance, count=3))) for _ in range(number)]
    return [Request("shapes-vlm", (picture, Text("How many objects are in the picture?"))) for picture in pictures]


def orders(number: int) -> list[Request]:
    """The same order with another seed each."""
    return [Request("shapes-diffusion", (Text("a red circle"),), Kind.IMAGINE, sampling=Sampling(seed=seed, steps=10)) for seed in range(number)]


def subjects() -> list[Subject]:
    """What is measured."""
    vlm, diffusion = lambda: load("shapes_vlm", "respondent").Respondent(), lambda: load("shapes_diffusion", "painter").Painter()
    return [
        Subject("shapes-vlm", vlm, questions(256), 64, 64, 3.0),
        Subject("shapes-diffusion", diffusion, orders(96), 16, 32, 2.0),
    ]


async def through_triton(session: Session, asked: Sequence[Request], at_once: int) -> float:
    """Seconds a request takes with `at_once` in flight."""
    left = iter(asked)

    async def work() -> None:
        for request in left:
            await session.infer(request, deadline=Deadline.after(300))

    begun = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(at_once)))
    return (time.perf_counter() - begun) / len(asked)


def in_python(model: Any, asked: Sequence[Request], at_once: int) -> float:
    """Seconds a request takes in plain Python, `at_once` in a batch."""
    begun = time.perf_counter()
    for first in range(0, len(asked), at_once):
        model.answer(asked[first : first + at_once])
    return (time.perf_counter() - begun) / len(asked)


async def measure() -> list[tuple[str, str, str]]:
    """Rows of the table: what, figure, wanted."""
    return [row for subject in subjects() for row in await _measured(subject)]


async def _measured(subject: Subject) -> list[tuple[str, str, str]]:
    few = subject.asked[: subject.alone]
    model = subject.make()
    rounds = []
    async with open_gateway(only=[subject.name]) as session:
        await through_triton(session, subject.asked[: subject.at_once], subject.at_once)
        in_python(model, subject.asked[: subject.at_once], subject.at_once)
        for _ in range(ROUNDS):
            alone, together = await through_triton(session, few, 1), await through_triton(session, subject.asked, subject.at_once)
            rounds.append((alone, together, in_python(model, few, 1), in_python(model, subject.asked, subject.at_once)))
    alone, together, bare_alone, bare_together = (statistics.median(column) for column in zip(*rounds, strict=True))
    gain = statistics.median(each[0] / each[1] for each in rounds)
    against = statistics.median(each[3] / each[1] for each in rounds)
    return [
        (f"{subject.name}, cases/s: one at a time, {subject.at_once} in flight", f"{1 / alone:.1f}, {1 / together:.1f}", ""),
        (f"{subject.name}, in flight / one at a time", f"{gain:.1f}", f">= {subject.wanted:g}"),
        (f"{subject.name}, through Triton / the same batches in plain Python ({1 / bare_together:.1f}/s)", f"{against:.2f}", ">= 0.90"),
        (f"{subject.name}, what the way through Triton adds to one call, ms", f"{1000 * (alone - bare_alone):.1f}", ""),
    ]
