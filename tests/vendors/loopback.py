"""What the vendors on loopback have in common: a real HTTP server that counts its calls and keeps what it was sent."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Self

from aiohttp import web

Behaviour = Callable[[Any, web.Request, dict[str, Any]], Awaitable[web.StreamResponse]]
Script = Callable[[int], Behaviour]


RESET = struct.pack("ii", 1, 0)
"""SO_LINGER of no seconds: the socket is closed with RST."""


class Loopback:
    """The server. `latency` is waited before every answer.

    script: tells for the number of a call, from 1, how it is answered. outcome: how a request of a batch ends. lines: may spoil what
    a batch's results hold.
    """

    longest_request = 64 * 1024 * 1024
    prefix = ""
    """What the address ends with, as a client is told it."""

    def __init__(
        self,
        script: Script,
        *,
        key: str,
        latency: float = 0.0,
        polls: int = 2,
        outcome: Callable[[str], str],
        lines: Callable[[list[dict[str, Any]]], list[dict[str, Any]]] = lambda found: found,
    ) -> None:
        self.script = script
        self.key, self.latency, self.polls, self.outcome, self.lines = key, latency, polls, outcome, lines
        self.calls = 0
        self.paid = 0
        self.in_flight = 0
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.batches: dict[str, dict[str, Any]] = {}
        self.many = asyncio.Condition()
        self.taking: list[str] = []
        """What becomes of the next batches that are handed in: "lost" is taken, and the line breaks before that is said."""

    def routes(self) -> Iterable[web.RouteDef]:
        """What is served."""
        raise NotImplementedError

    def refused(self, request: web.Request, body: dict[str, Any]) -> web.StreamResponse | None:
        """What the vendor would not even begin to answer."""
        raise NotImplementedError

    async def asked(self, request: web.Request) -> web.StreamResponse:
        """One call, counted and kept, answered as the script says."""
        self.calls += 1
        behaviour = self.script(self.calls)
        body = await request.json()
        self.bodies.append(body)
        self.headers.append(dict(request.headers))
        self.in_flight += 1
        try:
            async with self.many:
                self.many.notify_all()
            await asyncio.sleep(self.latency)
            return self.refused(request, body) or await behaviour(self, request, body)
        finally:
            self.in_flight -= 1

    async def created(self, request: web.Request, response: web.Response) -> web.StreamResponse:
        """A batch was taken; whether its maker hears of it is what `taking` says."""
        if not self.taking or self.taking.pop(0) != "lost":
            return response
        assert request.transport is not None
        request.transport.abort()
        return web.StreamResponse()

    @staticmethod
    def page(entries: list[dict[str, Any]], after: str | None, size: int) -> dict[str, Any]:
        """A page of a list that is newest first, from what comes after an entry. Time goes on with every look."""
        identifiers = [entry["id"] for entry in entries]
        begin = identifiers.index(after) + 1 if after else 0
        return {"data": entries[begin : begin + size], "has_more": begin + size < len(entries)}

    async def __aenter__(self, port: int = 0) -> Self:
        app = web.Application(client_max_size=self.longest_request)
        app.add_routes(self.routes())
        self.runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", port, backlog=2048, reuse_address=True).start()
        self.url = f"http://127.0.0.1:{self.runner.addresses[0][1]}{self.prefix}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.runner.cleanup()

    @contextmanager
    def in_thread(self) -> Iterator[Self]:
        """The same server, in a loop on a thread of its own: for where the caller's own loop is busy, or none."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name="loopback-vendor", daemon=True)
        thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self.__aenter__(), loop).result(10)
            yield self
        finally:
            asyncio.run_coroutine_threadsafe(self.__aexit__(), loop).result(10)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)
            loop.close()


def late(seconds: float, then: Behaviour) -> Behaviour:
    """What `then` answers, so much later."""

    async def behave(api: Loopback, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return await then(api, request, body)

    return behave


def in_company(number: int, then: Behaviour) -> Behaviour:
    """What `then` answers, as soon as so many calls are in flight."""

    async def behave(api: Loopback, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        async with api.many:
            await api.many.wait_for(lambda: api.in_flight >= number or api.paid)
        return await then(api, request, body)

    return behave


def torn(answer: Callable[[web.Request, dict[str, Any]], Any], pause: float | None = None) -> Behaviour:
    """Answered and counted as paid, but the line dies in the middle of the body. With a pause it trickles instead, a byte at a time."""

    async def behave(api: Loopback, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        api.paid += 1
        data = json.dumps(answer(request, body)).encode()
        response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(data))})
        await response.prepare(request)
        if pause is not None:
            for byte in data:
                await asyncio.sleep(pause)
                await response.write(bytes([byte]))
            return response
        await response.write(data[: len(data) // 2])
        return hung_up(request, response)

    return behave


def hung_up(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """The line is reset."""
    assert request.transport is not None
    request.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    request.transport.abort()
    return response
