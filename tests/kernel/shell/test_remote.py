"""`assay --remote`: the commands against a server show what they show here."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

for needed in ("grpc", "assay.v1", "grpc_health", "grpc_reflection", "prometheus_client", "opentelemetry", "google.rpc"):
    pytest.importorskip(needed)

from tests.kernel.shell.service.serving_process import ASSAY, Served, assay, certificates, eventually  # noqa: E402

SUITE = "suite: mine\nmodels: [parrot, moody]\ntasks: [{evaluator: stranger.echo, options: {size: SIZE}}]\n"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("served"), pause=0.005) as running:
        yield running


def there(served: Served, *arguments: object, **more) -> subprocess.CompletedProcess[str]:
    return assay("--remote", served.address, *arguments, **more)


def name_in(text: str, suite: str) -> str:
    return re.search(rf"{suite}-\d{{8}}-\d{{6}}-[0-9a-f]{{6}}", text)[0]


def without_names(text: str) -> list[str]:
    """The words of a scorecard but those that differ from run to run."""
    words = re.sub(r"-\d{8}-\d{6}-[0-9a-f]{6}|\d{4}-\d\d-\d\dT[0-9:+]+", "", text[text.index("  run ") :])
    return words.split()


def test_a_run_ends_with_the_scorecard_of_a_local_one_and_its_page(tmp_path: Path, served: Served):
    """A suite of this machine's file, with another option."""
    (tmp_path / "mine.yaml").write_text(SUITE.replace(", options: {size: SIZE}", ""))
    local = assay("run", "mine.yaml", "--gateway", "stranger", "--set", "size=12", "--report", "local.html", cwd=tmp_path)
    done = there(served, "run", "mine.yaml", "--set", "size=12", "--report", "there.html", cwd=tmp_path)

    assert (done.returncode, done.stderr) == (local.returncode, "")
    assert without_names(done.stdout) == [*without_names(local.stdout)[:-1], "there.html"]
    assert "finished stranger.echo · parrot: 12" in done.stdout
    assert (tmp_path / "there.html").read_bytes()[:15] == (tmp_path / "local.html").read_bytes()[:15]


def test_what_a_server_has_is_listed_as_here(tmp_path: Path, served: Served):
    done = there(served, "run", "stranger", "-m", "parrot", "--at-once", "2")
    name = name_in(done.stdout, "stranger")
    store = served.folder / "store"

    assert done.returncode == 0, done.stderr
    assert there(served, "runs").stdout == assay("runs", "--store", store).stdout
    assert there(served, "scorecard", name).stdout == assay("scorecard", name, "--store", store).stdout
    assert there(served, "report", name, "--out", tmp_path / "page.html").returncode == 0
    assert "<html" in (tmp_path / "page.html").read_text()
    assert "parrot" in there(served, "models").stdout
    assert "A stranger's suite" in there(served, "list").stdout
    assert "stranger.echo/true" in there(served, "list", "stranger").stdout


def test_a_run_goes_on_when_nobody_follows_it_and_can_be_watched_cancelled_and_resumed(tmp_path: Path):
    (tmp_path / "mine.yaml").write_text(SUITE.replace("SIZE", "600").replace(", moody", ""))
    with Served(tmp_path, pause=0.02) as served:
        command = [*ASSAY, "--remote", served.address, "run", "mine.yaml", "--at-once", "1"]
        process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert eventually(lambda: "running" in there(served, "runs").stdout)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=30)
        name = name_in(told, "mine")
        cancelled = there(served, "cancel", name)
        watched = there(served, "watch", name)
        resumed = there(served, "run", "mine.yaml", "--resume", cwd=tmp_path)

    assert process.returncode == 130
    assert f"follow it with: assay --remote {served.address} watch {name}" in told
    assert cancelled.stdout.strip() == f"{name}: interrupted"
    assert watched.returncode == 1
    assert f"{name} is not whole: cancelled" in watched.stderr
    assert resumed.returncode == 0, resumed.stderr
    assert "600 planned, 600 scored" in resumed.stdout
    assert name in resumed.stdout


def test_a_watch_that_is_cut_picks_up_by_itself(tmp_path: Path):
    with Served(tmp_path, pause=0.05) as served:
        (tmp_path / "mine.yaml").write_text(SUITE.replace("SIZE", "200").replace(", moody", ""))
        command = [*ASSAY, "--remote", served.address, "run", str(tmp_path / "mine.yaml"), "--at-once", "1"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert eventually(lambda: "running" in there(served, "runs").stdout)
        time.sleep(0.5)
        port = served.port
        served.end()
    with Served(tmp_path, "--port", port):
        told, errors = process.communicate(timeout=60)

    assert process.returncode == 0, errors
    assert "200 planned, 200 scored" in told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["up"], "up works on this machine alone; leave out --remote. Servers have: run, resume, watch"),
        (["score", "stranger-1"], "score reads the replies of stranger-1 in a store of this machine; leave out --remote"),
        (["run", "stranger", "--dry-run"], "--dry-run asks no server; leave out --remote"),
        (["run", "strangr"], "did you mean 'stranger'?"),
        (["run", "nowhere.yaml"], "nowhere.yaml: no such file"),
        (["run", "stranger", "-m", "parot"], "no model named 'parot'; did you mean 'parrot'?"),
        (["run", "stranger", "--set", "size"], "--set size: expected NAME=VALUE"),
        (["run", "stranger", "--catalog", "mine.yaml"], "No such option: --catalog"),
        (["watch", "nobody"], "no run named 'nobody'"),
        (["frobnicate"], "No such command 'frobnicate'"),
    ],
)
def test_a_users_mistake_is_one_clear_line_and_exit_code_2_there_too(tmp_path: Path, served: Served, arguments: list[str], told: str):
    done = there(served, *arguments, cwd=tmp_path)

    assert done.returncode == 2, done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_server_that_is_not_there_is_one_clear_line(tmp_path: Path):
    done = assay("--remote", "127.0.0.1:1", "runs")
    far = assay("--remote", "192.0.2.1:8471", "runs")

    assert (done.returncode, len(done.stderr.strip().splitlines())) == (1, 1)
    assert "127.0.0.1:1: UNAVAILABLE" in done.stderr
    assert far.returncode == 2
    assert "192.0.2.1:8471 is not this machine" in far.stderr


def test_a_token_and_tls_let_in(tmp_path: Path):
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    pem, file = certificates(tmp_path / "pem"), tmp_path / "tokens.yaml"
    token = assay("token", "add", "me", "--tokens", file, "--scope", "read").stdout.strip()
    (tmp_path / "token").write_text(f"{token}\n")
    with Served(tmp_path, "--tokens", file, "--tls-cert", pem / "server.pem", "--tls-key", pem / "server.key") as served:
        reached = ("--remote", served.address, "--ca", pem / "authority.pem")
        by_file = assay(*reached, "--token-file", tmp_path / "token", "list")
        by_variable = assay(*reached, "list", env={"ASSAY_TOKEN": token})
        without = assay(*reached, "list")
        beyond = assay(*reached, "--token-file", tmp_path / "token", "run", "stranger")

    assert (by_file.returncode, by_file.stdout) == (0, by_variable.stdout)
    assert (without.returncode, beyond.returncode) == (2, 2)
    assert "UNAUTHENTICATED" in without.stderr
    assert "needs the scope 'run'" in beyond.stderr
