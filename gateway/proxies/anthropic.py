"""Claude models behind Anthropic's Messages API: one HTTP call for one request, and never a second try.

It goes through the SDK on its aiohttp transport, because the default one takes ten times the processor with 500 calls in flight. Answers
are read as plain JSON: the SDK's classes take a wrong type for the right one. The requests of a batch hold the same bodies, and its
results the same messages, so `ask` and `answer` stand apart from the call.

No picture and no text is changed on its way. A sampling parameter that is not sent is named in the report, under `not_honoured`:

- `n` above 1, `seed` and what belongs to pictures do not exist in this API.
- `temperature` and `top_p` are refused from API version 2026-10-21 on, which the SDK speaks, whatever the model and the value
  (platform.claude.com/docs/en/api/migration-2026-10-21). Models since 4.7 refuse them in the older version too. So they go to
  `OLDER` alone, in the older version, as the SDK's MIGRATION.md says. `send` and `leave_out` overrule this.

What the vendor does by itself cannot be seen from here: it scales a picture down to what the model looks at, and newer models think
before they answer, within `max_tokens`. An answer that was cut before its first word has the finish `length` and `empty` in the report.
"""

from __future__ import annotations

import base64
import io
import re
import warnings
from collections.abc import Container, Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import anthropic
from anthropic import AsyncAnthropic, DefaultAioHttpClient
from PIL import Image

from gateway import jsontext
from gateway.pictures import FORMATS
from gateway.proxies import line, vendor
from gateway.proxies.line import Answer, Line
from gateway.wire import NOT_HONOURED
from kernel.contract import SAMPLING_NAMES, Deadline, Finish, Kind, Part, Picture, Reply, Request, Sampling, Text
from kernel.errors import (
    BadReply,
    InvalidRequest,
    ModelError,
    PermissionDenied,
    QuotaExhausted,
    TooLarge,
    UnknownName,
    Unsupported,
)

ADDRESS = "https://api.anthropic.com"
PATH = "/v1/messages"
OLDER = ("claude-opus-4-6", "claude-sonnet-4-6", "claude-opus-4-5", "claude-sonnet-4-5", "claude-haiku-4-5")
"""Beginnings of the names of those models in the SDK's `types/model.py` that still take sampling parameters."""
OLDER_VERSION = {"anthropic-version": "2023-06-01"}
SMALLER = ("claude-opus-4-5", "claude-sonnet-4-5", "claude-haiku-4-5")
"""Models with a context of 200,000 tokens, which take fewer pictures."""

VISION = "platform.claude.com/docs/en/build-with-claude/vision"
MOST_PICTURES, MOST_PICTURES_SMALLER = 600, 100
MOST_ENCODED = 10 * 1024 * 1024
"""Characters of one picture in base64."""
MOST_SIDE = 8000
MANY_PICTURES, MOST_SIDE_OF_MANY = 20, 2000
"""With more pictures than that in a request, each may only have sides as short as this."""
ERRORS = "platform.claude.com/docs/en/api/errors"
MOST_BYTES = 32 * 1024 * 1024

_RANDOMNESS = ("temperature", "top_p")
_SENDABLE = {"temperature": "temperature", "top_p": "top_p", "stop": "stop_sequences"}
_FINISH = {"end_turn": Finish.STOP, "stop_sequence": Finish.STOP, "max_tokens": Finish.LENGTH, "refusal": Finish.REFUSAL}
_FULL = "model_context_window_exceeded"
_CACHED = ("cache_creation_input_tokens", "cache_read_input_tokens")
_BY_CAUSE: dict[str | None, type[ModelError]] = {
    "contract_spend_limit_reached": QuotaExhausted,
    "enforced_spend_limit_reached": QuotaExhausted,
    "image_dimensions_too_large": TooLarge,
    "organization_on_hold": PermissionDenied,
}
_USED_UP = re.compile(r"credit balance is too low|you have reached your specified (?:\w+ )?api usage limits", re.IGNORECASE)
_UNSUPPORTED = re.compile(r"not permitted|deprecated|not support|unsupported|cannot both", re.IGNORECASE)


class Anthropic:
    """A Claude model by the name that the vendor gives it.

    leave_out: sampling parameters that are never sent. send: those that are, though the model is not known to take them.
    max_tokens: for requests that name none, because the API wants one.
    Raises `Unauthenticated` without a key, `UnknownName` for a parameter that is none.
    """

    def __init__(
        self,
        *,
        model: str,
        key_file: str,
        base_url: str | None = None,
        leave_out: list[str] | None = None,
        send: list[str] | None = None,
        max_tokens: int = 1024,
    ) -> None:
        _check("can be left out", leave_out or (), [name for name in SAMPLING_NAMES if name != "max_tokens"])
        _check("can be sent", send or (), _SENDABLE)
        self.model = model
        self.max_tokens = max_tokens
        known = {"stop", *(_RANDOMNESS if model.startswith(OLDER) else ())}
        self._sent = known.union(send or ()).difference(leave_out or ())
        self._key = vendor.Key.from_file(key_file)
        self._client = AsyncAnthropic(
            api_key=self._key.reveal(),
            base_url=base_url or ADDRESS,
            max_retries=0,
            open_telemetry=False,
            http_client=DefaultAioHttpClient(limits=line.CONNECTIONS, follow_redirects=False),
        )
        self.line = Line(self._client, anthropic, self._key)
        # The SDK reads ANTHROPIC_CUSTOM_HEADERS whatever it is told, and a key can stand there.
        self._client._custom_headers = {}  # noqa: SLF001

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        """Ask once.

        Raises:
            Unsupported: Not of kind generate, or a parameter that the model refuses.
            TooLarge: Over a limit of the vendor, which is named.
            InvalidRequest: An empty text, or a picture that is none.
            DeadlineExceeded: No whole answer in time; bytes that keep coming do not prolong it.
            QuotaExhausted: The account or its budget is used up.
            BadReply: An answer that is not as documented.
            ModelError: What the vendor's status means otherwise.
        """
        body = self.ask(request)
        headers = OLDER_VERSION if sampled(body) else None
        answer = await self.line.post(PATH, jsontext.dumps(body), deadline, headers)
        return self.answer(request, answer, body)

    async def aclose(self) -> None:
        """Let go of the connections."""
        await self._client.close()

    def ask(self, request: Request) -> dict[str, Any]:
        """The body of the call; one with `temperature` or `top_p` needs `OLDER_VERSION`. Raises `Unsupported`, `TooLarge`, `InvalidRequest`."""
        if request.kind is not Kind.GENERATE or request.negative is not None:
            wanted = request.kind if request.kind is not Kind.GENERATE else "a negative prompt"
            raise Unsupported(f"{self.model} generates text; the request wants {wanted}")
        if not request.parts:
            raise InvalidRequest("the request has no part; expected a text or a picture")
        _check_texts(request)
        _check_pictures(request.pictures, MOST_PICTURES_SMALLER if self.model.startswith(SMALLER) else MOST_PICTURES)
        sampling = request.sampling
        turns = [{"role": turn.role, "content": turn.text} for turn in request.history]
        content = [_block(part) for part in request.parts]
        body: dict[str, Any] = {
            "model": self.model,
            "max_tokens": self.max_tokens if sampling.max_tokens is None else sampling.max_tokens,
            "messages": [*turns, {"role": "user", "content": content}],
        }
        if request.system:
            body["system"] = request.system
        if sampling.stop is not None and "stop" in self._sent:
            body["stop_sequences"] = list(sampling.stop)
        chosen = {name: getattr(sampling, name) for name in _RANDOMNESS if name in self._sent}
        return {**body, **{name: value for name, value in chosen.items() if value is not None}}

    @property
    def samples(self) -> bool:
        """Whether the model is ever sent what only `OLDER_VERSION` takes."""
        return sampled(self._sent)

    def _not_honoured(self, sampling: Sampling) -> list[str]:
        honoured = {*self._sent, "max_tokens", *(("n",) if sampling.n == 1 else ())}
        return sorted(set(sampling.as_dict()) - honoured)

    def answer(self, request: Request, answer: Answer, sent: Container[str] = ()) -> Reply:
        """The reply in what the vendor answered; `sent` has the names of what it was sent. Raises `ModelError`."""
        message = answer.body
        if answer.status != HTTPStatus.OK:
            raise self._failure(answer, sent)
        if not isinstance(message, dict):
            raise BadReply("the vendor's answer is no JSON object")
        if message.get("type") == "error":
            raise BadReply(f"the vendor answered 200 with an error: {self.line.words(answer)[: vendor.LONGEST_MESSAGE]}")
        name, reason, usage = _told(message, "model", str), _told(message, "stop_reason", str), _told(message, "usage", dict)
        blocks = [block if isinstance(block, dict) else {} for block in _told(message, "content", list)]
        text = "".join(_told(block, "text", str) for block in blocks if _told(block, "type", str) == "text")
        cached = {name: _told(usage, name, int) for name in _CACHED if usage.get(name) is not None}
        report = {
            "model": name,
            "request_id": answer.headers.get("request-id"),
            NOT_HONOURED: self._not_honoured(request.sampling),
            "refusal": reason == "refusal",
            "refusal_details": message.get("stop_details"),
            "empty": not text and reason != "refusal",
            "stop_reason": None if reason in _FINISH else reason,
            **cached,
        }
        return Reply(
            texts=(text,),
            finish=(Finish.LENGTH if reason == _FULL else _FINISH.get(reason, Finish.STOP),),
            input_tokens=_told(usage, "input_tokens", int) + sum(cached.values()),
            output_tokens=_told(usage, "output_tokens", int),
            report={name: value for name, value in report.items() if value},
        )

    def _failure(self, answer: Answer, sent: Container[str]) -> ModelError:
        """The vendor's refusal as one of ours."""
        told, said, error = self.line.failure(answer), self.line.words(answer), _of(answer.body, "error")
        cls = _BY_CAUSE.get(str(_of(error, "details").get("error_code")))
        if error.get("type") == "billing_error" or answer.status == HTTPStatus.PAYMENT_REQUIRED or _USED_UP.search(said):
            cls = QuotaExhausted
        if cls is not None:
            return cls(str(told), retry_after=told.retry_after)
        refused = [name for name, theirs in _SENDABLE.items() if theirs in sent and re.search(rf"\b{theirs}\b", said)]
        if answer.status == HTTPStatus.BAD_REQUEST and refused and _UNSUPPORTED.search(said):
            return Unsupported(f"{told}; list {', '.join(refused)} under leave_out of this model")
        return told


def sampled(body: Container[str]) -> bool:
    """Whether a body has what only `OLDER_VERSION` takes."""
    return any(name in body for name in _RANDOMNESS)


def _of(found: Any, name: str) -> Mapping[str, Any]:
    inner = found.get(name) if isinstance(found, Mapping) else None
    return inner if isinstance(inner, Mapping) else {}


def _check(what: str, names: Iterable[str], known: Iterable[str]) -> None:
    for name in names:
        if name not in known:
            raise UnknownName(f"sampling parameter that {what}", name, known)


def _check_texts(request: Request) -> None:
    """The API refuses texts without a word: "text content blocks must contain non-whitespace text"."""
    texts = [(f"history[{index}]", turn.text) for index, turn in enumerate(request.history)]
    texts += [(f"parts[{index}]", part.text) for index, part in enumerate(request.parts) if isinstance(part, Text)]
    for where, text in texts:
        if not text.strip():
            raise InvalidRequest(f"{where} is an empty text, which the Anthropic API refuses; leave it out")
    size = sum(len(text.encode("utf-8", "surrogatepass")) for _, text in texts) + sum(map(_encoded, request.pictures))
    if size > MOST_BYTES:
        raise TooLarge(f"the request has {size:,} bytes, the Anthropic API takes {MOST_BYTES:,} ({ERRORS})")


def _check_pictures(pictures: Sequence[Picture], most: int) -> None:
    if len(pictures) > most:
        raise TooLarge(f"{len(pictures)} pictures, the model takes {most} in a request ({VISION})")
    longest, when = (MOST_SIDE_OF_MANY, f" in a request of more than {MANY_PICTURES}") if len(pictures) > MANY_PICTURES else (MOST_SIDE, "")
    for index, picture in enumerate(pictures):
        vendor.media_type(picture)
        if (size := _encoded(picture)) > MOST_ENCODED:
            raise TooLarge(f"picture {index} has {size:,} bytes in base64, the Anthropic API takes {MOST_ENCODED:,} ({VISION})")
        if (side := _side(picture)) > longest:
            raise TooLarge(f"picture {index} has a side of {side:,} pixels, the Anthropic API takes {longest:,}{when} ({VISION})")


def _encoded(picture: Picture) -> int:
    return (len(picture.data) + 2) // 3 * 4


def _side(picture: Picture) -> int:
    """The longer side, from the header. Nothing is decoded, so no number of pixels does harm."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(picture.data), formats=FORMATS) as opened:
                return max(opened.size)
    except Image.DecompressionBombError:
        found = f"a picture of more than {2 * (Image.MAX_IMAGE_PIXELS or 0):,} pixels"
        raise TooLarge(f"{found}, the Anthropic API takes sides of {MOST_SIDE:,} ({VISION})") from None
    except Exception as error:
        raise InvalidRequest(f"the picture's header cannot be read: {error}") from error


def _block(part: Part) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    data = base64.b64encode(part.data).decode()
    return {"type": "image", "source": {"type": "base64", "media_type": vendor.media_type(part), "data": data}}


def _told(found: Mapping[str, Any], name: str, kind: type[Any]) -> Any:
    """The value of a field that the vendor always gives. Raises `BadReply`."""
    value = found.get(name)
    if not isinstance(value, kind) or isinstance(value, bool) or (kind is int and value < 0):
        raise BadReply(f"the vendor's answer has {name} of type {type(value).__name__}; expected {kind.__name__}")
    return value
