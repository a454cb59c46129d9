"""What the benchmarks share: the echo model on a real server, and plans of the stranger's evaluator over it."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.session import Session, open_gateway
from kernel import registry
from kernel.documents import validate
from kernel.runner import Outcome, Runner
from kernel.spec import Plan, SuiteSpec, resolve
from kernel.store.keeping import Keeping
from kernel.store.store import Store

TESTS = Path(__file__).parents[1]
sys.path.insert(0, str(TESTS / "plugins"))

AT_ONCE = 64


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
    suite = {"suite": "bench", "models": ["echo"], "tasks": [{"evaluator": "stranger.echo", "options": {"size": size}}], "at_once": at_once}
    return resolve(validate(SuiteSpec, suite, "bench"), registry.evaluators(), await session.cards())


async def carry_out(made: Plan, session: Session, store: Path) -> int:
    """Run a plan into a store, from the first case to the last commit: how many outcomes came."""
    with Store(store, write=True) as opened:
        async with Keeping(opened) as keeping:
            await keeping.call(opened.begin_run, "bench", made.suite.suite, made.manifest)
            count = 0
            async for event in Runner(made, "bench", keeping, session).events():
                count += isinstance(event, Outcome)
            return count
