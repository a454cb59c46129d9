"""Traces on their way to the models: carried by every call where a span is active, and by none elsewhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

trace = pytest.importorskip("opentelemetry.trace")

from gateway import traces  # noqa: E402 - needs it
from gateway.client import Server, TritonModel  # noqa: E402
from gateway.repository import read_folder  # noqa: E402
from gateway.signature import of_kind  # noqa: E402
from gateway.triton import Options  # noqa: E402
from kernel.contract import Deadline, Kind, Request, Text  # noqa: E402
from kernel.errors import ModelError  # noqa: E402
from tests.gateway.plain_server import Plain, serve  # noqa: E402

MODELS = Path(__file__).parent.parent / "models"
TRACE = 0x4BF92F3577B34DA6A3CE929D0E0E4736
CALLER = trace.NonRecordingSpan(trace.SpanContext(TRACE, 0xF067AA0BA902B7, True, trace.TraceFlags(1), trace.TraceState([("vendor", "x")])))
TOLD = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "tracestate": "vendor=x"}


class Noting(Plain):
    """Notes what came with each call, and answers no stream."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[dict[str, str]] = []

    async def _check(self, context) -> None:
        self.given.append({key: value for key, value in context.invocation_metadata() if key != "user-agent"})

    async def ModelStreamInfer(self, requests, context):  # noqa: N802 - the protocol's name
        await self._check(context)
        return
        yield


@pytest.fixture
async def noting():
    """A server that notes, and its address."""
    plain = Noting()
    server, port = await serve(plain)
    yield plain, f"127.0.0.1:{port}"
    await server.stop(None)


@pytest.mark.parametrize("headers", [(), (("x-key", "k"),)])
@pytest.mark.parametrize("decoupled", [False, True])
async def test_a_call_carries_the_span_that_it_is_made_in(noting, headers, decoupled):
    plain, address = noting
    server = Server(address, metadata=headers)
    signature = read_folder(MODELS / "decoupled_words", "m").description.signature if decoupled else of_kind("m", Kind.GENERATE)
    model = TritonModel(server, signature)
    try:
        for span in (CALLER, trace.INVALID_SPAN):
            with trace.use_span(span):
                try:
                    await model.infer(Request("m", (Text("a"),)), deadline=Deadline.after(10))
                except ModelError:
                    assert decoupled, "a stream without an answer is an error, a call is answered"
    finally:
        await server.aclose()

    assert plain.given == [dict(headers) | TOLD, dict(headers)]


def test_without_opentelemetry_nothing_is_carried():
    script = "import sys\nsys.modules['opentelemetry.trace'] = None\nfrom gateway import client, traces\nprint(traces.TRACED, traces.headers())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)

    assert (done.returncode, done.stdout.strip()) == (0, "False ()"), done.stderr


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        ({}, ""),
        ({traces.ENDPOINT: ""}, ""),
        ({traces.ENDPOINT: "http://collector:4318"}, "http://collector:4318/v1/traces"),
        ({traces.ENDPOINT: "https://collector/otlp/"}, "https://collector/otlp/v1/traces"),
        ({traces.ENDPOINT: "http://collector:4318", traces.TRACES_ENDPOINT: "http://other/in"}, "http://other/in"),
        ({traces.ENDPOINT: "collector:4317"}, ""),
        ({traces.ENDPOINT: "http://"}, ""),
        ({traces.ENDPOINT: "http://[collector"}, ""),
        ({traces.ENDPOINT: "http://me:canary@collector"}, ""),
    ],
)
def test_a_server_sends_its_spans_where_the_environment_says(monkeypatch, environment, url):
    for name in (traces.ENDPOINT, traces.TRACES_ENDPOINT):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert Options().collector == url
    assert bool(traces.arguments(url)) is bool(url)
