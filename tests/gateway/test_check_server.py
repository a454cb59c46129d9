# ruff: noqa: N802 - the names of methods are the protocol's
"""`assay check` against a real gRPC server on loopback that keeps every promise, or breaks one of them."""

from __future__ import annotations

import asyncio
import functools
import itertools
import sys

import grpc
import pytest

from gateway.conformance import answers, limits, samples
from gateway.conformance.server import check_server
from kernel.contract import Kind, Reply
from kernel.errors import InvalidRequest, InvalidSpec, Unavailable, UnknownName, UserError
from tests.gateway.dishonest import CANARY, Bad, Blind, BreaksOnShortDeadlines, NotLive, OfNoKind, Stuck, abort
from tests.gateway.honest import NAME, Honest, serve

ASSAY = [sys.executable, "-c", "from kernel.shell.cli import main; main()"]


@pytest.fixture(autouse=True)
def smaller(monkeypatch):
    """The same checks with less in them: pictures just over gRPC's usual limit, made once."""
    monkeypatch.setattr(limits, "LARGE", 5 * 1024 * 1024)
    monkeypatch.setattr(samples, "noise", functools.cache(samples.noise))


@pytest.fixture
async def served():
    """Starts a server; its address."""
    running = []

    async def start(servicer):
        address, stop = await serve(servicer)
        running.append(stop)
        return address

    yield start
    for stop in running:
        await stop()


async def check(address, model=NAME, **more):
    """Everything that is found, by check."""
    return {finding.check: finding async for finding in check_server(address, model, **more)}


def of(found, status):
    """The checks that ended so."""
    return {name for name, finding in found.items() if finding.status == status}


@pytest.mark.parametrize("server", [server for server in Bad.__subclasses__() if server.__module__ == Bad.__module__], ids=lambda server: server.__name__)
async def test_a_server_that_breaks_one_promise_is_told_which(served, monkeypatch, server):
    """That and nothing else, with what to do about it."""
    if server is Stuck:
        monkeypatch.setattr(answers, "SECONDS", 0.5)
    if server is BreaksOnShortDeadlines:  # short for the server, and long enough for its fault to be here first on a busy machine
        monkeypatch.setattr(limits, "SHORTEST_SECONDS", limits.SHORT_SECONDS)

    found = await check(await served(server()))

    assert of(found, "does not fit") == server.breaks
    for name in server.breaks:
        assert found[name].required
        assert found[name].promise
        assert found[name].mend


@pytest.mark.parametrize("kind", [Kind.GENERATE, Kind.EMBED])
async def test_an_honest_server_fits(served, kind):
    """Nothing is wrong, nothing could be better, and nothing is asked that does not concern the kind."""
    server = type("OfKind", (Honest,), {"kind": kind})()

    found = await check(await served(server))

    assert of(found, "does not fit") | of(found, "could be better") == set()
    assert len(of(found, "fits")) >= 20
    assert of(found, "told") == {"answers the same again"}
    asked_for = {"tells why it ended", "counts tokens", "refuses bad sampling parameters"}
    assert of(found, "not asked") == (set() if kind is Kind.GENERATE else asked_for | {"takes any unicode", "refuses text that is not utf8"})


async def test_what_breaks_after_bad_input_is_told(served):
    """A server that refuses bad input as it should, and then nothing works any more."""

    class Fragile(Honest):
        broken = False

        def check_picture(self, picture):
            self.broken = self.broken or picture.data == samples.NO_PICTURE.data
            super().check_picture(picture)

        async def answer(self, request, context):
            if self.broken:
                raise Unavailable("gone")
            return await super().answer(request, context)

    found = await check(await served(Fragile()))

    assert "after bad input it does not answer any more: Unavailable" in found["refuses what is no picture"].found
    assert {"refuses what is no picture", "can be cancelled"} <= of(found, "does not fit")


async def test_a_call_that_is_never_let_go_is_told(served, monkeypatch):
    """A deadline that passes leaves the server locked."""
    monkeypatch.setattr(answers, "SECONDS", 4.0)

    class Locks(Honest):
        locked = False

        async def answer(self, request, context):
            if self.locked:
                await asyncio.sleep(3600)
            try:
                await asyncio.sleep(0.1)
            except asyncio.CancelledError:
                self.locked = True
                raise
            return await super().answer(request, context)

    async for finding in check_server(await served(Locks()), NAME):
        if finding.check == "ends at a short deadline":
            break

    assert "after a call whose time was over it does not answer any more" in finding.found


async def test_what_only_could_be_better_does_not_count(served):
    """Without reasons, tokens, configuration and with another status for bad input, a server still fits."""

    class Plain(Honest):
        ModelConfig = abort(grpc.StatusCode.UNIMPLEMENTED, "no such call")
        ServerMetadata = abort(grpc.StatusCode.UNIMPLEMENTED)

        def written(self, reply):
            return super().written(Reply(texts=reply.texts))

        def code_of(self, error):
            return grpc.StatusCode.INTERNAL

    found = await check(await served(Plain()), kind=Kind.GENERATE)

    assert of(found, "does not fit") == set()
    assert of(found, "could be better") == {
        "says what it is",
        "tells its configuration",
        "tells why it ended",
        "counts tokens",
        "calls bad input by its name",
    }


async def test_whims_are_told_as_what_they_are(served):
    """Other answers to the same request are no breach, and no mix-up of calls."""
    numbers = itertools.count()

    class Moody(Honest):
        async def answer(self, request, context):
            reply = await super().answer(request, context)
            return Reply(texts=(f"{next(numbers) % 3}",), finish=reply.finish, input_tokens=1, output_tokens=1)

    found = await check(await served(Moody()))

    assert of(found, "does not fit") == set()
    assert found["answers the same again"].found == "different answers 3 times, with seed 7"


async def test_the_largest_messages_are_sent_where_they_are_wanted(served, monkeypatch):
    """Only with `thorough`, in steps up to the limit of the contract."""
    assert limits.LARGEST[-1] == 64 * 1024 * 1024
    monkeypatch.setattr(limits, "LARGEST", (9 * 1024 * 1024, 11 * 1024 * 1024))
    address = await served(Honest())

    assert "takes the largest messages" not in await check(address)
    assert (await check(address, thorough=True))["takes the largest messages"].found.count("answered") == 2


async def test_a_kind_that_the_server_does_not_tell(served):
    """The likely one is named, and given by hand it is believed."""
    address = await served(OfNoKind())

    assert "its outputs are those of generate" in (await check(address))["is of a known kind"].found
    assert of(await check(address, kind=Kind.GENERATE), "does not fit") == set()


@pytest.mark.parametrize(
    ("canary", "text", "asked"), [("none", None, False), ("none", "hello", True), ("what", None, True)], ids=["forbidden", "by hand", "its own"]
)
async def test_what_a_model_is_asked(served, canary, text, asked):
    """Its own canary, unless another text is given; nothing where its configuration forbids one."""
    heard = set()

    class Listens(Honest):
        async def ModelConfig(self, request, context):
            answer = await super().ModelConfig(request, context)
            answer.config.parameters["canary"].string_value = canary
            return answer

        async def answer(self, request, context):
            heard.add(request.text)
            return await super().answer(request, context)

    found = await check(await served(Listens()), text=text)

    assert (CANARY in found) == asked
    assert heard == set() if not asked else all(one.startswith(text or canary) for one in heard)
    assert asked or "--text" in found["everything else"].found


async def test_every_model_of_the_index_is_checked(served):
    """Without a name; what nobody had loaded is only told."""

    class Lists(Honest):
        async def RepositoryIndex(self, request, context):
            index = await super().RepositoryIndex(request, context)
            index.models.add(name="idle", state="UNAVAILABLE", reason="unloaded")
            index.models.add(name="lame", state="UNAVAILABLE", reason="no weights")
            return index

    found = [finding async for finding in check_server(await served(Lists()))]
    states = {name: {finding.status.value for finding in found if finding.model == name} for name in (NAME, "idle", "lame")}

    assert [*dict.fromkeys(finding.model for finding in found)] == ["", NAME, "idle", "lame"]
    assert "does not fit" not in states[NAME]
    assert states["idle"] == {"not asked"}
    assert "does not fit" in states["lame"]


class Lists:
    """Servers whose index is of no use."""

    class Nothing(Honest):
        async def RepositoryIndex(self, request, context):
            return type(await super().RepositoryIndex(request, context))()

    class Refuses(Honest):
        RepositoryIndex = abort(grpc.StatusCode.UNIMPLEMENTED)


@pytest.mark.parametrize(
    ("server", "model", "error", "said"),
    [
        (Lists.Nothing, None, UserError, "the server lists 0 models; name one: assay check ADDRESS MODEL"),
        (Lists.Refuses, None, UserError, "the server does not list its models .*; name one: assay check ADDRESS MODEL"),
        (Honest, "n", UnknownName, "no model named 'n'; "),
    ],
)
async def test_a_model_that_nobody_named(served, server, model, error, said):
    """The user is told to name one, or the right one."""
    address = await served(server())

    with pytest.raises(error, match=said):
        await check(address, model)


async def test_a_server_without_an_index_is_asked_for_the_name_that_is_given(served):
    assert of(await check(await served(Lists.Refuses())), "does not fit") == set()


@pytest.mark.parametrize("address", ["127.0.0.1:8001", "http://127.0.0.1:8001", "grpc://127.0.0.1", "grpc://me:secret@host:1"])
async def test_an_address_that_is_none(address):
    """It is told before anything is dialled, without the password in it."""
    with pytest.raises(InvalidSpec, match="expected grpc://host:port") as caught:
        await check(address)

    assert "secret" not in str(caught.value)


async def assay(*arguments):
    """The command, as people run it: exit code, output, errors."""
    process = await asyncio.create_subprocess_exec(*ASSAY, "check", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    out, errors = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, out.decode(), errors.decode()


@pytest.mark.parametrize(
    ("server", "code", "told"),
    [(Honest, 0, "model m 26 fit, 1 told"), (Blind, 1, "mend: decode every picture before anything else"), (NotLive, 1, "is live"), (Lists.Nothing, 2, "")],
)
async def test_the_command_tells_and_its_exit_code_too(served, server, code, told):
    ended, out, errors = await assay(await served(server()))

    assert ended == code, errors
    assert told in " ".join(out.replace("\n", " ").split())
    assert "Traceback" not in errors
    assert len(errors.splitlines()) == (code == 2)


async def test_what_a_server_says_cannot_move_the_terminal(served):
    """Names, tensors, errors and answers come from anybody."""
    evil = "\x1b[2J\x1b]0;owned\x07\u202eevil\r[bold]"

    class Evil(Honest):
        async def ServerMetadata(self, request, context):
            return type(await super().ServerMetadata(request, context))(name=evil, version=evil * 1000)

        async def ModelMetadata(self, request, context):
            metadata = await super().ModelMetadata(request, context)
            metadata.inputs.add(name=evil, datatype=evil, shape=[-1])
            return metadata

        async def answer(self, request, context):
            raise InvalidRequest(evil)

    ended, out, errors = await assay(await served(Evil()), NAME)

    assert ended == 1
    assert not {"\x1b", "\x07", "\u202e", "\r"} & set(out + errors)
    assert "[bold]" in out
