"""Servers that differ from the contract: a second real Triton, with models that have the tensors of others and answer with what they got."""

import hashlib
import json
from pathlib import Path

import pytest
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2, service_pb2

from gateway import dialects, wire
from gateway.canary import PICTURE
from gateway.conformance import CHECKS
from gateway.dialects import KSERVE, TENSORRT_LLM, VLLM
from gateway.session import open_gateway
from gateway.triton import Options
from kernel.contract import Deadline, Finish, Kind, Picture, Request, Sampling, Text, Turn
from kernel.errors import DeadlineExceeded, InvalidRequest, ModelFault, Unavailable, Unsupported

pytestmark = pytest.mark.triton
MODELS = Path(__file__).parent.parent / "models"
JPEG = Picture(b"\xff\xd8\xff and the rest")
DIGESTS = [hashlib.sha256(picture.data).hexdigest() for picture in (PICTURE, JPEG)]
EVERYTHING = Sampling(n=2, max_tokens=5, temperature=0.5, top_p=0.25, seed=2**63 + 1, stop=("a", "é"), steps=3, width=8)

OWED = ("answers_what_its_kind_answers", "answers_many_at_once", "keeps_the_deadline", "refuses_another_kind", "can_be_cancelled")

SERVED = "models: {like_vllm: {folder: M/like_vllm, kind: generate}, like_tensorrt_llm: {folder: M/like_tensorrt_llm, kind: generate}, \
like_no_other: {folder: M/like_no_other, kind: generate}}"
ASKED = """
models:
  vllm: {server: "grpc://A", model: like_vllm, dialect: vllm}
  tensorrt: {server: "grpc://A", model: like_tensorrt_llm, dialect: tensorrt_llm}
  own:
    server: "grpc://A"
    model: like_no_other
    kind: generate
    tensors: {text_input: prompt, system: instructions, max_tokens: max_new_tokens, temperature: heat, text_output: reply, num_input_tokens: words}
  wrong: {server: "grpc://A", model: like_tensorrt_llm, dialect: vllm}
  mistaken: {server: "grpc://A", model: like_no_other, kind: generate, tensors: {text_input: promt, text_output: reply}}
"""


@pytest.fixture(scope="module")
async def session(tmp_path_factory):
    """A gateway to models of another server, which is one of ours that says what its models are."""
    folder = tmp_path_factory.mktemp("dialects")
    (folder / "served.yaml").write_text(SERVED.replace("M/", f"{MODELS}/"))
    async with open_gateway(folder / "served.yaml", options=Options(described=True)) as server:
        (folder / "asked.yaml").write_text(ASKED.replace("grpc://A", f"grpc://{server.address}"))
        async with open_gateway(folder / "asked.yaml") as opened:
            yield opened


async def ask(session, model, *parts, **more):
    """One call."""
    return await session.infer(Request(model, tuple(Text(part) if isinstance(part, str) else part for part in parts), **more), deadline=Deadline.after(20))


async def test_vllm_is_asked_in_its_tensors(session):
    """Pictures in base64, settings as JSON that it knows, flags as BOOL, and no parameter that it would take for a setting."""
    reply = await ask(session, "vllm", PICTURE, "what is it?", JPEG, sampling=EVERYTHING)

    first, second = map(json.loads, reply.texts)
    assert first == second
    assert first["prompt"] == "what is it?"
    assert first["pictures"] == DIGESTS
    assert first["settings"] == {"n": 2, "max_tokens": 5, "temperature": 0.5, "top_p": 0.25, "seed": 2**63 + 1, "stop": ["a", "é"]}
    assert first["parameters"] == {}
    assert first["flags"] == {
        "stream": False,
        "exclude_input_in_output": True,
        "return_finish_reason": True,
        "return_num_input_tokens": True,
        "return_num_output_tokens": True,
    }
    assert reply.finish == (Finish.LENGTH, Finish.LENGTH)
    assert (reply.input_tokens, reply.output_tokens) == (3, 2 * len(reply.text.split(" ")))
    assert reply.report == {wire.NOT_HONOURED: ["steps", "width"]}


async def test_a_plain_question_to_vllm_is_answered_without_the_prompt(session):
    """Its settings are sent though there are none: otherwise it would take the request's parameters for them."""
    reply = await ask(session, "vllm", "hello")

    assert json.loads(reply.text)["settings"] == {}
    assert reply.finish == (Finish.STOP,)
    assert reply.report == {}


async def test_tensorrt_llm_is_asked_in_its_tensors(session):
    """Pictures as data URIs with their media type, each setting in a tensor of its type; what has none is told."""
    reply = await ask(session, "tensorrt", "what is it?", PICTURE, JPEG, sampling=EVERYTHING)

    seen = json.loads(reply.text)
    assert seen["prompt"] == "what is it?"
    assert seen["pictures"] == [["png", DIGESTS[0]], ["jpeg", DIGESTS[1]]]
    assert seen["settings"] == {"max_tokens": 5, "temperature": 0.5, "top_p": 0.25, "seed": 2**63 + 1, "stop": ["a", "é"]}
    assert seen["types"]["seed"] == "uint64"
    assert seen["types"]["max_tokens"] == "int32"
    assert seen["types"]["top_p"] == "float32"
    assert seen["parameters"] == {}
    assert seen["flags"] == {"streaming": False, "sampling_param_exclude_input_from_output": True, "return_finish_reason": True}
    assert (reply.finish, reply.output_tokens) == ((Finish.LENGTH,), None)
    assert reply.report == {wire.NOT_HONOURED: ["n", "steps", "width"]}


async def test_a_plain_question_to_tensorrt_llm(session):
    """Without settings there are none."""
    reply = await ask(session, "tensorrt", "hello")

    assert (json.loads(reply.text)["settings"], reply.finish, reply.report) == ({}, (Finish.STOP,), {})


async def test_names_of_ones_own(session):
    """Tensors and settings by other names, also in a batch; what is not mapped is not sent and told."""
    reply = await ask(session, "own", "one two", system="be brief", sampling=Sampling(max_tokens=7, temperature=0.5, seed=1))

    assert json.loads(reply.text) == {"prompt": "one two", "instructions": "be brief", "max_new_tokens": 7, "heat": 0.5}
    assert reply.input_tokens == 2
    assert reply.report == {wire.NOT_HONOURED: ["seed"]}


@pytest.mark.parametrize("name", ["vllm", "tensorrt"])
@pytest.mark.parametrize(("more", "what"), [({"system": "be brief"}, "system"), ({"history": (Turn("user", "hi"),)}, "messages")])
async def test_what_a_dialect_has_no_way_to_say_is_refused(session, name, more, what):
    """System text and earlier turns are never glued to the prompt in a way that the model was not trained on."""
    with pytest.raises(Unsupported, match=f"takes no {what}"):
        await ask(session, name, "hello", **more)


@pytest.mark.parametrize(
    ("name", "text", "error", "words"),
    [
        ("vllm", "abort", Unavailable, "broke the answer off: abort"),
        ("tensorrt", "timeout", DeadlineExceeded, "broke the answer off: timeout"),
        ("tensorrt", "cancelled", Unavailable, "broke the answer off: cancelled"),
    ],
)
async def test_an_answer_that_was_broken_off_is_none(session, name, text, error, words):
    """The end that the server tells is no end of an answer."""
    with pytest.raises(error, match=words):
        await session._elsewhere[name].infer(Request(name, (Text(text),)), deadline=Deadline.after(20))


@pytest.mark.parametrize(("name", "what"), [("vllm", "stream"), ("tensorrt", "request")])
async def test_an_error_of_the_backend_comes_through(session, name, what):
    """Both send a text beside their error, which is no answer."""
    with pytest.raises(ModelFault, match=f"Error generating {what}: the engine is gone"):
        await ask(session, name, "fail")


async def test_a_setting_that_the_servers_type_cannot_hold_is_refused(session):
    """A negative seed is not bent into a positive one."""
    with pytest.raises(InvalidRequest, match="seed is -1; the server takes it as UINT64"):
        await ask(session, "tensorrt", "hello", sampling=Sampling(seed=-1))


async def test_cards_of_other_dialects(session):
    """Kind from the dialect, inputs as the server has them; another table is another identity."""
    cards = await session.cards()

    assert {name: card.kind for name, card in cards.items() if card.state == "ready"} == dict.fromkeys(["vllm", "tensorrt", "own"], Kind.GENERATE)
    assert "exclude_input_in_output?" in cards["vllm"].accepts
    assert len({card.identity for card in cards.values()}) == 4
    with pytest.raises(Unsupported, match="no input 'exclude_input_in_output', without which answers repeat the prompt"):
        await ask(session, "wrong", "hello")
    with pytest.raises(Unsupported, match="tensors.text_input: it has no input 'promt'; it has heat, instructions, max_new_tokens, prompt"):
        await ask(session, "mistaken", "hello")


@pytest.mark.parametrize("check", [check for check in CHECKS if check.__name__ in OWED], ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", ["vllm", "tensorrt", "own"])
async def test_they_are_models_like_any_other(session, name, check):
    """What every model owes, they owe too."""
    await check(session._models[name], Request(name, (Text("a"),)))


def configured(name, **changes):
    """The configuration of a model folder."""
    config = text_format.Parse((MODELS / name / "config.pbtxt").read_text(), model_config_pb2.ModelConfig())
    config.MergeFrom(model_config_pb2.ModelConfig(**changes))
    return config


def described(name, dialect, without=()):
    """What is read of a model folder that lacks some inputs."""
    config = configured(name)
    kept = [tensor for tensor in config.input if tensor.name not in without]
    del config.input[:]
    config.input.extend(kept)
    return dialects.describe(config, service_pb2.ModelMetadataResponse(), None, dialect)


def test_both_dialects_fit_their_models():
    """Nothing is missing, and nothing has another type."""
    assert described("like_vllm", VLLM).faults == ()
    assert described("like_tensorrt_llm", TENSORRT_LLM).faults == ()


def test_an_older_backend_lacks_some_inputs():
    """What it does not declare is not sent; pictures are refused where there is no input for them, settings are told as not honoured."""
    old = described("like_tensorrt_llm", TENSORRT_LLM, {"image_url", "return_finish_reason", "sampling_param_seed"}).signature
    message = wire.encode(Request("m", (Text("a"),), sampling=Sampling(seed=1)), old)

    assert [tensor.name for tensor in message.inputs] == ["text_input", "streaming", "sampling_param_exclude_input_from_output"]
    assert old.ignored(Sampling(seed=1, max_tokens=1)) == ["seed"]
    with pytest.raises(Unsupported, match="takes no image"):
        wire.encode(Request("m", (Text("a"), PICTURE)), old)
    with pytest.raises(Unsupported, match="no input 'exclude_input_in_output'"):
        described("like_vllm", VLLM, {"exclude_input_in_output"})


def metadata(**more):
    """What a server that is not Triton tells of a model."""
    tensor = service_pb2.ModelMetadataResponse.TensorMetadata
    return service_pb2.ModelMetadataResponse(
        name="m",
        versions=["v1"],
        inputs=[tensor(name="text_input", datatype="BYTES", shape=[-1]), tensor(name="image", datatype="BYTES", shape=[-1]), *more.get("inputs", ())],
        outputs=[tensor(name="text_output", datatype=more.get("text_output", "BYTES"), shape=[-1])],
    )


def test_a_server_without_configurations_is_known_by_its_metadata():
    """Kind from the catalog, tensors from the metadata; what is optional, from the contract."""
    known = dialects.describe(None, metadata(), Kind.GENERATE)

    assert (known.accepts, known.faults, known.version) == (("text_input", "image?"), (), "v1")
    assert known.signature.inputs == {"text_input", "image"}
    assert known.identity != dialects.describe(None, metadata(text_output="FP32"), Kind.GENERATE).identity
    assert dialects.describe(None, metadata(text_output="FP32"), Kind.GENERATE).faults == ("output text_output: is FP32, the contract has BYTES",)
    with pytest.raises(Unsupported, match="says nothing of its kind"):
        dialects.describe(None, metadata())


def test_a_setting_of_a_type_that_is_not_sent_is_refused():
    """A mapping to a tensor of halves is the user's mistake, told before the first call."""
    halves = service_pb2.ModelMetadataResponse.TensorMetadata(name="t", datatype="FP16", shape=[1])

    with pytest.raises(Unsupported, match="its input 't' is FP16, in which temperature cannot be sent"):
        dialects.describe(None, metadata(inputs=[halves]), Kind.GENERATE, KSERVE.with_names({"temperature": "t"}))
