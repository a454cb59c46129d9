"""What the service counts, for Prometheus. Labels are names of ours alone: no caller and no text of a request makes a series."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector, start_http_server

from kernel.errors import UserError

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)


class Metrics:
    """The counters of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self.calls = Counter("assay_calls", "Calls that have ended.", ("method", "code"), registry=self.registry)
        self.call_seconds = Histogram("assay_call_seconds", "How long calls took.", ("method",), buckets=SECONDS, registry=self.registry)
        self.calls_in_flight = Gauge("assay_calls_in_flight", "Calls that are being answered.", ("method",), registry=self.registry)
        self.items = Counter("assay_items", "Items that were scored, or could not be.", ("scorer", "status"), registry=self.registry)
        self.items_in_flight = Gauge("assay_items_in_flight", "Items that were taken in and have no result yet.", registry=self.registry)
        self.runs = Gauge("assay_runs", "Runs that this process carries out, by state.", ("state",), registry=self.registry)
        self.outcomes = Counter("assay_outcomes", "Outcomes of cases that were kept.", ("status",), registry=self.registry)

    def ended(self, method: str, code: str, seconds: float) -> None:
        """A call has ended; `method` is one that the service has."""
        self.calls.labels(method, code).inc()
        self.call_seconds.labels(method).observe(seconds)

    @contextmanager
    def in_flight(self, method: str) -> Iterator[None]:
        """A call is being answered."""
        gauge = self.calls_in_flight.labels(method)
        gauge.inc()
        try:
            yield
        finally:
            gauge.dec()

    @contextmanager
    def told_at(self, port: int, host: str = "127.0.0.1") -> Iterator[int]:
        """Tell them over HTTP, at /metrics. The port, which is a free one for 0. Raises `UserError`."""
        try:
            server, thread = start_http_server(port, host, self.registry)
        except OSError as error:
            raise UserError(f"metrics cannot be told at {host}:{port}: {error.strerror}; name another port") from error
        try:
            yield int(server.server_port)
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
