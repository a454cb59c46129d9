"""A collector of OpenTelemetry for the tests: a web server that keeps the spans it is sent, as OTLP/JSON or as protobuf."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Span(NamedTuple):
    """A span as it arrived. Ids in hexadecimal; parent is empty for a root."""

    service: str
    name: str
    trace: str
    ident: str
    parent: str


class Collector(ThreadingHTTPServer):
    """Listens on loopback."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.spans: list[Span] = []

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        known = self.path == "/v1/traces"
        if known:
            self.server.spans += _of_json(body) if self.headers["Content-Type"].startswith("application/json") else _of_protobuf(body)
        self.send_response(200 if known else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector that runs."""
    with Collector() as collector:
        thread = threading.Thread(target=collector.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield collector
        finally:
            collector.shutdown()
            thread.join()


def _of_json(body: bytes) -> list[Span]:
    return [
        Span(_service(of["resource"]["attributes"]), each["name"], each["traceId"], each["spanId"], each.get("parentSpanId", ""))
        for of in json.loads(body)["resourceSpans"]
        for scope in of["scopeSpans"]
        for each in scope["spans"]
    ]


def _service(attributes: list[dict]) -> str:
    return next((each["value"]["stringValue"] for each in attributes if each["key"] == "service.name"), "")


def _of_protobuf(body: bytes) -> list[Span]:
    return [
        Span(_service_of(of.resource), each.name, each.trace_id.hex(), each.span_id.hex(), each.parent_span_id.hex())
        for of in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in of.scope_spans
        for each in scope.spans
    ]


def _service_of(resource) -> str:
    return next((each.value.string_value for each in resource.attributes if each.key == "service.name"), "")
