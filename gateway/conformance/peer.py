"""A server, asked without the client: here also goes what no client of ours would send, and nothing of an answer is believed."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import Message
from tritonclient.grpc import model_config_pb2, service_pb2, service_pb2_grpc

from gateway import status
from gateway.client import HIDDEN, OPTIONS
from gateway.dialects import KSERVE, Dialect, describe
from gateway.signature import Description
from kernel.contract import MESSAGE_LIMIT, Kind
from kernel.errors import ModelError, TooLarge, Unsupported

ASKING_SECONDS = 10.0
MOST_MODELS = 1000
PIECE = 6
_UNLOADED = ("", "UNAVAILABLE")
_REFUSED = (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED)


@dataclass(frozen=True, slots=True)
class Listed:
    """A model in a server's index. `loaded` is false where the index does not say that anybody had it loaded."""

    name: str
    loaded: bool


class Hiding:
    """Takes out of a text what it repeats of headers' values: their words, and of long ones every piece of six characters, if they were cut."""

    def __init__(self, values: Iterable[str]) -> None:
        words = {word for value in values for word in value.split()}
        self._pieces = {word[at : at + PIECE] for word in words for at in range(len(word) - PIECE + 1)}
        short = sorted((re.escape(word) for word in words if len(word) < PIECE), key=len, reverse=True)
        self._short = re.compile(rf"(?<!\w)(?:{'|'.join(short)})(?!\w)") if short else None

    def __call__(self, text: str) -> str:
        """The text, fit to be shown."""
        found = bytearray(len(text))
        for at in range(len(text) - PIECE + 1 if self._pieces else 0):
            if text[at : at + PIECE] in self._pieces:
                found[at : at + PIECE] = bytes([True]) * PIECE
        runs = itertools.groupby(zip(found, text, strict=True), key=itemgetter(0))
        shown = "".join(HIDDEN if secret else "".join(letter for _, letter in run) for secret, run in runs)
        return self._short.sub(HIDDEN, shown) if self._short else shown


class Peer:
    """The channel to one server. Made inside the event loop that uses it.

    metadata: goes with every call. Its values are in no error and no log, as those of a `gateway.client.Server`; answers may have them.
    """

    def __init__(self, address: str, *, metadata: Iterable[tuple[str, str]] = (), credentials: grpc.ChannelCredentials | None = None) -> None:
        self._metadata = tuple(metadata)
        self._hide = Hiding(value for _, value in self._metadata)
        if credentials is None:
            self._channel = grpc.aio.insecure_channel(address, options=OPTIONS)
        else:
            self._channel = grpc.aio.secure_channel(address, credentials, options=OPTIONS)
        self._stub: Any = service_pb2_grpc.GRPCInferenceServiceStub(self._channel)

    async def ask(self, method: str, message: Message, seconds: float = ASKING_SECONDS) -> Any:
        """What the server answers to a call. Raises `ModelError`."""
        try:
            return await getattr(self._stub, method)(message, timeout=seconds, metadata=self._metadata)
        except grpc.aio.AioRpcError as error:
            raise self._meant(error) from (None if self._metadata else error)

    async def infer(self, message: Any, seconds: float, *, decoupled: bool = False) -> list[Any]:
        """The responses to a request, of which a decoupled model gives any number. Raises `ModelError`."""
        if not decoupled:
            return [await self.ask("ModelInfer", message, seconds)]
        call = self._stub.ModelStreamInfer(timeout=seconds, metadata=self._metadata)
        responses: list[Any] = []
        size = 0
        try:
            await call.write(message)
            await call.done_writing()
            while (response := await call.read()) is not grpc.aio.EOF:
                size += response.ByteSize()
                if size > MESSAGE_LIMIT:
                    raise TooLarge(f"the stream's answers have over {MESSAGE_LIMIT:,} bytes together")
                if response.error_message:
                    raise self._said(grpc.StatusCode.INTERNAL, response.error_message)
                responses.append(response.infer_response)
        except grpc.aio.AioRpcError as error:
            raise self._meant(error) from (None if self._metadata else error)
        finally:
            if not call.done():
                call.cancel()
        return responses

    async def models(self) -> list[Listed]:
        """The models in the server's index. Raises `ModelError`."""
        index = await self.ask("RepositoryIndex", service_pb2.RepositoryIndexRequest())
        found: dict[str, bool] = {}
        for entry in index.models:
            unloaded = entry.state in _UNLOADED and entry.reason in ("", "unloaded")
            found[entry.name] = found.get(entry.name, False) or not unloaded
        return [Listed(name, loaded) for name, loaded in found.items()]

    async def aclose(self) -> None:
        """Close the channel."""
        await self._channel.close()

    def _meant(self, error: grpc.aio.AioRpcError) -> ModelError:
        return self._said(error.code(), error.details() or "", error.trailing_metadata())

    def _said(self, code: grpc.StatusCode, text: str, metadata: Any = ()) -> ModelError:
        """The error that a server's words mean; a refusal may repeat our headers in pieces too short to be found."""
        if self._metadata:
            text = "the server refused us; see the headers of the catalog's entry" if code in _REFUSED else self._hide(text)
        return status.error_of(code, text, metadata)


@dataclass(frozen=True, slots=True)
class Named:
    """One model of a server, before anything is known of it but its name; `kind` and `dialect` where somebody says so."""

    peer: Peer
    name: str
    kind: Kind | None = None
    dialect: Dialect = KSERVE

    async def ready(self) -> bool:
        """Whether the server says that it can be asked. Raises `ModelError`."""
        return bool((await self.peer.ask("ModelReady", service_pb2.ModelReadyRequest(name=self.name))).ready)

    async def config(self) -> model_config_pb2.ModelConfig:
        """Its configuration. Raises `ModelError`."""
        answer = await self.peer.ask("ModelConfig", service_pb2.ModelConfigRequest(name=self.name))
        config: model_config_pb2.ModelConfig = answer.config
        return config

    async def metadata(self) -> service_pb2.ModelMetadataResponse:
        """Its metadata. Raises `ModelError`."""
        answer: service_pb2.ModelMetadataResponse = await self.peer.ask("ModelMetadata", service_pb2.ModelMetadataRequest(name=self.name))
        return answer

    async def describe(self) -> tuple[Description, str | None]:
        """What the server tells of it, as our client understands it, and the text of its canary.

        Raises `ModelError`, an `Unsupported` when the kind is told nowhere or the dialect does not fit.
        """
        metadata = await self.metadata()
        try:
            config = await self.config()
        except Unsupported:
            config = None
        description = describe(config, metadata, self.kind, self.dialect)
        asked = config.parameters["canary"].string_value if config and "canary" in config.parameters else None
        return replace(description, signature=replace(description.signature, model=self.name)), asked
