"""Items to score from plain values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct, Value

from assay.v1.scoring_pb2 import Item, Pictures, Scorer
from assay.v1.types_pb2 import Picture


def item(
    id: object,  # noqa: A002  # the field's name
    scorer: str,
    *,
    options: Mapping[str, Any] | None = None,
    prompt: str = "",
    pictures: Iterable[bytes | Path] = (),
    reply: str | None = None,
    drawn: Iterable[bytes | Path] | None = None,
    reference: Any = None,
    facts: Mapping[str, Any] | None = None,
    case_id: str = "",
) -> Item:
    """An item whose id is `str(id)`; pictures are encoded files, or paths of such. Raises `ValueError` for reply and drawn at once."""
    if reply is not None and drawn is not None:
        raise ValueError(f"item {id} has a reply and drawn pictures; give the one that the model made")
    made = Item(id=str(id), scorer=Scorer(name=scorer), prompt=prompt, pictures=_pictures(pictures), case_id=case_id)
    if reply is not None:
        made.reply = reply
    if drawn is not None:
        made.drawn.CopyFrom(Pictures(pictures=_pictures(drawn)))
    if options is not None:
        made.scorer.options.CopyFrom(struct(options))
    if reference is not None:
        ParseDict(reference, made.reference)
    if facts is not None:
        made.facts.CopyFrom(struct(facts))
    return made


def struct(values: Mapping[str, Any]) -> Struct:
    """Plain JSON as a message. Raises `google.protobuf.json_format.ParseError`."""
    whole = Value()
    ParseDict(dict(values), whole)
    return whole.struct_value


def _pictures(files: Iterable[bytes | Path]) -> list[Picture]:
    return [Picture(data=each if isinstance(each, bytes) else each.read_bytes()) for each in files]
