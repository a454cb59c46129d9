"""Replies as JSON and back, pictures by their digest; and the key under which a reply is kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from kernel.contract import Detection, Finish, Picture, Reply, Request

_encoder = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), allow_nan=False)
to_json: Callable[[Any], str] = _encoder.encode


def reply_key(identity: str, request: Request) -> bytes:
    """32 bytes that change whenever the answer may: the model's identity and all of the request."""
    return hashlib.sha256(f"{identity}\n{request.digest()}".encode()).digest()


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
