"""What the benchmarks share: the echo model on a real server, and plans of an evaluator that hardly does anything."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import structlog

from gateway.session import Session, open_gateway
from kernel import registry
from kernel.contract import Deadline, Kind, Model, Reply, Request, Text
from kernel.documents import validate
from kernel.evaluator import Case, Evaluator, Score
from kernel.runner import Outcome, Runner
from kernel.spec import Plan, SuiteSpec, resolve
from kernel.store.keeping import Keeping
from kernel.store.store import Store

TESTS = Path(__file__).parents[1]
AT_ONCE = 64


@dataclass(frozen=True, kw_only=True)
class Same(Evaluator):
    """Is the answer the question? As little work as an evaluator can have."""

    name: ClassVar[str] = "bench.same"
    version: ClassVar[int] = 1
    asks: ClassVar[Kind] = Kind.GENERATE

    size: int

    def cases(self) -> Iterator[Case]:
        """Numbered greetings."""
        for number in range(self.size):
            text = f"hello {number}"
            yield Case(f"case-{number}", Request(self.target, (Text(text),)), gold=text)

    async def score(self, case: Case, reply: Reply, models: Model, deadline: Deadline) -> Score:
        """Equality."""
        return Score(float(reply.text == case.gold), "equal" if reply.text == case.gold else "not equal")


def quiet() -> None:
    """No log lines between the figures."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))


@asynccontextmanager
async def echo_server() -> AsyncIterator[Session]:
    """A session with the echo model of the tests."""
    with tempfile.TemporaryDirectory() as folder:
        catalog = Path(folder) / "catalog.yaml"
        catalog.write_text(f"models:\n  echo: {{folder: {TESTS / 'models' / 'echo'}}}\n")
        async with open_gateway(catalog) as session:
            yield session


async def plan(session: Session, size: int, at_once: int = AT_ONCE) -> Plan:
    """One task of `size` cases for the echo model."""
    suite = {"suite": "bench", "models": ["echo"], "tasks": [{"evaluator": "bench.same", "options": {"size": size}}], "at_once": at_once}
    known = registry.Registry("evaluator", registry.check_evaluator)
    known.register("bench.same", Same)
    return resolve(validate(SuiteSpec, suite, "bench"), known, await session.cards())


async def carry_out(made: Plan, session: Session, store: Path) -> int:
    """Run a plan into a store, from the first case to the last commit: how many outcomes came."""
    with Store(store, write=True) as opened:
        async with Keeping(opened) as keeping:
            await keeping.call(opened.begin_run, "bench", made.suite.suite, made.manifest)
            count = 0
            async for event in Runner(made, "bench", keeping, session).events():
                count += isinstance(event, Outcome)
            return count
