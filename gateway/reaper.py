"""The process between us and the server: whatever ends us, it ends the server and leaves nothing behind.

Run by path with `-I -S` and the standard library alone, so that it is up in a few hundredths of a second. It adopts every
orphan below it (a model's process, whatever a model started), so nothing it once started can outlive it. It cleans up
when its standard input ends (we closed it, or died of anything), when its parent changes, and on SIGTERM. Should the
reaper itself be killed, the kernel kills the server, and models follow their server by themselves.

Standard input takes one JSON object a line: `{"run": [argv], "env": {}}`, `{"stop": seconds}` or `{"kill": true}`.
Standard output gives one a line: `{"started": pid}`, `{"ended": status}` or `{"failed": "why"}`. Standard error is the
server's log, passed on as far as somebody reads it and dropped otherwise: a server must never wait for a reader.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - where Triton puts its regions; only ours, by prefix, are touched
SET_PARENT_DEATH_SIGNAL = 1
SET_CHILD_SUBREAPER = 36
POLL_SECONDS = 1.0
REGION = "region-"

Message = dict[str, Any]


def prctl(option: int, value: int) -> None:
    """The Linux call of that name."""
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def children() -> list[int]:
    """Processes whose parent is this one, adopted ones among them."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            stat = (process / "stat").read_text(errors="replace")
            if int(stat.rpartition(")")[2].split()[1]) == os.getpid():
                found.append(int(process.name))
    return found


def kill_children() -> None:
    """Kill all that is below this process. The orphans of what dies come to us, so it goes on until none is left."""
    while pids := children():
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        for pid in pids:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def remove_regions(prefix: str) -> None:
    """Remove the shared memory whose name begins with the prefix of this gateway."""
    for path in SHARED_MEMORY.glob(prefix + "*"):
        with contextlib.suppress(OSError):
            path.unlink()


class Reaper:
    """One server at a time, and everything below it."""

    def __init__(self, prefix: str, folder: Path) -> None:
        self.prefix = prefix
        self.folder = folder
        self.parent = os.getppid()
        self.pid: int | None = None
        self.kill_at: float | None = None
        self.log: int | None = None

    def handle(self, message: Message) -> None:
        """Do what a line of standard input says."""
        if "run" in message:
            self.start(message["run"], message["env"])
        elif self.pid is not None and "kill" in message:
            os.kill(self.pid, signal.SIGKILL)
        elif self.pid is not None and "stop" in message:
            self.stop(message["stop"])

    def start(self, argv: list[str], env: dict[str, str]) -> None:
        """Start the server, which is to die with this process."""
        log, written = os.pipe()
        try:
            process = subprocess.Popen(  # noqa: S603 - the command comes from our parent
                argv,
                env=env,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=written,
                preexec_fn=lambda: prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL),  # noqa: PLW1509 - one thread here
            )
        except OSError as error:
            os.close(log)
            self.tell({"failed": f"{argv[0]}: {error.strerror}"})
            return
        finally:
            os.close(written)
        self.log = log
        self.pid = process.pid
        process.returncode = 0  # waited for in `reap`, together with the adopted
        self.tell({"started": self.pid})

    def stop(self, seconds: float) -> None:
        """Ask the server to end, and kill it if it has not after `seconds`."""
        if self.pid is not None:
            os.kill(self.pid, signal.SIGTERM)
            self.kill_at = time.monotonic() + seconds

    def reap(self) -> None:
        """Take note of all who died. The server's end is told after its models and regions are gone too."""
        ended: int | None = None
        with contextlib.suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                if found[0] == self.pid:
                    ended = os.waitstatus_to_exitcode(found[1])
        if ended is not None:
            self.pid = self.kill_at = None
            kill_children()
            while self.log is not None:
                self.pass_on(self.log)
            remove_regions(self.prefix + REGION)
            self.tell({"ended": ended})
        if self.pid is not None and self.kill_at is not None and time.monotonic() > self.kill_at:
            os.kill(self.pid, signal.SIGKILL)

    def pass_on(self, log: int) -> None:
        """Hand on what the server wrote, or drop it where nobody takes it. At its end, close the pipe."""
        data = os.read(log, 65536)
        if not data:
            os.close(log)
            self.log = None
        with contextlib.suppress(OSError):
            os.write(2, data)

    def tell(self, message: Message) -> None:
        """Tell our parent, if it still listens."""
        with contextlib.suppress(OSError):
            os.write(1, json.dumps(message).encode() + b"\n")

    def serve(self) -> None:
        """Until standard input ends or the parent is gone."""
        woken, wake = os.pipe()
        for descriptor in (wake, 2):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(wake)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        buffer = b""
        while os.getppid() == self.parent:
            sources = [0, woken] if self.log is None else [0, woken, self.log]
            readable, _, _ = select.select(sources, [], [], POLL_SECONDS)
            if woken in readable:
                os.read(woken, 4096)
            if self.log is not None and self.log in readable:
                self.pass_on(self.log)
            if 0 in readable:
                data = os.read(0, 65536)
                if not data:
                    return
                *lines, buffer = (buffer + data).split(b"\n")
                for line in lines:
                    self.handle(json.loads(line))
            self.reap()

    def clean(self) -> None:
        """Leave nothing behind."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        kill_children()
        remove_regions(self.prefix)
        shutil.rmtree(self.folder, ignore_errors=True)


def leave(*_: object) -> None:
    """End by way of the clean-up."""
    raise SystemExit(0)


def main(prefix: str, folder: str) -> None:
    """Keep a server, `folder`, and what begins with `prefix` in shared memory, as long as they are needed."""
    prctl(SET_CHILD_SUBREAPER, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, leave)
    reaper = Reaper(prefix, Path(folder))
    try:
        reaper.serve()
    finally:
        reaper.clean()


if __name__ == "__main__":
    main(*sys.argv[1:])
