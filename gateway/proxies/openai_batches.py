"""OpenAI's batch interface: a file of requests goes up, a batch is made of it, and two files come back.

developers.openai.com/api/docs/guides/batch. A batch carries our name for it as metadata, by which it is found again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import httpx2

from gateway import jsontext
from gateway.proxies.batches import NotYet
from gateway.proxies.journal import Sent
from gateway.proxies.openai import PATHS, OpenAI, encoded
from kernel.contract import Deadline
from kernel.errors import BadReply, InvalidRequest

MOST_REQUESTS, MOST_BYTES = 50_000, 200_000_000
CALL_SECONDS, FILE_SECONDS = 60.0, 1800.0
WINDOW = "24h"
NAME = "assay"
"""The key of the metadata that holds our name for a batch."""
CLOCKS_APART = 3600.0
_UNDER_WAY = ("validating", "in_progress", "finalizing", "cancelling")
_ENDED = ("completed", "expired", "cancelled")


class OpenAIBatches:
    """The counter at which requests of `model` are handed in."""

    most_requests = MOST_REQUESTS
    most_bytes = MOST_BYTES

    def __init__(self, model: OpenAI) -> None:
        self._line = model.line
        self._client = model.line.client
        self._endpoint = f"/v1{PATHS[model.kind]}"

    def line(self, identifier: str, body: Mapping[str, Any]) -> bytes:
        """One request of a batch, with our id of it."""
        return encoded({"custom_id": identifier, "method": "POST", "url": self._endpoint, "body": body})

    async def submit(self, name: str, lines: Sequence[bytes]) -> str:
        """Hand in a batch, under our name for it; the vendor's identifier. Raises `ModelError`."""
        data = b"\n".join(lines) + b"\n"
        files = [("file", (f"{NAME}-{name}.jsonl", data, "application/jsonl"))]
        more = {"headers": {"Content-Type": "multipart/form-data"}}

        def upload(options: dict[str, Any]) -> Any:
            return self._client.post("/files", cast_to=httpx2.Response, body={"purpose": "batch"}, files=files, options={**options, **more})

        uploaded = self._line.checked(await self._line.call(upload, Deadline.after(FILE_SECONDS)))
        wanted = {"input_file_id": _text(uploaded, "id"), "endpoint": self._endpoint, "completion_window": WINDOW, "metadata": {NAME: name}}
        made = await self._line.post("/batches", jsontext.dumps(wanted), Deadline.after(CALL_SECONDS))
        return _text(self._line.checked(made), "id")

    async def find(self, batch: Sent) -> str | None:
        """The vendor's identifier of a batch that may have been handed in. Raises `ModelError`."""
        query: dict[str, object] = {"limit": 100}
        while True:
            page = self._line.checked(await self._line.get("/batches", Deadline.after(CALL_SECONDS), query))
            listed = [entry for entry in page.get("data") or () if isinstance(entry, dict)]
            for entry in listed:
                if (entry.get("metadata") or {}).get(NAME) == batch.name:
                    return _text(entry, "id")
            if not page.get("has_more") or not listed or float(listed[-1].get("created_at") or 0) < batch.since - CLOCKS_APART:
                return None
            query["after"] = _text(listed[-1], "id")

    async def over(self, identifier: str) -> list[str]:
        """The files of a batch that has ended. Raises `NotYet` while it runs, `InvalidRequest` for one that failed as a whole."""
        batch = self._line.checked(await self._line.get(f"/batches/{identifier}", Deadline.after(CALL_SECONDS)))
        status = batch.get("status")
        if status in _UNDER_WAY:
            raise NotYet(f"the batch {identifier} is {status}")
        if status == "failed":
            raise InvalidRequest(f"the vendor refused the batch {identifier}: {_faults(batch)}")
        if status not in _ENDED:
            raise BadReply(f"the batch {identifier} has the status {str(status)[:40]!r}; expected one of {', '.join((*_UNDER_WAY, 'failed', *_ENDED))}")
        return [str(batch[name]) for name in ("output_file_id", "error_file_id") if batch.get(name)]

    async def results(self, ended: list[str]) -> AsyncIterator[tuple[str, int, Any]]:
        """Our ids, statuses and bodies of all answers, in any order. What the batch did not come to is left out. Raises `ModelError`."""
        for file in ended:
            async for row in self._line.rows(f"/files/{file}/content", Deadline.after(FILE_SECONDS)):
                response = row.get("response") if isinstance(row, dict) else None
                if isinstance(response, dict) and isinstance(response.get("status_code"), int):
                    yield str(row.get("custom_id")), response["status_code"], response.get("body")


def _text(found: Mapping[str, Any], name: str) -> str:
    value = found.get(name)
    if not isinstance(value, str) or not value:
        raise BadReply(f"the vendor's answer has {name} of type {type(value).__name__}; expected a text")
    return value


def _faults(batch: Mapping[str, Any]) -> str:
    errors = batch.get("errors")
    told = errors.get("data") if isinstance(errors, dict) else None
    return "; ".join(str(fault.get("message")) for fault in told or () if isinstance(fault, dict))[:500] or "no reason given"
