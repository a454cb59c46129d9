"""What the way through our gateway costs: a vendor on this machine, asked by the bare SDK, through our gateway, and through LiteLLM.

All in one run on one stub server. LiteLLM's proxy is measured where `LITELLM` names its program (`make bench` installs it in an
environment of its own); it is asked by the same SDK. A fourth figure is the issue's own: a vendor that takes half a second, 256 in flight.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import aiohttp
import openai

from gateway.session import Session, open_gateway
from kernel.contract import Deadline, Request, Text
from tests.benchmarks.workload import carry_out, plan

IN_FLIGHT = (1, 16, 64)
CALLS = {1: 150, 16: 600, 64: 1_200}
ROUNDS = 3
PORT = 46_211
MASTER_KEY = "sk-" + "0" * 48
"""LiteLLM's proxy does not start without one; it guards nothing here."""
SLOW_SECONDS, SLOW_CALLS, SLOW_AT_ONCE = 0.5, 5_000, 256

Ask = Callable[[], Awaitable[str]]


@contextmanager
def vendor(seconds: float = 0.0) -> Iterator[str]:
    """The stub's address."""
    command = [sys.executable, "-m", "tests.benchmarks.vendor_stub", str(seconds)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


@asynccontextmanager
async def ours(address: str, name: str = "stub") -> AsyncIterator[Session]:
    """Our gateway with the stub as one vendor's model."""
    with tempfile.TemporaryDirectory() as folder:
        catalog = Path(folder) / "catalog.yaml"
        catalog.write_text(f"models:\n  {name}: {{openai: gpt-4o, base_url: '{address}'}}\n")
        async with open_gateway(catalog) as session:
            yield session


@asynccontextmanager
async def litellm(address: str) -> AsyncIterator[str | None]:
    """The address of LiteLLM's proxy before the stub, or nothing where it is not installed."""
    program = os.environ.get("LITELLM", "")
    if not Path(program).is_file():
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.yaml"
        config.write_text(
            "model_list:\n  - model_name: gpt-4o\n    litellm_params:\n"
            f"      model: openai/gpt-4o\n      api_base: {address}\n      api_key: none\n      max_retries: 0\n"
        )
        command = [program, "--config", str(config), "--port", str(PORT), "--host", "127.0.0.1"]
        environment = {**os.environ, "LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MASTER_KEY": MASTER_KEY}
        process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            await _answers(f"http://127.0.0.1:{PORT}/health/liveliness")
            yield f"http://127.0.0.1:{PORT}/v1"
        finally:
            with suppress(ProcessLookupError):
                process.terminate()
            await process.wait()


async def _answers(address: str, seconds: float = 120.0) -> None:
    async with asyncio.timeout(seconds), aiohttp.ClientSession() as client:
        while True:
            try:
                async with client.get(address) as response:
                    if response.ok:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.5)


def sdk(address: str) -> tuple[openai.AsyncOpenAI, Ask]:
    """The bare SDK as its documentation shows it, on its faster transport."""
    client = openai.AsyncOpenAI(base_url=address, api_key=MASTER_KEY, max_retries=0, http_client=openai.DefaultAioHttpClient())

    async def ask() -> str:
        answer = await client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "Is it?"}])
        return answer.choices[0].message.content or ""

    return client, ask


async def _measured(ask: Ask, in_flight: int) -> tuple[float, float]:
    """Calls a second, and the median seconds of a call."""
    left, seconds = iter(range(CALLS[in_flight])), []

    async def work() -> None:
        for _ in left:
            begun = time.perf_counter()
            if await ask() != "yes":
                raise ValueError("another answer than the stub's")
            seconds.append(time.perf_counter() - begun)

    begun = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(in_flight)))
    return CALLS[in_flight] / (time.perf_counter() - begun), statistics.median(seconds)


async def measure() -> list[tuple[str, str, str]]:
    """Rows of the table: what, figure, wanted."""
    rows = await _against_others()
    with vendor(SLOW_SECONDS) as address:
        async with ours(address, "echo") as session:
            made = await plan(session, SLOW_CALLS, SLOW_AT_ONCE)
            with tempfile.TemporaryDirectory() as folder:
                begun = time.perf_counter()
                await carry_out(made, session, Path(folder))
                taken = time.perf_counter() - begun
    ideal = SLOW_CALLS * SLOW_SECONDS / SLOW_AT_ONCE
    return [*rows, (f"a vendor of {SLOW_SECONDS} s, {SLOW_AT_ONCE} in flight, {SLOW_CALLS:,} cases: time / ideal time", f"{taken / ideal:.2f}", "<= 1.10")]


async def _against_others() -> list[tuple[str, str, str]]:
    with vendor() as address:
        client, bare = sdk(address)
        async with ours(address) as session, litellm(address) as proxy:

            async def through_us() -> str:
                return (await session.infer(Request("stub", (Text("Is it?"),)), deadline=Deadline.after(60))).text

            ways: dict[str, Ask] = {"bare SDK": bare, "our gateway": through_us}
            other = None
            if proxy is not None:
                other, ways["LiteLLM"] = sdk(proxy)
            rows = await _compared(ways)
            if other is not None:
                await other.close()
        await client.close()
    return rows


async def _compared(ways: dict[str, Ask]) -> list[tuple[str, str, str]]:
    for ask in ways.values():
        await asyncio.gather(*(ask() for _ in range(64)))
    rows: list[tuple[str, str, str]] = []
    for in_flight in IN_FLIGHT:
        rounds = [{name: await _measured(ask, in_flight) for name, ask in ways.items()} for _ in range(ROUNDS)]
        rate = {name: statistics.median(each[name][0] for each in rounds) for name in ways}
        added = {name: statistics.median(each[name][1] - each["bare SDK"][1] for each in rounds) for name in ways}
        rows += [(f"{name}, {in_flight} in flight: calls/s, added ms", f"{rate[name]:,.0f}, {1000 * added[name]:.1f}", "") for name in ways]
        if in_flight == max(IN_FLIGHT):
            rows.append((f"our gateway / bare SDK, rate at {in_flight}", f"{rate['our gateway'] / rate['bare SDK']:.2f}", ">= 0.70"))
            if "LiteLLM" in ways:
                rows.append((f"our gateway / LiteLLM, rate at {in_flight}", f"{rate['our gateway'] / rate['LiteLLM']:.1f}", ">= 5"))
        if in_flight == 1 and "LiteLLM" in ways:
            rows.append(("our gateway / LiteLLM, added latency at 1", f"{added['our gateway'] / added['LiteLLM']:.2f}", "<= 0.25"))
    return rows
