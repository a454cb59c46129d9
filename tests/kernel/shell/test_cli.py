"""The command line, run as people run it: exit codes, one clear line, and what is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.kernel.shell.on_a_terminal import shown_by

PLUGINS = Path(__file__).parents[2] / "plugins"
ASSAY = [sys.executable, "-c", "from kernel.shell.cli import main; main()"]


def assay(*arguments: str | Path, **rest) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(PLUGINS), **rest.pop("env", {})}
    return subprocess.run([*ASSAY, *map(str, arguments)], env=env, capture_output=True, text=True, timeout=60, check=False, **rest)


def run(store: Path, *more: str, **rest) -> subprocess.CompletedProcess[str]:
    return assay("run", "stranger", "--gateway", "stranger", "--store", store, *more, **rest)


def test_a_run_shows_its_scorecard_and_writes_the_page(tmp_path: Path):
    done = run(tmp_path / "store", "--report", str(tmp_path / "page.html"))

    assert done.returncode == 0, done.stderr
    assert "stranger.echo" in done.stdout
    assert "<html" in (tmp_path / "page.html").read_text()


def test_a_run_that_is_not_whole_ends_with_1(tmp_path: Path):
    done = run(tmp_path, env={"STRANGER_LOCKED": "1"})

    assert done.returncode == 1
    assert "is not whole: " in done.stderr


def test_a_kept_run_is_scored_again_shown_and_listed(tmp_path: Path):
    run(tmp_path)
    name = next(word for word in assay("runs", "--store", tmp_path).stdout.split() if word.startswith("stranger-"))

    assert assay("score", name, "--store", tmp_path).returncode == 0
    assert "manners" in assay("scorecard", name, "--store", tmp_path).stdout
    assert assay("report", name, "--store", tmp_path, "--out", tmp_path / "r.html").returncode == 0
    assert assay("runs", "--store", tmp_path).stdout.count("finished") == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["run", "strangr"], "no suite named 'strangr'; did you mean 'stranger'?"),
        (["run", "nowhere.yaml"], "nowhere.yaml: no such file"),
        (["run", "stranger", "--gateway", "nobody"], "no gateway named 'nobody'"),
        (["run", "stranger", "--gateway", "stranger", "-m", "parot"], "no model named 'parot'; did you mean 'parrot'?"),
        (["run", "stranger", "--gateway", "stranger", "--resume"], "holds no run of stranger to go on with"),
        (["run", "stranger", "--at-once", "0"], "--at-once"),
        (["run", "stranger", "--k", "0"], "--k"),
        (["run", "stranger", "--gateway", "stranger", "--set", "siez=3"], "suite stranger: options: no option named 'siez'; did you mean 'size'?"),
        (["run", "stranger", "--set", "size"], "--set size: expected NAME=VALUE"),
        (["report", "--store", "nowhere"], "nowhere holds no store"),
        (["frobnicate"], "frobnicate"),
        (["run"], "suite"),
    ],
)
def test_a_users_mistake_is_one_clear_line_and_exit_code_2(tmp_path: Path, arguments: list[str], told: str):
    done = assay(*arguments, cwd=tmp_path)

    assert done.returncode == 2, done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_resumed_run_whose_plan_changed_is_refused(tmp_path: Path):
    suite = tmp_path / "s.yaml"
    suite.write_text("suite: s\nmodels: [parrot]\ntasks: [{evaluator: stranger.echo, options: {size: 3}}]\n")
    assay("run", suite, "--gateway", "stranger", "--store", tmp_path / "store")
    suite.write_text(suite.read_text().replace("3", "4"))

    done = assay("run", suite, "--gateway", "stranger", "--store", tmp_path / "store", "--resume")

    assert done.returncode == 2
    assert "its plan has changed" in done.stderr


def test_options_of_the_command_line_are_part_of_the_plan(tmp_path: Path):
    """An option that the entry sets itself stays; a run with other options is no resumed one."""
    suite = tmp_path / "s.yaml"
    suite.write_text("suite: s\nmodels: [parrot]\nsample: {models: [parrot]}\ntasks: [{evaluator: stranger.echo, options: {pictures: true}}]\n")
    more = ["--gateway", "stranger", "--store", tmp_path / "store", "--sample", "--k", "2", "--pool", "mine", "--set", "pictures=false"]

    done = assay("run", suite, *more, "--set", "size=3", cwd=tmp_path)
    other = assay("run", suite, *more, "--set", "size=4", "--resume", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert "3 planned, 3 scored" in done.stdout
    assert other.returncode == 2
    assert "suite.options was {'pictures': False, 'size': 3}, is {'pictures': False, 'size': 4}" in other.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)])
def test_a_signal_ends_the_run_so_that_it_can_go_on(tmp_path: Path, number: signal.Signals, code: int):
    """What was acknowledged is kept, the exit status says which signal, and the message says how to resume."""
    env = {**os.environ, "PYTHONPATH": str(PLUGINS), "STRANGER_PAUSE": "0.05", "STRANGER_ASKED": str(tmp_path / "asked")}
    command = [*ASSAY, "run", "stranger", "--gateway", "stranger", "--store", str(tmp_path), "--at-once", "1"]
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 30
    while not (tmp_path / "asked").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.3)
    process.send_signal(number)
    _, errors = process.communicate(timeout=20)

    assert process.returncode == code, errors
    assert "--resume" in errors
    assert run(tmp_path, "--resume").returncode == 0


@pytest.mark.parametrize("target", ["/dev/full", "closed"])
def test_a_run_survives_an_output_that_goes_nowhere(tmp_path: Path, target: str):
    env = {**os.environ, "PYTHONPATH": str(PLUGINS)}
    command = [*ASSAY, "run", "stranger", "--gateway", "stranger", "--store", str(tmp_path)]
    if target == "closed":
        command = ["sh", "-c", '"$@" >&-', "sh", *command]
        subprocess.run(command, env=env, stderr=subprocess.DEVNULL, timeout=60, check=False)
    else:
        with Path(target).open("w") as full:
            subprocess.run(command, env=env, stdout=full, stderr=subprocess.DEVNULL, timeout=60, check=False)

    assert "finished" in assay("runs", "--store", tmp_path).stdout


def test_a_terminal_shows_the_live_display(tmp_path: Path):
    """On a terminal the display renews itself, and the scorecard stands below it."""
    env = {**os.environ, "PYTHONPATH": str(PLUGINS)}
    code, shown = shown_by([*ASSAY, "run", "stranger", "--gateway", "stranger", "--store", str(tmp_path)], env)

    assert code == 0
    assert b"parrot" in shown
    assert b"manners" in shown


UP = """
models:
  finds: {bundled: shapes_detector}
  claude: {anthropic: claude-sonnet-4-6, key_env: VENDOR_KEY, base_url: "URL"}
  theirs: {server: "grpc://127.0.0.1:1", kind: generate}
  gold: {player: gold}
"""


@pytest.mark.triton
@pytest.mark.slow
async def test_up_tells_the_address_of_each_model(tmp_path: Path):
    """Vendors' models run in a server of their own, where no other model is; what is served elsewhere or nowhere has none of ours."""
    client = pytest.importorskip("gateway.client")
    pytest.importorskip("aiohttp")
    from tests.vendors.anthropic_api import KEY, AnthropicApi

    with AnthropicApi().in_thread() as api:
        (tmp_path / "catalog.yaml").write_text(UP.replace("URL", api.url))
        command = [*ASSAY, "up", "--catalog", str(tmp_path / "catalog.yaml")]
        environment = {**os.environ, "VENDOR_KEY": KEY}
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        lines = []
        try:
            for line in process.stdout:
                lines.append(line.strip())
                if line.startswith("serving"):
                    break
            told = dict(line.split(": ", 1) for line in lines[:-1])
            at = {name: said.rpartition("grpc://")[2] for name, said in told.items() if " at " in said}
            servers = {name: client.Server(address) for name, address in at.items()}
            ready = {(name, server): await servers[server].ready(name) for name in at for server in at}
            for server in servers.values():
                await server.aclose()
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)

    assert told["finds"].startswith("detect, ready at grpc://127.0.0.1:")
    assert told["claude"].startswith("generate, ready at grpc://127.0.0.1:")
    assert (told["theirs"], told["gold"]) == ("generate, unavailable", "player, not started")
    assert ready == {("finds", "finds"): True, ("claude", "claude"): True, ("finds", "claude"): False, ("claude", "finds"): False}
    assert lines[-1] == f"serving at grpc://{at['finds']} and grpc://{at['claude']}; end with Ctrl-C"
    assert process.returncode == 130
