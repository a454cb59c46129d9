"""The client for plain code."""

from __future__ import annotations

import copy
import functools
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import grpc

from assay.client import calls
from assay.client.backlog import Backlog, ended_early
from assay.client.calls import Call, Following, Listing
from assay.client.connection import Pauses, Tls, target
from assay.client.errors import ServiceError
from assay.client.feeds import ThreadFeed
from assay.v1.scoring_pb2 import Item, ItemResult, ScoreStreamRequest, ScoreStreamResponse

P = ParamSpec("P")
T = TypeVar("T")


def _call(make: Callable[P, Call[T]]) -> Callable[Concatenate[Client, P], T]:
    @functools.wraps(make)
    def method(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> T:
        answer: T = self._ask(make(*args, **kwargs))
        return answer

    return method


def _listing(make: Callable[P, Listing[T]]) -> Callable[Concatenate[Client, P], Generator[T, None, None]]:
    @functools.wraps(make)
    def method(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> Generator[T, None, None]:
        return self._pages(make(*args, **kwargs))

    return method


def _following(make: Callable[P, Following[T]]) -> Callable[Concatenate[Client, P], Generator[T, None, None]]:
    @functools.wraps(make)
    def method(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> Generator[T, None, None]:
        return self._follow(make(*args, **kwargs))

    return method


class Client:
    """The services of an address. Threads may share it; end it with `close` or `with`.

    address: `host:port`, or `unix:PATH`.
    token: as `assay token add` showed it.
    insecure: send in plain text beyond this machine.
    timeout: seconds for each call with one answer, tries included.
    patience: seconds in which a stream that broke has to bring something again.
    """

    def __init__(
        self, address: str, token: str | None = None, tls: Tls | None = None, *, insecure: bool = False, timeout: float = 60.0, patience: float = 60.0
    ) -> None:
        to = target(address, token, tls, insecure=insecure)
        self._channel = grpc.insecure_channel(address, to.options) if to.credentials is None else grpc.secure_channel(address, to.credentials, to.options)
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

    def score_stream(self, items: Iterable[Item], *, batch: int = 256, in_flight: int = 4096) -> Generator[ItemResult, None, None]:
        """A result for every item, in any order, as soon as it is known; `items` may be endless and is read in a thread of its own.

        When the stream breaks, the items without a result are sent again. An item may not be changed before its result is there.
        Raises `ServiceError`, `ValueError` for an id twice among items without a result, and what `items` raises, after the results before it.
        """
        feed = ThreadFeed(items, Backlog(batch, in_flight))
        method = self._channel.stream_stream(calls.SCORE_STREAM, ScoreStreamRequest.SerializeToString, ScoreStreamResponse.FromString)
        pauses = Pauses(self._patience)
        try:
            while feed.wait():
                call = method(feed.requests(), metadata=self._metadata)
                try:
                    for response in _read(call, pauses):
                        yield from feed.settle(response.results)
                    if feed.wait():
                        time.sleep(pauses.after(ended_early()))
                except grpc.RpcError as error:
                    time.sleep(pauses.after(ServiceError.of_call(error)))
                finally:
                    call.cancel()
        finally:
            feed.close()
        if feed.error is not None:
            raise feed.error

    def within(self, seconds: float) -> Self:
        """The same client, on the same connection, with another timeout."""
        other = copy.copy(self)
        other._timeout = seconds  # noqa: SLF001  # its own
        return other

    def close(self) -> None:
        """End the connection and every call on it."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, call: Call[T]) -> Any:
        method = self._channel.unary_unary(call.method, type(call.request).SerializeToString, call.answer.FromString)
        deadline = time.monotonic() + self._timeout
        pauses = Pauses(self._patience)
        while True:
            try:
                return call.read(method(call.request, timeout=max(0.0, deadline - time.monotonic()), metadata=self._metadata))
            except grpc.RpcError as error:
                failed = ServiceError.of_call(error)
            pause = pauses.after(failed)
            if not call.again or time.monotonic() + pause >= deadline:
                raise failed
            time.sleep(pause)

    def _pages(self, listing: Listing[T]) -> Generator[T, None, None]:
        whole = Call(listing.method, listing.request, listing.answer, lambda page: page)
        while True:
            page: Any = self._ask(whole)
            yield from listing.read(page)
            if not page.next_page_token:
                return
            listing.request.page_token = page.next_page_token

    def _follow(self, following: Following[T]) -> Generator[T, None, None]:
        method = self._channel.unary_stream(following.method, type(following.request).SerializeToString, following.answer.FromString)
        pauses = Pauses(self._patience)
        while True:
            call = method(following.request, metadata=self._metadata)
            try:
                for response in _read(call, pauses):
                    following.request.cursor = response.cursor or following.request.cursor
                    yield from following.read(response)
            except grpc.RpcError as error:
                time.sleep(pauses.after(ServiceError.of_call(error)))
            else:
                return
            finally:
                call.cancel()


def _read(call: Any, pauses: Pauses) -> Iterator[Any]:
    if call.initial_metadata():
        pauses.reached()
    for response in call:
        pauses.brought()
        yield response
