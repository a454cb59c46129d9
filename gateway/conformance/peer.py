"""A server, asked without the client: here also goes what no client of ours would send, and nothing of an answer is believed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import Message
from tritonclient.grpc import model_config_pb2, service_pb2, service_pb2_grpc

from gateway import status
from gateway.client import OPTIONS
from gateway.dialects import describe
from gateway.signature import Description
from kernel.contract import MESSAGE_LIMIT, Kind
from kernel.errors import ModelError, TooLarge, Unsupported

ASKING_SECONDS = 10.0
MOST_MODELS = 1000
_UNLOADED = ("", "UNAVAILABLE")


@dataclass(frozen=True, slots=True)
class Listed:
    """A model in a server's index. `loaded` is false where the index does not say that anybody had it loaded."""

    name: str
    loaded: bool


class Peer:
    """The channel to one server. Made inside the event loop that uses it."""

    def __init__(self, address: str, *, metadata: Iterable[tuple[str, str]] = (), credentials: grpc.ChannelCredentials | None = None) -> None:
        self._metadata = tuple(metadata)
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
            raise _meant(error) from error

    async def infer(self, message: Any, seconds: float, *, decoupled: bool = False) -> list[Any]:
        """The responses to a request, of which a decoupled model gives any number. Raises `ModelError`."""
        if not decoupled:
            return [await self.ask("ModelInfer", message, seconds)]
        call = self._stub.ModelStreamInfer(timeout=seconds, metadata=(*self._metadata, ("triton_grpc_error", "true")))
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
                    raise status.error_of(grpc.StatusCode.INTERNAL, response.error_message)
                responses.append(response.infer_response)
        except grpc.aio.AioRpcError as error:
            raise _meant(error) from error
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


@dataclass(frozen=True, slots=True)
class Named:
    """One model of a server, before anything is known of it but its name; `kind` where somebody says so."""

    peer: Peer
    name: str
    kind: Kind | None = None

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

        Raises `ModelError`, an `Unsupported` when the kind is told nowhere.
        """
        metadata = await self.metadata()
        try:
            config = await self.config()
        except Unsupported:
            config = None
        description = describe(config, metadata, self.kind)
        asked = config.parameters["canary"].string_value if config and "canary" in config.parameters else None
        return replace(description, signature=replace(description.signature, model=self.name)), asked


def _meant(error: grpc.aio.AioRpcError) -> ModelError:
    return status.error_of(error.code(), error.details() or "", error.trailing_metadata())
