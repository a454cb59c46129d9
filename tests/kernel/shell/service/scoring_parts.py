"""Evaluators, judges and a registry for the tests of scoring, without a network."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

from kernel.contract import Deadline, Kind, Model, Picture, Reply, Request, Text
from kernel.evaluator import Case, Evaluator, Metric, Score
from kernel.registry import Registry, check_evaluator
from kernel.shell.service.lanes import Job
from kernel.shell.service.scorers import OUTPUT, Scorers


@dataclass(frozen=True, kw_only=True)
class Same(Evaluator):
    """Is the reply the reference?

    Reference: a text.
    """

    name: ClassVar[str] = "test.same"
    version: ClassVar[int] = 1
    asks: ClassVar[Kind] = Kind.GENERATE
    metrics: ClassVar[tuple[Metric, ...]] = (Metric("accuracy"), Metric("length", unit="characters"))

    size: int = 10
    data: str = ""
    frame: str = ""
    seconds: float = 0.0
    ends: Literal["well", "badly", "oddly", "late"] = "well"

    def cases(self) -> Iterator[Case]:
        for number in range(self.size):
            if self.data == "gone":
                raise OSError("/secret/place")
            yield Case(f"case-{number}", Request(self.target, (Picture(b"shared"), Text(f"hello {number}"))), gold=f"hello {number}")

    async def score(self, case: Case, reply: Reply, models: Model, deadline: Deadline) -> Score:
        if self.seconds:
            time.sleep(self.seconds)
        if self.ends == "late":
            await asyncio.sleep(0)
        if self.ends == "badly":
            raise KeyError("gold")
        if self.ends == "oddly":
            return Score(float("nan"))
        return Score(float(reply.text == case.gold), "compared", also={"length": float(len(reply.text))})


@dataclass(frozen=True, kw_only=True)
class Asking(Evaluator):
    """Is the reply what the judge says?"""

    name: ClassVar[str] = "test.asking"
    version: ClassVar[int] = 1
    asks: ClassVar[Kind] = Kind.GENERATE
    roles: ClassVar[tuple[str, ...]] = ("judge",)

    def cases(self) -> Iterator[Case]:
        return iter(())

    async def score(self, case: Case, reply: Reply, models: Model, deadline: Deadline) -> Score:
        told = await models.infer(Request("judge", (Text(reply.text),)), deadline=deadline)
        return Score(float(told.text == "yes"), told.text)


@dataclass(frozen=True, kw_only=True)
class Painted(Evaluator):
    """Is there a picture?"""

    name: ClassVar[str] = "test.painted"
    version: ClassVar[int] = 1
    asks: ClassVar[Kind] = Kind.IMAGINE

    def cases(self) -> Iterator[Case]:
        return iter(())

    async def score(self, case: Case, reply: Reply, models: Model, deadline: Deadline) -> Score:
        return Score(float(bool(reply.pictures)), f"{len(reply.pictures)} pictures")


class Judge:
    """Says yes, after so many seconds, or never; counts who asks and who gives up."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.asked = self.under_way = self.most = self.given_up = 0

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        self.asked += 1
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await asyncio.sleep(self.seconds)
        except asyncio.CancelledError:
            self.given_up += 1
            raise
        finally:
            self.under_way -= 1
        return Reply(texts=("yes",))

    async def aclose(self) -> None: ...


async def until(holds: Callable[[], object], seconds: float = 10.0, pause: float = 0.0) -> None:
    """Let others run until it holds, or so long."""
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:  # noqa: ASYNC110 - what is waited for has no event
        await asyncio.sleep(pause)


def known() -> Registry[type[Evaluator]]:
    registry = Registry("evaluator", check_evaluator)
    for each in (Same, Asking, Painted):
        registry.register(each.name, each)
    return registry


def scorers(judge: Judge | None = None, **shared) -> Scorers:
    return Scorers(known(), judge or Judge(), {"judge": "somebody"}, shared)


def job(held: Scorers, text: str, gold: str = "right", name: str = "test.same", **options) -> Job:
    return Job(held.get(name, options), Case(text, Request(OUTPUT, (Text("?"),)), gold), Reply(texts=(text,)))
