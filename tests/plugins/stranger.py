"""A stranger's plugins, found as any installed package's are: an evaluator, a suite, and a gateway without a network.

The gateway stands where Triton would; the tests that kill a run at every write need a run that starts in no time.
"""

from __future__ import annotations

import io
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kernel.contract import Deadline, Finish, Kind, ModelCard, Picture, Reply, Request, Text
from kernel.errors import GatewayError, Unauthenticated, Unavailable
from kernel.evaluator import Case, Evaluator, Metric, Score

SUITE = Path(__file__).with_name("stranger.yaml")
NAMES = ("gold", "constant", "empty", "refuses")


@dataclass(frozen=True, kw_only=True)
class Echo(Evaluator):
    """Is the answer the question? Data: numbered greetings, each with a picture. Scoring: equality."""

    name = "stranger.echo"
    version = 1
    asks = Kind.GENERATE
    perspective = "manners"
    metrics = (Metric("accuracy"), Metric("length", unit="characters"))

    size: int = 10
    pictures: bool = False

    def cases(self) -> Iterator[Case]:
        for number in range(self.size):
            text = f"hello {number}"
            parts = (Text(text), Picture(_png(number))) if self.pictures else (Text(text),)
            yield Case(f"case-{number}", Request(self.target, parts), gold=text, facts={"number": number}, cluster=f"c{number // 2}")

    def how_many(self) -> int:
        return self.size

    async def score(self, case: Case, reply: Reply, models, deadline: Deadline) -> Score:
        return Score(float(reply.text == case.gold), f"said {reply.text!r}", also={"length": float(len(reply.text))})

    def gold(self, case: Case) -> Reply:
        return Reply(texts=(case.gold,), finish=(Finish.STOP,))

    def constant(self) -> Reply:
        return Reply(texts=("hello 0",), finish=(Finish.STOP,))

    def chance(self) -> float:
        return 1 / self.size


class Session:
    """Two models: `parrot` says what it is told, `moody` fails for a third of the questions."""

    addresses = {"parrot": "grpc://nowhere:1", "moody": "grpc://nowhere:1"}

    def __init__(self, catalog: Path | None, *, only=None) -> None:
        self.asked = os.environ.get("STRANGER_ASKED")

    async def cards(self):
        real = {name: ModelCard(name=name, kind=Kind.GENERATE, backend="stranger", state="ready", identity=f"{name}-1") for name in ("parrot", "moody")}
        players = {n: ModelCard(name=n, kind=None, backend="player", state="ready", identity=n, player={"player": n}) for n in NAMES}
        return real | players

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        if self.asked:
            with Path(self.asked).open("a") as history:
                history.write(f"{request.model} {request.digest()}\n")
        if pause := os.environ.get("STRANGER_PAUSE"):
            time.sleep(float(pause))
        if os.environ.get("STRANGER_LOCKED"):
            raise Unauthenticated("the key is missing")
        if request.model == "moody" and request.text.endswith(("1", "4", "7")):
            raise Unavailable("moody is in no mood")
        return Reply(texts=(request.text,), finish=(Finish.STOP,))

    async def aclose(self) -> None: ...

    async def __aenter__(self):
        if os.environ.get("STRANGER_STOPS"):
            raise GatewayError("the stranger has gone home")
        return self

    async def __aexit__(self, *_):
        await self.aclose()


def _break_the_store() -> None:
    """A defect on purpose: scores in a transaction after that of their outcomes. The tests must find it."""
    from kernel.store.store import Store

    whole = Store.write

    def torn(self, batch):
        whole(self, batch._replace(scores=[]))
        whole(self, batch._replace(replies=[], outcomes=[]))

    Store.write = torn


if os.environ.get("STRANGER_BREAKS"):
    _break_the_store()


def open_gateway(catalog: Path | None = None, *, only=None) -> Session:
    return Session(catalog, only=only)


def _png(number: int) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (8, 8), (number % 256, 100, 200)).save(file, "PNG")
    return file.getvalue()
