"""Breaks in the way that the text says."""

from __future__ import annotations

import asyncio
import os
import signal
import time

from gateway.host import hosted
from kernel.contract import MESSAGE_LIMIT, Deadline, Finish, Reply, Request
from kernel.errors import model_errors

REPLIES = {
    "none": Reply(),
    "two": Reply(texts=("a", "b")),
    "finish": Reply(texts=("a",), finish=(Finish.STOP, Finish.STOP)),
    "surrogate": Reply(texts=("\ud800",)),
    "nan": Reply(texts=("a",), report={"cost": float("nan")}),
    "object": Reply(texts=("a",), report={"what": object()}),
    "tokens": Reply(texts=("a",), input_tokens=-1),
    "empty": Reply(texts=("",)),
    "nul": Reply(texts=("a\0b\x1b[31m",)),
}


class Faulty:
    """The first word says how, the second how much."""

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        """Do as told."""
        word, _, rest = request.text.partition(" ")
        if word in model_errors():
            raise model_errors()[word]("as told", retry_after=float(rest) if rest else None)
        if word in REPLIES:
            return REPLIES[word]
        if word == "exit":
            os._exit(int(rest or 0))
        if word == "kill":
            os.kill(os.getpid(), signal.Signals[rest or "SIGSEGV"])
        if word == "hang":
            time.sleep(float(rest or 3600))
        if word == "wait":
            await asyncio.sleep(float(rest or 3600))
        if word == "deaf":
            await _deaf(deadline)
        if word == "large":
            return Reply(texts=("x" * (int(rest) if rest else MESSAGE_LIMIT + 1),))
        if word == "raise":
            raise ZeroDivisionError(rest)
        return Reply(texts=(request.text,), finish=(Finish.STOP,))

    async def aclose(self) -> None:
        """Nothing is held."""


async def _deaf(deadline: Deadline) -> None:
    """Past its deadline, and swallowing the first cancellation."""
    try:
        await asyncio.sleep(deadline.remaining() + 30)
    except asyncio.CancelledError:
        await asyncio.sleep(0.05)


TritonPythonModel = hosted(Faulty)
