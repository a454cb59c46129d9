"""The client of everything that speaks the inference protocol: one channel to a server, a `Model` for each of its models.

It stands on the plain asyncio stub; tritonclient's own client costs half as much again for a call. A call ends by gRPC's own
deadline and never by cancelling a task, which would leak memory in grpcio.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import Awaitable, Coroutine, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import Message
from tritonclient.grpc import service_pb2, service_pb2_grpc

from gateway import dialects, status, stream, traces, wire
from gateway.dialects import KSERVE, Dialect
from gateway.signature import Description, Signature
from kernel.contract import MESSAGE_LIMIT, Deadline, Kind, Reply, Request
from kernel.errors import BadReply, DeadlineExceeded, ModelError, Unsupported

OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.max_send_message_length", MESSAGE_LIMIT),
    ("grpc.max_receive_message_length", MESSAGE_LIMIT),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 0),
    ("grpc.http2.max_pings_without_data", 2),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_http_proxy", 0),
)
ASKING_SECONDS = 10.0
HIDDEN = "[hidden]"
_REFUSED = (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED)


class Server:
    """The channel to one address, shared by the models behind it. Made inside the event loop that uses it. Its calls carry the caller's trace.

    metadata: goes with every call, such as the key of a restricted protocol group. It costs 0.03 ms a call. Its values are in no
    error and no log, whatever the server says of them.
    credentials: of TLS; none is for loopback and private networks.
    """

    def __init__(self, address: str, *, metadata: Iterable[tuple[str, str]] = (), credentials: grpc.ChannelCredentials | None = None) -> None:
        self.address = address
        self._metadata = tuple(metadata) or None
        words = {word for _, value in self._metadata or () for word in (value, *value.split())}
        self._secrets = sorted(words, key=len, reverse=True)
        if credentials is None:
            self._channel = grpc.aio.insecure_channel(address, options=OPTIONS)
        else:
            self._channel = grpc.aio.secure_channel(address, credentials, options=OPTIONS)
        self._stub: Any = service_pb2_grpc.GRPCInferenceServiceStub(self._channel)
        self._running: dict[Any, str] = {}
        self._abandoned: set[Any] = set()
        self._prefix = secrets.token_hex(4)
        self._numbers = itertools.count(1)

    def abandon(self, model: str) -> None:
        """End the calls to a model that run as `ProcessDied`, which is an `Unavailable`.

        To be called when its process died: what was handed to a hosted model by then is never answered by Triton.
        """
        calls = [call for call, name in self._running.items() if name == model]
        self._abandoned.update(calls)
        for call in calls:
            call.cancel()

    async def alive(self) -> bool:
        """Whether the server answers at all."""
        try:
            answer = await self._ask("ServerLive", service_pb2.ServerLiveRequest())
        except ModelError:
            return False
        return bool(answer.live)

    async def ready(self, model: str) -> bool:
        """Whether the server says that the model is loaded. It says so of a model whose process died, too."""
        try:
            answer = await self._ask("ModelReady", service_pb2.ModelReadyRequest(name=model))
        except ModelError:
            return False
        return bool(answer.ready)

    async def disconnected(self) -> None:
        """Wait until no connection stands: who answers on the next one may be another."""
        ready = grpc.ChannelConnectivity.READY
        if self._channel.get_state() is ready:
            await self._channel.wait_for_state_change(ready)

    async def describe(self, model: str, kind: Kind | None = None, dialect: Dialect = KSERVE) -> Description:
        """What the server tells of a model; `kind` and `dialect` where the catalog knows better. Raises `ModelError`."""
        try:
            config = (await self._ask("ModelConfig", service_pb2.ModelConfigRequest(name=model))).config
        except Unsupported:
            config = None  # this call is Triton's own
        metadata = await self._ask("ModelMetadata", service_pb2.ModelMetadataRequest(name=model))
        return dialects.describe(config, metadata, kind, dialect)

    async def model(self, name: str, kind: Kind | None = None) -> TritonModel:
        """The model of that name, as it describes itself. Raises `ModelError`."""
        return TritonModel(self, (await self.describe(name, kind)).signature)

    async def infer(self, request: Request, signature: Signature, seconds: float) -> Reply:
        """One call to one model. Raises `ModelError`."""
        identifier = f"{self._prefix}-{next(self._numbers)}"
        message = wire.encode(request, signature, identifier, seconds)
        trace = traces.headers()
        metadata = (*(self._metadata or ()), *trace) if trace else self._metadata
        if signature.decoupled:
            call = self._stub.ModelStreamInfer(timeout=seconds, metadata=metadata)
            answer: Awaitable[Any] = stream.ask(call, message, signature, request, self._said)
        else:
            call = answer = self._stub.ModelInfer(message, timeout=seconds, metadata=metadata)
        self._running[call] = signature.model
        try:
            response = await answer
        except grpc.aio.AioRpcError as error:
            raise self._meant(error, signature.model, identifier) from (None if self._secrets else error)
        except asyncio.CancelledError:
            if call in self._abandoned:
                raise status.ProcessDied(f"{signature.model}: the model's process died") from None
            raise
        finally:
            del self._running[call]
            self._abandoned.discard(call)
            if not call.done():
                call.cancel()
        if signature.decoupled:
            reply: Reply = response
            return reply
        if response.id and response.id != identifier:
            raise BadReply(f"the answer is to request {response.id[:40]!r}, this one was {identifier!r}")
        return wire.decode(response, signature, request)

    async def aclose(self) -> None:
        """Close the channel; calls that run end as cancelled."""
        await self._channel.close()

    def _meant(self, error: grpc.aio.AioRpcError, model: str = "", identifier: str = "") -> ModelError:
        meant = self._said(error.code(), error.details() or "", error.trailing_metadata(), model=model, identifier=identifier)
        if isinstance(meant, status.ProcessDied):
            self.abandon(model)
        return meant

    def _said(self, code: grpc.StatusCode, text: str, metadata: Any = (), *, model: str = "", identifier: str = "") -> ModelError:
        """The error that a server's words mean, without what it repeats of our headers; a refusal may repeat them in part."""
        if self._secrets and code in _REFUSED:
            text = "the server refused us; see the headers of the catalog's entry"
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return status.error_of(code, text, metadata, model=model, identifier=identifier)

    async def _ask(self, method: str, message: Message) -> Any:
        try:
            return await getattr(self._stub, method)(message, timeout=ASKING_SECONDS, metadata=self._metadata)
        except grpc.aio.AioRpcError as error:
            raise self._meant(error) from (None if self._secrets else error)


@dataclass(frozen=True, slots=True)
class TritonModel:
    """One model behind a server."""

    server: Server
    signature: Signature

    def infer(self, request: Request, *, deadline: Deadline) -> Coroutine[Any, Any, Reply]:
        """To be awaited: the answer. Raises a `ModelError`."""
        seconds = deadline.remaining()
        if seconds <= 0:
            raise DeadlineExceeded(f"{request.model}: the time was over before the call")
        return self.server.infer(request, self.signature, seconds)

    async def aclose(self) -> None:
        """Nothing is held; the channel belongs to the server."""


def tls(authority: Path | None = None, certificate: Path | None = None, key: Path | None = None) -> grpc.ChannelCredentials:
    """Credentials for TLS, and for mutual TLS with a certificate and its key."""
    return grpc.ssl_channel_credentials(*(None if path is None else path.read_bytes() for path in (authority, key, certificate)))
