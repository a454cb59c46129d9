"""Tensors as the messages of the inference protocol, and back, with every claim of the other side checked.

A `BYTES` element is four bytes of length, little-endian, and its content. Texts pass through here without numpy: this
is the path of every call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite, prod
from types import MappingProxyType
from typing import Any

from tritonclient.grpc import service_pb2

from gateway.signature import FP32, NUMBERS, Signature
from gateway.translation import BYTES, Typed
from kernel.contract import MESSAGE_LIMIT
from kernel.errors import BadReply, TooLarge

Rows = Sequence[Sequence[float]]
Values = list[bytes] | Rows | list[int] | int
MOST_TENSORS = 64
MOST_DIMENSIONS = 8
MOST_ELEMENTS = 2**31 - 1
MOST_TEXTS = 2**20
MOST_TEMPLATES = 256
_ONE, _ONE_IN_BATCH = [1], [1, 1]
_ROOM_FOR_NAMES = 64 * 1024
_NO_NUMBERS: Mapping[str, Typed] = MappingProxyType({})

_InferRequest = service_pb2.ModelInferRequest
_InputTensor = service_pb2.ModelInferRequest.InferInputTensor


def pack(
    tensors: Mapping[str, Sequence[bytes]],
    signature: Signature,
    identifier: str,
    parameters: Mapping[str, str | int],
    typed: Mapping[str, Typed] = _NO_NUMBERS,
) -> Any:
    """A `ModelInferRequest`. Raises `TooLarge`."""
    raw = [_framed(elements) for elements in tensors.values()]
    if typed:
        raw += [contents for _, contents in typed.values()]
    size = sum(map(len, raw))
    if size > MESSAGE_LIMIT:
        raise TooLarge(f"the request has {size:,} bytes, at most {MESSAGE_LIMIT:,} are sent; send fewer or smaller pictures")
    message = _InferRequest()
    message.CopyFrom(_template(tensors, signature, typed))
    message.id = identifier
    message.raw_input_contents.extend(raw)
    for name, value in parameters.items():
        if type(value) is int:
            message.parameters[name].int64_param = value
        else:
            message.parameters[name].string_param = value
    if size > MESSAGE_LIMIT - _ROOM_FOR_NAMES and (whole := message.ByteSize()) > MESSAGE_LIMIT:
        raise TooLarge(f"the request has {whole:,} bytes on the wire, at most {MESSAGE_LIMIT:,} are sent")
    return message


def _framed(elements: Sequence[bytes]) -> bytes:
    if len(elements) == 1:
        return len(elements[0]).to_bytes(4, "little") + elements[0]
    return b"".join([part for element in elements for part in (len(element).to_bytes(4, "little"), element)])


def _template(tensors: Mapping[str, Sequence[bytes]], signature: Signature, typed: Mapping[str, Typed]) -> Any:
    """The message without its contents; copying one is three times as fast as making one."""
    shapes = tuple([(name, len(elements)) for name, elements in tensors.items()])
    if typed:
        shapes += tuple([(name, 1) for name in typed])
    template = signature.templates.get(shapes)
    if template is None:
        types = {name: datatype for name, (datatype, _) in typed.items()}
        inputs = [_InputTensor(name=name, datatype=types.get(name, BYTES), shape=(1, count) if signature.batched else (count,)) for name, count in shapes]
        template = _InferRequest(model_name=signature.model, inputs=inputs)
        if len(signature.templates) < MOST_TEMPLATES:
            signature.templates[shapes] = template
    return template


def unpack(response: Any, signature: Signature, wanted: Mapping[str, str]) -> dict[str, Values]:
    """The outputs by name that are `wanted`, each with its datatype. Raises `BadReply`."""
    outputs = response.outputs
    raw = response.raw_output_contents
    count, typed = len(outputs), not raw
    if count > MOST_TENSORS:
        raise BadReply(f"{count} outputs, at most {MOST_TENSORS} are read")
    if not typed and len(raw) != count:
        raise BadReply(f"{count} outputs and {len(raw)} raw contents; expected as many")
    found: dict[str, Values] = {}
    for position in range(count):
        output = outputs[position]
        name = output.name
        if name in found:
            raise BadReply(f"output {name!r} came twice")
        if name not in wanted:
            if name not in signature.outputs:
                raise BadReply(f"output {name!r} is not one that the model declares")
            continue
        if not typed and output.HasField("contents") and output.contents.ByteSize():
            raise BadReply(f"output {name!r} has raw contents and typed ones")
        datatype = output.datatype
        data = _contents(name, output.contents, datatype) if typed else raw[position]
        shape = output.shape[:]
        if shape != (_ONE_IN_BATCH if signature.batched else _ONE):
            shape = _checked(name, shape, signature)
        elif signature.batched:
            shape = _ONE
        found[name] = _values(name, datatype, wanted[name], shape, data)
    return found


def _checked(name: str, shape: Sequence[int], signature: Signature) -> Sequence[int]:
    """The shape of one request's part of a tensor."""
    if len(shape) > MOST_DIMENSIONS:
        raise BadReply(f"output {name!r} has {len(shape)} dimensions, at most {MOST_DIMENSIONS} are read")
    if min(shape, default=0) < 0 or prod(shape) > MOST_ELEMENTS:
        raise BadReply(f"output {name!r} has the shape {[*shape]}, which no tensor can have")
    if not signature.batched:
        return shape
    if not shape or shape[0] != 1:
        raise BadReply(f"output {name!r} has the shape {[*shape]}; expected a batch of 1 first")
    return shape[1:]


def _values(name: str, datatype: str, expected: str, shape: Sequence[int], data: Any) -> Values:
    if datatype != expected and not (expected in NUMBERS and datatype in NUMBERS):
        raise BadReply(f"output {name!r} is {datatype or 'of no type'}; expected {expected}")
    if datatype == BYTES:
        return texts(name, data, prod(shape)) if type(data) is bytes else _counted(name, data, prod(shape))
    if datatype == FP32:
        return rows(name, data, shape)
    return _number(name, datatype, data, shape)


def texts(name: str, raw: bytes, count: int) -> list[bytes]:
    """The `count` elements of a `BYTES` tensor. Raises `BadReply`."""
    end = len(raw)
    if count == 1 and end >= 4 and int.from_bytes(raw[:4], "little") == end - 4:
        return [raw[4:]]
    if count > MOST_TEXTS:
        raise BadReply(f"output {name!r} has {count:,} elements, at most {MOST_TEXTS:,} are read")
    found: list[bytes] = []
    at = 0
    while at < end:
        start = at + 4
        stop = start + int.from_bytes(raw[at:start], "little")
        if start > end or stop > end:
            raise BadReply(f"output {name!r}: element {len(found)} claims to end at byte {stop:,} of {end:,}")
        if len(found) == count:
            raise BadReply(f"output {name!r} has more elements than the {count} of its shape")
        found.append(raw[start:stop])
        at = stop
    return _counted(name, found, count)


def _counted(name: str, found: list[bytes], count: int) -> list[bytes]:
    if len(found) != count:
        raise BadReply(f"output {name!r} has {len(found)} elements, its shape says {count}")
    return found


def rows(name: str, data: Any, shape: Sequence[int]) -> Rows:
    """A matrix of finite numbers. Raises `BadReply`."""
    if len(shape) != 2:
        raise BadReply(f"output {name!r} has {len(shape)} dimensions; expected 2")
    count, width = shape
    if len(data) != count * width * (4 if isinstance(data, bytes) else 1):
        raise BadReply(f"output {name!r} has {len(data):,} bytes or numbers, its shape {[*shape]} says {count * width:,}")
    numbers = memoryview(data).cast("f").tolist() if isinstance(data, bytes) else data
    # Sums of 32-bit numbers stay finite in 64 bits, so only NaN or infinity among them shows in the sum.
    if not isfinite(sum(numbers)):
        raise BadReply(f"output {name!r} has NaN or infinity in it")
    return tuple(tuple(numbers[at : at + width]) for at in range(0, count * width, width)) if width else ((),) * count


def _number(name: str, datatype: str, data: Any, shape: Sequence[int]) -> int | list[int]:
    """A count, or one for each of several answers."""
    count, width = prod(shape), 4 if datatype.endswith("32") else 8
    if isinstance(data, bytes):
        if len(data) != count * width:
            raise BadReply(f"output {name!r} has {len(data)} bytes, which is no {datatype} for each of {count}")
        signed = datatype.startswith("I")
        data = [int.from_bytes(data[at : at + width], "little", signed=signed) for at in range(0, len(data), width)]
    if len(data) != count or min(data, default=-1) < 0:
        raise BadReply(f"output {name!r} is {str(data)[:60]}; expected numbers from 0, {count} of them")
    return data if count > 1 else int(data[0])


_FIELDS = {
    BYTES: "bytes_contents",
    FP32: "fp32_contents",
    "UINT32": "uint_contents",
    "INT32": "int_contents",
    "UINT64": "uint64_contents",
    "INT64": "int64_contents",
}


def _contents(name: str, contents: Any, datatype: str) -> list[Any]:
    """Typed contents, as servers other than Triton send them."""
    if datatype not in _FIELDS:
        raise BadReply(f"output {name!r} is {datatype or 'of no type'}, which the contract does not have")
    return list(getattr(contents, _FIELDS[datatype]))
