# ruff: noqa: N802 - the names of methods are the protocol's
"""`assay check` of an entry of a catalog: with its addresses, its TLS and its headers, whose values are shown nowhere."""

from __future__ import annotations

import asyncio
import functools
import subprocess
import sys
import traceback

import grpc
import grpc.aio
import pytest
import structlog
from tritonclient.grpc import service_pb2, service_pb2_grpc

from gateway.conformance import limits, samples
from gateway.conformance.check import words
from gateway.conformance.peer import Hiding, Peer
from gateway.conformance.server import check_server
from kernel.contract import Finish, Reply
from kernel.errors import InvalidRequest, InvalidSpec, ModelError, ModelFault, UnknownName, UserError
from tests.gateway.dishonest import Bad, Blind, Crowded, HangsUpOnBadInput, Narrow, abort
from tests.gateway.honest import NAME, Honest, serve

ASSAY = [sys.executable, "-c", "from kernel.shell.cli import main; main()"]
TOKEN = "sk-live-7f3e99a1c0de-and-more-than-forty-characters"
SECRET = f"Bearer {TOKEN}"
HEADERS = {"authorization": SECRET, "x-tenant": "t4"}
PIECES = [TOKEN[at : at + 6] for at in range(len(TOKEN) - 5)]


@pytest.fixture(autouse=True)
def smaller(monkeypatch):
    """Pictures just over gRPC's usual limit, made once."""
    monkeypatch.setattr(limits, "LARGE", 5 * 1024 * 1024)
    monkeypatch.setattr(samples, "noise", functools.cache(samples.noise))


class Doorman(grpc.aio.ServerInterceptor):
    """Lets in nobody without the headers, and tells whoever comes with wrong ones a piece of them."""

    def __init__(self):
        self.let_in = set()

    async def intercept_service(self, continuation, details):
        given = dict(details.invocation_metadata)
        if any(given.get(name) != value for name, value in HEADERS.items()):
            text = f"authorization is {str(given.get('authorization'))[:11]}…, which lets nobody in"
            return grpc.unary_unary_rpc_method_handler(abort(grpc.StatusCode.UNAUTHENTICATED, text).__get__(self))
        self.let_in.add(details.method.rpartition("/")[2])
        return await continuation(details)


@pytest.fixture
async def guarded():
    """Starts a server behind a doorman; its port, and him."""
    running = []

    async def start(servicer, credentials=None):
        doorman = Doorman()
        server = grpc.aio.server(options=servicer.options, interceptors=[doorman])
        service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(servicer, server)
        port = server.add_secure_port("127.0.0.1:0", credentials) if credentials else server.add_insecure_port("127.0.0.1:0")
        await server.start()
        running.append(server)
        return port, doorman

    yield start
    await asyncio.gather(*(server.stop(0) for server in running))


@pytest.fixture
async def served():
    """Starts an open server; its address."""
    running = []

    async def start(servicer):
        address, stop = await serve(servicer)
        running.append(stop)
        return address

    yield start
    for stop in running:
        await stop()


@pytest.fixture
def catalog(tmp_path, monkeypatch):
    """Writes a catalog with the entry `m` and some others."""
    monkeypatch.setenv("OUR_TOKEN", SECRET)
    (tmp_path / "tenant").write_text(HEADERS["x-tenant"])

    def write(entry):
        file = tmp_path / "catalog.yaml"
        file.write_text(
            f'models: {{m: {{{entry}}}, mine: {{server: "grpc://a:1"}}, claude: {{anthropic: claude-sonnet-4-6, key_env: K}}, gold: {{player: gold}}}}'
        )
        return file

    return write


def behind_headers(port, more=""):
    return f'server: "grpc://127.0.0.1:{port}", headers: {{authorization: {{env: OUR_TOKEN}}, x-tenant: {{file: tenant}}}}{more}'


async def check(file, name="m", **more):
    """Everything that is found, by check; of several addresses, of the last."""
    return {finding.check: finding async for finding in check_server(name, catalog=file, **more)}


def of(found, status):
    return {name for name, finding in found.items() if finding.status == status}


async def assay(*arguments):
    """The command, as people run it: exit code, output, errors."""
    process = await asyncio.create_subprocess_exec(*ASSAY, "check", *map(str, arguments), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    out, errors = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, out.decode(), errors.decode()


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


@pytest.fixture
def certificates(tmp_path):
    """An authority of our own in the catalog's folder, and by it a certificate of the server and one of ours; what the server shows and wants."""
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", 2)
    authority = ("-keyout", tmp_path / "ca.key", "-out", tmp_path / "ca.pem", "-addext", "keyUsage=critical,keyCertSign")
    openssl("req", "-x509", *key, "-subj", "/CN=authority", *authority)
    for name, subject in (("server", "IP:127.0.0.1"), ("us", "DNS:us")):
        files = ("-keyout", tmp_path / f"{name}.key", "-out", tmp_path / f"{name}.pem")
        signed = ("-CA", tmp_path / "ca.pem", "-CAkey", tmp_path / "ca.key", "-addext", f"subjectAltName={subject}")
        openssl("req", "-x509", *key, "-subj", f"/CN={name}", *files, *signed)
    pair = tuple((tmp_path / f"server.{end}").read_bytes() for end in ("key", "pem"))
    return grpc.ssl_server_credentials([pair], (tmp_path / "ca.pem").read_bytes(), require_client_auth=True)


async def test_a_server_behind_mutual_tls_and_headers_fits(guarded, catalog, certificates):
    """With its entry it is checked as any other, also with what no client sends; without, it lets nobody in."""
    port, doorman = await guarded(Honest(), certificates)
    tls = ", tls: {authority: ca.pem, certificate: us.pem, key: us.key}"
    file = catalog(behind_headers(port, tls).replace("grpc:", "grpcs:"))

    found = await check(file)
    code, out, errors = await assay("m", "--catalog", file)
    without = {finding.check: finding async for finding in check_server(f"grpcs://127.0.0.1:{port}", NAME)}

    assert of(found, "does not fit") | of(found, "could be better") | of(found, "not asked") == set()
    assert found["knows no other model"].found.startswith("ModelNotFound")
    assert doorman.let_in >= {"ServerLive", "RepositoryIndex", "ModelMetadata", "ModelInfer"}
    assert (code, errors) == (0, "")
    assert f"server grpcs://127.0.0.1:{port}  all 3 fit" in out
    assert "model m  26 fit, 1 told" in out
    assert not any(piece in repr(found) + out for piece in PIECES)
    assert of(without, "does not fit") == {"is live"}


async def test_whoever_comes_without_the_headers_is_told_so(guarded, catalog):
    port, _ = await guarded(Honest())

    found = await check(catalog(f'server: "grpc://127.0.0.1:{port}"'))

    assert of(found, "does not fit") == {"is live"}
    assert "or give the key as a header of a catalog's entry (--catalog)" in found["is live"].mend


@pytest.mark.parametrize("server", [Narrow, HangsUpOnBadInput, Blind], ids=lambda server: server.__name__)
async def test_with_headers_nothing_passes_that_does_not_without(guarded, catalog, server):
    """What a client hides of errors for the headers' sake does not make a fault look like a refusal."""
    port, _ = await guarded(server())

    assert of(await check(catalog(behind_headers(port))), "does not fit") == server.breaks


class Repeats:
    """Servers that tell what they were sent, each at another place."""

    class WhenAsked(Bad):
        """Over forty characters of the value are cut in the middle."""

        async def ServerMetadata(self, request, context):
            return type(await super().ServerMetadata(request, context))(name=f"sent {SECRET}", version=HEADERS["x-tenant"])

        async def ModelMetadata(self, request, context):
            metadata = await super().ModelMetadata(request, context)
            metadata.outputs.add(name=TOKEN, datatype="BYTES", shape=[-1])
            return metadata

        async def answer(self, request, context):
            return Reply(texts=(f"you sent me {SECRET}",), finish=(Finish.STOP,), input_tokens=1, output_tokens=1)

    class InErrors(Bad):
        """In those that refuse bad input, and in those that say what they found."""

        def check_picture(self, picture):
            raise InvalidRequest(f"{dict(HEADERS)} and {TOKEN[3:14]}")

    class InTheFirstError(Bad):
        async def answer(self, request, context):
            raise ModelFault(f"{TOKEN[10:]} {SECRET!r}")

    class InRefusals(Bad):
        ModelInfer = abort(grpc.StatusCode.PERMISSION_DENIED, f"{TOKEN[:4]}… and {TOKEN[8:12]}… may not")

    class AsItsModel(Bad):
        async def RepositoryIndex(self, request, context):
            index = await super().RepositoryIndex(request, context)
            index.models[0].name = TOKEN
            return index

    class AsTheId(Bad):
        def wrap(self, response, message):
            response.id = SECRET
            return response


REPEATS = [one for one in vars(Repeats).values() if isinstance(one, type)]


@pytest.mark.parametrize("server", REPEATS, ids=lambda server: server.__name__)
async def test_what_a_server_repeats_of_our_headers_is_not_shown(guarded, catalog, server):
    """Whole or cut, in answers, errors and names."""
    port, _ = await guarded(server())

    with structlog.testing.capture_logs() as logs:
        found = await check(catalog(behind_headers(port)))

    assert "[hidden]" in repr(found) or server is Repeats.InRefusals
    assert not [piece for piece in (*PIECES, "t4", f"{TOKEN[:4]}…", f"{TOKEN[8:12]}…") if piece in repr(found)]
    assert not [value for value in (TOKEN, "t4") if value in repr(logs)]


async def test_nor_does_the_command_show_it(guarded, catalog):
    """Tables and errors alike."""
    for server in (Repeats.WhenAsked, Repeats.InErrors):
        port, _ = await guarded(server())
        _, out, errors = await assay("m", "--catalog", catalog(behind_headers(port)))

        assert "[hidden]" in out
        assert not [piece for piece in (*PIECES, "t4") if piece in out + errors]


@pytest.mark.parametrize(
    ("code", "text"),
    [(grpc.StatusCode.INTERNAL, f"{TOKEN[10:]} {SECRET!r}"), (grpc.StatusCode.PERMISSION_DENIED, f"{TOKEN[:4]}… {TOKEN[8:12]}…"), (None, SECRET)],
    ids=["error", "refusal", "stream"],
)
async def test_what_is_asked_without_the_client_is_hidden_as_well(guarded, code, text):
    """Errors, what caused them, and the log."""

    class Repeating(Honest):
        ModelInfer = abort(code or grpc.StatusCode.INTERNAL, text)

        async def ModelStreamInfer(self, requests, context):
            async for _ in requests:
                yield service_pb2.ModelStreamInferResponse(error_message=text)

    port, _ = await guarded(Repeating())
    peer = Peer(f"127.0.0.1:{port}", metadata=HEADERS.items())

    with structlog.testing.capture_logs() as logs, pytest.raises(ModelError) as caught:
        await peer.infer(service_pb2.ModelInferRequest(model_name=NAME), 10.0, decoupled=code is None)
    await peer.aclose()

    said = repr(logs) + "".join(traceback.format_exception(caught.value)) + words(caught.value)
    assert logs
    assert not [piece for piece in (*PIECES, f"{TOKEN[:4]}…", f"{TOKEN[8:12]}…") if piece in said]


@pytest.mark.parametrize(
    ("values", "text", "shown"),
    [
        ([], "as it is", "as it is"),
        (["Bearer abcdefghij"], "it was Bearer abcdefghij.", "it was [hidden] [hidden]."),
        (["abcdefghij"], "'abcdefgh… fghij efghij", "'[hidden]… fghij [hidden]"),
        (["t4", "1"], "t4: 1 of 11, t45", "[hidden]: [hidden] of 11, t45"),
        (["a.c"], "abc a.c", "abc [hidden]"),
    ],
)
def test_hiding(values, text, shown):
    """Long words in pieces; short ones where they stand alone, so that what is left can be read."""
    assert Hiding(values)(text) == shown


async def test_every_address_of_an_entry_is_checked(served, catalog):
    """Each has its own verdict: one fits, one looks at no picture, one serves another version, one is not there."""

    class Newer(Honest):
        async def ModelMetadata(self, request, context):
            metadata = await super().ModelMetadata(request, context)
            metadata.versions[:] = ["2"]
            return metadata

    addresses = [await served(server) for server in (Honest(), Blind(), Newer())] + ["grpc://127.0.0.1:1"]
    file = catalog(f"server: [{', '.join(map(repr, addresses))}]")

    broken = {address: set() for address in addresses}
    async for finding in check_server("m", catalog=file):
        if finding.status == "does not fit":
            broken[finding.address].add(finding.check)
    code, out, _ = await assay("m", "--catalog", file)

    assert list(broken.values()) == [set(), Blind.breaks, {"is the same everywhere"}, {"is live"}]
    assert code == 1
    assert [line.split()[1] for line in out.splitlines() if line.startswith("server ")] == addresses
    assert out.count("model m ") == 3
    assert "its version or configuration differs from what" in " ".join(out.split())


async def test_no_more_calls_at_once_than_the_entry_has(served, catalog):
    """What the mend for a limit advises mends it."""
    address = await served(Crowded())

    assert of(await check(catalog(f'server: "{address}"')), "does not fit") == Crowded.breaks
    assert of(await check(catalog(f'server: "{address}", at_once: 8')), "does not fit") == set()


async def test_a_model_that_the_server_does_not_list_is_told_for_each_address(served, catalog):
    """The name stands in the catalog: it is a finding, with the likely one."""
    file = catalog(f'server: ["{await served(Honest())}", "{await served(Honest())}"], model: mm')

    found = [finding async for finding in check_server("m", catalog=file) if finding.status == "does not fit"]

    assert [finding.found for finding in found] == ["no model named 'mm'; did you mean 'm'?"] * 2
    assert "`model` of the entry" in found[0].mend


@pytest.mark.parametrize(
    ("arguments", "more", "error", "said"),
    [
        (("n",), {}, UnknownName, "no model named 'n'; "),
        (("min",), {}, UnknownName, "no model named 'min'; did you mean 'mine'"),
        (("claude",), {}, UserError, "claude is a `anthropic:` entry of .*; expected a `server:` entry, of which it has m, mine"),
        (("gold",), {}, UserError, "gold is a `player:` entry of"),
        (("grpc://me:secret@a:1",), {}, UserError, "found an address: give a name, or leave out --catalog"),
        (("m", "m"), {}, UserError, "the entry m of .* says which model is asked, and of which kind; leave out MODEL and --kind"),
        (("m",), {"kind": "embed"}, UserError, "leave out MODEL and --kind"),
        (("m",), {}, InvalidSpec, "model m: headers.x: the variable NOBODY_SET_IT is not set or empty"),
    ],
)
async def test_a_mistake_is_told_before_anything_is_dialled(catalog, arguments, more, error, said):
    """What was found, what was expected."""
    file = catalog('server: "grpc://127.0.0.1:1", headers: {x: {env: NOBODY_SET_IT}}')

    with pytest.raises(error, match=said) as caught:
        _ = [finding async for finding in check_server(*arguments, catalog=file, **more)]

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["n", "--catalog", "FILE"], "UnknownName: no model named 'n'; known: claude, gold, m, mine"),
        (["gold", "--catalog", "FILE"], "expected a `server:` entry, of which it has m, mine"),
        (["m", "--catalog", "nowhere.yaml"], "no such file; expected a catalog of models (YAML)"),
        (["mine"], "'mine' is no address; expected grpc://host:port or grpcs://host:port; the name of a catalog's entry goes with --catalog FILE"),
    ],
)
async def test_the_command_tells_a_mistake_in_one_line(catalog, arguments, told):
    file = catalog('server: "grpc://127.0.0.1:1"')

    code, out, errors = await assay(*[file if argument == "FILE" else argument for argument in arguments])

    assert (code, out, len(errors.splitlines())) == (2, "", 1)
    assert told in errors
