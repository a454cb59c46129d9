"""The service over the real server: judges that are asked through it, several processes, and nothing left behind; and Python's examples."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import psutil
import pytest

for needed in ("grpc", "assay.v1", "grpc_health", "grpc_reflection", "prometheus_client", "opentelemetry", "google.rpc"):
    pytest.importorskip(needed)

from postgres_server import missing, postgres_server  # noqa: E402

from assay.client import Client, item  # noqa: E402
from assay.v1.evaluation_pb2 import RunState  # noqa: E402
from assay.v1.types_pb2 import OutcomeStatus  # noqa: E402
from tests.kernel.shell.service.serving_process import Served, assay  # noqa: E402

MODELS = Path(__file__).parent / "models"
EXAMPLES = Path(__file__).parents[1] / "proto" / "examples" / "python"


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    path = tmp_path / "catalog.yaml"
    path.write_text(f"models:\n  echo: {{folder: {MODELS / 'echo'}}}\n  gold: {{player: gold}}\nroles: {{judge: echo}}\n")
    return path


@pytest.mark.triton
@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_runs_and_scorings_share_the_models_of_one_server(tmp_path: Path, catalog: Path, processes: int):
    """Items that need a judge get it from whichever process they reach, and all ends with the service."""
    with Served(tmp_path, "--catalog", catalog, "--processes", processes, gateway="triton") as served:
        with Client(served.address) as client:
            suite = {"suite": "s", "models": ["echo"], "tasks": [{"evaluator": "stranger.echo", "options": {"size": 300}}], "at_once": 32}
            run = client.create_run(suite)
            states = [response.run.state for response in client.watch(run.name) if response.HasField("run")]
            report = client.get_report(run.name)
        results = []
        for _ in range(6 * processes):
            with Client(served.address) as client:
                results += client.score([item(n, "measure.judge", prompt="Is it so?", reply="yes", reference="yes") for n in range(8)])
        below = served.below()
        servers = [process for process in below if process.name().startswith("tritonserver")]
        listening = {each.laddr.ip for process in below for each in process.net_connections("inet") if each.status == psutil.CONN_LISTEN}
        code = served.end()
        _, alive = psutil.wait_procs(below[1:], timeout=20)

    assert states[-1] == RunState.RUN_STATE_FINISHED
    assert (report.tasks[0].counts.scored, report.tasks[0].estimates[0].value) == (300, 1.0)
    assert not any(result.HasField("error") for result in results), results[0]
    assert {result.status for result in results} <= {OutcomeStatus.OUTCOME_STATUS_SCORED, OutcomeStatus.OUTCOME_STATUS_UNSCORED}
    assert len(servers) == 1
    assert {host.removeprefix("::ffff:") for host in listening} == {"127.0.0.1"}
    assert (code, alive) == (143, [])


@pytest.mark.slow
def test_a_server_takes_up_the_run_of_another_that_was_killed(tmp_path: Path):
    """Two servers over one PostgreSQL: whoever watches at the one does not notice that the other, which carried the run out, is gone."""
    if reason := missing():
        pytest.skip(reason)
    size = 400
    suite = {"suite": "s", "models": ["parrot"], "tasks": [{"evaluator": "stranger.echo", "options": {"size": size}}], "at_once": 4}
    with postgres_server() as database:
        store = ("--store", database.url(), "--artifacts", tmp_path / "pictures")
        with Served(tmp_path / "one", *store, pause=0.05) as one, Served(tmp_path / "two", *store) as two, Client(two.address) as client:
            with Client(one.address) as first:
                run = first.create_run(suite)
            seen: Counter[str] = Counter()
            for response in client.watch(run.name):
                seen.update(outcome.case_id for outcome in response.outcomes)
                if len(seen) > 50 and one.process.poll() is None:
                    one.kill()
            state = client.get_run(run.name).state

    assert one.process.returncode == -9
    assert seen == Counter(f"case-{number}" for number in range(size))
    assert state == RunState.RUN_STATE_FINISHED


def test_the_examples_in_python_run(tmp_path: Path):
    replies = [{"id": f"r{n}", "scorer": "measure.yes_no", "reply": "Yes." if n % 2 else "No.", "reference": "yes"} for n in range(40)]
    replies.append({"id": "last", "scorer": "nobody", "reply": "Yes.", "reference": "yes"})
    with Served(tmp_path) as served:
        evaluated = _example("evaluate.py", served.address, "stranger")
        scored = _example("score.py", served.address, given="\n".join(map(json.dumps, replies)))
        listed = assay("--remote", served.address, "runs").stdout
    found = {each["id"]: each for each in map(json.loads, scored.splitlines())}

    assert "RUN_STATE_FINISHED 50" in evaluated
    assert "stranger.echo/true parrot accuracy 1.00 [1.00, 1.00]" in evaluated
    assert listed.count("finished") == 1
    assert {name: each["values"]["accuracy"] for name, each in found.items() if name != "last"} == {f"r{n}": float(n % 2) for n in range(40)}
    assert found["last"]["error"].startswith("NOT_FOUND: ")


def _example(name: str, *arguments: str, given: str = "") -> str:
    command = [sys.executable, str(EXAMPLES / name), *arguments]
    return subprocess.run(command, input=given, capture_output=True, text=True, timeout=60, check=True).stdout
