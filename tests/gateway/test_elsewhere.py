"""Models on servers that are not ours: several addresses, TLS and headers, against real gRPC servers on loopback."""

import asyncio
import os
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path

import grpc
import plain_server
import pytest
import structlog
from plain_server import Plain

from gateway.client import Server, TritonModel
from gateway.elsewhere import Elsewhere
from gateway.place import Sought
from gateway.session import open_gateway
from gateway.signature import of_kind
from kernel.contract import Deadline, Kind, Request, Text
from kernel.errors import DeadlineExceeded, InvalidSpec, ModelFault, ModelNotFound, Unauthenticated, Unavailable

SECRET = "Bearer canary-7f3e99a1c0de"


@pytest.fixture
async def serve():
    """Starts a server in this process; its port."""
    running = []

    async def start(plain, port=0, credentials=None):
        server, port = await plain_server.serve(plain, port, credentials)
        running.append(server)
        return port

    yield start
    await asyncio.gather(*(server.stop(0) for server in running))


@pytest.fixture
async def model():
    """The model at some ports of this machine."""
    made = []

    def make(*ports):
        made.append(Elsewhere([f"127.0.0.1:{port}" for port in ports], Sought("m", Kind.GENERATE)))
        return made[-1]

    yield make
    for one in made:
        await one.aclose()


@pytest.fixture
def process():
    """Starts a server in a process of its own, so that it can be killed; the process and its port."""
    running = []

    def start(name, port=0, version="1"):
        child = subprocess.Popen([sys.executable, plain_server.__file__, name, str(port), version], stdout=subprocess.PIPE, text=True)
        running.append(child)
        return child, int(child.stdout.readline())

    yield start
    for child in running:
        child.kill()
        child.wait()
        child.stdout.close()


async def ask(model, text="hello", seconds=10.0):
    """The text of one call."""
    return (await model.infer(Request("m", (Text(text),)), deadline=Deadline.after(seconds))).text


async def ask_until_up(model, seconds=15.0):
    """The text of the first call that does not end as `Unavailable`."""
    until = time.monotonic() + seconds
    while True:
        try:
            return await ask(model)
        except Unavailable:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.1)


def who(answers):
    """The servers that answered."""
    return {answer.partition(":")[0] for answer in answers}


async def test_calls_are_shared_by_the_addresses(serve, model):
    """Whoever has the fewest calls under way gets the next; one after the other, they take turns."""
    plains = [Plain(name) for name in "abc"]
    shared = model(*[await serve(plain) for plain in plains])

    await ask(shared)
    await shared.describe()
    await asyncio.sleep(0.2)
    for _ in range(9):
        await ask(shared)
    await asyncio.gather(*(ask(shared, "slow") for _ in range(30)))

    assert sum(plain.asked for plain in plains) == 40
    assert all(12 <= plain.asked <= 14 for plain in plains)


@pytest.mark.slow
async def test_no_call_is_lost_when_a_server_is_killed_and_it_is_asked_again_when_it_is_back(process, model):
    """A killed process takes its calls with it; they are answered by the other, and later it gets its share again."""
    child, port = process("mortal")
    _, other = process("steady")
    shared = model(port, other)
    await asyncio.gather(*(ask(shared) for _ in range(10)))
    assert who([await ask(shared) for _ in range(4)]) == {"mortal", "steady"}

    calls = [asyncio.create_task(ask(shared, "slow")) for _ in range(20)]
    await asyncio.sleep(0.1)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert who(await asyncio.gather(*calls)) == {"steady"}
    assert who([await ask(shared) for _ in range(10)]) == {"steady"}

    process("mortal", port)
    until = time.monotonic() + 15
    while "mortal" not in who([await ask(shared) for _ in range(4)]):
        assert time.monotonic() < until
        await asyncio.sleep(0.1)


async def test_an_address_where_nobody_is_delays_nobody(serve, model):
    """The first call goes to the one that answers; the other is left out from the beginning."""
    shared = model(1, await serve(Plain("a")))

    began = time.monotonic()

    assert await ask(shared) == "a: hello"
    assert time.monotonic() - began < 2


async def test_when_nobody_is_there_it_says_so_of_each(model):
    """The error may pass, and names every address."""
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:1: .*cannot be reached.*; 127\.0\.0\.1:2: "):
        await ask(model(1, 2))
    with pytest.raises(DeadlineExceeded, match="no server said in time"):
        await ask(model(1), seconds=0.0001)


async def test_a_server_that_is_not_ready_is_left_out_until_it_is(serve, model):
    """Its health is asked, and asked again."""
    late = Plain("late")
    late.ready = False
    alone = model(await serve(late))
    with pytest.raises(Unavailable, match="not ready"):
        await ask(alone)

    late.ready = True

    assert await ask_until_up(alone) == "late: hello"


async def test_another_model_at_one_address_is_refused(serve, model):
    """Answers of two models are never mixed; the first of the list is the one that is meant."""
    shared = model(await serve(Plain("first")), await serve(Plain("second", version="2")))

    with structlog.testing.capture_logs() as logs:
        await shared.describe()
        answers = [await ask(shared) for _ in range(6)]

    assert who(answers) == {"first"}
    assert any("is not the model that" in event.get("error", "") and "give it an entry of its own" in event["error"] for event in logs)


async def test_a_model_that_changed_is_refused(serve, model):
    """Another server answers at the address after a restart: the run stops asking."""
    server, port = await plain_server.serve(Plain("a"))
    alone = model(port)
    assert await ask(alone) == "a: hello"
    await server.stop(0)
    await serve(Plain("b", version="2"), port)

    with pytest.raises(ModelNotFound, match="is not the model any more that it was"):
        await ask_until_up(alone)


async def test_an_answer_after_a_loss_that_nobody_noticed_yet_is_not_taken(process, model):
    """Our loop was held up while another server took the place: gRPC connects to it by itself, before anything of ours sees the loss."""
    first, port = process("a")
    alone = model(port)
    assert await ask(alone) == "a: hello"

    first.kill()
    first.wait()
    process("b", port, "2")

    with pytest.raises(Unavailable, match="may be another server's"):
        await ask(alone)
    with pytest.raises(ModelNotFound, match="is not the model any more that it was"):
        await ask_until_up(alone)


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """A folder with two authorities, and certificates by them."""
    folder = tmp_path_factory.mktemp("certificates")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    for name in ("authority", "stranger"):
        files = ("-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem")
        openssl("req", "-x509", *key, "-days", 2, "-subj", f"/CN={name}", *files, "-addext", "keyUsage=critical,keyCertSign")
    made = {
        "server": ("authority", "IP:127.0.0.1"),
        "elsewhere": ("authority", "DNS:example.org"),
        "us": ("authority", "DNS:us"),
        "them": ("stranger", "DNS:us"),
    }
    for name, (authority, subject) in made.items():
        openssl("req", *key, "-subj", f"/CN={name}", "-keyout", folder / f"{name}.key", "-out", folder / "csr", "-addext", f"subjectAltName={subject}")
        signed = ("-CA", folder / f"{authority}.pem", "-CAkey", folder / f"{authority}.key", "-days", 2, "-copy_extensions", "copy")
        openssl("x509", "-req", "-in", folder / "csr", *signed, "-out", folder / f"{name}.pem")
    (folder / "other.key").write_bytes((folder / "them.key").read_bytes())
    return folder


def credentials(folder, name="server", *, mutual=True):
    """What a server shows, and whether it wants the same of us."""
    pair = ((folder / f"{name}.key").read_bytes(), (folder / f"{name}.pem").read_bytes())
    return grpc.ssl_server_credentials([pair], (folder / "authority.pem").read_bytes() if mutual else None, mutual)


def catalog(folder: Path, port: int, entry: str) -> Path:
    (folder / "catalog.yaml").write_text(f'models:\n  m: {{server: "grpcs://127.0.0.1:{port}", kind: generate, {entry}}}\n')
    return folder / "catalog.yaml"


async def test_mutual_tls(serve, certificates):
    """With our certificate we are let in; the paths are relative to the catalog."""
    port = await serve(Plain("secure"), credentials=credentials(certificates))

    async with open_gateway(catalog(certificates, port, "tls: {authority: authority.pem, certificate: us.pem, key: us.key}")) as session:
        assert await ask(session) == "secure: hello"
        assert (await session.cards())["m"].state == "ready"


@pytest.mark.parametrize(
    ("shown", "tls", "error", "words"),
    [
        (("server", False), "{authority: stranger.pem}", Unauthenticated, "certificate is from nobody whom we trust"),
        (("server", False), "{}", Unauthenticated, "certificate is from nobody whom we trust"),
        (("elsewhere", False), "{authority: authority.pem}", Unauthenticated, "certificate is for another name"),
        (("server", True), "{authority: authority.pem}", Unavailable, "want a certificate of ours"),
        (("server", True), "{authority: authority.pem, certificate: them.pem, key: them.key}", Unavailable, "want a certificate of ours"),
        (("server", True), "{authority: authority.pem, certificate: us.pem, key: other.key}", Unauthenticated, "do not belong together"),
        (None, "{authority: authority.pem}", Unauthenticated, "does not speak TLS"),
    ],
)
async def test_what_is_wrong_with_tls_is_told(serve, certificates, shown, tls, error, words):
    """Each mistake has its own message."""
    port = await serve(Plain(), credentials=shown and credentials(certificates, shown[0], mutual=shown[1]))

    async with open_gateway(catalog(certificates, port, f"tls: {tls}")) as session:
        with pytest.raises(error, match=words):
            await session._elsewhere["m"].infer(Request("m", (Text("a"),)), deadline=Deadline.after(10))


async def test_headers_go_along_and_their_values_are_nowhere_else(serve, tmp_path, monkeypatch):
    """Whatever the server says of them: no error, no log, no trace has the value, nor a piece of it."""
    wanted = {"authorization": SECRET, "x-tenant": "tenant-0451-secret"}
    port = await serve(Plain("guarded", wanted=wanted))
    monkeypatch.setenv("OUR_TOKEN", SECRET + "\n")
    (tmp_path / "tenant").write_text("tenant-0451-secret\n")
    entry = f'models: {{m: {{server: "grpc://127.0.0.1:{port}", kind: generate, headers: {{authorization: {{env: OUR_TOKEN}}, x-tenant: {{file: tenant}}}}}}}}'
    (tmp_path / "catalog.yaml").write_text(entry)

    with structlog.testing.capture_logs() as logs:
        async with open_gateway(tmp_path / "catalog.yaml") as session:
            assert await ask(session) == "guarded: hello"
            with pytest.raises(ModelFault, match="its words are in the log") as leak:
                await ask(session, "leak")
        wrong = Server(f"127.0.0.1:{port}", metadata=[("authorization", SECRET[:-1] + "x"), ("x-tenant", "tenant-0451-secret")])
        with pytest.raises(Unauthenticated, match="refused us; see the headers") as refused:
            await ask(TritonModel(wrong, of_kind("m", Kind.GENERATE)))
        await wrong.aclose()

    said = "".join("".join(traceback.format_exception(caught.value)) for caught in (leak, refused)) + repr(logs) + repr(session.__dict__)
    assert "[hidden]" in said
    for piece in ("canary", "7f3e99", "tenant-0451", "Bearer c"):
        assert piece not in said


async def test_every_missing_header_is_told_before_anything_is_asked(tmp_path, monkeypatch):
    """One line for each, with the name of the variable or file."""
    monkeypatch.delenv("OUR_TOKEN", raising=False)
    (tmp_path / "two").write_text("a\nb")
    headers = "{authorization: {env: OUR_TOKEN}, x-a: {file: none}, x-b: {file: two}}"
    (tmp_path / "catalog.yaml").write_text(f'models: {{m: {{server: "grpc://127.0.0.1:1", kind: generate, headers: {headers}}}}}')

    with pytest.raises(InvalidSpec) as refused:
        async with open_gateway(tmp_path / "catalog.yaml"):
            pass

    assert refused.value.where == "model m"
    assert [fault.replace(str(tmp_path), "…") for fault in refused.value.faults] == [
        "headers.authorization: the variable OUR_TOKEN is not set or empty; export it, or name another one",
        "headers.x-a: …/none cannot be read (No such file or directory); expected the value alone",
        "headers.x-b: …/two has more in it than one line of ASCII; expected the value alone",
    ]
    async with open_gateway(tmp_path / "catalog.yaml", only=()) as session:
        assert (await session.cards())["m"].state == "unavailable"
