"""Plans of the stranger's evaluator, and carrying them out: what the kernel's tests share."""

from __future__ import annotations

from typing import Any

import stranger

from kernel import registry
from kernel.documents import validate
from kernel.runner import Event, Runner
from kernel.spec import Plan, SuiteSpec, resolve
from kernel.store.keeping import Keeping
from kernel.store.store import Store


async def plan_of(*models: str, **options: Any) -> Plan:
    """A plan of one task for these models of the stranger's gateway."""
    suite = {"suite": "tested", "models": list(models), "tasks": [{"evaluator": "stranger.echo", "options": options}], "at_once": 8, "deadline": 5.0}
    cards = await stranger.open_gateway().cards()
    return resolve(validate(SuiteSpec, suite, "the test's suite"), registry.evaluators(), cards)


async def carry_out(plan: Plan, store: Store, model: Any = None, run: str = "one") -> tuple[list[Event], Runner]:
    """Run a plan to its end: its events, and the runner."""
    async with Keeping(store) as keeping:
        await keeping.call(store.begin_run, run, plan.suite.suite, plan.manifest)
        runner = Runner(plan, run, keeping, model)
        return [event async for event in runner.events()], runner
