"""Cases played by null players or by given replies, and what the kernel makes of them; and small files in the published layouts."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from kernel.contract import Deadline, Kind, Model, Reply, Request
from kernel.errors import RoleUnfilled
from kernel.evaluator import Case, Evaluator
from kernel.judging import Verdict, judge
from kernel.players import Player


class Nobody:
    """No role is played, and no model is there."""

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        raise RoleUnfilled(request.model)

    async def aclose(self) -> None:
        """Nothing is held."""


class Classifier(Nobody):
    """Takes every reply for one of the six actions."""

    def __init__(self, action: int) -> None:
        self.action = action

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        assert (request.model, request.kind) == ("refusal", Kind.CLASSIFY)
        return Reply(rows=(tuple(float(at == self.action) for at in range(6)),), report={"classes": [f"LABEL_{at}" for at in range(6)]})


def judged(task: Evaluator, case: Case, reply: Reply, models: Model | None = None) -> Verdict:
    return asyncio.run(judge(task, case, reply, models or Nobody(), Deadline.after(60)))


def played(task: Evaluator, player: Player | Callable[[Case], Reply], models: Model | None = None) -> dict[str, Any]:
    """Means of the metrics, totals, and how many cases ended how."""
    asked, ended, values, records = models or Nobody(), Counter[str](), {}, []
    for case in task.cases():
        reply = player(case) if callable(player) else asyncio.run(player.play(task, case, asked, Deadline.after(60)))
        verdict = judged(task, case, reply, asked)
        ended[verdict.status] += 1
        for name, value in verdict.values.items():
            values.setdefault(name, []).append(value)
        records += [verdict.record] if verdict.status == "scored" else []
    means = {name: sum(known) / len(known) for name, each in values.items() if (known := [value for value in each if value is not None])}
    return {"ended": dict(ended), **means, **task.over(records)}


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="")
    return path


def put_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    return put(path, "".join(f"{json.dumps(row)}\n" for row in rows))
