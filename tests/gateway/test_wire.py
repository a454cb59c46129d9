"""The wire: any value survives there and back, and every claim of the other side is checked."""

import contextlib
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tritonclient.grpc import service_pb2

from gateway import jsontext, wire
from gateway.signature import INPUTS, OUTPUTS, Signature, of_kind
from kernel.contract import MESSAGE_LIMIT, Detection, Finish, Kind, Picture, Reply, Request, Sampling, Text, Turn
from kernel.errors import BadReply, InvalidRequest, TooLarge, Unsupported

unhurried = settings(deadline=None)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
pictures = st.binary(min_size=1, max_size=40).map(Picture)
floats = st.floats(width=32, allow_nan=False, allow_infinity=False)
plain_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
samplings = st.builds(
    Sampling,
    n=st.none() | st.integers(1, 4),
    max_tokens=st.none() | st.integers(1, 2**31 - 1),
    temperature=st.none() | st.floats(0, 2),
    top_p=st.none() | st.floats(0, 1),
    seed=st.none() | st.integers(0, 2**64 - 1),
    stop=st.none() | st.lists(texts, max_size=3).map(tuple),
    width=st.none() | st.integers(1, 4096),
)


@st.composite
def requests(draw):
    kind = draw(st.sampled_from(Kind))
    either = st.lists(texts.map(Text), min_size=1, max_size=3) | st.lists(pictures, min_size=1, max_size=3)
    mixed = st.lists(texts.map(Text) | pictures, max_size=4)
    parts = {
        Kind.GENERATE: mixed,
        Kind.IMAGINE: st.lists(texts.map(Text), max_size=3),
        Kind.EMBED: either,
        Kind.CLASSIFY: either,
        Kind.DETECT: mixed.filter(lambda found: any(type(part) is Picture for part in found)),
        Kind.READ: st.lists(pictures, min_size=1, max_size=3),
    }[kind]
    generate, sampled = kind is Kind.GENERATE, kind in (Kind.GENERATE, Kind.IMAGINE)
    return Request(
        model="m",
        parts=tuple(draw(parts)),
        kind=kind,
        system=draw(st.none() | texts) if generate else None,
        history=tuple(draw(st.lists(st.builds(Turn, st.sampled_from(["user", "assistant"]), texts), max_size=2))) if generate else (),
        negative=draw(st.none() | texts) if kind is Kind.IMAGINE else None,
        sampling=draw(samplings) if sampled else Sampling(),
    )


@st.composite
def replies(draw):
    kind = draw(st.sampled_from(Kind))
    report = draw(st.dictionaries(texts, plain_json, max_size=3))
    tokens = st.none() | st.integers(0, 2**32 - 1)
    if kind is Kind.GENERATE:
        answers = tuple(draw(st.lists(texts, min_size=1, max_size=3)))
        finish = draw(st.just(()) | st.tuples(*[st.sampled_from(Finish)] * len(answers)))
        return kind, Reply(texts=answers, finish=finish, input_tokens=draw(tokens), output_tokens=draw(tokens), report=report)
    if kind is Kind.IMAGINE:
        finish = tuple(draw(st.lists(st.sampled_from([Finish.STOP, Finish.CONTENT_FILTER]), min_size=1, max_size=3)))
        made = tuple(draw(pictures) for reason in finish if reason is Finish.STOP)
        return kind, Reply(pictures=made, finish=finish, report=report)
    if kind in (Kind.EMBED, Kind.CLASSIFY):
        width = draw(st.integers(0, 3))
        return kind, Reply(rows=tuple(draw(st.lists(st.tuples(*[floats] * width), min_size=1, max_size=3))))
    more = st.dictionaries(texts.filter(lambda name: name not in ("label", "score", "box")), plain_json, max_size=2)
    box = st.tuples(floats, floats, floats, floats).map(lambda b: (min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3])))
    return kind, Reply(detections=tuple(draw(st.lists(st.builds(Detection, texts, floats, box, more), max_size=3))))


def arrays_of(message):
    """What Triton makes of a request for a model inside it, read with other code than the product's."""
    found = {}
    for tensor, raw in zip(message.inputs, message.raw_input_contents, strict=True):
        elements = []
        at = 0
        while at < len(raw):
            (length,) = struct.unpack_from("<I", raw, at)
            elements.append(raw[at + 4 : at + 4 + length])
            at += 4 + length
        array = np.empty(len(elements), dtype=object)
        array[:] = elements
        found[tensor.name] = array.reshape(tuple(tensor.shape))
    parameters = {name: getattr(value, value.WhichOneof("parameter_choice")) for name, value in message.parameters.items()}
    return found, parameters


def response_of(arrays):
    """What Triton makes of a model's arrays for a client."""
    response = service_pb2.ModelInferResponse(model_name="m", model_version="1", id="r-1")
    for name, array in arrays.items():
        kind = {"O": "BYTES", "f": "FP32", "u": "UINT32"}[array.dtype.kind]
        response.outputs.add(name=name, datatype=kind, shape=array.shape)
        raw = b"".join(struct.pack("<I", len(one)) + one for one in array.ravel().tolist()) if kind == "BYTES" else array.tobytes()
        response.raw_output_contents.append(raw)
    return response


@unhurried
@given(requests(), st.booleans())
def test_any_request_survives_there_and_back(request, batched):
    """Whatever is asked, the model inside Triton reads the same."""
    signature = of_kind("m", request.kind, batched=batched)

    message = service_pb2.ModelInferRequest.FromString(wire.encode(request, signature, "r-1", 5.0).SerializeToString())

    assert request == wire.read(*arrays_of(message), signature)


@unhurried
@given(replies(), st.booleans())
def test_any_reply_survives_there_and_back(case, batched):
    """Whatever a model inside Triton answers, the client reads the same."""
    kind, reply = case
    signature = of_kind("m", kind, batched=batched)

    assert reply == wire.decode_part(response_of(wire.write(reply, signature)), signature)


@unhurried
@given(replies(), st.data())
def test_a_damaged_answer_is_a_bad_reply_or_another_answer(case, data):
    """No byte of an answer can raise anything but `BadReply`."""
    kind, reply = case
    signature = of_kind("m", kind)
    raw = bytearray(response_of(wire.write(reply, signature)).SerializeToString())
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        response = service_pb2.ModelInferResponse.FromString(bytes(raw))
    except Exception:  # noqa: BLE001 - what Protobuf itself refuses does not reach us
        return

    with contextlib.suppress(BadReply):
        assert isinstance(wire.decode_part(response, signature), Reply)


GENERATE = of_kind("m", Kind.GENERATE)


def answer(name="text_output", datatype="BYTES", shape=(1,), raw=b"\x02\0\0\0hi"):
    return service_pb2.ModelInferResponse(
        outputs=[service_pb2.ModelInferResponse.InferOutputTensor(name=name, datatype=datatype, shape=shape)],
        raw_output_contents=[raw],
    )


def both(first, second):
    first.MergeFrom(second)
    return first


def typed_too():
    response = answer()
    response.outputs[0].contents.bytes_contents.append(b"hi")
    return response


BAD = {
    "nothing": (service_pb2.ModelInferResponse(), "'text_output' is missing"),
    "undeclared": (answer("what"), "'what' is not one that the model declares"),
    "doubled": (both(answer(), answer()), "'text_output' came twice"),
    "no contents": (both(answer(), service_pb2.ModelInferResponse(raw_output_contents=[b""])), "1 outputs and 2 raw contents"),
    "raw and typed": (typed_too(), "raw contents and typed ones"),
    "another type": (answer(datatype="FP32"), "is FP32; expected BYTES"),
    "no type": (answer(datatype=""), "is of no type; expected BYTES"),
    "rank 9": (answer(shape=(1,) * 9), "has 9 dimensions"),
    "negative": (answer(shape=(-1,)), "which no tensor can have"),
    "2 ** 31": (answer(shape=(2**31,)), "which no tensor can have"),
    "over 2 ** 63": (answer(shape=(2**40, 2**40)), "which no tensor can have"),
    "too few": (answer(shape=(2,)), "has 1 elements, its shape says 2"),
    "too many": (answer(raw=b"\x01\0\0\0a" * 2), "more elements than the 1"),
    "lies beyond": (answer(raw=b"\x03\0\0\0hi"), "claims to end at byte 7 of 6"),
    "lies by 4 GB": (answer(raw=b"\xff\xff\xff\xffhi"), "claims to end at byte 4,294,967,299"),
    "lies short": (answer(raw=b"\x01\0\0\0hi"), "claims to end at"),
    "not UTF-8": (answer(raw=b"\x02\0\0\0h\xff"), "byte 1 is not UTF-8"),
    "another end": (both(answer(), answer("finish_reason")), "'finish_reason' is b'hi'"),
    "two ends": (both(answer(), answer("finish_reason", shape=(2,), raw=b"\x04\0\0\0stop" * 2)), "2 elements for 1 texts"),
    "tokens": (both(answer(), answer("num_input_tokens", "UINT32", (1,), b"\0")), "has 1 bytes, which is no UINT32 for each of 1"),
    "negative tokens": (both(answer(), answer("num_input_tokens", "INT32", (1,), b"\xff" * 4)), "is [-1]"),
    "tokens of two prompts": (both(answer(), answer("num_input_tokens", "UINT32", (2,), b"\0" * 8)), "has 2 numbers; expected 1"),
    "report": (both(answer(), answer("report", raw=b"\x02\0\0\0[]")), "expected an object"),
    "report NaN": (both(answer(), answer("report", raw=b"\x09\0\0\0" + b'{"a":NaN}')), "NaN is not a JSON number"),
    "report doubled": (both(answer(), answer("report", raw=b"\x0d\0\0\0" + b'{"a":1,"a":2}')), "'a' stands twice"),
}


@pytest.mark.parametrize("case", BAD)
def test_an_answer_that_breaks_the_contract_is_a_bad_reply(case):
    """The error names the tensor and the rule."""
    response, words = BAD[case]

    with pytest.raises(BadReply) as caught:
        wire.decode_part(response, GENERATE)

    assert words in str(caught.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_scores_are_finite(value):
    """NaN and infinity are no scores, on either side."""
    signature = of_kind("m", Kind.CLASSIFY)
    raw = np.array([[0.5, value]], dtype=np.float32).tobytes()

    with pytest.raises(BadReply, match="NaN or infinity"):
        wire.decode_part(answer("scores", "FP32", (1, 2), raw), signature)
    with pytest.raises(BadReply, match="NaN or infinity"):
        wire.write(Reply(rows=((0.5, value),)), signature)


@pytest.mark.parametrize(
    ("detection", "words"),
    [
        (b'{"label":"a","score":1}', "box is None"),
        (b'{"label":"a","score":1,"box":[0,0,1]}', "expected four numbers"),
        (b'{"label":"a","score":1,"box":[2,0,1,1]}', "ends before it begins"),
        (b'{"label":"a","score":true,"box":[0,0,1,1]}', "score is True"),
        (b'{"label":1,"score":1,"box":[0,0,1,1]}', "label is missing"),
        (b"[" * 1000 + b"]" * 1000, "more than 64 levels"),
        (b"[" * 100_000, "detections"),
    ],
)
def test_a_detection_is_checked(detection, words):
    """Whatever a detector says is read with suspicion."""
    raw = struct.pack("<I", len(detection)) + detection

    with pytest.raises(BadReply, match=words):
        wire.decode_part(answer("detections", raw=raw), of_kind("m", Kind.DETECT))


def test_typed_contents_are_read_as_well():
    """Servers other than Triton send typed contents."""
    response = service_pb2.ModelInferResponse()
    response.outputs.add(name="text_output", datatype="BYTES", shape=[1]).contents.bytes_contents.append(b"hi")
    response.outputs.add(name="num_output_tokens", datatype="INT64", shape=[1]).contents.int64_contents.append(7)

    assert Reply(texts=("hi",), output_tokens=7) == wire.decode_part(response, GENERATE)


def test_empty_typed_contents_beside_raw_ones_are_nothing():
    """MLServer sends them with every raw answer."""
    response = answer()
    response.outputs[0].contents.SetInParent()

    assert Reply(texts=("hi",)) == wire.decode_part(response, GENERATE)


def test_columns_have_the_names_of_the_classes():
    """The names stand in the signature, and as many as there are columns."""
    signature = of_kind("m", Kind.CLASSIFY, classes=("cat", "dog"))
    response = answer("scores", "FP32", (1, 2), np.array([[0.25, 0.75]], dtype=np.float32).tobytes())

    assert Reply(rows=((0.25, 0.75),), report={"classes": ("cat", "dog")}) == wire.decode_part(response, signature)
    with pytest.raises(BadReply, match="1 columns for 2 classes"):
        wire.decode_part(answer("scores", "FP32", (1, 1), b"\0" * 4), signature)


@pytest.mark.parametrize(
    ("request_", "error", "words"),
    [
        (Request("m", (Text("\ud800"),)), InvalidRequest, "half a surrogate pair at character 0"),
        (Request("m", (Text("a"),), history=(Turn("robot", "a"),)), InvalidRequest, "role 'robot'"),
        (Request("m", (Text("a"),), sampling=Sampling(n=10**6)), InvalidRequest, "n is 1000000"),
        (Request("m", (Text("a"),), sampling=Sampling(temperature=-1.0)), InvalidRequest, "temperature is -1.0"),
        (Request("m", (Text("a"),), sampling=Sampling(max_tokens=2**63)), InvalidRequest, "max_tokens is 9223372036854775808"),
        (Request("m", (Text("a"),), kind=Kind.READ), Unsupported, "is of kind generate"),
        (Request("m", (Text("a"),), negative="b"), Unsupported, "takes no negative_prompt"),
        (Request("m", (Picture(b"x" * (MESSAGE_LIMIT - 4)),)), TooLarge, "at most 67,108,864"),
        (Request("m", (Picture(b"x" * MESSAGE_LIMIT),)), TooLarge, "at most 67,108,864"),
    ],
)
def test_what_cannot_be_asked_is_told_before_anything_is_sent(request_, error, words):
    """Each gets an error of its own, which says what was found."""
    with pytest.raises(error) as caught:
        wire.encode(request_, GENERATE)

    assert words in str(caught.value)


def test_a_message_at_the_limit_is_sent():
    """64 MB in all go through, a byte more does not."""
    empty = wire.encode(Request("m", (Picture(b""),)), GENERATE).ByteSize()
    spare = MESSAGE_LIMIT - empty - 6  # two lengths that take three bytes more each when they are large

    assert wire.encode(Request("m", (Picture(b"x" * spare),)), GENERATE).ByteSize() <= MESSAGE_LIMIT
    with pytest.raises(TooLarge):
        wire.encode(Request("m", (Picture(b"x" * (spare + 8)),)), GENERATE)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sampling_parameters", b"not JSON"),
        ("sampling_parameters", b"[]"),
        ("sampling_parameters", b'{"n": 1, "n": 2}'),
        ("sampling_parameters", b'{"what": 1}'),
        ("sampling_parameters", b'{"temperature": NaN}'),
        ("sampling_parameters", b'{"n": true}'),
        ("messages", b"{}"[:1]),
        ("messages", b'[{"role": "robot", "content": "a"}]'),
        ("messages", b'[{"role": "user"}]'),
        ("messages", b"7"),
        ("system", b"\xff"),
        ("text_input", b"\xff"),
    ],
)
def test_a_model_inside_triton_refuses_what_is_no_request(name, text):
    """Other clients than ours can send anything."""
    arrays = {"text_input": np.array([b"a"], dtype=object), name: np.array([text], dtype=object)}

    with pytest.raises(InvalidRequest, match=name):
        wire.read(arrays, {}, GENERATE)


@pytest.mark.parametrize("described", ["1,1", "p", "x", "99999999999999", "-1", "1,", "²"])
def test_a_wrong_order_of_parts_is_refused(described):
    """The parameter that tells the order has to fit the tensors."""
    with pytest.raises(InvalidRequest, match="assay_parts"):
        wire.read({"text_input": np.array([b"a"], dtype=object)}, {"assay_parts": described}, GENERATE)


def test_sampling_that_the_model_does_not_take_is_told_in_the_report():
    """Nothing that was asked for is dropped in silence."""
    signature = Signature(model="m", kind=Kind.GENERATE, inputs=frozenset({"text_input"}), outputs=frozenset({"text_output"}))
    request = Request("m", (Text("a"),), sampling=Sampling(temperature=0.0, seed=7))

    assert {"not_honoured": ["temperature", "seed"]} == wire.decode(answer(), signature, request).report


def test_as_many_answers_as_were_asked_for():
    """One answer too many is no answer."""
    response = answer(shape=(2,), raw=b"\x01\0\0\0a" * 2)

    assert ("a", "a") == wire.decode(response, GENERATE, Request("m", (Text("a"),), sampling=Sampling(n=2))).texts
    with pytest.raises(BadReply, match="2 answers; expected 1"):
        wire.decode(response, GENERATE, Request("m", (Text("a"),)))


def test_the_tables_have_every_kind():
    """A new kind needs its tensors."""
    assert set(Kind) == set(INPUTS) == set(OUTPUTS)


@unhurried
@given(plain_json)
def test_json_survives_there_and_back(value):
    """What goes out comes in again."""
    assert value == jsontext.loads(jsontext.dumps(value))
