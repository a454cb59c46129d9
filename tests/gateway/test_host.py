"""Any `Model` inside Triton: many calls at once, every error by its name, deadlines and cancellation that arrive."""

import asyncio
import time
from pathlib import Path

import numpy as np
import pytest

from gateway import host
from gateway.client import Server, TritonModel
from gateway.repository import read_folder
from gateway.status import CODES
from kernel.contract import Deadline, Finish, Picture, Request, Sampling, Text, Turn
from kernel.errors import BadReply, DeadlineExceeded, InvalidRequest, InvalidSpec, ModelFault, TooLarge

pytestmark = pytest.mark.triton

MODELS = Path(__file__).parent.parent / "models"


@pytest.fixture
async def model(triton):
    """Models of the session's server by name."""
    server = Server(triton.address)
    yield lambda name: TritonModel(server, read_folder(MODELS / name, name).description.signature)
    await server.aclose()


def ask(model, text, seconds=10.0):
    """One call."""
    return model.infer(Request(model.signature.model, (Text(text),)), deadline=Deadline.after(seconds))


async def test_slow_calls_run_beside_each_other(model):
    """Two hundred calls of half a second do not take a hundred seconds."""
    began = time.monotonic()

    replies = await asyncio.gather(*(ask(model("hosted_slow"), f"0.5 {number}", seconds=30) for number in range(200)))

    assert [f"0.5 {number}" for number in range(200)] == [reply.text for reply in replies]
    assert time.monotonic() - began < 10


async def test_everything_of_a_request_arrives(model):
    """Pictures, system, history, sampling and the time that is left; and everything of the reply comes back."""
    request = Request(
        "hosted_slow",
        (Picture(b"12345"), Text("0 é"), Picture(b"")),
        system="be kind",
        history=(Turn("user", "a"), Turn("assistant", "b")),
        sampling=Sampling(n=2, temperature=0.5, stop=("x",)),
    )

    reply = await model("hosted_slow").infer(request, deadline=Deadline.after(7))

    assert (("0 é",) * 2, (Finish.STOP,) * 2, 2, 2) == (reply.texts, reply.finish, reply.input_tokens, reply.output_tokens)
    assert 5 < reply.report["remaining"] < 7
    assert {
        "word": "é",
        "parts": ["Picture", "Text", "Picture"],
        "bytes": [5, 0],
        "system": "be kind",
        "history": [["user", "a"], ["assistant", "b"]],
        "sampling": {"n": 2, "temperature": 0.5, "stop": ["x"]},
    } == {name: value for name, value in reply.report.items() if name != "remaining"}


@pytest.mark.parametrize("cls", CODES, ids=lambda cls: cls.__name__)
async def test_every_error_comes_through(model, cls):
    """Although Triton itself knows eight codes."""
    with pytest.raises(cls) as caught:
        await ask(model("hosted_faulty"), f"{cls.__name__} 2.5")

    assert (cls, "as told", 2.5) == (type(caught.value), str(caught.value), caught.value.retry_after)


@pytest.mark.parametrize("word", ["none", "two", "finish", "surrogate", "nan", "object", "tokens"])
async def test_a_reply_that_breaks_the_contract_is_told_at_its_source(model, word):
    """And the process lives on."""
    with pytest.raises(BadReply):
        await ask(model("hosted_faulty"), word)

    assert "a" == (await ask(model("hosted_faulty"), "a")).text


async def test_an_unknown_exception_shows_nothing_of_itself(model):
    """Its trace is in the log, under the request's id."""
    with pytest.raises(ModelFault, match=r"^the model raised ZeroDivisionError; the trace is in the log under request \w+-\d+$"):
        await ask(model("hosted_faulty"), "raise secret")


async def test_an_answer_over_the_limit_is_not_sent(model):
    """It would only come to be refused."""
    with pytest.raises(TooLarge, match="67,108,865"):
        await ask(model("hosted_faulty"), "large", seconds=60)


async def test_a_bad_request_is_told_as_one(model):
    """The model's own refusal comes through."""
    with pytest.raises(InvalidRequest, match="no number of seconds"):
        await ask(model("hosted_slow"), "soon")


async def test_deaf_models_do_not_outlive_the_deadline(model):
    """Whatever the model does with its cancellation."""
    began = time.monotonic()

    with pytest.raises(DeadlineExceeded):
        await ask(model("hosted_faulty"), "deaf", seconds=0.5)

    assert time.monotonic() - began < 1.5


class Backend:
    """`triton_python_backend_utils`, as far as the host uses it."""

    TRITONSERVER_RESPONSE_COMPLETE_FINAL = 1

    class TritonError:
        """A code and a text."""

        INTERNAL, CANCELLED = "internal", "cancelled"

        def __init__(self, message, code):
            self.message, self.code = message, code

    class InferenceResponse:
        """Tensors or an error."""

        def __init__(self, tensors=(), error=None):
            self.tensors, self.error = tensors, error


class Asked:
    """A request whose caller can give up."""

    def __init__(self):
        self.gone = False
        self.answers = []
        self.over = asyncio.Event()

    def is_cancelled(self):
        return self.gone

    def send(self, answer, flags):
        self.answers.append(answer)
        self.over.set()


async def test_a_caller_who_gives_up_is_noticed_within_a_second():
    """The model's call is cancelled, and the request is answered exactly once, so that Triton lets go of it."""

    class Waits:
        cancelled = False

        async def infer(self, request, *, deadline):
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                self.cancelled = True
                raise

    hosted = host.hosted(Waits)()
    hosted.loop, hosted.calls, hosted.backend, hosted.model = asyncio.get_running_loop(), {}, Backend, Waits()
    hosted.signature = read_folder(MODELS / "hosted_slow", "hosted_slow").description.signature
    await hosted._start_watching()
    asked = Asked()
    hosted._begin(asked, {"text_input": np.array([b"a"], dtype=np.object_)}, ("{}", 0, "a-1"), time.monotonic())
    await asyncio.sleep(0.05)
    assert not asked.answers

    asked.gone = True
    await asyncio.wait_for(asked.over.wait(), 1)
    hosted.watching.cancel()

    assert hosted.model.cancelled
    assert [("[assay:Cancelled] the caller gave up", "cancelled")] == [(one.error.message, one.error.code) for one in asked.answers]


def config(**more):
    """A model's configuration as Triton gives it."""
    outputs = ("text_output", "finish_reason", "num_input_tokens", "num_output_tokens", "report")
    return {"name": "m", "max_batch_size": 0, "input": [{"name": "text_input"}], "output": [{"name": name} for name in outputs], **more}


def test_a_configuration_that_cannot_be_hosted_is_refused():
    """All that is wrong is told at once."""
    with pytest.raises(InvalidSpec) as caught:
        host.signature_of(config(max_batch_size=8, output=[{"name": "text_output"}]), {"kind": "generate"})

    assert 5 == len(caught.value.faults)
    with pytest.raises(InvalidSpec, match="kind is 'what'"):
        host.signature_of(config(), {"kind": "what"})


def test_parameters_are_the_models_arguments():
    """JSON as what it says, everything else as text; Triton's own are left out."""
    given = {"kind": "generate", "canary": "0", "longest": "30", "name": "gpt", "keys": '["a"]', "FORCE_CPU_ONLY_INPUT_TENSORS": "no"}

    assert {"longest": 30, "name": "gpt", "keys": ["a"]} == host.arguments(given)
