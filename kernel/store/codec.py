"""Replies as JSON and back, pictures by their digest; and the key under which a reply is kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import orjson

from kernel.contract import Detection, Finish, Picture, Reply, Request

_ONLY_PLAIN = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME


def to_json(value: Any) -> str:
    """Compact JSON; numbers that JSON has no word for become null. Raises `TypeError` for what is not plain."""
    try:
        return orjson.dumps(value, option=_ONLY_PLAIN).decode()
    except TypeError:  # half a surrogate pair, a number of more than 64 bits: slower, but it can be written
        return json.dumps(value, separators=(",", ":"), allow_nan=False)


def storable(text: str) -> str:
    """Text that both databases take: without NUL and lone surrogates."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")


def reply_key(identity: str, request: Request) -> bytes:
    """32 bytes that change whenever the answer may: the model's identity and all of the request."""
    hasher = _begun(identity).copy()
    request.hash_into(hasher)
    key: bytes = hasher.digest()
    return key


@lru_cache(maxsize=256)
def _begun(identity: str) -> Any:
    return hashlib.sha256(f"{identity}\n".encode())


def dump_reply(reply: Reply, keep: Callable[[bytes], str]) -> str:
    """JSON of a reply; `keep` takes a picture's bytes and returns its digest."""
    made: dict[str, Any] = {}
    if reply.texts:
        made["texts"] = reply.texts
    if reply.pictures:
        made["pictures"] = [keep(picture.data) for picture in reply.pictures]
    if reply.detections:
        made["detections"] = [[d.label, d.score, d.box, dict(d.more)] for d in reply.detections]
    if reply.rows:
        made["rows"] = reply.rows
    if reply.finish:
        made["finish"] = reply.finish
    if reply.input_tokens is not None:
        made["input_tokens"] = reply.input_tokens
    if reply.output_tokens is not None:
        made["output_tokens"] = reply.output_tokens
    if reply.report:
        made["report"] = dict(reply.report)
    return to_json(made)


def load_reply(text: str, get: Callable[[str], bytes]) -> Reply:
    """The reply that `dump_reply` wrote; `get` takes a digest and returns the picture's bytes."""
    made = json.loads(text)
    return Reply(
        texts=tuple(made.get("texts", ())),
        pictures=tuple(Picture(get(digest)) for digest in made.get("pictures", ())),
        detections=tuple(Detection(label, score, tuple(box), more) for label, score, box, more in made.get("detections", ())),
        rows=tuple(tuple(row) for row in made.get("rows", ())),
        finish=tuple(map(Finish, made.get("finish", ()))),
        input_tokens=made.get("input_tokens"),
        output_tokens=made.get("output_tokens"),
        report=made.get("report", {}),
    )
