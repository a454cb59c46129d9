"""What dynamic batching buys: questions a second to shapes_vlm with many in flight, against one at a time."""

from __future__ import annotations

import asyncio
import random
import time

from evaluators.shapes import scenes
from gateway.session import Session, open_gateway
from kernel.contract import Deadline, Picture, Request, Text

QUESTIONS = 256
AT_ONCE = 64


def questions() -> list[Request]:
    """Distinct pictures, one short question each."""
    chance = random.Random(5)
    return [
        Request("shapes-vlm", (Picture(scenes.png(scenes.sample(chance, count=3))), Text("How many objects are in the picture?"))) for _ in range(QUESTIONS)
    ]


async def ask(session: Session, asked: list[Request], at_once: int) -> float:
    """Questions a second with `at_once` in flight."""
    left = iter(asked)

    async def work() -> None:
        for request in left:
            await session.infer(request, deadline=Deadline.after(120))

    begun = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(at_once)))
    return len(asked) / (time.perf_counter() - begun)


async def measure() -> list[tuple[str, str, str]]:
    """Rows of the table: what, figure, wanted."""
    asked = questions()
    async with open_gateway(only=["shapes-vlm"]) as session:
        await ask(session, asked[:AT_ONCE], AT_ONCE)
        alone = await ask(session, asked[:64], 1)
        together = await ask(session, asked, AT_ONCE)
    return [
        ("shapes_vlm, questions/s, one at a time", f"{alone:.1f}", ""),
        (f"shapes_vlm, questions/s, {AT_ONCE} in flight", f"{together:.1f}", ""),
        ("batched / one at a time", f"{together / alone:.1f}", ">= 3"),
    ]
