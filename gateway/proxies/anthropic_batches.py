"""Anthropic's batch interface: one call hands in all requests, another one streams all results.

platform.claude.com/docs/en/build-with-claude/batch-processing. A batch has no name of ours. One of which it is not known whether it was
handed in is found by its time and size, and told for certain by the ids in its results, once there are any.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any

from gateway import jsontext
from gateway.proxies.anthropic import OLDER_VERSION, Anthropic
from gateway.proxies.batches import NotYet
from gateway.proxies.journal import Sent
from kernel.contract import Deadline
from kernel.errors import BadReply

PATH = "/v1/messages/batches"
MOST_REQUESTS, MOST_BYTES = 100_000, 256_000_000
CALL_SECONDS, FILE_SECONDS = 60.0, 1800.0
CLOCKS_APART = 3600.0
_STATUSES = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""The statuses that go with the types of errors, from the vendor's page platform.claude.com/docs/en/api/errors."""
OTHER_FAULT = 500


class AnthropicBatches:
    """The counter at which requests of `model` are handed in."""

    most_requests = MOST_REQUESTS
    most_bytes = MOST_BYTES

    def __init__(self, model: Anthropic) -> None:
        self._line = model.line
        self._headers = OLDER_VERSION if model.samples else None

    def line(self, identifier: str, body: Mapping[str, Any]) -> bytes:
        """One request of a batch, with our id of it."""
        return jsontext.dumps({"custom_id": identifier, "params": body})

    async def submit(self, name: str, lines: Sequence[bytes]) -> str:
        """Hand in a batch; the vendor's identifier. Raises `ModelError`."""
        content = b'{"requests":[' + b",".join(lines) + b"]}"
        return _identifier(self._line.checked(await self._line.post(PATH, content, Deadline.after(FILE_SECONDS), self._headers)))

    async def find(self, batch: Sent) -> str | None:
        """The vendor's identifier of a batch that may have been handed in. Raises `NotYet` while one that may be it runs, and `ModelError`."""
        running = False
        query: dict[str, object] = {"limit": 100}
        while True:
            page = self._line.checked(await self._line.get(PATH, Deadline.after(CALL_SECONDS), query))
            listed = [entry for entry in page.get("data") or () if isinstance(entry, dict)]
            for entry in listed:
                if _moment(entry) < batch.since - CLOCKS_APART or sum((entry.get("request_counts") or {}).values()) != batch.number:
                    continue
                if entry.get("processing_status") != "ended":
                    running = True
                elif await self._holds(_identifier(entry), batch.name):
                    return _identifier(entry)
            if not page.get("has_more") or not listed or _moment(listed[-1]) < batch.since - CLOCKS_APART:
                break
            query["after_id"] = _identifier(listed[-1])
        if running:
            raise NotYet("a batch of the same size runs at the vendor; its results will show whether it is ours")
        return None

    async def over(self, identifier: str) -> str:
        """The identifier of a batch that has ended. Raises `NotYet` while it runs, and `ModelError`."""
        batch = self._line.checked(await self._line.get(f"{PATH}/{identifier}", Deadline.after(CALL_SECONDS)))
        if batch.get("processing_status") not in ("in_progress", "canceling", "ended"):
            raise BadReply(f"the batch {identifier} has the status {str(batch.get('processing_status'))[:40]!r}; expected in_progress, canceling or ended")
        if batch["processing_status"] != "ended":
            raise NotYet(f"the batch {identifier} is {batch['processing_status']}")
        return identifier

    async def results(self, ended: str) -> AsyncIterator[tuple[str, int, Any]]:
        """Our ids, statuses and bodies of all answers, in any order. What expired or was cancelled is left out. Raises `ModelError`."""
        async for row in self._line.rows(f"{PATH}/{ended}/results", Deadline.after(FILE_SECONDS)):
            result = row.get("result") if isinstance(row, dict) else None
            if not isinstance(result, dict):
                continue
            identifier = str(row.get("custom_id"))
            if result.get("type") == "succeeded":
                yield identifier, 200, result.get("message")
            elif result.get("type") == "errored":
                body = result.get("error")
                error = body.get("error") if isinstance(body, dict) else None
                told = str(error.get("type")) if isinstance(error, dict) else ""
                yield identifier, _STATUSES.get(told, OTHER_FAULT), body

    async def _holds(self, identifier: str, name: str) -> bool:
        async with aclosing(self._line.rows(f"{PATH}/{identifier}/results", Deadline.after(FILE_SECONDS))) as rows:
            async for row in rows:
                return isinstance(row, dict) and str(row.get("custom_id")).startswith(f"{name}-")
        return False


def _identifier(batch: Mapping[str, Any]) -> str:
    value = batch.get("id")
    if not isinstance(value, str) or not value:
        raise BadReply(f"the vendor's batch has an id of type {type(value).__name__}; expected a text")
    return value


def _moment(batch: Mapping[str, Any]) -> float:
    """When it was created, as Unix time; now where that cannot be read."""
    try:
        return datetime.fromisoformat(str(batch.get("created_at"))).timestamp()
    except ValueError:
        return datetime.now().astimezone().timestamp()
