"""Google's Perspective API: how likely a reader finds a text toxic, insulting, threatening.

One POST for one request, and never a second try. A call takes one comment, so a request has one text. The key goes in a header, where
no log of addresses has it, and the vendor is asked to store nothing. The API has no SDK and names no version of its models; what it
tells is the language it took the text for. Its makers close it at the end of 2026.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import aiohttp

from gateway import jsontext
from gateway.proxies import line, vendor
from gateway.proxies.line import Answer
from kernel.contract import Deadline, Kind, Reply, Request
from kernel.errors import BadReply, DeadlineExceeded, InvalidRequest, InvalidSpec, ModelError, TooLarge, Unauthenticated, Unavailable, Unsupported

ADDRESS = "https://commentanalyzer.googleapis.com"
PATH = "/v1alpha1/comments:analyze"
LIMITS = "github.com/conversationai/perspectiveapi: 2-api/limits.md"
KEY_HEADER = "X-Goog-Api-Key"
MOST_BYTES = 20_480
ATTRIBUTES = ("TOXICITY", "SEVERE_TOXICITY", "IDENTITY_ATTACK", "INSULT", "PROFANITY", "THREAT")
"""The columns of the scores, where the catalog names no others."""

_LANGUAGE = "; name the text's language under language of this model, or list only attributes that know it"
_MEANT: dict[str, tuple[type[ModelError], str]] = {
    "API_KEY_INVALID": (Unauthenticated, ""),
    "COMMENT_EMPTY": (InvalidRequest, ""),
    "COMMENT_TOO_LONG": (TooLarge, ""),
    "LANGUAGE_DETECTION_FAILED": (InvalidRequest, _LANGUAGE),
    "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE": (InvalidRequest, _LANGUAGE),
}
"""What the vendor's reason means and how it is mended, whatever the status: a wrong key is a 400 there, as an empty text is."""


class Perspective:
    """The scores that `attributes` name, in their order.

    language: the code of all texts' language; without it the vendor finds out.
    Raises `Unauthenticated` without a key, `InvalidSpec` for attributes that are no columns. Made in the loop that it is asked in.
    """

    kind = Kind.CLASSIFY

    def __init__(self, *, key_file: str, base_url: str | None = None, attributes: Sequence[str] = ATTRIBUTES, language: str | None = None) -> None:
        if not attributes or len(set(attributes)) != len(attributes):
            raise InvalidSpec("perspective", [f"attributes is {', '.join(attributes) or 'empty'}; expected one or more names, each once"])
        self.attributes = tuple(attributes)
        self.language = language
        self.address = (base_url or ADDRESS).rstrip("/") + PATH
        self._key = vendor.Key.from_file(key_file)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=line.CONNECTIONS.max_connections or 0),
            headers={KEY_HEADER: self._key.reveal(), "Content-Type": "application/json"},
            timeout=aiohttp.ClientTimeout(total=None),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        """Ask once.

        Raises:
            Unsupported: Another kind, a picture, or texts around the one that is to be scored.
            InvalidRequest: No text, an empty one, or one in a language that an attribute does not know.
            TooLarge: Several texts, or more than 20,480 bytes.
            DeadlineExceeded: No answer in time, counted from the first byte sent to the last one received.
            BadReply: An answer that is not as documented.
            ModelError: What the vendor's status means otherwise.
        """
        return self.answer(await self._post(self.ask(request), deadline))

    async def aclose(self) -> None:
        """Let go of the connections."""
        await self._session.close()

    def ask(self, request: Request) -> bytes:
        """The body of the POST. Raises `Unsupported`, `InvalidRequest`, `TooLarge`."""
        if request.kind is not self.kind:
            raise Unsupported(f"Perspective can {self.kind}; the request wants {request.kind}")
        if request.pictures or request.system is not None or request.history or request.negative is not None:
            raise Unsupported("Perspective scores one text alone; the request has pictures, a system text, a history or a negative prompt")
        if not request.parts:
            raise InvalidRequest("the request has no part; expected a text")
        if len(request.parts) > 1:
            raise TooLarge(f"{len(request.parts)} texts, Perspective takes 1 in a request ({LIMITS}); ask for each by itself")
        body = {
            "comment": {"text": request.text},
            "requestedAttributes": {name: {} for name in self.attributes},
            "doNotStore": True,
            **({"languages": [self.language]} if self.language else {}),
        }
        try:
            size = len(request.text.encode())
        except UnicodeEncodeError as error:
            raise InvalidRequest(f"the text has half a surrogate pair at character {error.start}, which is no UTF-8") from None
        if size > MOST_BYTES:
            raise TooLarge(f"the text has {size:,} bytes, Perspective takes {MOST_BYTES:,} ({LIMITS})")
        return jsontext.dumps(body)

    def answer(self, answer: Answer) -> Reply:
        """The reply in what the vendor answered. Raises `ModelError`."""
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            raise self._failure(answer)
        if not isinstance(answer.body, dict):
            raise BadReply("the vendor's answer is no JSON object")
        scores = answer.body.get("attributeScores")
        if not isinstance(scores, dict):
            raise BadReply(f"the vendor's answer has attributeScores of type {type(scores).__name__}; expected an object")
        report = {"languages": answer.body.get("languages"), "detected_languages": answer.body.get("detectedLanguages")}
        row = tuple(_score(scores.get(name), name) for name in self.attributes)
        return Reply(rows=(row,), report={name: value for name, value in report.items() if value})

    async def _post(self, content: bytes, deadline: Deadline) -> Answer:
        seconds = deadline.remaining()
        if not seconds:
            raise DeadlineExceeded("no time was left to ask the vendor")
        limit = asyncio.timeout(seconds)
        failure: ModelError
        # What is raised here must have no error of the client behind it: such errors hold the request, and so the key.
        try:
            async with limit, self._session.post(self.address, data=content, allow_redirects=False) as response:
                data = await response.read()
                return Answer(response.status, _json(data), response.headers, data.decode(errors="replace"))
        except (aiohttp.ClientError, OSError) as error:
            why = self._key.hidden_in(f"{type(error).__name__} {error}".strip())
            broken = Unavailable(f"the line to the vendor broke: {why[: vendor.LONGEST_MESSAGE]}")
            failure = DeadlineExceeded(line.LATE) if limit.expired() else broken
        raise failure

    def _failure(self, answer: Answer) -> ModelError:
        """What a refusal means: by the reason that the vendor gives, or by the status."""
        told = answer.body.get("error") if isinstance(answer.body, dict) else None
        error = told if isinstance(told, dict) else {}
        message = error.get("message") or answer.text or "no reason given"
        failure = vendor.error_of(answer.status, self._key.hidden_in(str(message)), answer.headers)
        details = error.get("details")
        for detail in details if isinstance(details, list) else ():
            for reason in (detail.get("errorType"), detail.get("reason")) if isinstance(detail, dict) else ():
                if reason in _MEANT:
                    cls, mend = _MEANT[reason]
                    return cls(f"{failure} ({reason}){mend}")
        return failure


def _score(found: Any, name: str) -> float:
    summary: Mapping[str, Any] | None = found.get("summaryScore") if isinstance(found, dict) else None
    value = summary.get("value") if isinstance(summary, dict) else None
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
        raise BadReply(f"the vendor's score for {name} is {value!r}; expected a number from 0 to 1")
    return float(value)


def _json(data: bytes) -> Any:
    try:
        return jsontext.loads(data)
    except ValueError:
        return None
