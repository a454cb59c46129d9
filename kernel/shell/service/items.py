"""Items as they come over the wire, read as what evaluators know: a case and a reply."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from typing import Any

from google.protobuf import struct_pb2
from PIL import Image

from assay.v1 import scoring_pb2, types_pb2
from kernel.contract import Finish, Kind, Part, Picture, Reply, Request, Text
from kernel.evaluator import Case
from kernel.shell.service.faults import Fault
from kernel.shell.service.lanes import Job
from kernel.shell.service.scorers import OUTPUT, Scorer, Scorers
from kernel.shell.thumbnails import FORMATS, PIXEL_LIMIT

MOST_TEXT = 1024 * 1024
"""Characters of a prompt or a reply."""
MOST_PICTURE = 32 * 1024 * 1024
"""Bytes of a picture."""
MOST_ID = 128
"""Bytes of an id."""
EXACT = 2.0**53
"""Whole numbers below it are read as such: on the wire all numbers are floating point."""
OWN = ("prompt", "pictures", "reference", "facts")
"""Fields that a case of the evaluator's own data has itself."""

_SAID = (Finish.STOP,)
_NO_FACTS: Mapping[str, Any] = {}


class Reader:
    """Reads the items of one call or stream, of which one may leave its scorer out where it is the one of the item before."""

    def __init__(self, scorers: Scorers, *, follows: bool) -> None:
        self._scorers = scorers
        self._follows = follows
        self._told: bytes | None = None
        self._last: Scorer | Fault = Fault.invalid("scorer", "is missing; expected the name of an evaluator or a measure, and its options")

    def job(self, item: scoring_pb2.Item) -> Job:
        """The item as what is to be judged. Raises `Fault`."""
        if item.HasField("scorer"):
            self._hear(item.scorer)
        elif not self._follows:
            raise Fault.invalid("scorer", "is missing; expected the name of an evaluator or a measure, and its options")
        scorer = self._last
        if isinstance(scorer, Fault):
            raise scorer
        reply = _reply(item, scorer.evaluator.asks)
        if ident := item.case_id:
            if given := next((field.name for field, _ in item.ListFields() if field.name in OWN), ""):
                raise Fault.invalid(given, "stands beside case_id; expected one or the other")
            return Job(scorer, scorer.own.get(ident), reply, ident)
        return Job(scorer, _case(item, scorer.evaluator.asks), reply)

    def _hear(self, told: scoring_pb2.Scorer) -> None:
        written = told.SerializeToString()
        if written == self._told:
            return
        self._told = written
        try:
            self._last = self._scorers.get(told.name, plain_struct(told.options))
        except Fault as fault:
            self._last = fault


def wrong_id(ident: str) -> str:
    """What is wrong with an item's id; empty where nothing is."""
    length = len(ident) if ident.isascii() else len(ident.encode())
    return "" if 0 < length <= MOST_ID else f"has {length} bytes; expected 1 to {MOST_ID}"


def plain_struct(struct: struct_pb2.Struct) -> dict[str, Any]:
    """A JSON object as Python has it, by name: on the wire its fields have no order, and the same item has to be scored the same."""
    fields = struct.fields
    return {name: plain(fields[name]) for name in sorted(fields)}


def plain(value: struct_pb2.Value) -> Any:
    """A JSON value as Python has it; a number without a fraction is an `int`."""
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return value.string_value
    if kind == "number_value":
        number = value.number_value
        return int(number) if -EXACT < number < EXACT and number.is_integer() else number
    if kind == "bool_value":
        return value.bool_value
    if kind == "list_value":
        return [plain(each) for each in value.list_value.values]
    return plain_struct(value.struct_value) if kind == "struct_value" else None


def _case(item: scoring_pb2.Item, kind: Kind) -> Case:
    prompt = item.prompt
    if len(prompt) > MOST_TEXT:
        raise _too_long("prompt", prompt)
    parts: tuple[Part, ...] = (Text(prompt),)
    if item.pictures:
        parts = (*(_picture(each, f"pictures[{at}].data") for at, each in enumerate(item.pictures)), *parts)
    gold = plain(item.reference) if item.HasField("reference") else None
    facts = plain_struct(item.facts) if item.HasField("facts") else _NO_FACTS
    return Case(item.id, Request(OUTPUT, parts, kind), gold, facts)


def _reply(item: scoring_pb2.Item, kind: Kind) -> Reply:
    said = item.WhichOneof("output")
    if said == "reply" and kind is Kind.GENERATE:
        text = item.reply
        if len(text) > MOST_TEXT:
            raise _too_long("reply", text)
        return Reply(texts=(text,), finish=_SAID)
    if said == "drawn" and kind is Kind.IMAGINE:
        pictures = tuple(_picture(each, f"drawn.pictures[{at}].data") for at, each in enumerate(item.drawn.pictures))
        return Reply(pictures=pictures, finish=_SAID * len(pictures))
    wanted = {Kind.GENERATE: "reply", Kind.IMAGINE: "drawn"}.get(kind)
    if wanted is None:
        raise Fault.invalid("scorer.name", f"scores what models of kind {kind} say, which no item can hold")
    raise Fault.invalid(wanted, f"is missing{f'; found {said}' if said else ''}; the scorer wants what a model of kind {kind} made")


def _picture(message: types_pb2.Picture, path: str) -> Picture:
    """A picture whose beginning is that of a file that can be decoded. Raises `Fault`."""
    data = message.data
    if not 0 < len(data) <= MOST_PICTURE:
        raise Fault.invalid(path, f"has {len(data):,} bytes; expected 1 to {MOST_PICTURE:,}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                width, height = image.size
    except Image.DecompressionBombError:
        raise Fault.invalid(path, f"has far too many pixels; expected at most {PIXEL_LIMIT:,}") from None
    except Exception:  # noqa: BLE001 - a decoder fed with a foreign file may raise anything
        raise Fault.invalid(path, "cannot be read as a picture; expected the bytes of a PNG, JPEG or WebP file") from None
    if width * height > PIXEL_LIMIT:
        raise Fault.invalid(path, f"has {width} by {height} pixels; expected at most {PIXEL_LIMIT:,}")
    return Picture(data)


def _too_long(path: str, text: str) -> Fault:
    return Fault.invalid(path, f"has {len(text):,} characters; expected at most {MOST_TEXT:,}")
