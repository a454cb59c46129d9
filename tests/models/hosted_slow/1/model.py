"""Sleeps for the number of seconds that the text says, and answers with it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from gateway.host import hosted
from kernel.contract import Deadline, Finish, Reply, Request
from kernel.errors import InvalidRequest


@dataclass
class Slow:
    """`longest` is the most seconds that it sleeps."""

    longest: float

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        """Sleep, then say what was asked, and what came with it."""
        seconds, _, word = request.text.partition(" ")
        try:
            await asyncio.sleep(min(float(seconds), self.longest))
        except ValueError:
            raise InvalidRequest(f"{seconds[:20]!r} is no number of seconds") from None
        report = {
            "word": word,
            "parts": [type(part).__name__ for part in request.parts],
            "bytes": [len(picture.data) for picture in request.pictures],
            "system": request.system,
            "history": [[turn.role, turn.text] for turn in request.history],
            "sampling": request.sampling.as_dict(),
            "remaining": deadline.remaining(),
        }
        return Reply(
            texts=(request.text,) * (request.sampling.n or 1),
            finish=(Finish.STOP,) * (request.sampling.n or 1),
            input_tokens=len(request.text.split()),
            output_tokens=len(request.text.split()),
            report=report,
        )

    async def aclose(self) -> None:
        """Nothing is held."""


TritonPythonModel = hosted(Slow)
