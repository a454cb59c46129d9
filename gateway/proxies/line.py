"""The line to a vendor: HTTP calls of its SDK with JSON on both ways, and what breaks on the way as one of our errors.

Both SDKs are made by the same generator, so one line serves both. Neither reads bodies for us: their classes take a wrong type for
the right one, and cost more processor than everything else about a call.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from http import HTTPStatus
from types import ModuleType
from typing import Any, NamedTuple

import aiohttp
import httpx2

from gateway import jsontext
from gateway.proxies import vendor
from kernel.contract import Deadline
from kernel.errors import BadReply, DeadlineExceeded, ModelError, Unavailable

CONNECTIONS = httpx2.Limits(max_connections=4096)
"""The SDKs themselves open 1,000, and aiohttp 100 where it is given no number. `gateway.policy` decides how many are used."""
AS_IT_COMES = {"X-Stainless-Raw-Response": "stream", "Accept": "application/binary"}
"""With these, both SDKs hand over a response whose body is still to be read; it is what their `with_streaming_response` sets."""
MOMENT_SECONDS = 0.1
LATE = "the vendor did not answer in time"


class Answer(NamedTuple):
    """What the vendor answered, whatever its status: the body as JSON, and the body's text where it was none."""

    status: int
    body: Any
    headers: Mapping[str, str]
    text: str = ""


class Line:
    """HTTP calls through `client`, an asynchronous client of `sdk`. One call is one call: nothing is asked again."""

    def __init__(self, client: Any, sdk: ModuleType, key: vendor.Key) -> None:
        self.client = client
        self._refused = sdk.APIStatusError
        self._broken = (TimeoutError, sdk.APIConnectionError, httpx2.HTTPError, aiohttp.ClientError, OSError)
        self._late = sdk.APITimeoutError
        self._key = key

    async def post(self, path: str, content: bytes, deadline: Deadline, headers: Mapping[str, str] | None = None) -> Answer:
        """Send JSON. Raises `DeadlineExceeded`, counted from the first byte sent to the last one received, and `Unavailable`."""
        return await self.call(lambda more: self.client.post(path, cast_to=httpx2.Response, content=content, options=more), deadline, headers)

    async def get(self, path: str, deadline: Deadline, query: Mapping[str, object] | None = None) -> Answer:
        """Fetch JSON. Raises `DeadlineExceeded` and `Unavailable`."""
        params = {"params": dict(query)} if query else {}
        return await self.call(lambda more: self.client.get(path, cast_to=httpx2.Response, options={**more, **params}), deadline)

    async def call(self, ask: Callable[[dict[str, Any]], Awaitable[httpx2.Response]], deadline: Deadline, headers: Mapping[str, str] | None = None) -> Answer:
        """Any call of the SDK that ends in a whole response; `ask` is given the SDK's options. Raises `DeadlineExceeded` and `Unavailable`."""
        seconds = self._seconds(deadline)
        failure: ModelError
        # The SDK's errors hold the request, and so the key: what is raised here must have none of them behind it, not even as context.
        try:
            async with asyncio.timeout(seconds):
                response = await ask({"timeout": seconds, **({"headers": headers} if headers else {})})
        except self._refused as error:
            response = error.response
        except self._broken as error:
            failure = self._meant(error, deadline)
            response = None
        if response is None:
            raise failure
        return _answer(response)

    async def rows(self, path: str, deadline: Deadline) -> AsyncGenerator[Any]:
        """Fetch a body that has JSON on every line, line by line; `None` for a line that is none. Raises `ModelError`."""
        seconds = self._seconds(deadline)
        try:
            async with asyncio.timeout(seconds):
                response = await self.client.get(path, cast_to=httpx2.Response, options={"timeout": seconds, "headers": AS_IT_COMES})
                try:
                    async for text in response.aiter_lines():
                        if text.strip():
                            yield _json(text)
                finally:
                    await response.aclose()
                return
        except self._refused as error:
            failure = self.failure(_answer(error.response))
        except self._broken as error:
            failure = self._meant(error, deadline)
        raise failure

    def checked(self, answer: Answer) -> dict[str, Any]:
        """The body of an answer that has to be a JSON object. Raises what its status means, and `BadReply`."""
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            raise self.failure(answer)
        if not isinstance(answer.body, dict):
            raise BadReply("the vendor's answer is no JSON object")
        return answer.body

    def failure(self, answer: Answer) -> ModelError:
        """What the status of an answer means, with the vendor's words and without the key."""
        return vendor.error_of(answer.status, self.words(answer), answer.headers)

    def words(self, answer: Answer) -> str:
        """The vendor's words in a refusal, without the key."""
        body = answer.body
        said = body.get("error") or body if isinstance(body, dict) else body or answer.text or None
        message = said.get("message") if isinstance(said, dict) else said
        if not isinstance(message, str):
            message = "no reason given" if said is None else str(said)
        return self._key.hidden_in(message)

    def _meant(self, error: Exception, deadline: Deadline) -> ModelError:
        # The aiohttp transport calls every broken connection a time-out.
        late = not isinstance(error, self._late) or deadline.remaining() < MOMENT_SECONDS
        if isinstance(error, TimeoutError | self._late) and late:
            return DeadlineExceeded(LATE)
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        why = self._key.hidden_in(f"{type(cause).__name__} {cause}".strip())
        return Unavailable(f"the line to the vendor broke: {why[: vendor.LONGEST_MESSAGE]}")

    @staticmethod
    def _seconds(deadline: Deadline) -> float:
        seconds = deadline.remaining()
        if not seconds:
            raise DeadlineExceeded("no time was left to ask the vendor")
        return seconds


def _answer(response: httpx2.Response) -> Answer:
    body = _json(response.content)
    return Answer(response.status_code, body, response.headers, response.text if body is None else "")


def _json(data: str | bytes) -> Any:
    try:
        return jsontext.loads(data)
    except ValueError:
        return None
