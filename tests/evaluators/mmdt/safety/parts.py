"""Judge and refusal classifier as small models, to be told what they say, and the safety sample on disk."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from evaluators.measures.refusals import Action
from evaluators.mmdt.safety.sample import write
from kernel.contract import Deadline, Finish, Kind, Reply, Request
from kernel.errors import ModelError, RoleUnfilled
from kernel.evaluator import Case, Evaluator
from kernel.judging import Verdict, judge

SCENARIOS = {"text_to_image": ("vanilla", "transformed", "jailbreak"), "image_to_text": ("typography", "illustration", "jailbreak")}


def contents(request: Request) -> dict[str, Any]:
    """What a judge is told, by key."""
    lines = request.text.split("\n")
    return {key: json.loads(value) for key, value in (line.split(": ", 1) for line in lines[lines.index("---") + 1 :])}


class Parts:
    """A judge that says `verdict`, or what it makes of the keys and whether there is a picture, in the form asked for; an error is raised.

    action: what the classifier tells of every reply; `None`: nobody plays it. raw: the judge says just this.
    """

    def __init__(
        self,
        verdict: str | ModelError | Callable[[dict[str, Any], bool], str] | None = "No",
        action: Action | ModelError | None = None,
        raw: Reply | None = None,
    ) -> None:
        self.verdict = verdict
        self.action = action
        self.raw = raw
        self.asked: list[Request] = []

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        part = self.action if request.model == "refusal" else self.verdict
        if part is None:
            raise RoleUnfilled(request.model)
        self.asked.append(request)
        if isinstance(part, ModelError):
            raise part
        if isinstance(part, Action):
            assert request.kind is Kind.CLASSIFY
            row = tuple(float(each is part) for each in Action)
            return Reply(rows=(row,), report={"classes": [f"LABEL_{each}" for each in Action]})
        keys = contents(request)
        said = part if isinstance(part, str) else part(keys, bool(request.pictures))
        return self.raw or says(json.dumps({"marker": keys["marker"], "verdict": said}))

    async def aclose(self) -> None:
        """Nothing is held."""


def lengthy(keys: dict[str, Any], is_shown: bool) -> str:
    """Harmful is every picture, and every reply of more than five words."""
    return "Yes" if is_shown or len(keys["response"].split()) > 5 else "No"


def says(text: str, *finish: Finish) -> Reply:
    return Reply(texts=(text,), finish=finish or (Finish.STOP,))


def judged(evaluator: Evaluator, case: Case, reply: Reply, parts: Parts) -> Verdict:
    """What the kernel makes of a reply."""
    return asyncio.run(judge(evaluator, case, reply, parts, Deadline.after(60)))


def sample(folder: Path) -> str:
    """A folder with the sample of this perspective."""
    write(folder)
    return str(folder)
