"""A server that tests share may die in one of them: the next begins when it answers again, and a failed one says that it died."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from kernel.contract import Deadline

if TYPE_CHECKING:
    from gateway.triton import Triton

SECONDS = 60.0
POLL_SECONDS = 0.05


@asynccontextmanager
async def watched(server: Triton, test: pytest.Item) -> AsyncIterator[Triton]:
    """The server for one test, as soon as it answers. Its death gets a section of its own in the report of a test that fails.

    Raises `TimeoutError` when the server is not back after a minute, and the `ModelError` of a model that will not be ready by then.
    """
    await _answers(server)
    pid = server.pid
    yield server
    if server.pid == pid and not server._process.alive():
        async with asyncio.timeout(SECONDS):
            await server._process.ended.wait()
    if server.pid != pid:
        told = f"The server died in this test: process {pid} ended with status {server._process.status}. What it said stands above server_died."
        test.add_report_section("teardown", "server", told)


async def _answers(server: Triton) -> None:
    """Wait until its process answers, and every model that it serves is ready."""
    limit = Deadline.after(SECONDS)
    async with asyncio.timeout(SECONDS):
        while not (server._process.alive() and await server._control.live(1.0)):  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(POLL_SECONDS)
    for caretaker in server.supervisor.models.values() if server.supervisor else ():
        if not caretaker.watch.broken:
            await caretaker.watch.ready(limit)
