"""The real Triton adds spans of its own to the caller's trace, and the models in it learn nothing of the collector."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psutil
import pytest

trace = pytest.importorskip("opentelemetry.trace")
pytest.importorskip("opentelemetry.proto")

from gateway import traces  # noqa: E402 - needs it
from gateway.repository import read_folder  # noqa: E402
from gateway.triton import Options, Triton  # noqa: E402
from kernel.contract import Deadline, Request, Text  # noqa: E402
from tests.gateway.otlp import Span, collecting  # noqa: E402

pytestmark = pytest.mark.triton
MODELS = Path(__file__).parent.parent / "models"
NAMES = ("echo", "decoupled_words")
PARENT = 0xF067AA0BA902B7


def caller(number: int) -> trace.Span:
    """The span of a caller, in a trace of that number, sampled and with a random id."""
    return trace.NonRecordingSpan(trace.SpanContext(number, PARENT, True, trace.TraceFlags(3)))


async def test_the_servers_spans_are_children_of_the_callers(monkeypatch):
    """Of a unary call and of a stream."""
    with collecting() as collector:
        monkeypatch.setenv(traces.ENDPOINT, collector.endpoint)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=canary")
        triton = Triton({name: read_folder(MODELS / name, name) for name in NAMES}, Options())
        try:
            supervisor = await triton.open()
            for number, name in enumerate(NAMES, start=1):
                with trace.use_span(caller(number)):
                    await supervisor.models[name].client.infer(Request(name, (Text("hello"),)), deadline=Deadline.after(30))
            server = psutil.Process(triton.pid)
            living = [each for each in (server, *server.children(recursive=True)) if each.status() != psutil.STATUS_ZOMBIE]
            environments = [process.environ() for process in living]
            async with asyncio.timeout(20):
                while len([each for each in collector.spans if int(each.trace, 16) <= len(NAMES)]) < 3 * len(NAMES):  # noqa: ASYNC110 - of a thread
                    await asyncio.sleep(0.05)
        finally:
            await triton.aclose()
        spans = list(collector.spans)

    assert {each.service for each in spans} == {"triton-inference-server"}
    for number, name in enumerate(NAMES, start=1):
        found = {each.name: each for each in spans if each.trace == f"{number:032x}"}
        assert set(found) == {"InferRequest", name, "compute"}
        assert parents(found, ("compute", name, "InferRequest")) == [found[name].ident, found["InferRequest"].ident, f"{PARENT:016x}"]
    assert len(environments) > len(NAMES)
    assert not [name for environment in environments for name in environment if name.startswith("OTEL_")]


def parents(found: dict[str, Span], names: tuple[str, ...]) -> list[str]:
    return [found[name].parent for name in names]
