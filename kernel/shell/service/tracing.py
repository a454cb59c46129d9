"""Spans of OpenTelemetry. Without its SDK nothing is recorded, and the caller's trace still goes on to the models."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from kernel.errors import InvalidSpec
from kernel.shell.service.tokens import Metadata

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
_PROPAGATOR = TraceContextTextMapPropagator()
_FIELDS = frozenset(_PROPAGATOR.fields)


def set_up(service: str = "assay") -> bool:
    """Export spans, where the environment names an endpoint. Whether it does. Raises `InvalidSpec` when the packages are missing."""
    if not os.environ.get(ENDPOINT):
        return False
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415  # only where it is wanted
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError as error:
        raise InvalidSpec(ENDPOINT, [f"{error}; install it: pip install 'trust-assay[service]'"]) from error
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: service}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return True


def context_of(metadata: Metadata) -> Context:
    """The trace that a caller is in, by `traceparent` and `tracestate`; an empty one where it told none or more than one."""
    told = [(key, value) for key, value in metadata if key in _FIELDS and isinstance(value, str)]
    carrier: dict[str, str] = dict(told)
    return _PROPAGATOR.extract(carrier, Context()) if len(carrier) == len(told) else Context()


@contextmanager
def span_of(method: str, metadata: Metadata, request_id: str) -> Iterator[Span]:
    """The span of a call, in which everything happens that happens for it. `method` is the full name, as `/package.Service/Method`."""
    service, _, name = method.lstrip("/").partition("/")
    attributes = {"rpc.system": "grpc", "rpc.service": service, "rpc.method": name, "assay.request_id": request_id}
    tracer = trace.get_tracer("assay.service")
    with tracer.start_as_current_span(
        f"{service}/{name}", context_of(metadata), SpanKind.SERVER, attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        yield span


def carried() -> dict[str, str]:
    """The trace that one is in, to be kept for `span_of_run`; an empty one outside of all."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier


@contextmanager
def span_of_run(run: str, suite: str, created: Mapping[str, str]) -> Iterator[Span]:
    """The span of a run as it is carried out here, a trace of its own. created: the trace of the call that created it, to which it is linked."""
    attributes = {"assay.run": run, "assay.suite": suite}
    creator = trace.get_current_span(_PROPAGATOR.extract(dict(created), Context())).get_span_context()
    links = [Link(creator)] if creator.is_valid else []
    tracer = trace.get_tracer("assay.service")
    with tracer.start_as_current_span(
        f"run {run}", Context(), attributes=attributes, links=links, record_exception=False, set_status_on_exception=False
    ) as span:
        yield span


def end_with(span: Span, code: int, name: str) -> None:
    """Write down with which status of gRPC a call ended."""
    span.set_attribute("rpc.grpc.status_code", code)
    if code:
        span.set_status(Status(StatusCode.ERROR, name))
