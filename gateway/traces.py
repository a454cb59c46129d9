"""Traces across the models: where a span of OpenTelemetry is active, its calls carry it on, and a Triton of our own adds spans to it.

OpenTelemetry is optional here; without it no call carries anything. Triton 2.51 takes `traceparent` from a call's metadata, unary or stream, and its
spans become children of the caller's, also where the caller's are not sampled; it drops `tracestate`. It sends them to the collector by itself, as
OTLP/JSON, and is told where by its command line: no variable of OpenTelemetry comes into its environment, in which models run, so that a collector
which asks for a key gets none of its spans.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

try:
    from opentelemetry.trace import get_current_span
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
except ImportError:
    TRACED = False
else:
    TRACED = True
    _PROPAGATOR = TraceContextTextMapPropagator()

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
TRACES_ENDPOINT = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
"""The same for traces alone, taken as it stands."""
EVERY_MS = 1000
"""How often a Triton sends its spans: what it has not sent is lost when it is killed."""


def headers() -> tuple[tuple[str, str], ...]:
    """What goes with a call: `traceparent`, and `tracestate` where there is one. Nothing where no span is active."""
    if not TRACED or not get_current_span().get_span_context().is_valid:
        return ()
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return tuple(carrier.items())


def collector(environment: Mapping[str, str]) -> str:
    """The URL to which spans go over HTTP, by OpenTelemetry's own variables; empty where they name none that a command line may show.

    A URL with a password in it is one that it may not.
    """
    endpoint = environment.get(ENDPOINT, "")
    url = environment.get(TRACES_ENDPOINT) or (endpoint.rstrip("/") + "/v1/traces" if endpoint else "")
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc else ""


def arguments(url: str) -> list[str]:
    """What a Triton is told so that it sends spans of every call to that URL; nothing without one."""
    settings = ("mode=opentelemetry", f"opentelemetry,url={url}", f"opentelemetry,bsp_schedule_delay={EVERY_MS}", "rate=1", "level=TIMESTAMPS")
    return [f"--trace-config={setting}" for setting in settings] if url else []
