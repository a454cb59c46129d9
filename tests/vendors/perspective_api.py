"""A vendor that is none: a real HTTP server on loopback that answers as Google documents for the Perspective API.

    async with PerspectiveApi(lambda number: rate_limited() if number == 1 else answers()) as api:
        ...  # api.url, api.key; afterwards api.calls, api.paid, api.bodies, api.headers

The script tells for the number of a call, from 1, how it is answered. Requests are checked as the documentation says.
"""

from __future__ import annotations

import random
from typing import Any

from aiohttp import web

from tests.vendors.loopback import Behaviour, Loopback, Script, in_company, late, torn
from tests.vendors.openai_api import without

KEY = "AIzaSyFake0123456789abcdefghijklmnopqrs"
ANALYZE = "/v1alpha1/comments:analyze"
KNOWN = ("TOXICITY", "SEVERE_TOXICITY", "IDENTITY_ATTACK", "INSULT", "PROFANITY", "THREAT", "SEXUALLY_EXPLICIT", "FLIRTATION")
ENGLISH_ONLY = ("SEXUALLY_EXPLICIT", "FLIRTATION")
LONGEST = 20_480


class PerspectiveApi(Loopback):
    """The server, as the vendor documents it."""

    def __init__(self, script: Script | None = None, *, key: str = KEY, **more: Any) -> None:
        super().__init__(script or (lambda _: answers()), key=key, outcome=str, **more)

    def routes(self) -> list[web.RouteDef]:
        """What is served."""
        return [web.post(ANALYZE, self.asked)]

    def refused(self, request: web.Request, body: dict[str, Any]) -> web.Response | None:
        """What the vendor would not even begin to answer."""
        if request.headers.get("X-Goog-Api-Key", request.query.get("key")) != self.key:
            return error(400, "API key not valid. Please pass a valid API key.", reason="API_KEY_INVALID")
        text, languages = body["comment"]["text"], body.get("languages", ["en"])
        if not text.strip():
            return error(400, "Comment must be non-empty.", errorType="COMMENT_EMPTY")
        if len(text.encode()) > LONGEST:
            return error(400, "Comment text too long.", errorType="COMMENT_TOO_LONG")
        for name in body["requestedAttributes"]:
            if name not in KNOWN:
                return error(400, f"Unknown requested attribute: {name}", errorType="INVALID_REQUEST")
            if name in ENGLISH_ONLY and languages != ["en"]:
                return not_in(name, languages)
        return None


def not_in(name: str, languages: list[str]) -> web.Response:
    """The refusal of a language that an attribute does not know."""
    more = {"languageNotSupportedByAttributeError": {"detectedLanguages": languages, "attribute": name}}
    message = f"Attribute {name} does not support request languages: {', '.join(languages)}"
    return error(400, message, errorType="LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE", **more)


def score(name: str, text: str) -> float:
    """Another one for every attribute and text."""
    return random.Random(f"{name}:{text}").random()


def answer_to(body: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """The documented answer. `changed` names scores by their attribute, or other fields."""
    scores = {}
    for name in body["requestedAttributes"]:
        value = changed.pop(name, score(name, body["comment"]["text"]))
        summary = {"value": value, "type": "PROBABILITY"}
        scores[name] = ... if value is ... else {"spanScores": [{"begin": 0, "end": 9, "score": summary}], "summaryScore": summary}
    languages = body.get("languages", ["en"])
    return {"attributeScores": scores, "languages": languages, "detectedLanguages": ["en"], **changed}


def error(status: int, message: str, *, headers: dict[str, str] | None = None, **detail: Any) -> web.Response:
    """The documented answer to what failed."""
    kind = "google.rpc.ErrorInfo" if "reason" in detail else "google.commentanalyzer.v1alpha1.Error"
    details = [{"@type": f"type.googleapis.com/{kind}", **detail}] if detail else []
    told = {"code": status, "message": message, "status": "INVALID_ARGUMENT", "details": details}
    return web.json_response({"error": told}, status=status, headers=headers)


def fails(status: int, message: str, **more: Any) -> Behaviour:
    """A failure with the body of an error."""

    async def behave(api: PerspectiveApi, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        return error(status, message, **more)

    return behave


def repeats_the_key(status: int = 400, reason: str = "API_KEY_INVALID") -> Behaviour:
    """A refusal that tells the key it was given, at the place where a long message is cut."""

    async def behave(api: PerspectiveApi, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        return error(status, f"{'x' * 480} api_key:{api.key} is not valid", reason=reason, consumer=api.key)

    return behave


def answers(**changed: Any) -> Behaviour:
    """The scores, but for the fields that are told; a field of `...` is left out."""

    async def behave(api: PerspectiveApi, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        api.paid += 1
        return web.json_response(without(answer_to(body, **changed)))

    return behave


def slow(seconds: float) -> Behaviour:
    """The scores, late."""
    return late(seconds, answers())


def together(number: int) -> Behaviour:
    """The scores, as soon as so many calls are in flight."""
    return in_company(number, answers())


def broken_off(pause: float | None = None) -> Behaviour:
    """The scores, and the line dies in the middle of it; with a pause it trickles instead."""
    return torn(lambda request, body: answer_to(body), pause)


def rate_limited(retry_after: str | None = None) -> Behaviour:
    """Too many calls."""
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    message = "Quota exceeded for quota metric 'Analysis requests (AnalyzeComment)' and limit 'Analysis requests (AnalyzeComment) per minute'"
    return fails(429, message, reason="RATE_LIMIT_EXCEEDED", headers=headers)
