"""The client, against the real server."""

import asyncio
import time
from pathlib import Path

import grpc.aio
import pytest
from tritonclient.grpc import service_pb2, service_pb2_grpc

from gateway import wire
from gateway.client import Server, TritonModel
from gateway.conformance import CHECKS
from gateway.repository import read_folder
from gateway.signature import of_kind
from kernel.contract import Deadline, Finish, Kind, Request, Text
from kernel.errors import BadReply, DeadlineExceeded, ModelNotFound, QuotaExhausted, Unauthenticated, Unavailable

pytestmark = pytest.mark.triton

MODELS = Path(__file__).parent.parent / "models"
SAMPLES = {"echo": "a", "hosted_slow": "0.01 a", "decoupled_words": "a b"}


@pytest.fixture
async def server(triton):
    """A channel to the session's server."""
    channel = Server(triton.address)
    yield channel
    await channel.aclose()


@pytest.fixture
def model(server):
    """Models of the session's server by name."""
    return lambda name: TritonModel(server, read_folder(MODELS / name, name).description.signature)


def ask(model, text, seconds=10.0):
    """One call."""
    return model.infer(Request(model.signature.model, (Text(text),)), deadline=Deadline.after(seconds))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", SAMPLES)
async def test_the_client_is_a_model_like_any_other(model, name, check):
    """Batched, hosted and decoupled models owe the same."""
    await check(model(name), Request(name, (Text(SAMPLES[name]),)))


@pytest.mark.parametrize("text", ["", " ", "é\0\x1b[31m\u202e", "x" * 1_000_000])
async def test_a_text_comes_back_as_it_was(model, text):
    """Nothing on the way touches it."""
    assert (text,) == (await ask(model("echo"), text)).texts


async def test_a_streams_words_are_joined(model):
    """The reply is that of one call; why it ended comes last."""
    reply = await ask(model("decoupled_words"), "one two three")

    assert (("one two three ",), (Finish.STOP,)) == (reply.texts, reply.finish)


async def test_a_stream_that_breaks_off_is_an_error(model):
    """Half an answer is none, and the model's error comes through."""
    with pytest.raises(QuotaExhausted, match="used up"):
        await ask(model("decoupled_words"), "one fail")


async def test_a_call_ends_with_its_deadline(model):
    """And the next one is answered."""
    began = time.monotonic()

    with pytest.raises(DeadlineExceeded):
        await ask(model("hosted_slow"), "20 a", seconds=0.3)

    assert time.monotonic() - began < 1.3
    assert "0 a" == (await ask(model("hosted_slow"), "0 a")).text


async def test_a_call_that_is_given_up_ends_as_cancelled(model):
    """Nothing of ours stands in the way of asyncio."""
    call = asyncio.create_task(ask(model("hosted_slow"), "20 a"))
    await asyncio.sleep(0.05)
    call.cancel()

    with pytest.raises(asyncio.CancelledError):
        await call


async def test_abandoned_calls_are_unavailable_at_once(model):
    """When a process died, whoever it had is told, and can ask again."""
    slow = model("hosted_slow")
    calls = [asyncio.create_task(ask(slow, "20 a")) for _ in range(3)]
    await asyncio.sleep(0.1)
    slow.server.abandon("hosted_slow")

    errors = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 2)

    assert all(isinstance(error, Unavailable) and error.retryable for error in errors)


async def test_a_model_that_is_not_there(server):
    """The error says so, in our words."""
    with pytest.raises(ModelNotFound, match="nope: no such model"):
        await ask(TritonModel(server, of_kind("nope", Kind.GENERATE)), "a")


async def test_alive_and_ready_are_told_without_a_key(server):
    """Health is open, what models are is not."""
    assert (True, True, False) == (await server.alive(), await server.ready("echo"), await server.ready("nope"))
    with pytest.raises(Unauthenticated):
        await server.describe("echo")


async def test_nobody_there():
    """A port where nothing listens is unavailable within moments."""
    server = Server("127.0.0.1:1")
    try:
        assert not await server.alive()
        with pytest.raises(Unavailable):
            await ask(TritonModel(server, of_kind("echo", Kind.GENERATE)), "a", seconds=3)
    finally:
        await server.aclose()


class Fake(service_pb2_grpc.GRPCInferenceServiceServicer):
    """A server that answers as `answer` says."""

    def __init__(self, answer):
        self.answer = answer
        self.asked = []

    async def ModelInfer(self, request, context):  # noqa: N802 - the protocol's name
        self.asked.append(request)
        return self.answer(request)


@pytest.fixture
async def fake():
    """Starts such a server; its address."""
    running = []

    async def start(answer):
        server = grpc.aio.server(options=[("grpc.max_send_message_length", -1)])
        service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(Fake(answer), server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        channel = Server(f"127.0.0.1:{port}")
        running.extend([channel.aclose, lambda: server.stop(0)])
        return TritonModel(channel, of_kind("m", Kind.GENERATE))

    yield start
    for close in running:
        await close()


def said(text, **more):
    """A response with one text."""
    response = service_pb2.ModelInferResponse(**more)
    response.outputs.add(name="text_output", datatype="BYTES", shape=[1])
    response.raw_output_contents.append(len(text).to_bytes(4, "little") + text)
    return response


async def test_another_requests_answer_is_a_bad_reply(fake):
    """A server that mixes up its answers is found out."""
    model = await fake(lambda request: said(b"a", id="another"))

    with pytest.raises(BadReply, match="another"):
        await ask(model, "a")


async def test_an_answer_over_the_limit_is_refused(fake):
    """Before it is in memory as a reply, and not as a limit of rate."""
    model = await fake(lambda request: said(b"x" * (64 * 1024 * 1024 + 1)))

    with pytest.raises(wire.frames.TooLarge, match="size limit"):
        await ask(model, "a")
