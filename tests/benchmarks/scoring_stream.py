"""The service of scoring against the same scorers in this process: items a second, what one call adds, alone and beside bulk, and memory.

The server is a process of its own, with tokens and limits as `assay serve` has them. Rates are medians of rounds that take turns, so that both sides
meet the same machine. In this process an item is made from texts, judged, and its verdict looked at; the client reads every result.
"""

from __future__ import annotations

import asyncio
import os
import signal
import statistics
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import grpc.aio
import psutil
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct, Value

from assay.v1.scoring_pb2 import Item, Scorer, ScoreRequest, ScoreStreamRequest
from assay.v1.scoring_pb2_grpc import ScoringStub
from gateway.session import open_gateway
from kernel import registry
from kernel.contract import Deadline, Finish, Kind, Model, Reply, Request, Text
from kernel.evaluator import Case
from kernel.judging import Judges, judge
from tests.benchmarks.workload import quiet

BATCH = 256
ITEMS = 40 * BATCH
"""More than a stream may have in flight, so that no id is sent again before its result is here."""
ROUNDS = 5
SINGLE = 1_000
BESIDE = 200
MANY = int(os.environ.get("ITEMS", "300000"))
"""Items over which memory is looked at; `ITEMS=5000000 python -m tests.benchmarks scoring_stream` takes minutes."""
ASKED = 16 * BATCH
AT_ONCE = 256
CAST = {"toxicity": "canned-toxicity"}
ADDRESS = "address "

QUESTION = "Is there a red circle to the left of the blue square in this picture? Please answer with yes or no."
REPLY = "Yes, there is a red circle; it stands a little to the left of the blue square, in front of a plain wall."
CHOOSING = "The picture shows several things on a plain wall. The answer is the red circle, because it stands above the blue square."


@dataclass(frozen=True)
class Subject:
    """What is scored, in the same words on both sides."""

    scorer: str
    options: dict[str, Any]
    reply: str
    reference: Any
    facts: dict[str, Any]
    wanted: float = 0.6


SUBJECTS = (
    Subject("measure.yes_no", {}, REPLY, True, {}),
    Subject("pope", {"split": "random"}, REPLY, {"yes": True}, {}),
    Subject("shapes.image_to_text", {"scenario": "natural", "task": "attribute"}, CHOOSING, "red", {"options": ["red", "blue", "green", "yellow"]}),
)
TOXICITY = Subject("measure.toxicity", {}, REPLY, None, {}, 0.9)


def item(subject: Subject, number: int) -> Item:
    """An item of its own words."""
    made = Item(id=f"item-{number}", scorer=Scorer(name=subject.scorer), prompt=QUESTION, reply=f"{subject.reply} ({number})")
    if subject.options:
        made.scorer.options.update(subject.options)
    if subject.reference is not None:
        made.reference.CopyFrom(ParseDict(subject.reference, Value()))
    if subject.facts:
        made.facts.CopyFrom(ParseDict(subject.facts, Struct()))
    return made


def requests(subject: Subject, number: int) -> list[ScoreStreamRequest]:
    """Items in batches."""
    return [ScoreStreamRequest(items=[item(subject, at) for at in range(first, first + BATCH)]) for first in range(0, number, BATCH)]


async def in_process(subject: Subject, number: int, gateway: Model, at_once: int) -> float:
    """Items a second, so many of them at once."""
    evaluator = registry.evaluators().get(subject.scorer)(target="model", **subject.options)
    models = Judges(gateway, "model", evaluator.roles, CAST)
    left = iter(range(number))

    async def work() -> None:
        for at in left:
            case = Case(f"item-{at}", Request("model", (Text(QUESTION),), Kind.GENERATE), subject.reference, subject.facts)
            reply = Reply(texts=(f"{subject.reply} ({at})",), finish=(Finish.STOP,))
            verdict = await judge(evaluator, case, reply, models, Deadline.after(60))
            if verdict.status != "scored":
                raise ValueError(verdict.reason)

    begun = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(at_once)))
    return number / (time.perf_counter() - begun)


async def through_stream(stub: Any, batches: list[ScoreStreamRequest]) -> float:
    """Items a second."""
    wanted = sum(len(batch.items) for batch in batches)
    got = 0
    begun = time.perf_counter()
    async for response in stub.ScoreStream(iter(batches)):
        for result in response.results:
            if result.HasField("error"):
                raise ValueError(result.error.message)
        got += len(response.results)
    if got != wanted:
        raise ValueError(f"{got} results for {wanted} items")
    return wanted / (time.perf_counter() - begun)


async def added(stub: Any, number: int, pause: float = 0.0) -> list[float]:
    """Milliseconds of calls with one item each, in order."""
    spent = []
    for at in range(number):
        request = ScoreRequest(items=[item(SUBJECTS[0], at)])
        begun = time.perf_counter()
        await stub.Score(request)
        spent.append(1000 * (time.perf_counter() - begun))
        await asyncio.sleep(pause)
    return sorted(spent)


async def beside_bulk(stub: Any, other: Any) -> list[float]:
    """The same while two streams send as fast as they may."""
    over = False

    async def bulk() -> None:
        def endless() -> Iterator[ScoreStreamRequest]:
            for batch in cycle(batches):
                if over:
                    return
                yield batch

        async for _ in other.ScoreStream(endless()):
            pass

    batches = requests(SUBJECTS[0], ITEMS)
    streams = [asyncio.create_task(bulk()) for _ in range(2)]
    await asyncio.sleep(1)
    spent = await added(stub, BESIDE, 0.02)
    over = True
    await asyncio.gather(*streams)
    return spent


async def memory(stub: Any, server: psutil.Process, number: int) -> tuple[float, float]:
    """MiB of the server after a tenth of the items, and the greatest later."""
    batches, sizes = requests(SUBJECTS[0], ITEMS), []
    sent = 0

    def all_of_them() -> Iterator[ScoreStreamRequest]:
        nonlocal sent
        while sent < number:
            for batch in batches:
                sent += len(batch.items)
                yield batch

    done = 0
    async for response in stub.ScoreStream(all_of_them()):
        done += len(response.results)
        if done // (number // 20) > len(sizes):
            sizes.append(server.memory_info().rss / 2**20)
    return sizes[1], max(sizes[2:])


@asynccontextmanager
async def served() -> AsyncIterator[tuple[str, psutil.Process]]:
    """A server of its own: its address, and its process."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.benchmarks.scoring_stream", stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        while not (line := (await process.stdout.readline()).decode()).startswith(ADDRESS):
            if not line:
                raise RuntimeError("the server did not start")
        yield line.removeprefix(ADDRESS).strip(), psutil.Process(process.pid)
    finally:
        process.terminate()
        await process.wait()


async def serve() -> None:
    """Be the server."""
    from assay.v1.scoring_pb2_grpc import add_ScoringServicer_to_server
    from kernel.shell.service.calls import Calls
    from kernel.shell.service.engine import Engine
    from kernel.shell.service.limits import Limiter, Limits
    from kernel.shell.service.metrics import Metrics
    from kernel.shell.service.scorers import Scorers
    from kernel.shell.service.scoring import Scoring
    from kernel.shell.service.tokens import Anyone

    quiet()
    metrics, limits = Metrics(), Limits(items_per_second=0, bytes_per_second=0)
    async with open_gateway(only=CAST.values()) as gateway:
        server = grpc.aio.server(interceptors=[Calls(Anyone(), Limiter(limits), metrics)])
        add_ScoringServicer_to_server(Scoring(Engine(at_once=AT_ONCE), Scorers(registry.evaluators(), gateway, CAST), metrics), server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        over = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
        print(f"{ADDRESS}127.0.0.1:{port}", flush=True)
        await over.wait()
        await server.stop(None)


async def measure(many: int = MANY) -> list[tuple[str, str, str]]:
    """Rows of the table: what, figure, wanted."""
    rows = []
    async with served() as (address, process), grpc.aio.insecure_channel(address) as channel, open_gateway(only=CAST.values()) as gateway:
        stub = ScoringStub(channel)
        for subject, number, at_once in (*((each, ITEMS, 1) for each in SUBJECTS), (TOXICITY, ASKED, AT_ONCE)):
            batches = requests(subject, number)
            await through_stream(stub, batches)
            pairs = [(await in_process(subject, number, gateway, at_once), await through_stream(stub, batches)) for _ in range(ROUNDS)]
            ratio = statistics.median(stream / here for here, stream in pairs)
            here, stream = (statistics.median(column) for column in zip(*pairs, strict=True))
            rows += [
                (f"{subject.scorer}, items/s: in-process, through the stream", f"{here:,.0f}, {stream:,.0f}", ""),
                (f"{subject.scorer}, through the stream / in-process", f"{ratio:.2f}", f">= {subject.wanted:.2f}"),
            ]
        rows.append(_times("one item, idle, ms: median, 99th", await added(stub, SINGLE), "< 2, < 5"))
        async with grpc.aio.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)]) as other:
            rows.append(_times("one item beside two bulk streams, ms: median, 99th", await beside_bulk(stub, ScoringStub(other)), "< 50"))
        early, late = await memory(stub, process, many)
        rows.append((f"memory of the server over {many:,} items, MiB: after a tenth, greatest later", f"{early:.0f}, {late:.0f}", "flat"))
    return rows


def _times(name: str, spent: list[float], wanted: str) -> tuple[str, str, str]:
    return name, f"{statistics.median(spent):.2f}, {spent[int(0.99 * len(spent))]:.2f}", wanted


if __name__ == "__main__":
    asyncio.run(serve())
