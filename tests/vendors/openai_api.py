"""A vendor that is none: a real HTTP server on loopback that answers as OpenAI documents for chat, images, moderation, files and batches.

    async with OpenAIApi(lambda number: overloaded if number == 1 else answers()) as api:
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
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from aiohttp import web
from PIL import Image

from tests.vendors.loopback import Behaviour, Loopback, Script, hung_up, in_company, late, torn

KEY = "sk-proj-fake-0123456789abcdefghijklmnopqrstuvwxyz"
CHAT, IMAGES, MODERATIONS = "/v1/chat/completions", "/v1/images/generations", "/v1/moderations"
SEEN_HARMS = ("self-harm", "self-harm/instructions", "self-harm/intent", "sexual", "violence", "violence/graphic")
"""What pictures are looked at for."""
HARMS = (*SEEN_HARMS, "harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent", "sexual/minors")
REASONS = re.compile(r"o\d|gpt-5(-(?!chat)|$)|gpt-5\.[56]|gpt-6")
PAGE = 20
LONGEST_REQUEST = 256 * 1024 * 1024
SYSTEM_FINGERPRINT = "fp_44709d6fcb"


class OpenAIApi(Loopback):
    """The server, as the vendor documents it."""

    longest_request = LONGEST_REQUEST
    prefix = "/v1"

    def __init__(self, script: Script | None = None, *, key: str = KEY, outcome: Callable[[str], str] = lambda _: "completed", **more: Any) -> None:
        super().__init__(script or (lambda _: answers()), key=key, outcome=outcome, **more)
        self.files: dict[str, bytes] = {}

    def routes(self) -> list[web.RouteDef]:
        """What is served."""
        return [
            web.post(CHAT, self.asked),
            web.post(IMAGES, self.asked),
            web.post(MODERATIONS, self.asked),
            web.post("/v1/files", self._upload),
            web.get("/v1/files/{id}/content", self._content),
            web.post("/v1/batches", self._create),
            web.get("/v1/batches", self._list),
            web.get("/v1/batches/{id}", self._retrieve),
        ]

    def refused(self, request: web.Request, body: dict[str, Any]) -> web.Response | None:
        """What the vendor would not even begin to answer."""
        return self._stranger(request) or fault_of(request.path, body)

    def _stranger(self, request: web.Request) -> web.Response | None:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return None if given == self.key else error(401, "Incorrect API key provided: sk-p***.", "invalid_api_key")

    async def _upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        if refused := self._stranger(request):
            return refused
        sent = form["file"]
        assert isinstance(sent, web.FileField)
        if form["purpose"] != "batch":
            return error(400, f"'{form['purpose']}' is not one of the allowed purposes", "invalid_value", param="purpose")
        return web.json_response(self._file(sent.file.read(), sent.filename, "batch"))

    def _file(self, data: bytes, name: str, purpose: str) -> dict[str, Any]:
        identifier = f"file-{len(self.files):022d}"
        self.files[identifier] = data
        told = {"bytes": len(data), "created_at": 1_793_500_000, "filename": name, "purpose": purpose, "status": "processed"}
        return {"id": identifier, "object": "file", **told}

    async def _content(self, request: web.Request) -> web.Response:
        identifier = request.match_info["id"]
        if identifier not in self.files:
            return error(404, f"No such File object: {identifier}", None, param="id")
        return self._stranger(request) or web.Response(body=self.files[identifier], content_type="application/octet-stream")

    async def _create(self, request: web.Request) -> web.Response:
        body = await request.json()
        if refused := self._stranger(request):
            return refused
        if body["input_file_id"] not in self.files:
            return error(400, f"Invalid file: {body['input_file_id']}", "invalid_request", param="input_file_id")
        asked = [json.loads(line) for line in self.files[body["input_file_id"]].splitlines()]
        identifier = f"batch_{len(self.batches):032d}"
        twice = [name for name, number in Counter(each["custom_id"] for each in asked).items() if number > 1]
        self.batches[identifier] = {"body": body, "asked": asked, "polls": 0, "twice": twice, "files": None, "created": int(time.time())}
        return await self.created(request, web.json_response(self._batch(identifier)))

    async def _list(self, request: web.Request) -> web.Response:
        for batch in self.batches.values():
            batch["polls"] += 1
        listed = self.page([self._batch(name) for name in reversed(self.batches)], request.query.get("after"), PAGE)
        return self._stranger(request) or web.json_response({"object": "list", **listed})

    async def _retrieve(self, request: web.Request) -> web.Response:
        if (identifier := request.match_info["id"]) not in self.batches:
            return error(404, f"No batch found with id '{identifier}'.", None)
        self.batches[identifier]["polls"] += 1
        return self._stranger(request) or web.json_response(self._batch(identifier))

    def _batch(self, identifier: str) -> dict[str, Any]:
        batch = self.batches[identifier]
        ends = Counter(self.outcome(each["custom_id"]) for each in batch["asked"])
        over = batch["polls"] >= self.polls
        status = "in_progress" if batch["polls"] else "validating"
        if batch["twice"] and batch["polls"]:
            status = "failed"
        elif over:
            status = "expired" if ends["expired"] else "completed"
            batch["files"] = batch["files"] or self._results(identifier)
        output, errors = batch["files"] or (None, None)
        fault = {"code": "duplicate_custom_id", "line": None, "message": f"duplicate custom_id {batch['twice']}", "param": "custom_id"}
        return {
            "id": identifier,
            "object": "batch",
            "endpoint": batch["body"]["endpoint"],
            "errors": {"object": "list", "data": [fault]} if status == "failed" else None,
            "input_file_id": batch["body"]["input_file_id"],
            "completion_window": batch["body"]["completion_window"],
            "status": status,
            "output_file_id": output,
            "error_file_id": errors,
            "created_at": batch["created"],
            "expires_at": batch["created"] + 86_400,
            "request_counts": {"total": len(batch["asked"]), "completed": ends["completed"] if over else 0, "failed": ends["failed"] if over else 0},
            "metadata": batch["body"].get("metadata"),
        }

    def _results(self, identifier: str) -> tuple[str | None, str | None]:
        """The two files: what was answered, and what was not."""
        asked = self.batches[identifier]["asked"]
        found = self.lines([self._line(each) for each in random.Random(identifier).sample(asked, len(asked))])
        done = [line for line in found if (line["response"] or {}).get("status_code") == 200]
        written = [(f"{identifier}_output.jsonl", done), (f"{identifier}_error.jsonl", [line for line in found if line not in done])]
        output, errors = (self._file(jsonl(lines), name, "batch_output")["id"] if lines else None for name, lines in written)
        return output, errors

    def _line(self, each: dict[str, Any]) -> dict[str, Any]:
        end, name = self.outcome(each["custom_id"]), each["custom_id"]
        if end == "expired":
            late = {"code": "batch_expired", "message": "This request could not be executed before the completion window expired."}
            return {"id": f"batch_req_{name}", "custom_id": name, "response": None, "error": late}
        self.paid += end == "completed"
        body = answer_to(each["url"], each["body"]) if end == "completed" else told("a fault of the request", "invalid_request_error")
        response = {"status_code": 200 if end == "completed" else 400, "request_id": f"req_{name}", "body": body}
        return {"id": f"batch_req_{name}", "custom_id": name, "response": response, "error": None}


def jsonl(lines: list[dict[str, Any]]) -> bytes:
    """A line each."""
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def fault_of(path: str, body: dict[str, Any]) -> web.Response | None:
    """What the API finds wrong with a request, in its own words."""
    if path == MODERATIONS and (refusal := unfit_for_moderation(body["input"])):
        return refusal
    refused = ["max_tokens", "temperature", "top_p"] if REASONS.match(body["model"]) else []
    refused += ["seed", "response_format", "negative_prompt"] if "gpt-image" in body["model"] else []
    for name in refused:
        if name in body:
            hint = " Use 'max_completion_tokens' instead." if name == "max_tokens" else ""
            return error(400, f"Unsupported parameter: '{name}' is not supported with this model.{hint}", "unsupported_parameter", param=name)
    urls = [part["image_url"]["url"] for part in parts_of(body) if part["type"] == "image_url"]
    if not all(map(is_picture, urls)):
        return error(400, "You uploaded an unsupported image. Please make sure your image is valid.", "image_parse_error")
    return None


def unfit_for_moderation(given: str | list[Any]) -> web.Response | None:
    """What the moderation finds wrong with its input."""
    images = [part for part in given if isinstance(part, dict) and part["type"] == "image_url"]
    if not given:
        return error(400, "'$.input' is invalid: expected an input", None, param="input")
    if len(images) > 1:
        return error(400, f"Number of images ({len(images)}) exceeds maximum of 1", "too_many_images", param="input")
    return None


def is_picture(url: str) -> bool:
    """Whether the picture can be read, and is of the type that it says."""
    kind, _, data = url.removeprefix("data:").partition(";base64,")
    try:
        with Image.open(io.BytesIO(base64.b64decode(data, validate=True))) as opened:
            opened.load()
            return kind == Image.MIME[opened.format or ""]
    except (OSError, SyntaxError, ValueError):
        return False


def parts_of(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts of all messages, or of what is moderated; a plain text is a part of its own."""
    if "input" in body:
        return [{"type": "text", "text": part} if isinstance(part, str) else part for part in body["input"]]
    contents = [message["content"] for message in body.get("messages", ())]
    return [part for content in contents for part in ([{"type": "text", "text": content}] if isinstance(content, str) else content)]


def png(number: int = 0) -> bytes:
    """A small picture, another for every number."""
    file = io.BytesIO()
    Image.new("RGB", (8, 6), (number % 256, 20, 30)).save(file, "PNG")
    return file.getvalue()


def answer_to(path: str, body: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """The documented answer: the last text of the request in every choice, or pictures. `changed` may name fields at any depth."""
    samples = range(body.get("n") or 1)
    if path == MODERATIONS:
        given, more = body["input"], changed.pop("each", {})
        whole = isinstance(given, str) or any(isinstance(part, dict) for part in given)
        results = [moderated(each, **more) for each in ([given] if whole else given)]
        return {"id": "modr-1", "model": "omni-moderation-2024-09-26", "results": results, **changed}
    if path == IMAGES:
        data = [{"b64_json": base64.b64encode(png(number)).decode()} for number in samples]
        usage = {"input_tokens": 5, "output_tokens": 7, "total_tokens": 12, "input_tokens_details": {"text_tokens": 5, "image_tokens": 0}}
        return {"created": 1, "data": data, "size": body.get("size", "1024x1024"), "quality": "high", "usage": usage, **changed}
    texts = [part["text"] for part in parts_of(body) if part["type"] == "text"]
    text = texts[-1] if texts else "a picture"
    message = {"role": "assistant", "content": text, "refusal": None, "annotations": []}
    choice = {"message": message, "logprobs": None, "finish_reason": "stop"}
    for name in ("content", "refusal"):
        if name in changed:
            message[name] = changed.pop(name)
    for name in ("message", "finish_reason", "content_filter_results"):
        if name in changed:
            choice[name] = changed.pop(name)
    tokens = [sum(len(each.split()) for each in texts), len(text.split()) * len(samples)]
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": body["model"],
        "choices": [{"index": index, **choice} for index in samples],
        "usage": {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)},
        "service_tier": "default",
        "system_fingerprint": SYSTEM_FINGERPRINT,
        **changed,
    }


def moderated(given: Any, **changed: Any) -> dict[str, Any]:
    """The documented result, with other scores for every input. For a picture alone, what it is not looked at for has the score 0."""
    kinds = ["text"] if isinstance(given, str) else sorted({part["type"].removesuffix("_url") for part in given})
    applied = {name: [kind for kind in kinds if kind == "text" or name in SEEN_HARMS] for name in HARMS}
    scores = {name: random.Random(f"{name}:{given}").random() if types else 0 for name, types in applied.items()}
    categories = {name: value > 0.5 for name, value in scores.items()}
    scores |= {name: changed.pop(name) for name in scores if name in changed}
    result = {"flagged": any(categories.values()), "categories": categories, "category_scores": scores}
    return {**result, "category_applied_input_types": applied, **changed}


def told(message: str, code: str | None, *, kind: str = "invalid_request_error", param: str | None = None, **more: Any) -> dict[str, Any]:
    """The body of an error."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code, **more}}


def error(status: int, message: str, code: str | None, *, headers: dict[str, str] | None = None, **more: Any) -> web.Response:
    """The documented answer to what failed."""
    return web.json_response(told(message, code, **more), status=status, headers={"x-request-id": "req_failed", **(headers or {})})


def says(make: Callable[[OpenAIApi], web.Response]) -> Behaviour:
    """An answer for which the request does not matter."""

    async def behave(api: OpenAIApi, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        return make(api)

    return behave


def fails(status: int, message: str, code: str | None = None, **more: Any) -> Behaviour:
    """A failure with the body of an error."""
    return says(lambda _: error(status, message, code, **more))


def sends(text: str, status: int = 200, content_type: str = "application/json", **headers: str) -> Behaviour:
    """Any body: half a JSON, a page of HTML."""
    return says(lambda _: web.Response(text=text, status=status, content_type=content_type, headers=headers))


def repeats_the_key(status: int = 401, code: str = "invalid_api_key", **more: Any) -> Behaviour:
    """A refusal that tells the key it was given, at the place where a long message is cut."""
    return says(lambda api: error(status, f"{'x' * 480} Incorrect API key provided: {api.key}. Find yours", code, headers={"x-echo": api.key}, **more))


def answers(**changed: Any) -> Behaviour:
    """The echo or the pictures, but for the fields that are told; a field of `...` is left out."""

    async def behave(api: OpenAIApi, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        api.paid += 1
        found = without(answer_to(request.path, body, **changed))
        return web.json_response(found, headers={"x-request-id": f"req_{api.calls}"})

    return behave


def without(found: Any) -> Any:
    """The same, but for what is `...`."""
    if isinstance(found, list):
        return [without(each) for each in found]
    return {name: without(value) for name, value in found.items() if value is not ...} if isinstance(found, dict) else found


def slow(seconds: float) -> Behaviour:
    """The echo, late."""
    return late(seconds, answers())


def together(number: int) -> Behaviour:
    """The echo, as soon as so many calls are in flight."""
    return in_company(number, answers())


def broken_off(pause: float | None = None) -> Behaviour:
    """The echo, and the line dies in the middle of it; with a pause it trickles instead."""
    return torn(lambda request, body: answer_to(request.path, body), pause)


async def unanswered(api: OpenAIApi, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    """The line is reset before the first byte."""
    return hung_up(request, web.StreamResponse())


def refuses(text: str) -> Behaviour:
    """A refusal by the model: 200, with its words in a field of their own."""
    return answers(content=None, refusal=text)


overloaded = fails(503, "The engine is currently overloaded, please try again later", kind="server_error")
"""Busy, with nothing said about when to come again."""
out_of_quota = fails(429, "You exceeded your current quota, please check your plan and billing details.", "insufficient_quota", kind="insufficient_quota")
"""The same status as for too many calls, but no waiting helps."""


def rate_limited(retry_after: str | None = None) -> Behaviour:
    """Too many calls."""
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return fails(429, "Rate limit reached for requests", "rate_limit_exceeded", kind="requests", headers=headers)
