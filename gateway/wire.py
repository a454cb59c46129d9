"""The only place that knows both what a request or reply means and which tensors carry it.

The client's side is `encode` and `decode`; the side of a model inside Triton is `read` and `write`. Both stand on the same
four functions between meaning and tensors, so what one writes the other reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, TypeVar

import numpy as np

from gateway import frames, jsontext, layout, sampling
from gateway.signature import FP32, OUTPUT_TYPES, UINT32, Signature
from kernel.contract import DEFAULT_SAMPLING, Detection, Finish, Kind, Picture, Reply, Request, Text, Turn
from kernel.errors import BadReply, InvalidRequest, Unsupported

TIMEOUT = "timeout"
"""Triton's own request parameter, in microseconds, for the model's eyes. Where a batcher is between, gRPC's deadline does."""
NOT_HONOURED = "not_honoured"
"""In a report: names of sampling parameters that the model does not take."""

_JOINED = (Kind.GENERATE, Kind.IMAGINE)
_SAMPLED = (Kind.GENERATE, Kind.IMAGINE)
_ROLES = ("user", "assistant")
_FINISHES = {finish.value.encode(): finish for finish in Finish}

_BOX = 4
T = TypeVar("T")


def encode(request: Request, signature: Signature, identifier: str = "", seconds: float | None = None) -> Any:
    """The `ModelInferRequest`. Raises `InvalidRequest`, `TooLarge`, `Unsupported`."""
    tensors, parameters = _asked(request, signature)
    if seconds is not None and not signature.batched:
        parameters[TIMEOUT] = max(1, int(seconds * 1e6))
    return frames.pack(tensors, signature, identifier, parameters)


def decode(response: Any, signature: Signature, request: Request) -> Reply:
    """The reply in a `ModelInferResponse`. Raises `BadReply`."""
    reply = decode_part(response, signature)
    check_counts(reply, request)
    if request.sampling is not DEFAULT_SAMPLING and "sampling_parameters" not in signature.inputs:
        ignored = list(request.sampling.as_dict())
        if ignored:
            reply = _with_report(reply, {**reply.report, NOT_HONOURED: ignored})
    return reply


def decode_part(response: Any, signature: Signature) -> Reply:
    """As `decode`, for one response of several to the same request."""
    return _reply(frames.unpack(response, signature, OUTPUT_TYPES[signature.kind]), signature)


def read(tensors: Mapping[str, np.ndarray[Any, Any]], parameters: Mapping[str, Any], signature: Signature) -> Request:
    """The request in the arrays that a model inside Triton is given. Raises `InvalidRequest`."""
    lists = {name: [_as_bytes(element) for element in array.ravel().tolist()] for name, array in tensors.items()}
    return _request(lists, parameters, signature)


def write(reply: Reply, signature: Signature) -> dict[str, np.ndarray[Any, Any]]:
    """The arrays that a model inside Triton answers with. Raises `BadReply`."""
    types = OUTPUT_TYPES[signature.kind]
    found = {}
    for name, value in _answered(reply, signature).items():
        if types[name] == FP32:
            array = np.array(value, dtype=np.float32)
            array = array.reshape(len(reply.rows), -1) if array.size == 0 else array
        elif types[name] == UINT32:
            array = np.array([value], dtype=np.uint32)
        else:
            array = np.array(value, dtype=np.object_)
        found[name] = array[np.newaxis] if signature.batched else array
    return found


def check_counts(reply: Reply, request: Request) -> None:
    """That there are as many answers as were asked for. Raises `BadReply`."""
    if request.kind in _SAMPLED:
        wanted = request.sampling.n or 1
        answers = len(reply.texts) if request.kind is Kind.GENERATE else max(len(reply.pictures), len(reply.finish))
        if not 1 <= answers <= wanted:
            raise BadReply(f"{answers} answers; expected {wanted}")
    elif request.kind in (Kind.EMBED, Kind.CLASSIFY) and len(reply.rows) != len(request.parts):
        raise BadReply(f"{len(reply.rows)} rows for {len(request.parts)} inputs; expected as many")


# Requests


def _asked(request: Request, signature: Signature) -> tuple[dict[str, list[bytes]], dict[str, str | int]]:
    """The tensors and parameters of a request."""
    kind = request.kind
    if kind is not signature.kind:
        raise Unsupported(f"model {request.model!r} is of kind {signature.kind}, the request wants {kind}")
    tensors: dict[str, list[bytes]] = {}
    parameters: dict[str, str | int] = {}
    parts = request.parts
    if kind in _JOINED:
        if len(parts) == 1 and type(parts[0]) is Text:
            tensors["text_input"] = [_utf8(parts[0].text)]
        else:
            tensors["text_input"] = [_utf8(request.text)]
            if not parts or type(parts[0]) is not Text or any(type(part) is Text for part in parts[1:]):
                parameters[layout.PARAMETER] = layout.describe(parts)
            if pictures := [part.data for part in parts if type(part) is Picture]:
                tensors["image"] = pictures
    else:
        _separate(request, tensors, parameters)
    if request.system is not None:
        tensors["system"] = [_utf8(request.system)]
    if request.history:
        tensors["messages"] = [_messages(request.history)]
    if request.negative is not None:
        tensors["negative_prompt"] = [_utf8(request.negative)]
    if request.sampling != DEFAULT_SAMPLING and "sampling_parameters" in signature.inputs:
        tensors["sampling_parameters"] = [sampling.encode(request.sampling)]
    for name in tensors:
        if name not in signature.inputs:
            raise Unsupported(f"model {request.model!r} takes no {name}; it takes {', '.join(sorted(signature.inputs))}")
    return tensors, parameters


def _separate(request: Request, tensors: dict[str, list[bytes]], parameters: dict[str, str | int]) -> None:
    """Kinds that take any number of texts or pictures, each an element of its own."""
    kind = request.kind
    texts = [_utf8(part.text) for part in request.parts if type(part) is Text]
    pictures = [part.data for part in request.parts if type(part) is Picture]
    if kind in (Kind.EMBED, Kind.CLASSIFY) and bool(texts) == bool(pictures):
        raise InvalidRequest(f"{len(texts)} texts and {len(pictures)} pictures; {kind} takes either texts or pictures")
    if kind in (Kind.DETECT, Kind.READ) and not pictures:
        raise InvalidRequest(f"no picture; {kind} takes at least one")
    if texts:
        tensors["text_input"] = texts
    if pictures:
        tensors["image"] = pictures
    if texts and pictures and any(type(part) is Picture for part in request.parts[: len(texts)]):
        parameters[layout.PARAMETER] = layout.describe(request.parts)


def _request(tensors: Mapping[str, list[bytes]], parameters: Mapping[str, Any], signature: Signature) -> Request:
    """The request that `_asked` made these of."""
    texts = [_text("text_input", element) for element in tensors.get("text_input", ())]
    pictures = tensors.get("image", [])
    described = parameters.get(layout.PARAMETER)
    if described is None:
        parts = (*map(Text, texts), *map(Picture, pictures))
    else:
        described = str(described)
        if signature.kind in _JOINED:
            texts = list(layout.split(_one("text_input", texts), described))
        parts = layout.arrange(texts, pictures, described)
    single = {name: _one(name, tensors[name]) for name in ("system", "messages", "negative_prompt", "sampling_parameters") if name in tensors}
    return Request(
        model=signature.model,
        parts=parts,
        kind=signature.kind,
        system=_text("system", single["system"]) if "system" in single else None,
        history=_turns(single["messages"]) if "messages" in single else (),
        negative=_text("negative_prompt", single["negative_prompt"]) if "negative_prompt" in single else None,
        sampling=sampling.decode(single["sampling_parameters"]) if "sampling_parameters" in single else DEFAULT_SAMPLING,
    )


def _messages(history: Sequence[Turn]) -> bytes:
    for turn in history:
        if turn.role not in _ROLES:
            raise InvalidRequest(f"a turn of the role {turn.role!r}; expected one of {', '.join(_ROLES)}")
        _utf8(turn.text)
    return jsontext.dumps([{"role": turn.role, "content": turn.text} for turn in history])


def _turns(data: bytes) -> tuple[Turn, ...]:
    try:
        turns = tuple(Turn(turn["role"], turn["content"]) for turn in jsontext.loads(data))
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidRequest(f"messages: {error}; expected a JSON list of objects with role and content") from None
    for turn in turns:
        if turn.role not in _ROLES or not isinstance(turn.text, str):
            raise InvalidRequest(f"messages: a turn of the role {turn.role!r}; expected {' or '.join(_ROLES)}, and a text")
    return turns


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequest(f"the text has half a surrogate pair at character {error.start}, which is no UTF-8") from None


def _text(name: str, data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"{name}: byte {error.start} is not UTF-8") from None


def _one(name: str, elements: Sequence[T]) -> T:
    if len(elements) != 1:
        raise InvalidRequest(f"{name} has {len(elements)} elements; expected 1")
    return elements[0]


def _as_bytes(element: Any) -> bytes:
    return element if isinstance(element, bytes) else str(element).encode()


# Replies


def _reply(tensors: Mapping[str, Any], signature: Signature) -> Reply:
    """The reply that these outputs mean."""
    kind = signature.kind
    if kind in (Kind.EMBED, Kind.CLASSIFY):
        rows = _given(tensors, "embedding" if kind is Kind.EMBED else "scores")
        return Reply(rows=rows, report=_classes(rows, signature))
    if kind in (Kind.DETECT, Kind.READ):
        return Reply(detections=tuple(_detection(element) for element in _given(tensors, "detections")))
    finish = tuple(map(_finish, tensors["finish_reason"])) if "finish_reason" in tensors else ()
    report = _report(tensors["report"]) if "report" in tensors else {}
    if kind is Kind.IMAGINE:
        return _imagined(Reply(pictures=tuple(map(Picture, _given(tensors, "image"))), finish=finish, report=report))
    try:
        texts = tuple([element.decode() for element in _given(tensors, "text_output")])
    except UnicodeDecodeError as error:
        raise BadReply(f"output 'text_output': byte {error.start} is not UTF-8") from None
    if finish and len(finish) != len(texts):
        raise BadReply(f"output 'finish_reason' has {len(finish)} elements for {len(texts)} texts")
    return Reply(
        texts=texts,
        finish=finish,
        input_tokens=tensors.get("num_input_tokens"),
        output_tokens=tensors.get("num_output_tokens"),
        report=report,
    )


def _answered(reply: Reply, signature: Signature) -> dict[str, Any]:
    """The outputs by name. Whatever breaks the contract raises `BadReply` here, at its source."""
    kind = signature.kind
    if kind in (Kind.EMBED, Kind.CLASSIFY):
        _check_rows(reply.rows)
        return {"embedding" if kind is Kind.EMBED else "scores": reply.rows}
    if kind in (Kind.DETECT, Kind.READ):
        return {"detections": [_found(detection) for detection in reply.detections]}
    found: dict[str, Any]
    if kind is Kind.IMAGINE:
        found = {"image": [picture.data for picture in _imagined(reply).pictures]}
    else:
        if reply.finish and len(reply.finish) != len(reply.texts):
            raise BadReply(f"{len(reply.finish)} reasons for the end of {len(reply.texts)} texts; expected as many")
        try:
            found = {"text_output": [text.encode() for text in reply.texts]}
        except UnicodeEncodeError as error:
            raise BadReply(f"the answer has half a surrogate pair at character {error.start}") from None
    if reply.finish:
        found["finish_reason"] = [finish.encode() for finish in reply.finish]
    for name, count in (("num_input_tokens", reply.input_tokens), ("num_output_tokens", reply.output_tokens)):
        if count is not None and kind is Kind.GENERATE:
            if not 0 <= count < 2**32:
                raise BadReply(f"{name} is {count}; expected a number from 0 to {2**32 - 1}")
            found[name] = count
    if reply.report:
        try:
            found["report"] = [jsontext.dumps(reply.report)]
        except (TypeError, ValueError) as error:
            raise BadReply(f"the report is not JSON: {error}") from None
    return found


def _given(tensors: Mapping[str, Any], name: str) -> Any:
    if name not in tensors:
        raise BadReply(f"output {name!r} is missing")
    return tensors[name]


def _imagined(reply: Reply) -> Reply:
    """Filtered samples have no picture: an empty one that stands for it is left out."""
    pictures = tuple(picture for picture in reply.pictures if picture.data)
    made = [finish for finish in reply.finish if finish is not Finish.CONTENT_FILTER]
    if reply.finish and len(pictures) != len(made):
        raise BadReply(f"output 'image' has {len(pictures)} pictures, 'finish_reason' tells of {len(made)}")
    if not reply.finish and len(pictures) != len(reply.pictures):
        raise BadReply("output 'image' has an empty picture, and no finish_reason says why")
    return reply if len(pictures) == len(reply.pictures) else Reply(pictures=pictures, finish=reply.finish, report=reply.report)


def _finish(data: bytes) -> Finish:
    try:
        return _FINISHES[data]
    except KeyError:
        raise BadReply(f"output 'finish_reason' is {data[:40]!r}; expected one of {', '.join(Finish)}") from None


def _report(elements: Sequence[bytes]) -> dict[str, Any]:
    if len(elements) != 1:
        raise BadReply(f"output 'report' has {len(elements)} elements; expected 1")
    return _object("report", elements[0])


def _object(name: str, data: bytes) -> dict[str, Any]:
    try:
        value = jsontext.loads(data)
    except ValueError as error:
        raise BadReply(f"output {name!r}: {error}") from None
    if not isinstance(value, dict):
        raise BadReply(f"output {name!r} is JSON of type {type(value).__name__}; expected an object")
    return value


def _detection(data: bytes) -> Detection:
    value = _object("detections", data)
    label, score, box = (value.pop(name, None) for name in ("label", "score", "box"))
    if not isinstance(label, str):
        raise BadReply("output 'detections': label is missing or no text")
    if not _number(score):
        raise BadReply(f"output 'detections': score is {score!r}; expected a number")
    if not isinstance(box, list) or len(box) != _BOX or not all(map(_number, box)):
        raise BadReply(f"output 'detections': box is {str(box)[:60]}; expected four numbers x0, y0, x1, y1")
    if box[0] > box[2] or box[1] > box[3]:
        raise BadReply(f"output 'detections': box {box} ends before it begins")
    return Detection(label, score, (box[0], box[1], box[2], box[3]), value)


def _found(detection: Detection) -> bytes:
    fields = {**detection.more, "label": detection.label, "score": detection.score, "box": list(detection.box)}
    try:
        data = jsontext.dumps(fields)
    except (TypeError, ValueError) as error:
        raise BadReply(f"a detection is not JSON: {error}") from None
    _detection(data)
    return data


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _check_rows(rows: Sequence[Sequence[float]]) -> None:
    if len({len(row) for row in rows}) > 1:
        raise BadReply("rows of different lengths; expected a matrix")
    if not all(isfinite(value) for row in rows for value in row):
        raise BadReply("NaN or infinity among the numbers")


def _classes(rows: Sequence[Sequence[float]], signature: Signature) -> Mapping[str, Any]:
    if not signature.classes:
        return {}
    if rows and len(rows[0]) != len(signature.classes):
        raise BadReply(f"output 'scores' has {len(rows[0])} columns for {len(signature.classes)} classes")
    return {"classes": signature.classes}


def _with_report(reply: Reply, report: Mapping[str, Any]) -> Reply:
    return Reply(
        texts=reply.texts,
        pictures=reply.pictures,
        detections=reply.detections,
        rows=reply.rows,
        finish=reply.finish,
        input_tokens=reply.input_tokens,
        output_tokens=reply.output_tokens,
        report=report,
    )
