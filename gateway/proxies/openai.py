"""OpenAI's chat and image models, and every server that speaks the same HTTP interface: vLLM, Azure's v1 API, one in the house.

One POST for one request, and never a second try. It goes through OpenAI's SDK on its aiohttp transport, because the default one takes
four times the processor with 256 calls in flight. Bodies are plain JSON on both ways: the SDK's classes take a wrong type for the right
one, and the lines of a batch job hold the same bodies, so `ask` and `answer` stand apart from the call.

No picture and no text is changed on its way. A sampling parameter that is not sent is named in the report, under `not_honoured`. What
the vendor does by itself cannot be seen from here: it scales pictures down to what the model looks at, and models that reason spend
`max_tokens` on that too. An answer cut before its first word has the finish `length`; an empty one has `stop`, and `empty` in the report.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import openai

from gateway import jsontext
from gateway.proxies import line, vendor
from gateway.proxies.line import Answer, Line
from gateway.wire import NOT_HONOURED
from kernel.contract import SAMPLING_NAMES, Deadline, Finish, Kind, Part, Picture, Reply, Request, Sampling, Text
from kernel.errors import (
    BadReply,
    InvalidRequest,
    InvalidSpec,
    QuotaExhausted,
    TooLarge,
    UnknownName,
    Unsupported,
)

ADDRESS = "https://api.openai.com/v1"
PATHS = {Kind.GENERATE: "/chat/completions", Kind.IMAGINE: "/images/generations"}

VISION = "developers.openai.com/api/docs/guides/images-vision"
MOST_PICTURES, MOST_BYTES = 1500, 512_000_000
IMAGES = "openai.types.ImageGenerateParams"
MOST_IMAGES, MOST_CHARACTERS = 10, 32_000
STEP, STEEPEST, LONGEST_SIDE, MOST_PIXELS = 16, 3, 3840, 3840 * 2160
STANDARD_SIZES = ("1024x1024", "1536x1024", "1024x1536")

_RANDOMNESS = ("temperature", "top_p")
_FAMILIES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"o\d+(-|$)", _RANDOMNESS),
    (r"(o3|o4-mini)(-|$)", ("stop",)),
    (r"gpt-5(-(?!chat)|$)", (*_RANDOMNESS, "stop")),
    (r"(gpt-5\.[56]|gpt-[6-9](\.\d+)?)(-|$)", _RANDOMNESS),
)
"""What models refuse while they reason, as these do unless they are told not to. temperature and top_p: the vendor's page
developers.openai.com/api/docs/guides/deployment-checklist; stop: the SDK's `CompletionCreateParams`, and what gpt-5 answers."""
_GPT_IMAGE = re.compile(r"(chat)?gpt-image")
_RESPONSE_FORMAT = "response_format"
_FINISH = {"stop": Finish.STOP, "length": Finish.LENGTH, "content_filter": Finish.CONTENT_FILTER}
_FILTERS = ("content_policy_violation", "moderation_blocked", "content_filter", "cyber_policy", "bio_policy", "misalignment_policy_violation")
_VIOLATIONS = re.compile(r"safety_violations=\[([^\]]*)\]")
_USED_UP = (
    "insufficient_quota",
    "credit_balance_exhausted",
    "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
    "billing_hard_limit_reached",
    "billing_not_active",
)
_UNSUPPORTED = re.compile(r"(unsupported|unknown|unrecognized)[ _](parameter|value|request argument)", re.IGNORECASE)
_NAMED = re.compile(r"'(\w+)'")


class OpenAI:
    """A model by the name that the vendor gives it.

    makes: "generate" or "imagine". leave_out: parameters that are not sent, besides those that the model's family is known to refuse.
    max_tokens: for requests that name none. old_max_tokens: for servers that do not know `max_completion_tokens`, which is what
    OpenAI's models want and vLLM takes.
    Raises `Unauthenticated` without a key, `UnknownName` for a parameter that is none, `InvalidSpec` for another `makes`.
    """

    def __init__(  # noqa: PLR0913 - all that a catalog can say of it
        self,
        *,
        model: str,
        key_file: str,
        makes: str = Kind.GENERATE,
        base_url: str | None = None,
        organization: str | None = None,
        project: str | None = None,
        leave_out: list[str] | None = None,
        max_tokens: int | None = None,
        old_max_tokens: bool = False,
    ) -> None:
        if makes not in list(PATHS):
            raise InvalidSpec(model, [f"makes is {makes!r}; expected one of {', '.join(PATHS)}"])
        for name in leave_out or ():
            if name not in (*SAMPLING_NAMES, _RESPONSE_FORMAT):
                raise UnknownName("parameter that can be left out", name, (*SAMPLING_NAMES, _RESPONSE_FORMAT))
        self.model = model
        self.kind = Kind(makes)
        self.max_tokens = max_tokens
        self._name = model.rpartition("/")[2]
        self._left_out = {*(leave_out or ()), *(name for family, names in _FAMILIES if re.match(family, self._name) for name in names)}
        names = {name: name for name in ("n", "temperature", "top_p", "seed", "stop")}
        names["max_tokens"] = "max_tokens" if old_max_tokens else "max_completion_tokens"
        self._sent = {ours: theirs for ours, theirs in names.items() if ours not in self._left_out}
        self._key = vendor.Key.from_file(key_file)
        self._client = openai.AsyncOpenAI(
            api_key=self._key.reveal(),
            admin_api_key="",
            webhook_secret="",
            base_url=base_url or ADDRESS,
            max_retries=0,
            http_client=openai.DefaultAioHttpClient(limits=line.CONNECTIONS, follow_redirects=False),
        )
        self.line = Line(self._client, openai, self._key)
        # The SDK reads these from the environment where it is told nothing, and the headers whatever it is told.
        self._client.organization, self._client.project = organization, project
        self._client._custom_headers = {}  # noqa: SLF001

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        """Ask once.

        Raises:
            Unsupported: Another kind, or a parameter that the model refuses.
            TooLarge: Over a limit of the vendor, which is named.
            InvalidRequest: A picture that is none, or a size that is not made.
            DeadlineExceeded: No answer in time, counted from the first byte sent to the last one received.
            QuotaExhausted: The account or its budget is used up.
            BadReply: An answer that is not as documented.
            ModelError: What the vendor's status means otherwise.
        """
        return self.answer(request, await self.line.post(PATHS[self.kind], encoded(self.ask(request)), deadline))

    async def aclose(self) -> None:
        """Let go of the connections."""
        await self._client.close()

    def ask(self, request: Request) -> dict[str, Any]:
        """The body of the POST. Raises `Unsupported`, `TooLarge`, `InvalidRequest`."""
        if request.kind is not self.kind or request.negative is not None:
            wanted = request.kind if request.kind is not self.kind else "a negative prompt"
            raise Unsupported(f"{self.model} can {self.kind}; the request wants {wanted}")
        return self._chat(request) if self.kind is Kind.GENERATE else self._image(request)

    def answer(self, request: Request, answer: Answer) -> Reply:
        """The reply in what the vendor answered. Raises `ModelError`."""
        body = answer.body
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            reply = self._refused(request, answer)
        elif not isinstance(body, dict):
            raise BadReply("the vendor's answer is no JSON object")
        elif body.get("error"):
            raise BadReply(f"the vendor answered {answer.status} with an error: {self.line.words(answer)[: vendor.LONGEST_MESSAGE]}")
        else:
            reply = _generated(body) if self.kind is Kind.GENERATE else _imagined(body)
        told = {"request_id": answer.headers.get("x-request-id"), NOT_HONOURED: self._not_honoured(request.sampling)}
        return replace(reply, report={name: value for name, value in {**reply.report, **told}.items() if value})

    def _chat(self, request: Request) -> dict[str, Any]:
        if not request.parts:
            raise InvalidRequest("the request has no part; expected a text or a picture")
        if len(request.pictures) > MOST_PICTURES:
            raise TooLarge(f"{len(request.pictures)} pictures, the OpenAI API takes {MOST_PICTURES:,} in a request ({VISION})")
        system = [] if request.system is None else [{"role": "system", "content": request.system}]
        turns = [{"role": turn.role, "content": turn.text} for turn in request.history]
        only = request.parts[0] if len(request.parts) == 1 else None
        content = only.text if isinstance(only, Text) else [_block(part) for part in request.parts]
        settings = {"max_tokens": self.max_tokens, **request.sampling.as_dict()}
        sent = {theirs: settings[ours] for ours, theirs in self._sent.items() if settings.get(ours) is not None}
        return {"model": self.model, "messages": [*system, *turns, {"role": "user", "content": content}], **sent}

    def _image(self, request: Request) -> dict[str, Any]:
        if request.pictures or request.system is not None or request.history:
            raise Unsupported(f"{self.model} makes pictures from one text alone; the request has pictures, a system text or a history")
        sampling = request.sampling
        body: dict[str, Any] = {"model": self.model, "prompt": request.text}
        if len(request.text) > MOST_CHARACTERS:
            raise TooLarge(f"the text has {len(request.text):,} characters, the OpenAI API takes {MOST_CHARACTERS:,} ({IMAGES})")
        if sampling.n is not None and "n" in self._sent:
            if sampling.n > MOST_IMAGES:
                raise InvalidRequest(f"n is {sampling.n}, the OpenAI API makes {MOST_IMAGES} pictures in a request ({IMAGES})")
            body["n"] = sampling.n
        if self._sizes(sampling):
            body["size"] = _size(self._name, sampling.width or 0, sampling.height or 0)
        if not _GPT_IMAGE.match(self._name) and _RESPONSE_FORMAT not in self._left_out:
            body[_RESPONSE_FORMAT] = "b64_json"
        return body

    def _sizes(self, sampling: Sampling) -> bool:
        return sampling.width is not None and sampling.height is not None and not self._left_out & {"width", "height"}

    def _not_honoured(self, sampling: Sampling) -> list[str]:
        image = {"n"}.intersection(self._sent) | ({"width", "height"} if self._sizes(sampling) else set())
        return sorted(set(sampling.as_dict()).difference(self._sent if self.kind is Kind.GENERATE else image))

    def _refused(self, request: Request, answer: Answer) -> Reply:
        """What a policy refused is an answer. Everything else is raised."""
        said = answer.body.get("error") or answer.body if isinstance(answer.body, dict) else None
        told = said if isinstance(said, dict) else {}
        status, message, code = answer.status, self.line.words(answer), str(told.get("code"))
        by_rule = status < HTTPStatus.INTERNAL_SERVER_ERROR
        if by_rule and (code in _FILTERS or (code == "invalid_prompt" and "policy" in message)):
            samples = (request.sampling.n or 1) if "n" in self._sent else 1
            texts = ("",) * samples if self.kind is Kind.GENERATE else ()
            return Reply(texts=texts, finish=(Finish.CONTENT_FILTER,) * samples, report={"filter": code, "filtered": _categories(told, message)})
        failure = self.line.failure(answer)
        if status == HTTPStatus.PAYMENT_REQUIRED or (by_rule and {code, str(told.get("type"))}.intersection(_USED_UP)):
            raise QuotaExhausted(str(failure), retry_after=failure.retry_after)
        if status in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY) and _UNSUPPORTED.search(f"{code} {message}"):
            raise Unsupported(f"{failure}{self._mend(told, message)}")
        raise failure

    def _mend(self, told: Mapping[str, Any], message: str) -> str:
        """What to do about a parameter that the model does not take."""
        found = _NAMED.search(message)
        name = str(told.get("param") or (found and found[1]))
        if name in ("max_tokens", "max_completion_tokens"):
            return f"; set old_max_tokens of this model to {str(name != 'max_tokens').lower()}"
        known = {**{theirs: ours for ours, theirs in self._sent.items()}, "size": "width and height", _RESPONSE_FORMAT: _RESPONSE_FORMAT}
        return f"; list {known[name]} under leave_out of this model" if name in known else ""


def encoded(body: Mapping[str, Any]) -> bytes:
    """The body of a POST. Raises `InvalidRequest` and `TooLarge`."""
    try:
        content = jsontext.dumps(body)
    except ValueError as error:
        raise InvalidRequest(f"the request cannot be written as JSON: {error}") from None
    if len(content) > MOST_BYTES:
        raise TooLarge(f"the request has {len(content):,} bytes, the OpenAI API takes {MOST_BYTES:,} ({VISION})")
    return content


def _block(part: Part) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    data = base64.b64encode(part.data).decode()
    return {"type": "image_url", "image_url": {"url": f"data:{vendor.media_type(part)};base64,{data}"}}


def _size(name: str, width: int, height: int) -> str:
    size, long, short = f"{width}x{height}", max(width, height), min(width, height)
    if name.startswith("gpt-image-1") and size not in STANDARD_SIZES:
        raise InvalidRequest(f"size is {size}; {name} makes {', '.join(STANDARD_SIZES)} ({IMAGES})")
    if name.startswith("gpt-image-2") and (width % STEP or height % STEP or long > STEEPEST * short or long > LONGEST_SIDE or width * height > MOST_PIXELS):
        limits = f"multiples of {STEP}, at most {STEEPEST}:1, {LONGEST_SIDE:,} pixels a side and {MOST_PIXELS:,} in all"
        raise InvalidRequest(f"size is {size}; {name} makes {limits} ({IMAGES})")
    return size


def _generated(body: Mapping[str, Any]) -> Reply:
    choices = _told(body, "choices", list)
    if not choices:
        raise BadReply("the vendor's answer has no choices; expected one for each sample")
    samples = [_sample(choice if isinstance(choice, dict) else {}) for choice in choices]
    texts, finish = tuple(text for text, _, _ in samples), tuple(end for _, end, _ in samples)
    usage = _told(body, "usage", dict, None) or {}
    report = {
        "model": _told(body, "model", str, None),
        "system_fingerprint": _told(body, "system_fingerprint", str, None),
        "refusal": Finish.REFUSAL in finish,
        "empty": any(not text and end is Finish.STOP for text, end in zip(texts, finish, strict=True)),
        "filtered": sorted({name for choice in choices for name in _filtered(choice.get("content_filter_results"))}),
        "finish_reason": next((reason for _, _, reason in samples if reason not in _FINISH), None),
    }
    counts = {ours: _told(usage, theirs, int, None) for ours, theirs in (("input_tokens", "prompt_tokens"), ("output_tokens", "completion_tokens"))}
    return Reply(texts=texts, finish=finish, report=report, **counts)


def _sample(choice: Mapping[str, Any]) -> tuple[str, Finish, str]:
    message, reason = _told(choice, "message", dict), _told(choice, "finish_reason", str)
    text = _told(message, "content", str, None) or ""
    if refusal := _told(message, "refusal", str, None):
        return refusal, Finish.REFUSAL, reason
    return text, _FINISH.get(reason, Finish.STOP), reason


def _imagined(body: Mapping[str, Any]) -> Reply:
    data = [entry if isinstance(entry, dict) else {} for entry in _told(body, "data", list)]
    if not data:
        raise BadReply("the vendor's answer has no data; expected a picture for each sample")
    usage = _told(body, "usage", dict, None) or {}
    counts = {name: _told(usage, name, int, None) for name in ("input_tokens", "output_tokens")}
    report = {
        "size": _told(body, "size", str, None),
        "revised_prompts": [prompt for entry in data if (prompt := _told(entry, "revised_prompt", str, None))],
        "usage": {name: count for name, count in counts.items() if count is not None},
    }
    return Reply(pictures=tuple(map(_picture, data)), finish=(Finish.STOP,) * len(data), report=report, **counts)


def _picture(entry: Mapping[str, Any]) -> Picture:
    if entry.get("b64_json") is None and entry.get("url"):
        raise BadReply("the vendor's answer has an address in place of the picture, and addresses are not followed; expected b64_json")
    try:
        picture = Picture(base64.b64decode(_told(entry, "b64_json", str), validate=True))
        vendor.media_type(picture)
    except (binascii.Error, InvalidRequest) as error:
        raise BadReply(f"the vendor's answer has a picture that is none: {error}") from None
    return picture


def _categories(told: Mapping[str, Any], message: str) -> list[str]:
    """What a policy found, in the forms of OpenAI's image models and of Azure."""
    details, inner = told.get("moderation_details"), told.get("innererror") or told.get("inner_error")
    named = details.get("categories") if isinstance(details, dict) else None
    found = _filtered(inner.get("content_filter_result") or inner.get("content_filter_results")) if isinstance(inner, dict) else []
    listed = _VIOLATIONS.search(message)
    return sorted({*map(str, named if isinstance(named, list) else ()), *found, *(re.findall(r"[\w/-]+", listed[1]) if listed else ())})


def _filtered(results: Any) -> list[str]:
    found = results.items() if isinstance(results, dict) else ()
    return [name for name, result in found if isinstance(result, dict) and result.get("filtered") is True]


def _told(found: Mapping[str, Any], name: str, kind: type[Any], *default: Any) -> Any:
    """The value of a field; with a default, one that may be missing or null. Raises `BadReply`."""
    value = found.get(name)
    if value is None and default:
        return default[0]
    if not isinstance(value, kind) or isinstance(value, bool) or (kind is int and value < 0):
        raise BadReply(f"the vendor's answer has {name} of type {type(value).__name__}; expected {kind.__name__}")
    return value
