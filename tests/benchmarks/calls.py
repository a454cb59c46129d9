"""Calls a second: a bare client loop, and the runner end to end (spec, call, store, score), on one server in one minute."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

import numpy as np
import tritonclient.grpc.aio as triton

from gateway.session import Session
from tests.benchmarks.workload import AT_ONCE, carry_out, echo_server, plan

CALLS = 20_000
ROUNDS = 3


async def bare(address: str, calls: int) -> float:
    """Calls a second of tritonclient's own asyncio client, `AT_ONCE` of them in flight, nothing kept or judged."""
    left = iter(range(calls))
    async with triton.InferenceServerClient(address) as client:

        async def work() -> None:
            for number in left:
                given = triton.InferInput("text_input", [1, 1], "BYTES")
                given.set_data_from_numpy(np.array([[f"hello {number}".encode()]], dtype=object))
                reply = await client.infer("echo", [given])
                if reply.as_numpy("text_output")[0, 0] != f"hello {number}".encode():
                    raise ValueError(f"call {number} came back as something else")

        begun = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
        return calls / (time.perf_counter() - begun)


async def end_to_end(session: Session, calls: int) -> float:
    """Cases a second of the runner, with hashing, scoring and SQLite."""
    made = await plan(session, calls)
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        if await carry_out(made, session, Path(folder)) != calls:
            raise ValueError("cases were lost")
        return calls / (time.perf_counter() - begun)


async def measure() -> list[tuple[str, str, str]]:
    """Rows of the table: what, figure, wanted."""
    async with echo_server() as session:
        await bare(session.address, 2_000)
        await end_to_end(session, 2_000)
        pairs = [(await bare(session.address, CALLS), await end_to_end(session, CALLS)) for _ in range(ROUNDS)]
    ratios = sorted(runner / loop for loop, runner in pairs)
    loop, runner = (sorted(column)[ROUNDS // 2] for column in zip(*pairs, strict=True))
    return [
        ("bare tritonclient asyncio loop, calls/s (median)", f"{loop:,.0f}", ""),
        ("runner end to end, cases/s (median)", f"{runner:,.0f}", ""),
        (f"runner / bare loop (median of {ROUNDS} pairs)", f"{ratios[ROUNDS // 2]:.2f}", ">= 0.80"),
    ]
