"""Memory and resuming: the peak of a run of 200,000 cases against one of 2,000, and how long a finished run takes to resume."""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.workload import carry_out, echo_server, plan, quiet

SMALL, LARGE = 2_000, 200_000


async def one_run(size: int, store: Path) -> dict[str, float]:
    """Peak memory in MiB and seconds of a run of its own process, and the seconds of resuming it."""
    async with echo_server() as session:
        made = await plan(session, size)
        begun = time.perf_counter()
        count = await carry_out(made, session, store)
        ran = time.perf_counter() - begun
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        begun = time.perf_counter()
        again = await carry_out(made, session, store)
    return {"count": count, "seconds": ran, "peak": peak, "resumed": time.perf_counter() - begun, "again": again}


async def measure() -> list[tuple[str, str, str]]:
    """Rows of the table: what, figure, wanted."""
    small, large = (_in_a_process(size) for size in (SMALL, LARGE))
    return [
        (f"peak memory at {SMALL:,} cases, MiB", f"{small['peak']:.1f}", ""),
        (f"peak memory at {LARGE:,} cases, MiB", f"{large['peak']:.1f}", ""),
        ("peak memory, large / small", f"{large['peak'] / small['peak']:.3f}", "<= 1.10"),
        (f"seconds for {LARGE:,} cases", f"{large['seconds']:.1f}", ""),
        (f"seconds to resume the finished run of {LARGE:,} cases", f"{large['resumed']:.2f}", "seconds"),
    ]


def _in_a_process(size: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tests.benchmarks.growth", str(size), folder]
        told: dict[str, float] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1])
    if (told["count"], told["again"]) != (size, 0):
        raise ValueError(f"{told['count']} outcomes of {size}, {told['again']} of them twice")
    return told


if __name__ == "__main__":
    quiet()
    print(json.dumps(asyncio.run(one_run(int(sys.argv[1]), Path(sys.argv[2])))))
