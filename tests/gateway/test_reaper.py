"""The reaper leaves nothing behind, whoever dies first. Its server is a shell here, so that every case is quick."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import private, reaper
from gateway.reaper import SHARED_MEMORY
from gateway.stubs import vitals


class Kept:
    """A reaper with a command as its server."""

    def __init__(self, folder: Path, command: str, prefix: str = "assay-test-") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", reaper.__file__, prefix, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.say({"run": ["/bin/sh", "-c", command], "env": {"PATH": os.defpath}})
        self.pid = self.hear()["started"]

    def say(self, message: dict) -> None:
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def hear(self) -> dict:
        return json.loads(self.process.stdout.readline())

    def close(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        self.process.kill()
        self.process.wait(10)


@pytest.fixture
def keep(tmp_path) -> Iterator:
    """Starts a reaper with a shell command, in the folder `kept`."""
    kept = []
    (tmp_path / "kept").mkdir()

    def start(command: str, **options: str) -> Kept:
        kept.append(Kept(tmp_path / "kept", command, **options))
        return kept[-1]

    yield start
    for one in kept:
        one.close()


def gone(pid: int, seconds: float = 5.0) -> bool:
    """Whether the process ends within some seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        seen = vitals(pid)
        if seen is None or seen.dead:
            return True
        time.sleep(0.01)
    return False


def eventually(path: Path) -> str:
    """The first line of a file that somebody is about to write."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            if text := path.read_text():
                return text.splitlines()[0]
        time.sleep(0.01)
    raise AssertionError(path)


def test_all_is_removed_when_the_parent_lets_go(tmp_path, keep):
    """A closed pipe, which is also what is left of a parent killed with -9: processes, orphans, regions and folder go."""
    orphan = tmp_path / "orphan"
    region = SHARED_MEMORY / "assay-test-region-1"
    region.write_bytes(b"x")
    kept = keep(f"(setsid sleep 1000 & echo $! > {orphan}); trap '' TERM; while :; do sleep 0.1; done")
    pid = int(eventually(orphan))

    kept.process.stdin.close()

    assert kept.process.wait(10) == 0
    assert gone(kept.pid)
    assert gone(pid)
    assert not region.exists()
    assert not (tmp_path / "kept").exists()


def test_all_is_removed_on_sigterm(tmp_path, keep):
    """A service manager that ends the whole group ends the reaper by way of the clean-up."""
    kept = keep("while :; do sleep 0.1; done")

    kept.process.terminate()

    assert kept.process.wait(10) == 0
    assert gone(kept.pid)
    assert not (tmp_path / "kept").exists()


def test_the_server_dies_with_the_reaper(keep):
    """The kernel ends the server when the reaper itself is killed."""
    kept = keep("exec sleep 1000")

    kept.process.kill()

    assert gone(kept.pid)


def test_the_end_of_the_server_is_told_after_all_below_it_is_gone(tmp_path, keep):
    """When the server dies, its models and regions are removed first; the folder stays, for the next start."""
    orphan = tmp_path / "orphan"
    region = SHARED_MEMORY / "assay-test-region-2"
    region.write_bytes(b"x")
    kept = keep(f"sleep 1000 & echo $! > {orphan}; exec sleep 1000")
    pid = int(eventually(orphan))

    os.kill(kept.pid, signal.SIGKILL)

    assert kept.hear() == {"ended": -signal.SIGKILL}
    assert vitals(pid) is None
    assert not region.exists()
    assert (tmp_path / "kept").exists()


def test_a_server_that_does_not_stop_is_killed(keep):
    """`stop` gives so many seconds, not more."""
    kept = keep("trap '' TERM; while :; do sleep 0.1; done")
    time.sleep(0.2)
    began = time.monotonic()

    kept.say({"stop": 0.5})

    assert kept.hear() == {"ended": -signal.SIGKILL}
    assert time.monotonic() - began < 5


def test_another_server_may_follow(keep):
    """One reaper serves any number of starts, one after the other."""
    kept = keep("exit 3")
    assert kept.hear() == {"ended": 3}

    kept.say({"run": ["/bin/sh", "-c", "exit 4"], "env": {}})

    assert "started" in kept.hear()
    assert kept.hear() == {"ended": 4}


def test_a_program_that_cannot_be_started_is_told(keep):
    """The reason comes back instead of a pid."""
    kept = keep("exit 0")
    kept.hear()

    kept.say({"run": ["/nowhere/tritonserver"], "env": {}})

    assert kept.hear() == {"failed": "/nowhere/tritonserver: No such file or directory"}


def test_a_server_never_waits_for_a_reader_of_its_log(keep):
    """Nobody reads the log here; the server writes ten megabytes of it, and ends."""
    kept = keep("head -c 10000000 /dev/zero; exit 7")

    assert kept.hear() == {"ended": 7}


def test_what_a_dead_gateway_left_is_removed(tmp_path, monkeypatch):
    """A folder and regions whose lock nobody holds are ours to remove, after a while; others are never touched."""
    monkeypatch.setattr(private.tempfile, "tempdir", str(tmp_path))
    (tmp_path / "assay-gateway-dead").mkdir()
    (tmp_path / "assay-gateway-other").mkdir()
    left = [tmp_path / "assay-gateway-dead" / "lock", SHARED_MEMORY / "assay-gateway-dead-lock", SHARED_MEMORY / "assay-gateway-dead-region-1"]
    foreign = SHARED_MEMORY / "triton_python_backend_shm_region_assay_test"
    for path in [*left, foreign]:
        path.write_bytes(b"")
        os.utime(path, (0, 0))
    living = private.claim()
    for path in (living.folder / "lock", SHARED_MEMORY / f"{living.prefix}lock"):
        os.utime(path, (0, 0))

    try:
        private.sweep()

        assert not any(path.exists() for path in left)
        assert not (tmp_path / "assay-gateway-dead").exists()
        assert (tmp_path / "assay-gateway-other").exists()
        assert living.folder.exists()
        assert (SHARED_MEMORY / f"{living.prefix}lock").exists()
        assert foreign.exists()
    finally:
        foreign.unlink()
        living.release()
    assert not living.folder.exists()
    assert not list(SHARED_MEMORY.glob(f"{living.prefix}*"))
