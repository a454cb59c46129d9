"""A vendor that is none: a real HTTP server on loopback that answers as Anthropic documents for the Messages API.

    async with AnthropicApi(lambda number: overloaded if number == 1 else answers()) as api:
        ...  # api.url, api.key; afterwards api.calls, api.paid, api.bodies, api.headers

The script tells for the number of a call, from 1, how it is answered. Where the caller's own loop is busy or none, `in_thread` runs the
same server in a loop of its own. Requests are checked as the documentation says, so that a proxy that is too free is refused here too.
"""

from __future__ import annotations

import base64
import io
import json
import random
import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from PIL import Image

from tests.vendors.loopback import Behaviour, Loopback, Script, in_company, late, torn

KEY = "sk-ant-fake-0123456789abcdefghijklmnopqrstuvwxyz"
SAMPLING = ("temperature", "top_p", "top_k")
NEW_VERSION = "2026-10-21"
STILL_SAMPLED = ("claude-opus-4-6", "claude-sonnet-4-6", "claude-opus-4-5", "claude-sonnet-4-5", "claude-haiku-4-5")
IDENTIFIER = re.compile(r"[a-zA-Z0-9_-]{1,64}")
PAGE = 20
LONGEST_REQUEST = 64 * 1024 * 1024


class AnthropicApi(Loopback):
    """The server, as the vendor documents it."""

    def __init__(self, script: Script | None = None, *, key: str = KEY, outcome: Callable[[str], str] = lambda _: "succeeded", **more: Any) -> None:
        super().__init__(script or (lambda _: answers()), key=key, outcome=outcome, **more)

    def routes(self) -> list[web.RouteDef]:
        """What is served."""
        return [
            web.post("/v1/messages", self.asked),
            web.post("/v1/messages/count_tokens", self._count),
            web.post("/v1/messages/batches", self._create),
            web.get("/v1/messages/batches", self._list),
            web.get("/v1/messages/batches/{id}", self._retrieve),
            web.get("/v1/messages/batches/{id}/results", self._results),
        ]

    def refused(self, request: web.Request, body: dict[str, Any]) -> web.Response | None:
        """What the vendor would not even begin to answer."""
        given = request.headers.get("x-api-key") or request.headers.get("Authorization", "").removeprefix("Bearer ")
        if given != self.key:
            return error(401, "authentication_error", "invalid x-api-key")
        fault = fault_of(body, request.headers.get("anthropic-version", ""))
        return error(400, "invalid_request_error", fault) if fault else None

    async def _count(self, request: web.Request) -> web.Response:
        body = await request.json()
        return self.refused(request, {"max_tokens": 1, **body}) or web.json_response({"input_tokens": tokens(body)})

    async def _create(self, request: web.Request) -> web.Response:
        requests = (await request.json())["requests"]
        twice = [name for name, number in Counter(each["custom_id"] for each in requests).items() if number > 1]
        if refused := self.refused(request, {"max_tokens": 1, "messages": []}):
            return refused
        if not all(IDENTIFIER.fullmatch(each["custom_id"]) for each in requests):
            return error(400, "invalid_request_error", "requests: custom_id must match ^[a-zA-Z0-9_-]{1,64}$")
        version = request.headers.get("anthropic-version", "")
        if fault := next((fault for each in requests if (fault := fault_of(each["params"], version))), None):
            return error(400, "invalid_request_error", f"requests: {fault}")
        if twice:
            return error(400, "invalid_request_error", f"requests: custom_id must be unique, found {twice[0]} more than once")
        name = f"msgbatch_{len(self.batches):024d}"
        self.batches[name] = {"requests": requests, "polls": 0, "created": datetime.now(UTC).isoformat()}
        return await self.created(request, web.json_response(self._batch(name)))

    async def _list(self, request: web.Request) -> web.Response:
        for batch in self.batches.values():
            batch["polls"] += 1
        return web.json_response(self.page([self._batch(name) for name in reversed(self.batches)], request.query.get("after_id"), PAGE))

    async def _retrieve(self, request: web.Request) -> web.Response:
        if (name := request.match_info["id"]) not in self.batches:
            return error(404, "not_found_error", f"message batch {name} not found")
        self.batches[name]["polls"] += 1
        return web.json_response(self._batch(name))

    def _batch(self, name: str) -> dict[str, Any]:
        batch = self.batches[name]
        ended = batch["polls"] >= self.polls
        ends = Counter(self.outcome(each["custom_id"]) for each in batch["requests"]) if ended else Counter(processing=len(batch["requests"]))
        return {
            "id": name,
            "type": "message_batch",
            "processing_status": "ended" if ended else "in_progress",
            "request_counts": {end: ends[end] for end in ("processing", "succeeded", "errored", "canceled", "expired")},
            "created_at": batch["created"],
            "expires_at": "2026-11-02T00:00:00Z",
            "ended_at": "2026-11-01T01:00:00Z" if ended else None,
            "archived_at": None,
            "cancel_initiated_at": None,
            "results_url": f"{self.url}/v1/messages/batches/{name}/results" if ended else None,
        }

    async def _results(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        if name not in self.batches or self.batches[name]["polls"] < self.polls:
            return error(404, "not_found_error", f"message batch {name} has no results")
        found = [{"custom_id": each["custom_id"], "result": self._result(each)} for each in self.batches[name]["requests"]]
        if not self.batches[name].setdefault("fetched", 0):
            self.paid += sum(each["result"]["type"] == "succeeded" for each in found)
        self.batches[name]["fetched"] += 1
        random.Random(name).shuffle(found)
        text = "".join(json.dumps(line) + "\n" for line in self.lines(found))
        return web.Response(text=text, content_type="application/x-jsonl")

    def _result(self, each: dict[str, Any]) -> dict[str, Any]:
        end = self.outcome(each["custom_id"])
        if end == "succeeded":
            return {"type": end, "message": message_to(each["params"])}
        if end == "errored":
            told = {"type": "error", "error": {"type": "invalid_request_error", "message": "a fault of the request"}, "request_id": "req_b"}
            return {"type": end, "error": told}
        return {"type": end}


def fault_of(body: dict[str, Any], version: str) -> str | None:
    """What the API finds wrong with a request, in its own words."""
    if "max_tokens" not in body:
        return "max_tokens: Field required"
    sampled = [name for name in SAMPLING if name in body]
    if sampled and version >= NEW_VERSION:
        return f"{sampled[0]}: Extra inputs are not permitted"
    if sampled and not str(body.get("model")).startswith(STILL_SAMPLED):
        return f"`{sampled[0]}` is deprecated for this model."
    if {"temperature", "top_p"}.issubset(sampled):
        return "`temperature` and `top_p` cannot both be specified for this model. Please use only one."
    blocks = [block for turn in body["messages"] for block in blocks_of(turn)]
    if any(block["type"] == "text" and not block["text"].strip() for block in blocks):
        return "messages: text content blocks must be non-empty"
    return None if all(is_picture(block["source"]) for block in blocks if block["type"] == "image") else "Could not process image"


def is_picture(source: dict[str, Any]) -> bool:
    """Whether the picture can be read, and is of the type that it says."""
    try:
        with Image.open(io.BytesIO(base64.b64decode(source["data"], validate=True))) as opened:
            opened.load()
            return source["media_type"] == Image.MIME[opened.format or ""]
    except (OSError, ValueError, SyntaxError, KeyError):
        return False


def blocks_of(turn: dict[str, Any]) -> list[dict[str, Any]]:
    """A turn's content; a plain text is a block of its own."""
    content = turn["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def tokens(body: dict[str, Any]) -> int:
    """As many as there are words."""
    return sum(len(block.get("text", "").split()) for turn in body["messages"] for block in blocks_of(turn))


def message_to(body: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """The documented answer: the last text of the request, in a message."""
    texts = [block["text"] for block in blocks_of(body["messages"][-1]) if block["type"] == "text"]
    text = texts[-1] if texts else "a picture"
    return {
        "id": "msg_01",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "stop_details": None,
        "usage": {"input_tokens": tokens(body), "output_tokens": len(text.split())},
        **changed,
    }


def error(status: int, kind: str, message: str, *, details: dict[str, Any] | None = None, **headers: str) -> web.Response:
    """The documented answer to what failed; headers by name, with underscores for hyphens."""
    told = {"type": kind, "message": message, **({"details": details} if details else {})}
    body = {"type": "error", "error": told, "request_id": "req_failed"}
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return web.json_response(body, status=status, headers={"request-id": "req_failed", **names})


def says(make: Callable[[AnthropicApi], web.Response]) -> Behaviour:
    """An answer for which the request does not matter."""

    async def behave(api: AnthropicApi, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        return make(api)

    return behave


def fails(status: int, kind: str, message: str, **more: Any) -> Behaviour:
    """A failure with the body of an error."""
    return says(lambda _: error(status, kind, message, **more))


def sends(text: str, status: int = 200, content_type: str = "application/json") -> Behaviour:
    """Any body: half a JSON, a page of HTML."""
    return says(lambda _: web.Response(text=text, status=status, content_type=content_type))


def repeats_the_key(status: int = 401, kind: str = "authentication_error") -> Behaviour:
    """A refusal that tells the key it was given, at the place where a long message is cut."""
    return says(lambda api: error(status, kind, f"{'x' * 460} invalid key: {api.key} is not one of ours"))


def answers(**changed: Any) -> Behaviour:
    """The echo, but for the fields that are told; a field of `...` is left out."""

    async def behave(api: AnthropicApi, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        api.paid += 1
        message = {name: value for name, value in message_to(body, **changed).items() if value is not ...}
        return web.json_response(message, headers={"request-id": f"req_{api.calls}"})

    return behave


def slow(seconds: float) -> Behaviour:
    """The echo, late."""
    return late(seconds, answers())


def together(number: int) -> Behaviour:
    """The echo, as soon as so many calls are in flight."""
    return in_company(number, answers())


def broken_off(pause: float | None = None) -> Behaviour:
    """The echo, and the line dies in the middle of it; with a pause it trickles instead."""
    return torn(lambda request, body: message_to(body), pause)


def refuses(text: str = "", **details: Any) -> Behaviour:
    """A refusal by the model: 200, with nothing or half an answer."""
    told = {"type": "refusal", "category": None, "explanation": None, **details}
    content = [{"type": "text", "text": text}] if text else []
    return answers(content=content, stop_reason="refusal", stop_details=told)


overloaded = fails(529, "overloaded_error", "Overloaded")
"""Busy, with nothing said about when to come again."""


def rate_limited(retry_after: str | None = None) -> Behaviour:
    """Too many calls."""
    headers = {} if retry_after is None else {"retry_after": retry_after}
    return fails(429, "rate_limit_error", "Number of requests has exceeded your rate limit", **headers)
