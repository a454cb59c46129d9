"""The server's control calls, which are behind a key of this start: load, unload, statistics, configuration."""

from __future__ import annotations

import secrets
from typing import Any

import grpc
import grpc.aio
from tritonclient.grpc import service_pb2, service_pb2_grpc

from kernel.errors import GatewayError

CLOSED = ("model-repository", "shared-memory", "statistics", "trace", "logging")
DESCRIBING = ("model-config", "metadata")
CHANNEL_OPTIONS = (
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 500),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_http_proxy", 0),
)


class ControlKey:
    """A header that only we know: name and value are random, made anew with every gateway.

    Inference and health need no key. `described` opens what others must read to use the models: names and tensors.
    """

    def __init__(self, *, described: bool) -> None:
        self._groups = CLOSED if described else CLOSED + DESCRIBING
        self._name = f"assay-{secrets.token_hex(16)}"
        self._value = secrets.token_hex(32)

    @property
    def argument(self) -> str:
        """What the server is told: these groups of calls only with this header."""
        return f"--grpc-restricted-protocol={','.join(self._groups)}:{self._name}={self._value}"

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What a caller sends along."""
        return ((f"triton-grpc-protocol-{self._name}", self._value),)


class ControlFailed(GatewayError):
    """A control call that brought an error; `late` when it brought nothing in its time."""

    def __init__(self, message: str, *, late: bool) -> None:
        self.late = late
        super().__init__(message)


class Control:
    """The control calls of one server."""

    def __init__(self, address: str, key: ControlKey) -> None:
        self._metadata = key.metadata
        self._channel = grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS)
        self._stub = service_pb2_grpc.GRPCInferenceServiceStub(self._channel)

    async def live(self, seconds: float) -> bool:
        """Whether a server answers at all."""
        try:
            answer = await self._stub.ServerLive(service_pb2.ServerLiveRequest(), timeout=seconds)
        except grpc.aio.AioRpcError:
            return False
        return bool(answer.live)

    async def load(self, model: str, seconds: float) -> None:
        """Load a model of the repository. Raises `ControlFailed`."""
        await self._call("RepositoryModelLoad", service_pb2.RepositoryModelLoadRequest(model_name=model), seconds)

    async def unload(self, model: str, seconds: float) -> None:
        """Unload a model. Raises `ControlFailed`."""
        await self._call("RepositoryModelUnload", service_pb2.RepositoryModelUnloadRequest(model_name=model), seconds)

    async def answered(self, seconds: float) -> dict[str, int]:
        """How many requests each model has answered since it was loaded, well or not. Raises `ControlFailed`."""
        answer = await self._call("ModelStatistics", service_pb2.ModelStatisticsRequest(), seconds)
        counts: dict[str, int] = {}
        for model in answer.model_stats:
            counts[model.name] = counts.get(model.name, 0) + _count(model.inference_stats)
        return counts

    async def aclose(self) -> None:
        """Close the connection."""
        await self._channel.close()

    async def _call(self, method: str, request: object, seconds: float) -> Any:
        try:
            return await getattr(self._stub, method)(request, timeout=seconds, metadata=self._metadata)
        except grpc.aio.AioRpcError as error:
            late = error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            text = f"no answer within {seconds:.0f} s" if late else error.details() or error.code().name
            raise ControlFailed(text, late=late) from error


def _count(statistics: service_pb2.InferStatistics) -> int:
    return int(statistics.success.count + statistics.fail.count)
