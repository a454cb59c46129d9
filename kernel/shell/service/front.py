"""One listening server: what it answers, whether it is healthy, and how it comes to its end without cutting anybody off."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import grpc.aio
from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from kernel.shell.service.calls import NEEDS, Calls
from kernel.shell.service.health import Health
from kernel.shell.service.metrics import Metrics
from kernel.shell.service.statuses import Ended
from kernel.shell.service.transport import options

GRACE = 3.0
"""Seconds after which streams that only tell what happens are ended."""
SCORING_GRACE = 20.0
"""Seconds that scorings under way have."""
LOOKING_SECONDS = 0.05
RETRY_SECONDS = 2.0
"""When to call again a server that ends."""
SCORING = tuple(method for method in NEEDS if method.startswith("/assay.v1.Scoring/"))
ENDING = "the server is ending; what has no answer yet has to be asked again, runs go on when it is back"


class Front:
    """A server of gRPC behind the one interceptor, with health and, for whoever has a token, reflection."""

    def __init__(self, calls: Calls, metrics: Metrics, *, shared: bool) -> None:
        self.server = grpc.aio.server(interceptors=[calls], options=options(shared=shared))
        self._calls = calls
        self._metrics = metrics
        self._health = Health()

    async def start(self, services: Collection[str]) -> None:
        """Answer calls. services: full names of those that were added."""
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self.server)
        reflection.enable_server_reflection((*services, health.SERVICE_NAME, reflection.SERVICE_NAME), self.server)
        self._health.serving(services)
        await self.server.start()

    async def drain(self) -> None:
        """Take no more calls, let scorings come to their end, and tell the others to call again."""
        self._health.ending()
        stopping = asyncio.create_task(self.server.stop(SCORING_GRACE + GRACE))
        loop = asyncio.get_running_loop()
        begun = loop.time()
        while not stopping.done():
            passed = loop.time() - begun
            if passed > SCORING_GRACE or (passed > GRACE and not self._scoring()):
                self._calls.end_all(Ended(ENDING, retry_after=RETRY_SECONDS))
            await asyncio.wait([stopping], timeout=LOOKING_SECONDS)
        await stopping

    def _scoring(self) -> int:
        """Scorings under way."""
        found = self._metrics.registry.get_sample_value
        return sum(int(found("assay_calls_in_flight", {"method": method}) or 0) for method in SCORING)
