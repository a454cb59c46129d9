"""The real server, killed, stopped and hung in every way: it heals by itself, and nothing is left of it in the end."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import grpc
import psutil
import pytest
from tritonclient.grpc import service_pb2, service_pb2_grpc

from gateway import private
from gateway.caretaker import Caretaker
from gateway.circuit import Circuit
from gateway.installation import INHERITED, find_server
from gateway.policy import Retrying
from gateway.port import Port
from gateway.reaper import SHARED_MEMORY
from gateway.repository import read_folder
from gateway.stubs import stubs_of
from gateway.supervised import Supervised
from gateway.triton import Options, Triton
from gateway.watch import State
from kernel.contract import Deadline, Request, Text
from kernel.errors import GatewayError, ModelNotFound, Unavailable
from tests.gateway.misbehaving import write_model

pytestmark = pytest.mark.triton
ECHO = Path(__file__).parent.parent / "models" / "echo"


def open_triton(models: Mapping[str, Path], **options: object) -> Triton:
    return Triton({name: read_folder(source, name) for name, source in models.items()}, Options(**options))


@pytest.fixture(scope="module")
async def shared(tmp_path_factory) -> AsyncIterator[Triton]:
    """A server whose models may be killed: `well` never is, `fragile` does what the prompt says."""
    fragile = write_model(tmp_path_factory.mktemp("models") / "fragile", longest_seconds=4)
    triton = open_triton({"well": ECHO, "fragile": fragile})
    try:
        await triton.open()
        yield triton
    finally:
        await triton.aclose()


@pytest.fixture
async def triton(shared) -> Triton:
    """The shared server, well again, with all deaths forgiven."""
    for caretaker in shared.supervisor.models.values():
        await caretaker.watch.ready(Deadline.after(30))
        caretaker.watch.circuit = Circuit()
    shared.supervisor._circuit = Circuit()
    return shared


def model_of(triton: Triton, name: str) -> Retrying:
    """A model as the session puts it together."""
    caretaker = triton.supervisor.models[name]
    return Retrying(Supervised(caretaker.client, caretaker.watch))


async def ask(model: Retrying, text: str, seconds: float = 30.0) -> str:
    """The model's answer to a text."""
    return (await model.infer(Request("model", (Text(text),)), deadline=Deadline.after(seconds))).text


async def until(holds: Callable[[], bool], seconds: float = 30.0) -> float:
    """Wait until something holds; how long that took."""
    began = time.monotonic()
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - what is waited for happens in other processes
            await asyncio.sleep(0.02)
    return time.monotonic() - began


def tree_of(triton: Triton) -> list[psutil.Process]:
    """The server and all that runs below it."""
    server = psutil.Process(triton.pid)
    return [server, *(it for it in server.children(recursive=True) if it.status() != psutil.STATUS_ZOMBIE)]


def left_behind(triton: Triton) -> list[object]:
    """Processes, regions and folders of a server that is gone."""
    own = triton._private
    processes = [process for process in psutil.process_iter(["cmdline"]) if str(own.folder) in " ".join(process.info["cmdline"] or [])]
    return [*processes, *SHARED_MEMORY.glob(own.prefix + "*"), *own.folder.parent.glob(own.folder.name)]


def healed(caretaker: Caretaker, pids: set[int]) -> Callable[[], bool]:
    """Whether the model is ready in other processes."""
    return lambda: caretaker.watch.state is State.READY and bool(caretaker.watch.pids) and not caretaker.watch.pids & pids


async def test_nothing_is_left_after_a_stop():
    """Processes, shared memory, folder and port are gone when `aclose` returns."""
    triton = open_triton({"echo": ECHO})
    await triton.open()
    assert await ask(model_of(triton, "echo"), "hello") == "hello"
    port = int(triton.address.rpartition(":")[2])

    await triton.aclose()
    await triton.aclose()

    assert left_behind(triton) == []
    Port("127.0.0.1", port).release()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_is_left_of_a_killed_parent(tmp_path, how):
    """Whatever ends the process that started the server, three seconds later all of it is gone."""
    program = tmp_path / "parent.py"
    program.write_text(
        f"""
import asyncio
from pathlib import Path
from gateway.repository import read_folder
from gateway.triton import Options, Triton

async def main():
    triton = Triton({{"echo": read_folder(Path({str(ECHO)!r}), "echo")}}, Options())
    await triton.open()
    print(triton._private.folder, triton.pid, flush=True)
    await asyncio.sleep(1000)

asyncio.run(main())
"""
    )
    root = Path(__file__).parent.parent.parent
    with subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(root)}) as parent:
        # What the server logs comes out here as well, before the line that is waited for.
        folder = next(Path(line.split()[0].decode()) for line in parent.stdout if line.startswith(b"/"))
        parent.send_signal(how)
        parent.wait(10)
        parent.stdout.close()

    def left() -> list[object]:
        processes = [it for it in psutil.process_iter(["cmdline"]) if str(folder) in " ".join(it.info["cmdline"] or [])]
        return [*processes, *SHARED_MEMORY.glob(f"{folder.name}-*"), *folder.parent.glob(folder.name)]

    end = time.monotonic() + 3
    while left() and time.monotonic() < end:
        time.sleep(0.05)
    assert left() == []


async def test_a_killed_stub_is_healed_while_calls_wait(triton):
    """A model's process is killed with sixty-four calls under way: all are answered, within five seconds."""
    caretaker = triton.supervisor.models["fragile"]
    fragile = model_of(triton, "fragile")
    before = set(caretaker.watch.pids)
    began = time.monotonic()
    calls = [asyncio.create_task(ask(fragile, f"sleep 0.02 {number}")) for number in range(64)]
    await asyncio.sleep(0.2)

    os.kill(next(iter(before)), signal.SIGKILL)

    assert len(set(await asyncio.gather(*calls))) == 64
    assert healed(caretaker, before)()
    assert time.monotonic() - began < 15  # 1.5 s on a quiet machine


@pytest.mark.parametrize("word", ["exit 0", "exit 1", "abort"])
async def test_a_stub_that_ends_itself_is_healed(triton, word):
    """However the process ends, the model comes back, and the others never notice."""
    caretaker = triton.supervisor.models["fragile"]
    before = set(caretaker.watch.pids)

    with pytest.raises(Unavailable):
        await caretaker.client.infer(Request("fragile", (Text(word),)), deadline=Deadline.after(10))
    others = [await ask(model_of(triton, "well"), str(number)) for number in range(20)]
    await until(healed(caretaker, before))

    assert others == [str(number) for number in range(20)]
    assert await ask(model_of(triton, "fragile"), "hello") == "hello"


async def test_a_stopped_stub_is_found_and_replaced(triton):
    """SIGSTOP: the state of the process tells, within ten seconds."""
    caretaker = triton.supervisor.models["fragile"]
    before = set(caretaker.watch.pids)

    os.kill(next(iter(before)), signal.SIGSTOP)

    assert await until(healed(caretaker, before)) < 15  # found within 3 s, healed in 1.5 s on a quiet machine


async def test_a_hanging_stub_is_found_and_replaced(triton):
    """An endless loop: after `longest_seconds` without an answer the process is killed, and the calls behind it are answered."""
    caretaker = triton.supervisor.models["fragile"]
    before = set(caretaker.watch.pids)
    hanging = asyncio.create_task(caretaker.client.infer(Request("fragile", (Text("spin"),)), deadline=Deadline.after(30)))
    await asyncio.sleep(0.2)

    behind = await ask(model_of(triton, "fragile"), "hello")

    assert behind == "hello"
    assert healed(caretaker, before)()
    with pytest.raises(Unavailable):
        await hanging


async def test_a_busy_model_is_not_taken_for_dead(triton):
    """Long work that goes on is no hang: calls of two seconds, one after the other, and nobody is killed."""
    caretaker = triton.supervisor.models["fragile"]
    before = set(caretaker.watch.pids)

    answers = await asyncio.gather(*(ask(model_of(triton, "fragile"), f"sleep 2 {number}") for number in range(3)))

    assert len(answers) == 3
    assert caretaker.watch.pids == before


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM])
async def test_a_dead_server_is_started_again(triton, how):
    """The server dies or hangs with calls under way: it comes back at the same address with all models, and the calls are answered."""
    address, pid = triton.address, triton.pid
    well, fragile = model_of(triton, "well"), model_of(triton, "fragile")
    calls = [asyncio.create_task(ask(fragile, f"sleep 0.05 {number}", 60)) for number in range(32)]
    await asyncio.sleep(0.2)

    os.kill(pid, how)
    answers = await asyncio.gather(*calls)

    assert len(set(answers)) == 32
    assert await ask(well, "hello") == "hello"
    assert triton.address == address
    await until(lambda: triton.pid not in {None, pid})


async def test_a_server_that_dies_while_a_model_is_healed_comes_back(triton):
    """Death upon death: the server is killed in the middle of bringing a model back."""
    caretaker = triton.supervisor.models["fragile"]
    fragile = model_of(triton, "fragile")
    calls = [asyncio.create_task(ask(fragile, f"sleep 0.05 {number}", 60)) for number in range(16)]
    await asyncio.sleep(0.2)

    os.kill(next(iter(caretaker.watch.pids)), signal.SIGKILL)
    await until(lambda: caretaker.watch.state is State.LOADING)
    await asyncio.sleep(0.3)
    os.kill(triton.pid, signal.SIGKILL)

    assert len(set(await asyncio.gather(*calls))) == 16


async def test_a_crash_loop_is_left_alone_while_others_serve(triton):
    """A model that dies at every call: after three deaths its circuit opens and says so; the other model is as ever."""
    caretaker = triton.supervisor.models["fragile"]
    watch = caretaker.watch
    watch.circuit = Circuit(first_pause=4.0)
    for _ in range(3):
        await watch.ready(Deadline.after(30))
        with pytest.raises(Unavailable):
            await caretaker.client.infer(Request("fragile", (Text("exit 1"),)), deadline=Deadline.after(10))
        await until(lambda: watch.state is not State.READY)
    await until(lambda: watch.state is State.UNAVAILABLE)

    with pytest.raises(Unavailable, match="it died 3 times within 60 s and is left alone for 4 s") as refused:
        await ask(model_of(triton, "fragile"), "hello", seconds=0.5)

    assert 0 < refused.value.retry_after <= 4
    assert [await ask(model_of(triton, "well"), str(number)) for number in range(20)] == [str(number) for number in range(20)]
    assert await ask(model_of(triton, "fragile"), "hello") == "hello"
    assert watch.circuit.remaining() == 0.0


async def test_only_inference_and_health_are_open(triton):
    """Without the key of this start, nobody loads, reads or configures anything."""
    closed = {
        "RepositoryIndex": service_pb2.RepositoryIndexRequest(),
        "RepositoryModelLoad": service_pb2.RepositoryModelLoadRequest(model_name="well"),
        "RepositoryModelUnload": service_pb2.RepositoryModelUnloadRequest(model_name="well"),
        "ModelConfig": service_pb2.ModelConfigRequest(name="well"),
        "ModelStatistics": service_pb2.ModelStatisticsRequest(),
        "ModelMetadata": service_pb2.ModelMetadataRequest(name="well"),
        "ServerMetadata": service_pb2.ServerMetadataRequest(),
        "SystemSharedMemoryStatus": service_pb2.SystemSharedMemoryStatusRequest(),
        "SystemSharedMemoryRegister": service_pb2.SystemSharedMemoryRegisterRequest(name="x", key="/x", byte_size=1),
        "SystemSharedMemoryUnregister": service_pb2.SystemSharedMemoryUnregisterRequest(),
        "CudaSharedMemoryStatus": service_pb2.CudaSharedMemoryStatusRequest(),
        "CudaSharedMemoryRegister": service_pb2.CudaSharedMemoryRegisterRequest(name="x", byte_size=1),
        "CudaSharedMemoryUnregister": service_pb2.CudaSharedMemoryUnregisterRequest(),
        "TraceSetting": service_pb2.TraceSettingRequest(),
        "LogSettings": service_pb2.LogSettingsRequest(),
    }
    opened = {"ServerLive", "ServerReady", "ModelReady", "ModelInfer", "ModelStreamInfer"}
    methods = {method.name for method in service_pb2.DESCRIPTOR.services_by_name["GRPCInferenceService"].methods}
    assert methods == opened | set(closed)

    async with grpc.aio.insecure_channel(triton.address) as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        for wrong in ((), (("triton-grpc-protocol-assay", "x"),)):
            for method, message in closed.items():
                with pytest.raises(grpc.aio.AioRpcError, match="This protocol is restricted"):
                    await getattr(stub, method)(message, metadata=wrong, timeout=10)
        assert (await stub.ModelReady(service_pb2.ModelReadyRequest(name="well"))).ready
    assert await ask(model_of(triton, "well"), "hello") == "hello"


async def test_nothing_listens_but_grpc_on_loopback(triton):
    """The sockets of the whole process tree: one port, on this machine only."""
    listening = {
        (connection.laddr.ip.removeprefix("::ffff:"), connection.laddr.port)
        for process in tree_of(triton)
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }

    assert listening == {("127.0.0.1", int(triton.address.rpartition(":")[2]))}


async def test_the_environment_of_the_server_is_an_allow_list(triton, monkeypatch):
    """What stands in our environment does not reach the models, unless it is on the list."""
    given = {
        "PATH",
        "LD_LIBRARY_PATH",
        "PYTHONPATH",
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONUNBUFFERED",
        "TMPDIR",
        "TOKENIZERS_PARALLELISM",
        "HF_HUB_OFFLINE",
        "PWD",
        "SHLVL",
        *INHERITED,
    }
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")

    found = set().union(*(process.environ() for process in tree_of(triton)))

    assert found <= given
    assert "sk-canary" not in triton._environment().values()


async def test_models_that_cannot_be_loaded_are_told_and_others_serve(tmp_path):
    """One raises while it is loaded, one never ends: each says why in one line, and the third serves."""
    models = {
        "well": ECHO,
        "raising": write_model(tmp_path / "raising", at_load="raise RuntimeError('no weights here')"),
        "importing": write_model(tmp_path / "importing", at_import="import nowhere_to_be_found"),
        "endless": write_model(tmp_path / "endless", at_load="time.sleep(3600)", loading_seconds=6),
    }
    triton = open_triton(models)
    try:
        await triton.open()
        states = {name: (it.watch.state, it.watch.broken) for name, it in triton.supervisor.models.items()}
        reasons = {name: it.watch.reason for name, it in triton.supervisor.models.items()}

        assert await ask(model_of(triton, "well"), "hello") == "hello"
        assert states == dict.fromkeys(["raising", "importing", "endless"], (State.UNAVAILABLE, True)) | {"well": (State.READY, False)}
        assert reasons["raising"] == "it could not be loaded: RuntimeError: no weights here"
        assert reasons["importing"] == "it could not be loaded: ModuleNotFoundError: No module named 'nowhere_to_be_found'"
        assert reasons["endless"] == "it did not finish loading within 6 s"
        with pytest.raises(ModelNotFound, match="endless is not served: it did not finish loading within 6 s"):
            await ask(model_of(triton, "endless"), "hello", seconds=5)
        await until(lambda: not stubs_of(triton.pid, triton._private.folder / "models" / "endless"))
    finally:
        await triton.aclose()
    assert left_behind(triton) == []


async def test_a_server_without_any_model_is_refused(tmp_path):
    """Where not one model can be served, opening fails with all reasons, and leaves nothing."""
    triton = open_triton({"raising": write_model(tmp_path / "raising", at_load="raise RuntimeError('no weights here')")})

    with pytest.raises(GatewayError, match=r"no model can be served; raising: it could not be loaded: .*no weights here"):
        await triton.open()

    await triton.aclose()
    assert left_behind(triton) == []


async def test_changed_files_are_not_served_under_the_old_name(tmp_path):
    """A model whose files change while it runs is not loaded again: its answers would pass for those of the old one."""
    source = write_model(tmp_path / "changing")
    triton = open_triton({"changing": source, "well": ECHO})
    try:
        await triton.open()
        watch = triton.supervisor.models["changing"].watch
        (source / "1" / "weights.bin").write_bytes(b"other weights")

        os.kill(next(iter(watch.pids)), signal.SIGKILL)
        await until(lambda: watch.broken)

        assert watch.reason == "its files changed since the gateway was started; start the gateway anew"
    finally:
        await triton.aclose()


def test_a_taken_port_is_told():
    """A port of one's own choice that somebody has is refused with its number, and nobody is disturbed."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(GatewayError, match=f"port {port} of 127.0.0.1: Address already in use; choose another port"):
            open_triton({"echo": ECHO}, port=port)


def test_ports_are_nobody_elses_while_they_are_held():
    """Two gateways at once never get the same port, and nobody can bind to one whose server is not up yet."""
    ports = [Port("127.0.0.1") for _ in range(200)]
    try:
        assert len({port.number for port in ports}) == 200
        for port in ports:
            with socket.socket() as other, pytest.raises(OSError, match="Address already in use"):
                other.bind(("127.0.0.1", port.number))
            with pytest.raises(GatewayError):
                Port("127.0.0.1", port.number)
    finally:
        for port in ports:
            port.release()


def test_a_missing_server_is_told(monkeypatch):
    """Without the wheel and without a program, the message says what to install."""
    monkeypatch.setitem(sys.modules, "pytriton", None)
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(GatewayError, match=r"no Triton Inference Server: .*pip install"):
        find_server()
    with pytest.raises(GatewayError, match="/nowhere/tritonserver: no Triton with a Python backend"):
        find_server(Path("/nowhere/tritonserver"))


def test_full_shared_memory_is_told(tmp_path):
    """With eight megabytes of /dev/shm, the message names it and the size, before anything is started."""
    root = Path(__file__).parent.parent.parent
    script = f"mount -t tmpfs -o size=8m none /dev/shm && {sys.executable} -c 'from gateway import private; private.claim()'"
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(root)})
    if "Operation not permitted" in done.stderr or "permission denied" in done.stderr:
        pytest.skip("no right to mount a small /dev/shm here")

    assert f"{private.SHARED_MEMORY} has 8 MB free of 8 MB" in done.stderr.splitlines()[-1]


async def test_a_reaper_that_is_killed_is_replaced(triton):
    """Even the reaper may die: its server goes with it, and both come back."""
    pid, keeper = triton.pid, triton._process._reaper.pid

    os.kill(keeper, signal.SIGKILL)
    await until(lambda: triton.pid not in {None, pid})

    assert await ask(model_of(triton, "well"), "hello") == "hello"
    with contextlib.suppress(psutil.NoSuchProcess):
        assert psutil.Process(keeper).status() == psutil.STATUS_ZOMBIE
