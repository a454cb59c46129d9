"""The same checks against the real Triton: what ships fits, and what is faulty on purpose does not."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from watched_server import watched

from gateway.canary import canary
from gateway.client import Server, TritonModel
from gateway.conformance import CHECKS, DECLARED, MANGLED, SERVER, answers
from gateway.conformance.check import Status
from gateway.conformance.peer import Named, Peer
from gateway.conformance.server import check_server
from gateway.repository import read_folder
from gateway.triton import Options, Triton
from kernel.contract import Kind

pytestmark = pytest.mark.triton

ASSAY = [sys.executable, "-c", "from kernel.shell.cli import main; main()"]
TESTS = Path(__file__).parent.parent
FIT = ("echo", "decoupled_words", "shapes_detector")
LIKE = ("like_vllm", "like_tensorrt_llm", "like_no_other")
LOOKS_AT_NOTHING = {"refuses what is no picture", "refuses a damaged picture"}
CATALOG = """
models:
  vllm: {server: "grpc://A", model: like_vllm, dialect: vllm}
  tensorrt: {server: "grpc://A", model: like_tensorrt_llm, dialect: tensorrt_llm}
  own:
    server: "grpc://A"
    model: like_no_other
    kind: generate
    tensors: {text_input: prompt, system: instructions, max_tokens: max_new_tokens, text_output: reply, num_input_tokens: words}
  plain: {server: "grpc://A", model: like_no_other, kind: generate}
  wrong: {server: "grpc://A", model: like_tensorrt_llm, dialect: vllm}
  mistaken: {server: "grpc://A", model: like_no_other, kind: generate, tensors: {text_input: promt, text_output: reply}}
  kindless: {server: "grpc://A", model: like_no_other, tensors: {text_input: prompt, text_output: reply}}
"""


@pytest.fixture(scope="module")
async def started() -> AsyncIterator[Triton]:
    """A server that tells everybody everything, as one that is not ours does."""
    folders = {name: TESTS / "models" / name for name in ("echo", "decoupled_words", "hosted_slow", "hosted_faulty")}
    folders["shapes_detector"] = TESTS.parent / "model_repository" / "shapes_detector"
    models = {name: read_folder(folder, name) for name, folder in folders.items()}
    server = Triton(models | {name: read_folder(TESTS / "models" / name, name, Kind.GENERATE) for name in LIKE}, Options())
    server._key._groups = ("trace",)
    try:
        await server.open()
        yield server
    finally:
        await server.aclose()


@pytest.fixture
async def opened(started, request) -> AsyncIterator[Triton]:
    """The same, as soon as it answers. It may have died in the test before."""
    async with watched(started, request.node):
        yield started


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
    assert found["tells its tensors"].mend.startswith("open inference, health, metadata and configuration to callers without a key, or give")
    assert found["everything else"].status is Status.NOT_ASKED
    assert ended == 2
    assert "name one: assay check ADDRESS MODEL" in errors


@pytest.fixture
def catalog(opened, tmp_path):
    """Entries for its models that speak otherwise."""
    (tmp_path / "catalog.yaml").write_text(CATALOG.replace("grpc://A", f"grpc://{opened.address}"))
    return tmp_path / "catalog.yaml"


async def broken(catalog, name, **more):
    """What does not fit, with what was found; and all findings."""
    found = {finding.check: finding async for finding in check_server(name, catalog=catalog, **more)}
    return {check: finding.found for check, finding in found.items() if finding.status is Status.BROKEN}, found


@pytest.mark.parametrize(
    ("name", "misfits", "wanting"),
    [
        ("vllm", LOOKS_AT_NOTHING, set()),
        ("tensorrt", LOOKS_AT_NOTHING, {"counts tokens"}),
        ("own", set(), {"counts tokens", "tells why it ended"}),
    ],
)
async def test_a_model_is_checked_in_its_dialect(catalog, name, misfits, wanting):
    """All that concerns the meaning; those that decode no picture, which the real ones do, are told so. `MANGLED` is told as not asked."""
    misfit, found = await broken(catalog, name, text="hello", thorough=True)

    assert misfit.keys() == misfits
    assert {check for check, finding in found.items() if finding.status is Status.WANTING} == wanting
    assert found["speaks its dialect"].status is Status.FITS
    assert found["takes the largest messages"].status is (Status.NOT_ASKED if name == "own" else Status.FITS)
    for check in MANGLED:
        assert found[check.name].status is Status.NOT_ASKED
        assert "the contract's own tensors" in found[check.name].found


async def test_what_a_dialect_has_is_told_by_our_names(catalog):
    _, vllm = await broken(catalog, "vllm")
    _, own = await broken(catalog, "own")

    assert vllm["has the tensors of its kind"].found == "all but the optional system, messages, report"
    assert own["speaks its dialect"].found.endswith("system as instructions, text_input as prompt, text_output as reply")
    assert own["has the tensors of its kind"].found == "all but the optional image, messages, sampling_parameters, finish_reason, num_output_tokens, report"
    assert "give a --text" in own["everything else"].found


@pytest.mark.parametrize(
    ("name", "check", "said"),
    [
        ("wrong", "speaks its dialect", "it has no input 'exclude_input_in_output'"),
        ("mistaken", "speaks its dialect", "tensors.text_input: it has no input 'promt'; it has heat, instructions, max_new_tokens, prompt"),
        ("plain", "has the tensors of its kind", "input text_input: missing"),
        ("kindless", "is of a known kind", "says nothing of its kind"),
    ],
)
async def test_a_dialect_that_does_not_fit_is_told(catalog, name, check, said):
    """Before the model is asked anything."""
    misfit, found = await broken(catalog, name)

    assert list(misfit) == [check]
    assert said in misfit[check]
    assert found["everything else"].status is Status.NOT_ASKED
