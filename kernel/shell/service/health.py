"""Standard health checks. The one that comes with gRPC stops telling its watchers when one of them leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

from grpc_health.v1 import health_pb2, health_pb2_grpc

from kernel.shell.service.statuses import NotThere

Status = health_pb2.HealthCheckResponse


class Health(health_pb2_grpc.HealthServicer):  # type: ignore[misc]  # gRPC tells no types of it
    """Whether services are served; the whole server has the empty name. Nothing is, until `serving` says so."""

    def __init__(self) -> None:
        self._known: dict[str, Any] = {"": Status.NOT_SERVING}
        self._changed = asyncio.Event()

    def serving(self, services: Iterable[str]) -> None:
        """From now on these are served."""
        self._set(dict.fromkeys(("", *services), Status.SERVING))

    def ending(self) -> None:
        """From now on nothing is."""
        self._set(dict.fromkeys(self._known, Status.NOT_SERVING))

    async def Check(self, request: health_pb2.HealthCheckRequest, context: Any) -> Any:  # noqa: N802
        """How it is now. Raises `NotThere`."""
        if request.service not in self._known:
            raise NotThere("service", request.service)
        return Status(status=self._known[request.service])

    async def Watch(self, request: health_pb2.HealthCheckRequest, context: Any) -> AsyncIterator[Any]:  # noqa: N802
        """How it is now, and whenever that changes."""
        told = None
        while True:
            changed, now = self._changed, self._known.get(request.service, Status.SERVICE_UNKNOWN)
            if now != told:
                told = now
                yield Status(status=now)
            await changed.wait()

    def _set(self, known: dict[str, Any]) -> None:
        self._known.update(known)
        self._changed.set()
        self._changed = asyncio.Event()
