"""The programs inside the containers, as they are started there: a server at a known address, its health check, and the job that builds engines."""

from __future__ import annotations

import os
import runpy
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from gateway.port import Port
from kernel.shell.cli import app
from tests.conftest import MODELS
from tests.deploy.containerfile import DEPLOY, stages

STEPS = ("export", "build", "verify")
RECORDER = """#!/bin/sh
# No `assay`: it writes down how it was called, and fails at the step that it is told.
printf '%s\\n' "$*" >>"$CALLS"
[ "$2" != "${FAILS_AT:-}" ]
"""


def python(program: str, *given: str | Path) -> list[str | Path]:
    """The command of one of the programs."""
    return [sys.executable, DEPLOY / program, *given]


def assay(*given: str | Path) -> list[str | Path]:
    """A command of `assay`, as the containers start it."""
    return [sys.executable, "-c", "from kernel.shell.cli import main; main()", *given]


def helped(program: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """What a program says of itself."""
    monkeypatch.setattr(sys, "argv", [program, "--help"])
    with pytest.raises(SystemExit, match="0"):
        runpy.run_path(str(DEPLOY / Path(program).name), run_name="__main__")
    return capsys.readouterr().out


@pytest.mark.triton
@pytest.mark.slow
def test_a_catalog_is_served_at_the_address_that_was_asked_for(tmp_path: Path):
    """With the options of the container, but for a free port and a small model."""
    (tmp_path / "catalog.yaml").write_text(f"models: {{echo: {{folder: {MODELS}/echo}}, gold: {{player: gold}}}}")
    free = Port("0.0.0.0", 0)
    given = ["--catalog", tmp_path / "catalog.yaml", "--port", str(free.number)]
    free.release()
    asked = python("healthy.py", *given)

    before = subprocess.run(asked, capture_output=True, text=True, check=False)
    with subprocess.Popen(assay("up", *given, "--host", "0.0.0.0"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as serving:
        told = serving.stdout.readline().strip()
        during = subprocess.run(asked, capture_output=True, text=True, check=False)
        serving.send_signal(signal.SIGTERM)
        ended = serving.wait(30)

    assert (before.returncode, before.stderr.strip()) == (1, "not ready: echo")
    assert told == f"echo: generate, ready at grpc://0.0.0.0:{free.number}"
    assert (during.returncode, during.stdout, during.stderr) == (0, "", "")
    assert ended == 128 + signal.SIGTERM


def test_a_key_that_is_not_mounted_is_told_in_a_line():
    found = subprocess.run(assay("up", "--catalog", DEPLOY / "vendors.yaml"), capture_output=True, text=True, check=False)

    assert found.returncode == 2
    assert found.stderr.startswith("InvalidSpec: model gpt: key_file: /run/secrets/openai cannot be read")


def test_the_server_is_started_with_options_that_assay_has():
    program, command, *given = stages()["server"].last("CMD")

    found = typer.main.get_command(app).commands[command].make_context(command, given).params
    assert (program, found["host"], found["port"]) == ("assay", "0.0.0.0", 8001)


def test_the_health_check_is_asked_with_options_that_it_has(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    _, _, program, *given = stages()["server"].last("HEALTHCHECK")
    told = helped(program, monkeypatch, capsys)

    assert len(given) >= 4
    assert [option for option in given if option.startswith("--") and option not in told] == []


@pytest.fixture
def job(tmp_path: Path):
    """The job's script with an `assay` that only writes down its calls: how it ended, and the calls."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "assay").write_text(RECORDER)
    (tmp_path / "bin" / "assay").chmod(0o755)
    calls = tmp_path / "calls"

    def run(*models: str, **more: str) -> tuple[subprocess.CompletedProcess[str], list[list[str]]]:
        environment = {**os.environ, "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}", "CALLS": str(calls), **more}
        command = ["sh", DEPLOY / "build-engines", tmp_path / "engines", *models]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        return ended, [line.split() for line in calls.read_text().splitlines()]

    return run


def test_the_job_exports_builds_and_verifies_with_commands_that_assay_has(job, tmp_path: Path):
    ended, called = job("shapes-vlm", "shapes-diffusion")

    assert ended.returncode == 0
    assert [words[:3] for words in called] == [["engines", step, model] for model in ("shapes-vlm", "shapes-diffusion") for step in STEPS]
    group = typer.main.get_command(app).commands["engines"]
    for _, step, *words in called:
        assert Path(group.commands[step].make_context(step, words).params["out"]) == tmp_path / "engines"


@pytest.mark.parametrize(("more", "precision"), [({}, "fp32"), ({"PRECISION": "fp16"}, "fp16")])
def test_the_job_builds_in_the_precision_that_is_served(job, more: dict[str, str], precision: str):
    _, (_, built, _) = job("shapes-vlm", **more)

    assert built[-2:] == ["--precision", precision]


def test_the_job_stops_at_what_fails(job):
    ended, called = job("shapes-vlm", "shapes-diffusion", FAILS_AT="build")

    assert ended.returncode == 1
    assert [words[1] for words in called] == ["export", "build"]
