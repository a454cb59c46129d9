"""Whether memory stays flat over many calls: every kind of model, asked ten thousand times through Triton.

Takes long, so it is asked for by name: `python -m tests.benchmarks flat`. Memory is what the server and its stubs hold together, shared
pages counted once (PSS), after every tenth of the calls. It goes up and down with the sizes of batches; the figure is the median of the last
three samples over that of the second to the fourth.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import tempfile
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

import psutil

from evaluators import scenes
from gateway.session import open_gateway
from kernel.contract import Deadline, Kind, Picture, Request, Sampling, Text
from tests.model_repository import tiny_instruments

CALLS = 10_000
AT_ONCE = 32
SAMPLES = 10
WANTED = 1.05


def pictures() -> Iterator[Picture]:
    """A few hundred drawn scenes, over and over."""
    chance = random.Random(11)
    return cycle([Picture(scenes.png(scenes.sample(chance, count=3))) for _ in range(200)])


def asked(kind: str) -> Iterator[Request]:
    """Requests of one kind, without end."""
    for number, picture in enumerate(pictures()):
        match kind:
            case "generate":
                yield Request("shapes-vlm", (picture, Text(f"How many objects are in picture {number}?")))
            case "imagine":
                yield Request("shapes-diffusion", (Text("a red circle"),), Kind.IMAGINE, sampling=Sampling(seed=number, steps=1))
            case "embed":
                yield Request("clip", (picture,) if number % 2 else (Text(f"text {number}"),), Kind.EMBED)
            case "classify":
                yield Request("toxicity", (Text(f"text {number}"),), Kind.CLASSIFY)
            case "detect":
                yield Request("shapes-detector", (picture,), Kind.DETECT)
            case "read":
                yield Request("ocr", (picture,), Kind.READ)


def held() -> int:
    """Bytes that this process's server and its stubs hold."""
    return sum(process.memory_full_info().pss for process in psutil.Process().children(recursive=True))


async def grown(catalog: Path, model: str, kind: str) -> tuple[float, int]:
    """The memory at the end, over that at the beginning; and that in bytes."""
    requests, sizes = asked(kind), []
    async with open_gateway(catalog, only=[model]) as session:
        for _ in range(SAMPLES):
            part = list(islice(requests, CALLS // SAMPLES))
            left = iter(part)

            async def work(left: Iterator[Request] = left) -> None:
                for request in left:
                    await session.infer(request, deadline=Deadline.after(600))

            await asyncio.gather(*(work() for _ in range(AT_ONCE)))
            sizes.append(held())
    print(model, *(f"{size / 2**20:.0f}" for size in sizes), flush=True)
    begun, ended = statistics.median(sizes[1:4]), statistics.median(sizes[-3:])
    return ended / begun, int(begun)


async def measure() -> list[tuple[str, str, str]]:
    """Rows of the table: what, figure, wanted."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        tiny_instruments.clip(Path(folder) / "clip")
        tiny_instruments.toxicity(Path(folder) / "toxic")
        catalog = Path(folder) / "catalog.yaml"
        catalog.write_text(
            "include: bundled\nmodels:\n  clip: {instrument: clip, checkpoint: ./clip}\n  toxicity: {instrument: toxicity, checkpoint: ./toxic}\n"
        )
        for model, kind in (
            ("shapes-vlm", "generate"),
            ("shapes-diffusion", "imagine"),
            ("clip", "embed"),
            ("toxicity", "classify"),
            ("shapes-detector", "detect"),
            ("ocr", "read"),
        ):
            ratio, size = await grown(catalog, model, kind)
            rows.append((f"memory of {kind} ({model}) in {CALLS:,} calls, of {size / 2**20:.0f} MiB", f"{ratio:.3f}", f"≤ {WANTED}"))
    return rows
