"""A reply's meaning as named tensors, and back, checked on both sides. Half of `gateway.wire`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from gateway import jsontext
from gateway.signature import Signature
from kernel.contract import Detection, Finish, Kind, Picture, Reply
from kernel.errors import BadReply

_FINISHES = {finish.value.encode(): finish for finish in Finish}
_BOX = 4


def reply_of(tensors: Mapping[str, Any], signature: Signature) -> Reply:
    """The reply that these outputs mean. Raises `BadReply`."""
    kind = signature.kind
    if kind in (Kind.EMBED, Kind.CLASSIFY):
        rows = _given(tensors, "embedding" if kind is Kind.EMBED else "scores")
        told = _report(tensors["report"]) if "report" in tensors else {}
        return Reply(rows=rows, report={**told, **_classes(rows, signature)})
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
        input_tokens=_once(tensors["num_input_tokens"]) if "num_input_tokens" in tensors else None,
        output_tokens=_together(tensors["num_output_tokens"]) if "num_output_tokens" in tensors else None,
        report=report,
    )


def tensors_of(reply: Reply, signature: Signature) -> dict[str, Any]:
    """The outputs by name. Whatever breaks the contract raises `BadReply` here, at its source."""
    kind = signature.kind
    if kind in (Kind.EMBED, Kind.CLASSIFY):
        _check_rows(reply.rows)
        found: dict[str, Any] = {"embedding" if kind is Kind.EMBED else "scores": reply.rows}
    elif kind in (Kind.DETECT, Kind.READ):
        return {"detections": [_found(detection) for detection in reply.detections]}
    else:
        found = {"image": [picture.data for picture in _imagined(reply).pictures]} if kind is Kind.IMAGINE else _generated(reply)
    if reply.finish:
        found["finish_reason"] = [finish.encode() for finish in reply.finish]
    if reply.report and "report" in signature.outputs:
        try:
            found["report"] = [jsontext.dumps(reply.report)]
        except (TypeError, ValueError) as error:
            raise BadReply(f"the report is not JSON: {error}") from None
    return found


def _generated(reply: Reply) -> dict[str, Any]:
    if reply.finish and len(reply.finish) != len(reply.texts):
        raise BadReply(f"{len(reply.finish)} reasons for the end of {len(reply.texts)} texts; expected as many")
    try:
        found: dict[str, Any] = {"text_output": [text.encode() for text in reply.texts]}
    except UnicodeEncodeError as error:
        raise BadReply(f"the answer has half a surrogate pair at character {error.start}") from None
    for name, count in (("num_input_tokens", reply.input_tokens), ("num_output_tokens", reply.output_tokens)):
        if count is not None:
            if not 0 <= count < 2**32:
                raise BadReply(f"{name} is {count}; expected a number from 0 to {2**32 - 1}")
            found[name] = count
    return found


def _given(tensors: Mapping[str, Any], name: str) -> Any:
    if name not in tensors:
        raise BadReply(f"output {name!r} is missing")
    return tensors[name]


def _once(tokens: int | list[int]) -> int:
    """However many answers there are, there was one prompt."""
    if isinstance(tokens, list):
        raise BadReply(f"output 'num_input_tokens' has {len(tokens)} numbers; expected 1")
    return tokens


def _together(tokens: int | list[int]) -> int:
    return sum(tokens) if isinstance(tokens, list) else tokens


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
