"""A client that is not Python's: Node's gRPC with the .proto files alone, as the examples have it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

for needed in ("grpc", "assay.v1", "grpc_health", "grpc_reflection", "prometheus_client", "opentelemetry", "google.rpc"):
    pytest.importorskip(needed)

from tests.kernel.shell.service.serving_process import Served, assay, eventually  # noqa: E402

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "proto" / "examples" / "node"
PACKAGES = Path(os.environ.get("NODE_PATH") or ROOT / ".venv-node" / "node_modules")

pytestmark = pytest.mark.skipif(
    shutil.which("node") is None or not (PACKAGES / "@grpc" / "grpc-js").is_dir(), reason="Node or its gRPC is not installed; `make test` brings both"
)


def node(script: str, *arguments: object, **more) -> subprocess.Popen[str]:
    env = {**os.environ, "NODE_PATH": str(PACKAGES), **more.pop("env", {})}
    command = ["node", str(EXAMPLES / script), *map(str, arguments)]
    return subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)


def responses(journal: Path) -> list[dict]:
    """Those that were dealt with; a line that was torn by a kill does not count."""
    lines = journal.read_text().split("\n")[:-1] if journal.exists() else []
    return [json.loads(line) for line in lines][1:]


def test_a_run_is_followed_by_a_watcher_that_is_killed_again_and_again(tmp_path: Path):
    """It picks up at its cursor, and no outcome is missed or comes twice."""
    size = 600
    suite = json.dumps({"suite": "s", "models": ["parrot"], "tasks": [{"evaluator": "stranger.echo", "options": {"size": size}}], "at_once": 2})
    journal = tmp_path / "journal"
    with Served(tmp_path, pause=0.04) as served:
        for _ in range(6):
            before = len(responses(journal))
            watcher = node("evaluate.js", served.address, journal, suite)
            assert eventually(lambda before=before: len(responses(journal)) > before + 1)
            watcher.kill()
            watcher.communicate(timeout=30)
        last = node("evaluate.js", served.address, journal, suite)
        told, errors = last.communicate(timeout=60)
        runs = assay("--remote", served.address, "runs").stdout

    assert last.returncode == 0, errors
    assert told.split()[-1] == "RUN_STATE_FINISHED"
    assert Counter(case for each in responses(journal) for _, _, case in each["outcomes"]) == Counter(f"case-{number}" for number in range(size))
    assert [each["ended"] for each in responses(journal)].count(True) == 1
    assert runs.count("finished") == 1


@pytest.mark.slow
def test_a_watcher_outlives_the_server(tmp_path: Path):
    """SIGKILL of the server in the middle of a run: the next one goes on with it, and so does the watcher."""
    size, journal = 300, tmp_path / "journal"
    suite = json.dumps({"suite": "s", "models": ["parrot"], "tasks": [{"evaluator": "stranger.echo", "options": {"size": size}}], "at_once": 2})
    with Served(tmp_path, pause=0.04) as served:
        watcher = node("evaluate.js", served.address, journal, suite)
        assert eventually(lambda: sum(len(each["outcomes"]) for each in responses(journal)) > 30)
        served.kill()
    with Served(tmp_path, "--port", served.port):
        _, errors = watcher.communicate(timeout=90)

    assert watcher.returncode == 0, errors
    assert Counter(case for each in responses(journal) for _, _, case in each["outcomes"]) == Counter(f"case-{number}" for number in range(size))


def test_items_are_scored_by_stream_with_a_token(tmp_path: Path):
    file = tmp_path / "tokens.yaml"
    token = assay("token", "add", "pipeline", "--tokens", file, "--scope", "score").stdout.strip()
    replies = [{"id": f"r{n}", "scorer": "measure.yes_no", "reply": "Yes." if n % 3 else "No.", "reference": "yes"} for n in range(1_000)]
    replies.append({"id": "last", "scorer": "nobody", "reply": "Yes.", "reference": "yes"})
    lines = "\n".join(map(json.dumps, replies))
    with Served(tmp_path, "--tokens", file) as served:
        scored, errors = (scoring := node("score.js", served.address, env={"ASSAY_TOKEN": token})).communicate(lines, timeout=60)
        _, refused = (stranger := node("score.js", served.address)).communicate(lines, timeout=60)

    found = {each["id"]: each for each in map(json.loads, scored.splitlines())}
    assert scoring.returncode == 0, errors
    assert {name: each["values"]["accuracy"] for name, each in found.items() if name != "last"} == {f"r{n}": float(n % 3 > 0) for n in range(1_000)}
    assert "no scorer named 'nobody'" in found["last"]["error"]
    assert stranger.returncode == 1
    assert "16: no valid token" in refused


def test_the_example_names_the_packages_that_it_is_tried_with():
    wanted = json.loads((EXAMPLES / "package.json").read_text())["dependencies"]
    makefile = (ROOT / "Makefile").read_text()

    assert [f"{name}@{version}" for name, version in wanted.items() if f"{name}@{version}" not in makefile] == []
