"""OpenAI's moderation models: scores for thirteen kinds of harm, for texts or for a picture.

One POST for one request, and never a second try, on the line of `gateway.proxies.openai`, which also knows what its failures mean.
Texts go as a list and have a row each. Whatever holds a picture is scored by the vendor as a whole, and it takes one, so a request
with several is refused. A picture is looked at for some of the harms only: the others have the score 0, and stand in the report
under `not_looked_at`.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from gateway.proxies import vendor
from gateway.proxies.line import Answer
from gateway.proxies.openai import OpenAI, encoded
from kernel.contract import Deadline, Kind, Picture, Reply, Request
from kernel.errors import BadReply, InvalidRequest, TooLarge, Unsupported

PATH = "/moderations"
GUIDE = "developers.openai.com/api/docs/guides/moderation"
MOST_PICTURES = 1
CATEGORIES = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
)
"""The columns of the scores, in the order of the SDK's `CategoryScores`."""


class Moderation:
    """A moderation model by the name that OpenAI gives it, or one behind a server with the same interface.

    Raises `Unauthenticated` without a key.
    """

    kind = Kind.CLASSIFY

    def __init__(
        self,
        *,
        model: str,
        key_file: str,
        base_url: str | None = None,
        organization: str | None = None,
        project: str | None = None,
    ) -> None:
        self.model = model
        self._openai = OpenAI(model=model, key_file=key_file, base_url=base_url, organization=organization, project=project)

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        """Ask once.

        Raises:
            Unsupported: Another kind, or texts around what is to be scored.
            InvalidRequest: Nothing to score, texts and pictures together, or a picture that is none.
            TooLarge: More than one picture, or over another limit of the vendor, which is named.
            DeadlineExceeded: No answer in time, counted from the first byte sent to the last one received.
            QuotaExhausted: The account or its budget is used up.
            BadReply: An answer that is not as documented.
            ModelError: What the vendor's status means otherwise.
        """
        return self.answer(request, await self._openai.line.post(PATH, encoded(self.ask(request)), deadline))

    async def aclose(self) -> None:
        """Let go of the connections."""
        await self._openai.aclose()

    def ask(self, request: Request) -> dict[str, Any]:
        """The body of the POST. Raises `Unsupported`, `InvalidRequest`, `TooLarge`."""
        if request.kind is not self.kind:
            raise Unsupported(f"{self.model} can {self.kind}; the request wants {request.kind}")
        if request.system is not None or request.history or request.negative is not None:
            raise Unsupported(f"{self.model} scores texts or a picture alone; the request has a system text, a history or a negative prompt")
        pictures = request.pictures
        texts = len(request.parts) - len(pictures)
        if bool(texts) == bool(pictures):
            raise InvalidRequest(f"{texts} texts and {len(pictures)} pictures; {self.kind} takes either texts or pictures")
        if len(pictures) > MOST_PICTURES:
            raise TooLarge(f"{len(pictures)} pictures, {self.model} takes {MOST_PICTURES} in a request ({GUIDE}); ask for each by itself")
        return {"model": self.model, "input": [_address(part) if isinstance(part, Picture) else part.text for part in request.parts]}

    def answer(self, request: Request, answer: Answer) -> Reply:
        """The reply in what the vendor answered. Raises `ModelError`."""
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            self._openai.answer(request, answer)
        body = self._openai.line.checked(answer)
        if body.get("error"):
            raise BadReply(f"the vendor answered {answer.status} with an error: {self._openai.line.words(answer)[: vendor.LONGEST_MESSAGE]}")
        results = body.get("results")
        if not isinstance(results, list) or len(results) != len(request.parts):
            found = f"{len(results)} results" if isinstance(results, list) else f"results of type {type(results).__name__}"
            raise BadReply(f"the vendor's answer has {found}; expected a list of {len(request.parts)}, one for each input")
        report = {
            "model": body.get("model"),
            "request_id": answer.headers.get("x-request-id"),
            "flagged": [_flagged(result) for result in results],
            "not_looked_at": sorted({name for result in results for name in _not_looked_at(result)}),
        }
        return Reply(rows=tuple(map(_row, results)), report={name: value for name, value in report.items() if value})


def _address(picture: Picture) -> dict[str, Any]:
    data = base64.b64encode(picture.data).decode()
    return {"type": "image_url", "image_url": {"url": f"data:{vendor.media_type(picture)};base64,{data}"}}


def _row(result: Mapping[str, Any]) -> tuple[float, ...]:
    scores = result.get("category_scores")
    if not isinstance(scores, dict):
        raise BadReply(f"the vendor's answer has category_scores of type {type(scores).__name__}; expected an object")
    return tuple(_score(scores, name) for name in CATEGORIES)


def _score(scores: Mapping[str, Any], name: str) -> float:
    score = scores.get(name)
    if not isinstance(score, int | float) or isinstance(score, bool) or not 0 <= score <= 1:
        hint = "; the text-moderation models of old score fewer kinds, use omni-moderation-latest" if score is None else ""
        raise BadReply(f"the vendor's score for {name} is {score!r}; expected a number from 0 to 1{hint}")
    return float(score)


def _flagged(result: Any) -> bool:
    if not isinstance(result, dict) or not isinstance(flagged := result.get("flagged"), bool):
        raise BadReply("the vendor's answer has a result without flagged; expected true or false")
    return flagged


def _not_looked_at(result: Mapping[str, Any]) -> list[str]:
    """The categories that say of themselves that they were applied to nothing."""
    applied = result.get("category_applied_input_types")
    return [name for name, types in applied.items() if types == []] if isinstance(applied, dict) else []
