"""The processes of Triton's Python backend: whose they are, and how they fare."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gateway.installation import STUB


@dataclass(frozen=True)
class Vitals:
    """State letter of the kernel (`R`, `S`, `T` stopped, `Z` dead) and the processor time used, in clock ticks."""

    state: str
    parent: int
    ticks: int

    @property
    def dead(self) -> bool:
        """It ended, and only its entry is left."""
        return self.state in ("Z", "X")

    @property
    def stopped(self) -> bool:
        """It was stopped by a signal or a debugger."""
        return self.state in ("T", "t")


def vitals(pid: int) -> Vitals | None:
    """How a process fares; `None` when there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return Vitals(fields[0], int(fields[1]), int(fields[11]) + int(fields[12]))


def stubs_below(folder: Path) -> list[int]:
    """The stubs that run a model below this folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            if words[0].endswith(STUB.encode()) and words[1].startswith(os.fsencode(folder) + b"/"):
                found.append(int(process.name))
    return found


def stubs_of(server: int, model: Path) -> list[int]:
    """The stubs of a server that run the model of this folder of its repository."""
    return [pid for pid in stubs_below(model) if (seen := vitals(pid)) is not None and seen.parent == server]


def kill(pids: Iterable[int]) -> None:
    """End processes at once, stopped ones too."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
