"""`assay serve` as people run it: started, killed, drained, over TLS, in several processes; and what is open to whom."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import socket
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from urllib.request import urlopen

import pytest

psutil = pytest.importorskip("psutil")
grpc = pytest.importorskip("grpc")
for needed in ("assay.v1", "grpc_health", "grpc_reflection", "prometheus_client", "opentelemetry", "google.rpc"):
    pytest.importorskip(needed)

from google.rpc.status_pb2 import Status  # noqa: E402
from grpc_health.v1 import health_pb2, health_pb2_grpc  # noqa: E402

from assay.client import AsyncClient, Client, ServiceError, Tls, item  # noqa: E402
from assay.v1.evaluation_pb2 import GetRunRequest, ListRunsRequest, RunState, WatchRunRequest  # noqa: E402
from assay.v1.evaluation_pb2_grpc import EvaluationStub  # noqa: E402
from assay.v1.scoring_pb2_grpc import ScoringStub  # noqa: E402
from tests.kernel.shell.service.serving_process import Served, assay, certificates, eventually  # noqa: E402

Code = grpc.StatusCode


def suite(size: int, **more: object) -> dict[str, object]:
    return {"suite": "s", "models": ["parrot"], "tasks": [{"evaluator": "stranger.echo", "options": {"size": size}}], **more}


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def listening(served: Served) -> set[tuple[str, int]]:
    """Every address at which the server's processes listen."""
    found = set()
    for process in served.below():
        found |= {tuple(each.laddr) for each in process.net_connections("inet") if each.status == psutil.CONN_LISTEN}
    return found


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    return certificates(tmp_path_factory.mktemp("certificates"))


@pytest.mark.slow
async def test_a_killed_server_goes_on_with_its_run_and_a_watcher_misses_nothing(tmp_path: Path):
    """SIGKILL in the middle; the watcher of before picks up by itself, and each case is there once."""
    size, port, seen = 400, free_port(), Counter()
    served = [Served(tmp_path, "--port", port, pause=0.05) for _ in range(2)]
    with served[0]:
        async with AsyncClient(f"127.0.0.1:{port}", patience=120) as client:
            run = await client.create_run(suite(size, at_once=4))
            async for response in client.watch(run.name):
                seen.update(outcome.case_id for outcome in response.outcomes)
                if len(seen) > 50 and served[0].process.poll() is None:
                    served[0].kill()
                    served[1].__enter__()
            report = await client.get_report(run.name)
            ended = await client.get_run(run.name)
    served[1].__exit__(None, None, None)

    assert seen == Counter(f"case-{number}" for number in range(size))
    assert ended.state == RunState.RUN_STATE_FINISHED
    assert (report.tasks[0].counts.scored, report.tasks[0].estimates[0].value) == (size, 1.0)


async def test_a_drained_server_leaves_its_runs_to_the_next_one(tmp_path: Path):
    """SIGTERM: streams hear when to call again, the exit code says which signal, and the next server goes on at once."""
    size = 300
    with Served(tmp_path, pause=0.1) as served:
        async with grpc.aio.insecure_channel(served.address) as channel, AsyncClient(served.address) as client:
            run = await client.create_run(suite(size, at_once=4))
            asked = False
            watching = EvaluationStub(channel).WatchRun(WatchRunRequest(name=run.name))
            with suppress(grpc.aio.AioRpcError):
                async for response in watching:
                    if response.outcomes and not asked:
                        asked = True
                        served.process.send_signal(signal.SIGTERM)
            told = ServiceError.of_status(Status.FromString(dict(await watching.trailing_metadata())["grpc-status-details-bin"]))
        code = served.process.wait(60)
    with Served(tmp_path) as again, Client(again.address) as client:
        begun = time.monotonic()
        outcomes = Counter(outcome.case_id for response in client.watch(run.name) for outcome in response.outcomes)
        seconds = time.monotonic() - begun

    assert code == 128 + signal.SIGTERM
    assert (told.code, told.retry_after) == (Code.UNAVAILABLE, 2.0)
    assert outcomes == Counter(f"case-{number}" for number in range(size))
    assert seconds < 15


async def test_of_thousands_of_idle_streams_each_is_open_or_told_that_there_are_too_many(tmp_path: Path):
    """A burst over several connections; none ends without a word of ours, and others are served meanwhile."""
    number = 2_000
    with Served(tmp_path, "--streams", 10) as served:
        alone = ("grpc.use_local_subchannel_pool", 1)
        channels = [grpc.aio.insecure_channel(served.address, options=[alone, ("each", each)]) for each in range(5)]
        calls = [ScoringStub(channels[at % len(channels)]).ScoreStream() for at in range(number)]
        waiting = [asyncio.create_task(call.code()) for call in calls]
        for _ in range(120):
            done, _ = await asyncio.wait(waiting, timeout=0.5)
            if len(done) >= number - 10:
                break
        async with AsyncClient(served.address) as client:
            meanwhile = await client.score([item("one", "measure.yes_no", reply="Yes.", reference="yes")])
        codes = Counter(task.result() for task in done)
        for call in calls:
            call.cancel()
        for channel in channels:
            await channel.close()

    assert codes == {Code.RESOURCE_EXHAUSTED: number - 10}
    assert meanwhile[0].values[0].value == 1


def test_a_second_signal_ends_at_once(tmp_path: Path):
    with Served(tmp_path, pause=0.1) as served, Client(served.address) as client:
        run = client.create_run(suite(2_000))
        watching = client.watch(run.name)
        next(watching)
        served.process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        begun = time.monotonic()

        assert served.end(signal.SIGINT) == 128 + signal.SIGINT
        assert time.monotonic() - begun < 2


async def test_a_server_that_ends_lets_scorings_end(tmp_path: Path):
    """A stream of items that is under way gets every result, and new calls are refused."""
    with Served(tmp_path) as served:
        async with grpc.aio.insecure_channel(served.address) as channel, AsyncClient(served.address, patience=0) as client:
            health = health_pb2_grpc.HealthStub(channel)
            assert (await health.Check(health_pb2.HealthCheckRequest(service="assay.v1.Scoring"))).status == health_pb2.HealthCheckResponse.SERVING
            leaving = health.Watch(health_pb2.HealthCheckRequest())
            await leaving.read()
            watched = health.Watch(health_pb2.HealthCheckRequest())
            first = await watched.read()
            leaving.cancel()

            begun = asyncio.Event()

            async def items():
                for number in range(600):
                    if number == 300:
                        await begun.wait()
                        served.process.send_signal(signal.SIGTERM)
                    if number > 300:
                        await asyncio.sleep(0.005)
                    yield item(number, "measure.yes_no", reply="Yes", reference="yes")

            results = []
            async for result in client.score_stream(items(), batch=16):
                results.append(result)
                begun.set()
            second = await watched.read()
        code = served.process.wait(60)

    assert [first.status, second.status] == [health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING]
    assert len(results) == 600
    assert not any(result.HasField("error") for result in results)
    assert code == 143


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--host", "0.0.0.0"], "--host 0.0.0.0 is not this machine alone; give --tls-cert and --tls-key, or --insecure"),
        (["--host", "::"], "--host :: is not this machine alone"),
        (["--tls-cert", "nowhere.pem"], "TLS needs --tls-cert and --tls-key; give both"),
        (["--tls-cert", "nowhere.pem", "--tls-key", "nowhere.key"], "nowhere.pem: cannot be read: No such file or directory"),
        (["--tls-cert", __file__, "--tls-key", __file__], "no certificate in PEM and the private key of it without a password"),
        (["--host", "0.0.0.0", "--tls-cert", "c", "--tls-key", "k"], "give --tokens or --client-ca, or --insecure to let everybody in"),
        (["--tokens", "nowhere.yaml"], "nowhere.yaml"),
        (["--store", "postgresql://localhost/nowhere"], "give the folder for pictures too, as --artifacts DIR"),
        (["--data", "pope"], "--data pope: expected NAME=DIR with a folder that is there"),
        (["--catalog", "nowhere.yaml", "--gateway", "nobody"], "no gateway named 'nobody'"),
    ],
)
def test_what_cannot_be_served_is_one_clear_line(tmp_path: Path, arguments: list[str], told: str):
    done = assay("serve", "--gateway", "stranger", *arguments, cwd=tmp_path)

    assert done.returncode == 2, done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_port_that_is_taken_is_not_shared(tmp_path: Path):
    with Served(tmp_path / "one") as served:
        done = assay("serve", "--gateway", "stranger", "--store", tmp_path / "two", "--port", served.port)

    assert done.returncode == 2
    assert f"cannot listen at 127.0.0.1:{served.port}" in done.stderr


def test_nothing_listens_beyond_this_machine(tmp_path: Path):
    """By the sockets of the whole process tree."""
    with Served(tmp_path, "--processes", 2, "--metrics-port", free_port()) as served:
        found = listening(served)

    assert {host.removeprefix("::ffff:") for host, _ in found} == {"127.0.0.1"}
    assert served.port in {port for _, port in found}


def test_tls_is_spoken_with_certificates_that_may_be_renewed(tmp_path: Path, pem: Path):
    for name in ("server.pem", "server.key"):
        shutil.copy(pem / name, tmp_path / name)
    with Served(tmp_path, "--tls-cert", tmp_path / "server.pem", "--tls-key", tmp_path / "server.key") as served:
        with Client(served.address, tls=Tls(ca=pem / "authority.pem")) as client:
            suites = [each.name for each in client.list_suites()]
        shutil.copy(pem / "renewed.key", tmp_path / "server.key")
        shutil.copy(pem / "renewed.pem", tmp_path / "server.pem")
        with Client(served.address, tls=Tls(ca=pem / "stranger.pem"), timeout=10) as client:
            renewed = [each.name for each in client.list_suites()]
        with Client(served.address, timeout=3) as plain, pytest.raises(ServiceError):
            list(plain.list_suites())

    assert "stranger" in suites
    assert renewed == suites


def test_mutual_tls_lets_in_only_those_for_whom_somebody_vouches(tmp_path: Path, pem: Path):
    arguments = ("--tls-cert", pem / "server.pem", "--tls-key", pem / "server.key", "--client-ca", pem / "authority.pem")
    with Served(tmp_path, *arguments) as served:
        ca = pem / "authority.pem"
        with Client(served.address, tls=Tls(ca, pem / "us.pem", pem / "us.key")) as client:
            assert list(client.list_suites())
        for tls in (Tls(ca), Tls(ca, pem / "them.pem", pem / "them.key")):
            with Client(served.address, tls=tls, timeout=3) as client, pytest.raises(ServiceError) as caught:
                list(client.list_suites())
            assert caught.value.code in {Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED}


def test_a_certificate_takes_the_place_of_no_token(tmp_path: Path, pem: Path):
    file = tmp_path / "tokens.yaml"
    token = assay("token", "add", "us", "--tokens", file, "--scope", "read").stdout.strip()
    tls = ("--tls-cert", pem / "server.pem", "--tls-key", pem / "server.key", "--client-ca", pem / "authority.pem")
    with Served(tmp_path, *tls, "--tokens", file) as served:
        ours = Tls(pem / "authority.pem", pem / "us.pem", pem / "us.key")
        with Client(served.address, token=token, tls=ours) as client:
            assert list(client.list_suites())
        with Client(served.address, tls=ours) as client, pytest.raises(ServiceError) as caught:
            list(client.list_suites())

    assert caught.value.code is Code.UNAUTHENTICATED


def test_processes_share_a_port_and_the_first_one_has_the_runs(tmp_path: Path):
    """Whichever process a connection reaches: runs are the same, items are scored, faults and ids come back as they were; a dead one is replaced."""
    with Served(tmp_path, "--processes", 3) as served:
        with Client(served.address) as client:
            run = client.create_run(suite(20))
            for _ in client.watch(run.name):
                pass
        asked = [_asked(served, run.name) for _ in range(12)]
        workers = _workers(served)
        workers[0].kill()
        replaced = eventually(lambda: len({*_workers(served)} - {workers[0]}) == 2)
        later = [_asked(served, run.name) for _ in range(6)]
        below = served.below()[1:]
        served.kill()
        _, alive = psutil.wait_procs(below, timeout=10)

    assert len(workers) == 2
    assert {each[:-1] for each in (*asked, *later)} == {(20, 1.0, Code.NOT_FOUND, "planted-id")}
    assert len({each[-1] for each in asked}) > 1, "all connections reached one process"
    assert replaced
    assert alive == []


def _workers(served: Served) -> list[psutil.Process]:
    return [each for each in served.below()[1:] if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]


def _connected(process: psutil.Process) -> set[int]:
    """The ports of the process at which somebody is connected."""
    with suppress(psutil.NoSuchProcess):
        return {each.laddr.port for each in process.net_connections("inet") if each.status == psutil.CONN_ESTABLISHED}
    return set()


def _asked(served: Served, run: str) -> tuple[object, ...]:
    """What a connection of its own gets: of a run, of an item, of a run that is not there; and which processes were reached."""
    address = served.address
    with Client(address) as client, grpc.insecure_channel(address, (("grpc.use_local_subchannel_pool", 1),)) as channel:
        scored = sum(1 for _ in client.list_outcomes(run))
        value = client.score([item(1, "measure.yes_no", reply="yes", reference="yes")])[0].values[0].value
        with pytest.raises(grpc.RpcError) as caught:
            EvaluationStub(channel).GetRun(GetRunRequest(name="nobody"), metadata=(("x-request-id", "planted-id"),))
        told = dict(caught.value.trailing_metadata())
        reached = frozenset(process.pid for process in served.below() if served.port in _connected(process))
        return scored, value, caught.value.code(), told["x-request-id"], reached


def test_nobody_but_us_reaches_the_socket_between_processes(tmp_path: Path):
    """Its folder is ours alone, and goes with the server; that of a server which was killed goes when the next one starts."""
    where = {"TMPDIR": str(tmp_path)}
    with Served(tmp_path, "--processes", 2, env=where) as served:
        killed = list(tmp_path.glob("assay-serve-*"))
        modes = [oct(folder.stat().st_mode & 0o777) for folder in killed]
        served.kill()
    with Served(tmp_path, "--processes", 2, env=where) as served:
        next_one = list(tmp_path.glob("assay-serve-*"))
        code = served.end()

    assert modes == ["0o700"]
    assert len(next_one) == 1
    assert next_one != killed
    assert code == 143
    assert not list(tmp_path.glob("assay-serve-*"))


@pytest.mark.parametrize("processes", [1, 2])
def test_who_calls_is_never_taken_from_the_callers_own_word(tmp_path: Path, processes: int):
    """What our processes tell each other beside a call means nothing at the port that is open to others."""
    file = tmp_path / "tokens.yaml"
    score = assay("token", "add", "us", "--tokens", file, "--scope", "score").stdout.strip()
    claim = json.dumps({"name": "us", "namespace": "default", "scopes": ["read", "run", "score"]}).encode()
    found = set()
    with Served(tmp_path, "--tokens", file, "--processes", processes) as served:
        for _ in range(6 * processes):
            with grpc.insecure_channel(served.address, (("grpc.use_local_subchannel_pool", 1),)) as channel:
                for metadata in ((), (("authorization", f"Bearer {score}"),)):
                    with pytest.raises(grpc.RpcError) as caught:
                        EvaluationStub(channel).ListRuns(ListRunsRequest(), metadata=(*metadata, ("x-assay-caller-bin", claim)))
                    found.add((len(metadata), caught.value.code()))

    assert found == {(0, Code.UNAUTHENTICATED), (1, Code.PERMISSION_DENIED)}


def test_tokens_are_made_listed_and_revoked(tmp_path: Path):
    """A token is shown once; a running server refuses it within a second after it was revoked."""
    file = tmp_path / "tokens.yaml"
    made = assay("token", "add", "nightly", "--namespace", "vision", "--scope", "read,run", "--tokens", file, "--expires", "2099-01-31").stdout.strip()
    twice = assay("token", "add", "nightly", "--tokens", file)
    listed = assay("token", "list", "--tokens", file).stdout
    with Served(tmp_path, "--tokens", file) as served, Client(served.address, token=made) as client:
        assert list(client.list_suites())
        assert assay("token", "revoke", "nightly", "--tokens", file).returncode == 0

        def refused() -> bool:
            try:
                return not list(client.list_suites())
            except ServiceError as error:
                return error.code is Code.UNAUTHENTICATED

        assert eventually(refused, 1.0)

    assert made.startswith("assay_")
    assert made not in file.read_text()
    assert oct(file.stat().st_mode & 0o777) == "0o600"
    assert twice.returncode == 2
    assert all(word in listed for word in ("nightly", "vision", "read,run", "2099-01-31"))
    assert made not in listed


def test_a_run_of_the_command_line_is_seen_by_a_server_without_tokens(tmp_path: Path):
    assay("run", "stranger", "--gateway", "stranger", "--store", tmp_path / "store")
    with Served(tmp_path) as served, Client(served.address) as client:
        runs = [(run.suite, run.state) for run in client.list_runs()]

    assert runs == [("stranger", RunState.RUN_STATE_FINISHED)]


def test_metrics_are_told_where_they_are_wanted(tmp_path: Path):
    port = free_port()
    with Served(tmp_path, "--metrics-port", port) as served, Client(served.address) as client:
        list(client.list_suites())
        told = urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read().decode()

    assert 'assay_calls_total{code="OK",method="/assay.v1.Evaluation/ListSuites"} 1.0' in told
