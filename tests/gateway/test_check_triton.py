"""The same checks against the real Triton: what ships fits, and what is faulty on purpose does not."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.canary import canary
from gateway.client import Server, TritonModel
from gateway.conformance import CHECKS, DECLARED, MANGLED, SERVER, answers
from gateway.conformance.check import Status
from gateway.conformance.peer import Named, Peer
from gateway.conformance.server import check_server
from gateway.repository import read_folder
from gateway.triton import Options, Triton

pytestmark = pytest.mark.triton

ASSAY = [sys.executable, "-c", "from kernel.shell.cli import main; main()"]
TESTS = Path(__file__).parent.parent
FIT = ("echo", "decoupled_words", "shapes_detector")
LOOKS_AT_NOTHING = {"refuses what is no picture", "refuses a damaged picture"}


@pytest.fixture(scope="module")
async def opened() -> AsyncIterator[Triton]:
    """A server that tells everybody everything, as one that is not ours does."""
    folders = {name: TESTS / "models" / name for name in ("echo", "decoupled_words", "hosted_slow", "hosted_faulty")}
    folders["shapes_detector"] = TESTS.parent / "model_repository" / "shapes_detector"
    server = Triton({name: read_folder(folder, name) for name, folder in folders.items()}, Options())
    server._key._groups = ("trace",)
    try:
        await server.open()
        yield server
    finally:
        await server.aclose()


@pytest.fixture
async def peer(opened):
    channel = Peer(opened.address)
    yield channel
    await channel.aclose()


@pytest.fixture
async def server(opened):
    channel = Server(opened.address)
    yield channel
    await channel.aclose()


async def holds(check, name, *subject):
    """That a required check holds; a wish need not."""
    finding = await check.finding(name, *subject)
    assert finding.status is not Status.BROKEN, finding.found


@pytest.mark.parametrize("check", SERVER, ids=lambda check: check.__name__)
async def test_the_server_is_as_it_should_be(peer, check):
    await holds(check, "", peer)


@pytest.mark.parametrize("check", DECLARED, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", FIT)
async def test_models_say_what_they_are(peer, name, check):
    await holds(check, name, Named(peer, name))


@pytest.mark.parametrize("check", MANGLED, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", [*FIT, "hosted_slow", "hosted_faulty"])
async def test_models_survive_what_no_client_of_ours_sends(peer, server, name, check):
    """Hosted models too: Triton counts inputs and does not look which they are, so the host does."""
    description, text = await Named(peer, name).describe()

    await holds(check, name, peer, TritonModel(server, description.signature), canary(name, description.signature, text))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_a_bundled_instrument_is_a_model_like_any_other(peer, server, check):
    """The others are asked the same in `test_client`."""
    description, text = await Named(peer, "shapes_detector").describe()

    await holds(check, "shapes_detector", TritonModel(server, description.signature), canary("shapes_detector", description.signature, text))


async def assay(*arguments):
    """The command, as people run it: exit code, output, errors."""
    process = await asyncio.create_subprocess_exec(*ASSAY, "check", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    out, errors = await asyncio.wait_for(process.communicate(), 120)
    return process.returncode, out.decode(), errors.decode()


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["shapes_detector", "--thorough"], 0, "64 MB answered"),
        (["echo"], 0, "it gives no finish_reason"),
        (["hosted_slow"], 1, "mend: decode every picture"),
        (["echo", "--kind", "embed"], 1, "output embedding: missing"),
        (["eco"], 2, "no model named 'eco'; did you mean 'echo'?"),
        ([], 1, "model decoupled_words"),
    ],
    ids=lambda value: " ".join(value) or "all" if isinstance(value, list) else "",
)
async def test_the_command_on_a_real_server(opened, arguments, code, told):
    ended, out, errors = await assay(f"grpc://{opened.address}", *arguments)

    assert ended == code, out + errors
    assert told in " ".join((out + errors).split())
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("text", "broken", "said"),
    [
        ("0", LOOKS_AT_NOTHING, "it is answered"),
        ("two", {"answers what its kind answers"}, "BadReply"),
        ("nan", {"answers what its kind answers"}, "BadReply"),
        ("QuotaExhausted", {"answers what its kind answers"}, "QuotaExhausted: as told"),
        ("raise secret", {"answers what its kind answers"}, "the model raised ZeroDivisionError"),
        ("exit 1", {"answers what its kind answers"}, "hosted_faulty: "),
    ],
)
async def test_a_faulty_model_is_told_as_one(opened, monkeypatch, text, broken, said):
    """Each in its way, and what it says of it is told. A call to a process that died may never be answered."""
    monkeypatch.setattr(answers, "SECONDS", 5.0)
    found = {finding.check: finding async for finding in check_server(f"grpc://{opened.address}", "hosted_faulty", text=text)}

    assert {name for name, finding in found.items() if finding.status is Status.BROKEN} == broken
    assert all(said in found[name].found for name in broken)
    assert all(found[name].mend for name in broken)


async def test_a_server_behind_a_key_says_what_to_open(triton):
    """Ours lets nobody read what its models are, unless it is `assay up`; and nobody read its index."""
    address = f"grpc://{triton.address}"

    found = {finding.check: finding async for finding in check_server(address, "echo")}
    ended, _, errors = await assay(address)

    assert found["tells its tensors"].status is Status.BROKEN
    assert found["tells its tensors"].mend == "open inference, health, metadata and configuration to callers without a key"
    assert found["everything else"].status is Status.NOT_ASKED
    assert ended == 2
    assert "name one: assay check ADDRESS MODEL" in errors
