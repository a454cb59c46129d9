"""The client for asyncio."""

from __future__ import annotations

import asyncio
import copy
import functools
import time
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Coroutine, Iterable
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import grpc
import grpc.aio

from assay.client import calls
from assay.client.backlog import Backlog, ended_early
from assay.client.calls import Call, Following, Listing
from assay.client.connection import Pauses, Tls, target
from assay.client.errors import ServiceError
from assay.client.feeds import TaskFeed
from assay.v1.scoring_pb2 import Item, ItemResult, ScoreStreamRequest, ScoreStreamResponse

P = ParamSpec("P")
T = TypeVar("T")


def _call(make: Callable[P, Call[T]]) -> Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, T]]:
    @functools.wraps(make)
    async def method(self: AsyncClient, /, *args: P.args, **kwargs: P.kwargs) -> T:
        answer: T = await self._ask(make(*args, **kwargs))
        return answer

    return method


def _listing(make: Callable[P, Listing[T]]) -> Callable[Concatenate[AsyncClient, P], AsyncGenerator[T, None]]:
    @functools.wraps(make)
    def method(self: AsyncClient, /, *args: P.args, **kwargs: P.kwargs) -> AsyncGenerator[T, None]:
        return self._pages(make(*args, **kwargs))

    return method


def _following(make: Callable[P, Following[T]]) -> Callable[Concatenate[AsyncClient, P], AsyncGenerator[T, None]]:
    @functools.wraps(make)
    def method(self: AsyncClient, /, *args: P.args, **kwargs: P.kwargs) -> AsyncGenerator[T, None]:
        return self._follow(make(*args, **kwargs))

    return method


class AsyncClient:
    """`Client` for asyncio, with the same arguments and methods. Made inside the event loop that uses it; end it with `aclose` or `async with`.

    Whoever leaves an iterator before its end closes it (`contextlib.aclosing`), or its call ends when the iterator is collected.
    """

    def __init__(
        self, address: str, token: str | None = None, tls: Tls | None = None, *, insecure: bool = False, timeout: float = 60.0, patience: float = 60.0
    ) -> None:
        to = target(address, token, tls, insecure=insecure)
        if to.credentials is None:
            self._channel = grpc.aio.insecure_channel(address, to.options)
        else:
            self._channel = grpc.aio.secure_channel(address, to.credentials, to.options)
        self._metadata = to.metadata
        self._timeout = timeout
        self._patience = patience

    list_suites = _listing(calls.list_suites)
    list_evaluators = _listing(calls.list_evaluators)
    list_models = _listing(calls.list_models)
    create_run = _call(calls.create_run)
    get_run = _call(calls.get_run)
    list_runs = _listing(calls.list_runs)
    watch = _following(calls.watch)
    cancel_run = _call(calls.cancel_run)
    resume_run = _call(calls.resume_run)
    delete_run = _call(calls.delete_run)
    list_outcomes = _following(calls.list_outcomes)
    get_report = _call(calls.get_report)
    compare_runs = _call(calls.compare_runs)
    list_scorers = _listing(calls.list_scorers)
    score = _call(calls.score)

    async def score_stream(self, items: Iterable[Item] | AsyncIterable[Item], *, batch: int = 256, in_flight: int = 4096) -> AsyncGenerator[ItemResult, None]:
        """As `Client.score_stream`; `items` is read in a task of its own, and one that blocks has to be an asynchronous one."""
        feed = TaskFeed(items, Backlog(batch, in_flight))
        method = self._channel.stream_stream(calls.SCORE_STREAM, ScoreStreamRequest.SerializeToString, ScoreStreamResponse.FromString)
        pauses = Pauses(self._patience)
        try:
            while await feed.wait():
                call = method(metadata=self._metadata)
                sending = asyncio.ensure_future(feed.send(call))
                try:
                    async for response in _read(call, pauses):
                        for result in await feed.settle(response.results):
                            yield result
                    if await feed.wait():
                        await asyncio.sleep(pauses.after(ended_early()))
                except grpc.RpcError as error:
                    await asyncio.sleep(pauses.after(ServiceError.of_call(error)))
                finally:
                    call.cancel()
                    sending.cancel()
                    await asyncio.gather(sending, return_exceptions=True)
        finally:
            await feed.aclose()
        if feed.error is not None:
            raise feed.error

    def within(self, seconds: float) -> Self:
        """The same client, on the same connection, with another timeout."""
        other = copy.copy(self)
        other._timeout = seconds  # noqa: SLF001  # its own
        return other

    async def aclose(self) -> None:
        """End the connection and every call on it."""
        await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _ask(self, call: Call[T]) -> Any:
        method = self._channel.unary_unary(call.method, type(call.request).SerializeToString, call.answer.FromString)
        deadline = time.monotonic() + self._timeout
        pauses = Pauses(self._patience)
        while True:
            try:
                return call.read(await method(call.request, timeout=max(0.0, deadline - time.monotonic()), metadata=self._metadata))
            except grpc.RpcError as error:
                failed = ServiceError.of_call(error)
            pause = pauses.after(failed)
            if not call.again or time.monotonic() + pause >= deadline:
                raise failed
            await asyncio.sleep(pause)

    async def _pages(self, listing: Listing[T]) -> AsyncGenerator[T, None]:
        whole = Call(listing.method, listing.request, listing.answer, lambda page: page)
        while True:
            page: Any = await self._ask(whole)
            for each in listing.read(page):
                yield each
            if not page.next_page_token:
                return
            listing.request.page_token = page.next_page_token

    async def _follow(self, following: Following[T]) -> AsyncGenerator[T, None]:
        method = self._channel.unary_stream(following.method, type(following.request).SerializeToString, following.answer.FromString)
        pauses = Pauses(self._patience)
        while True:
            call = method(following.request, metadata=self._metadata)
            try:
                async for response in _read(call, pauses):
                    following.request.cursor = response.cursor or following.request.cursor
                    for each in following.read(response):
                        yield each
            except grpc.RpcError as error:
                await asyncio.sleep(pauses.after(ServiceError.of_call(error)))
            else:
                return
            finally:
                call.cancel()


async def _read(call: Any, pauses: Pauses) -> AsyncIterator[Any]:
    if await call.initial_metadata():
        pauses.reached()
    async for response in call:
        pauses.brought()
        yield response
