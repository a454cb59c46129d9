"""The whole of it on the real server: a run that loses model processes, servers and itself, and ends as if it had not."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from gateway.session import Session, open_gateway
from kernel import registry
from kernel.documents import validate
from kernel.errors import BadStore
from kernel.report import scorecard
from kernel.runner import Outcome, Runner
from kernel.spec import SuiteSpec, resolve
from kernel.store.keeping import Keeping
from kernel.store.store import Store

pytestmark = [pytest.mark.triton, pytest.mark.slow]

TESTS = Path(__file__).parent
ASSAY = [sys.executable, "-c", "from kernel.shell.cli import main; main()"]
SUITE = "suite: echoes\nmodels: [echo]\ntasks: [{{evaluator: stranger.echo, options: {{size: {size}}}}}]\n"


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    path = tmp_path / "catalog.yaml"
    path.write_text(f"models:\n  echo: {{folder: {TESTS / 'models' / 'echo'}}}\n  gold: {{player: gold}}\n")
    return path


def server_of(session: Session) -> psutil.Process:
    """The tritonserver that this process started for the session."""
    port = session.address.rsplit(":", 1)[1]
    return next(
        child
        for child in psutil.Process().children(recursive=True)
        if child.name().startswith("tritonserver") and any(port in argument for argument in child.cmdline())
    )


def stub_of(session: Session) -> psutil.Process:
    return next(child for child in server_of(session).children(recursive=True) if "stub" in child.name())


@pytest.mark.parametrize("victim", [stub_of, server_of], ids=["stub", "server"])
async def test_a_run_outlives_a_kill_in_its_middle(tmp_path: Path, catalog: Path, victim):
    """It heals by itself, the run ends, and no case is lost or failed."""
    size = 3_000
    async with open_gateway(catalog) as session:
        suite = {"suite": "s", "models": ["echo"], "tasks": [{"evaluator": "stranger.echo", "options": {"size": size}}], "at_once": 32}
        plan = resolve(validate(SuiteSpec, suite, "s"), registry.evaluators(), await session.cards())
        with Store(tmp_path / "store", write=True) as store:
            async with Keeping(store) as keeping:
                await keeping.call(store.begin_run, "one", "s", plan.manifest)
                done = 0
                async for event in Runner(plan, "one", keeping, session).events():
                    done += isinstance(event, Outcome)
                    if isinstance(event, Outcome) and done == 1_000:
                        await asyncio.to_thread(lambda: os.kill(victim(session).pid, signal.SIGKILL))
            line = scorecard(store, "one").lines[0]

    assert (line.planned, line.scored, line.mean) == (size, size, 1.0)


def test_assay_run_is_killed_with_its_server_and_goes_on(tmp_path: Path, catalog: Path):
    """SIGKILL of the command leaves no server behind, and --resume ends with the outcomes of an undisturbed run."""
    suite = tmp_path / "suite.yaml"
    suite.write_text(SUITE.format(size=4_000))
    env = {**os.environ, "PYTHONPATH": str(TESTS / "plugins")}

    def command(store: str, *more: str) -> list[str]:
        return [*ASSAY, "run", str(suite), "--catalog", str(catalog), "--store", str(tmp_path / store), *more]

    undisturbed = subprocess.run(command("undisturbed"), env=env, capture_output=True, text=True, timeout=300, check=False)
    assert undisturbed.returncode == 0, undisturbed.stderr
    for attempt in range(2):
        process = subprocess.Popen(command("store", *(["--resume"] if attempt else [])), env=env, stdout=-3, stderr=-3)
        _wait_for_outcomes(tmp_path / "store", 300 * (attempt + 1), process)
        below = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.wait()
        _, alive = psutil.wait_procs(below, timeout=20)
        assert alive == []

    last = subprocess.run(command("store", "--resume"), env=env, capture_output=True, text=True, timeout=300, check=False)

    assert last.returncode == 0, last.stderr
    assert _outcomes(tmp_path / "store") == _outcomes(tmp_path / "undisturbed")


def test_a_missing_server_package_and_a_broken_catalog_are_one_line(tmp_path: Path):
    broken = tmp_path / "catalog.yaml"
    broken.write_text("models:\n  a: {bundeld: shapes_vlm}\n  b: {folder: nowhere}\n")

    done = subprocess.run([*ASSAY, "models", "--catalog", str(broken)], capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 2
    assert "bundled" in done.stderr
    assert "Traceback" not in done.stderr


def _outcomes(folder: Path) -> list[tuple[object, ...]]:
    with Store(folder, write=False) as store:
        run = store.runs()[0]
        assert run["status"] == "finished"
        return list(store.every_outcome(run["run"]))


def _wait_for_outcomes(folder: Path, number: int, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(BadStore), Store(folder, write=False) as store:  # not yet made, or not yet whole
            if store.runs() and len(store.every_outcome(store.runs()[0]["run"])) >= 2 * number:
                return
        time.sleep(0.05)
