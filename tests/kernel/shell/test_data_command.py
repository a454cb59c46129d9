"""`assay data`, run as people run it, with a benchmark that an installed package offers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from small_package import install
from typer.testing import CliRunner, Result

from kernel.errors import UnknownName
from kernel.shell.cli import app

PACKAGE = """
from kernel.benchmark import Finding
from kernel.errors import InvalidSpec

class Small:
    name, title = "small", "A small benchmark"
    def listed(self, data=""): return iter(())
    def aggregates(self, numbers): return iter(())
    def published(self): return ()
    def answer(self, task, metric, given): return None

    def check_data(self, data):
        yield Finding("small one", True, f"3 rows in {data or 'the cache'}")
        if data != "whole":
            yield Finding("small two", False, "2 rows lack 'answer'\\x1b[31m", "fetch it again")

    def fetch_data(self, out, revision):
        yield f"small one at {revision} is in {out}"
        if revision == "closed":
            raise InvalidSpec("small two", ["it is gated; accept its conditions"])

SMALL = Small()
"""


@pytest.fixture(autouse=True)
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COLUMNS", "120")
    return install(tmp_path, "small_benchmark", PACKAGE, "[assay.benchmarks]\nsmall = small_benchmark:SMALL\n", monkeypatch)


def data(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["data", *arguments])


def test_data_that_fits_ends_with_0():
    done = data("check", "small", "--data", "whole")

    assert done.exit_code == 0, done.output
    assert "3 rows in whole" in done.stdout
    assert "1 of 1 fit" in done.stdout


def test_what_does_not_fit_is_shown_with_what_to_do_and_ends_with_1():
    done = data("check", "small")

    assert done.exit_code == 1, done.output
    assert "3 rows in the cache" in done.stdout
    assert "does not fit  small two: 2 rows lack 'answer'␛[31m; fetch it again\n" in done.stdout
    assert "1 of 2 fit" in done.stdout


def test_each_step_of_a_fetch_is_told(tmp_path: Path):
    done = data("fetch", "small", "--revision", "r1", "--out", str(tmp_path))

    assert done.exit_code == 0, done.output
    assert done.stdout == f"small one at r1 is in {tmp_path}\n"


def test_a_benchmark_that_nobody_offers_is_a_mistake_of_the_user():
    with pytest.raises(UnknownName, match="no benchmark named 'smal'; did you mean 'small'"):
        raise data("check", "smal").exception


def test_what_cannot_be_fetched_is_told_after_what_could(package: Path):
    command = [sys.executable, "-c", "from kernel.shell.cli import main; main()", "data", "fetch", "small", "--revision", "closed"]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(package)}, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 2
    assert done.stdout == "small one at closed is in None\n"
    assert done.stderr == "InvalidSpec: small two: it is gated; accept its conditions\n"
