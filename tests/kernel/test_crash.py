"""A run that is killed at any write goes on as if nothing had happened."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from kernel.store.store import Store

PLUGINS = Path(__file__).parents[1] / "plugins"
STRACE = ("strace", "-f", "-qq", "-o", "/dev/null", "-e")  # with --seccomp-bpf the signal is not delivered
CALLS = ("pwrite64", "fdatasync", "rename", "write")
AT_ONCE = 2
ASSAY = [sys.executable, "-c", "from kernel.shell.cli import main; main()"]

needs_strace = pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")

SMALL = """
suite: small
models: [parrot]
tasks:
  - {evaluator: stranger.echo, options: {size: 2, pictures: true}}
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    return path


def assay(*arguments: str | Path, before: tuple[str, ...] = (), **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(PLUGINS), **environment}
    return subprocess.run([*before, *ASSAY, *map(str, arguments)], env=env, capture_output=True, text=True, timeout=120, check=False)


def run(suite: Path, store: Path, *more: str, **rest: object) -> subprocess.CompletedProcess[str]:
    return assay("run", suite, "--gateway", "stranger", "--store", store, *more, **rest)


def outcomes(store: Path) -> list[tuple[object, ...]]:
    with Store(store, write=False) as opened:
        newest = opened.runs()[0]
        assert newest["status"] == "finished"
        return list(opened.every_outcome(newest["run"]))


def killed_at(call: str, number: int, suite: Path, store: Path, **environment: str) -> bool:
    """Run under strace, which kills the process at its n-th such call. Whether it came that far."""
    injection = f"inject={call}:signal=SIGKILL:when={number}"
    done = run(suite, store, "--resume", before=(*STRACE, f"trace={call}", "-e", injection), **environment)
    assert done.returncode in {0, -signal.SIGKILL, 128 + signal.SIGKILL}, done.stderr
    return done.returncode != 0


def begun(suite: Path, store: Path) -> None:
    """A store with the run in it and not one case, so that every write that follows is the run's own."""
    run(suite, store, STRANGER_STOPS="1")


def campaign(suite: Path, tmp_path: Path, calls: tuple[str, ...], **environment: str) -> Iterator[str]:
    """Kill at every one of these calls, go on, and tell each difference from an undisturbed run. Two points at a time, each in a store of its own."""
    run(suite, tmp_path / "undisturbed")
    expected = outcomes(tmp_path / "undisturbed")
    begun(suite, tmp_path / "blank")
    points = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for call in calls:
            for first in range(1, 100, AT_ONCE):
                differences = list(pool.map(partial(point, call, suite, tmp_path, expected, **environment), range(first, first + AT_ONCE)))
                reached = [difference for difference in differences if difference is not None]
                points += len(reached)
                yield from filter(None, reached)
                if len(reached) < AT_ONCE:
                    break
    assert points >= 4, "strace injected nothing"


def point(call: str, suite: Path, tmp_path: Path, expected: list[tuple[object, ...]], number: int, **environment: str) -> str | None:
    """One kill and the run that goes on: what differs, empty where nothing does. `None` where the run does not come to that call."""
    store = tmp_path / f"{call}-{number}"
    shutil.copytree(tmp_path / "blank", store)
    if not killed_at(call, number, suite, store, **environment):
        return None
    resumed = run(suite, store, "--resume", **environment)
    if resumed.returncode != 0:
        return f"{call} {number}: cannot be resumed: {resumed.stderr}"
    same = outcomes(store) == expected
    shutil.rmtree(store)
    return "" if same else f"{call} {number}: other outcomes"


@needs_strace
@pytest.mark.slow
def test_a_run_killed_at_any_write_ends_as_an_undisturbed_one(suite: Path, tmp_path: Path) -> None:
    """Every acknowledged outcome is there, none twice, and the resumed run equals one that nobody disturbed."""
    assert list(campaign(suite, tmp_path, CALLS)) == []


@needs_strace
@pytest.mark.slow
def test_a_broken_store_is_found(suite: Path, tmp_path: Path) -> None:
    """The campaign is worth something: a store that tears outcome and scores apart does not pass it."""
    assert next(campaign(suite, tmp_path, ("fdatasync",), STRANGER_BREAKS="1"), None)


@needs_strace
@pytest.mark.slow
def test_a_store_killed_while_it_is_made_is_made_again(suite: Path, tmp_path: Path) -> None:
    """A kill before the first case leaves nothing that a second try stumbles over. Every second write, to be done in a minute."""
    for number in range(1, 100, 2):
        store = tmp_path / str(number)
        injection = f"inject=pwrite64:signal=SIGKILL:when={number}"
        done = run(suite, store, before=(*STRACE, "trace=pwrite64", "-e", injection))
        if done.returncode == 0:
            break

        again = run(suite, store)

        assert again.returncode == 0, again.stderr
    assert number > 2


@needs_strace
@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
@pytest.mark.parametrize("number", [1, 4])
def test_a_disk_that_fails_stops_the_run_and_loses_nothing(suite: Path, tmp_path: Path, error: str, number: int) -> None:
    """A failed write ends with one clear line and exit code 3; once the disk is well the run goes on."""
    run(suite, tmp_path / "undisturbed")
    begun(suite, tmp_path / "store")
    injection = f"inject=pwrite64:error={error}:when={number}+"

    done = run(suite, tmp_path / "store", "--resume", before=(*STRACE, "trace=pwrite64", "-e", injection))

    assert done.returncode == 3, done.stderr
    assert "assay.db" in done.stderr
    assert run(suite, tmp_path / "store", "--resume").returncode == 0
    assert outcomes(tmp_path / "store") == outcomes(tmp_path / "undisturbed")


@pytest.mark.slow
def test_kills_at_random_moments_lose_and_double_nothing(tmp_path: Path) -> None:
    """Twelve kills in one run of 3,000 cases; nothing that was asked and kept is asked again."""
    suite = tmp_path / "long.yaml"
    suite.write_text("suite: long\nmodels: [parrot]\ntasks: [{evaluator: stranger.echo, options: {size: 3000}}]\n")
    run(suite, tmp_path / "undisturbed")
    store, asked = tmp_path / "store", tmp_path / "asked"
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    env = {**os.environ, "PYTHONPATH": str(PLUGINS), "STRANGER_ASKED": str(asked), "STRANGER_PAUSE": "0.001"}
    kills = 0
    for attempt in range(12):
        more = ["--resume"] if (store / "assay.db").exists() and attempt else []
        process = subprocess.Popen([*ASSAY, "run", str(suite), "--gateway", "stranger", "--store", str(store), *more], env=env, stdout=-3, stderr=-3)
        time.sleep(chance.uniform(0.8, 1.8))
        kills += process.poll() is None
        process.kill()
        process.wait()

    last = run(suite, store, "--resume")

    assert last.returncode == 0, last.stderr
    assert outcomes(store) == outcomes(tmp_path / "undisturbed"), f"seed {seed}"
    questions = asked.read_text().splitlines()
    in_flight_at_each_kill = 64 + 2 * 512
    assert len(questions) <= len(set(questions)) + kills * in_flight_at_each_kill
