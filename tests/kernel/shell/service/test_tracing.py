"""Traces: a caller's goes on into whatever is asked for it, and a span tells method and code and nothing of a message."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

pytest.importorskip("opentelemetry")
sdk = pytest.importorskip("opentelemetry.sdk.trace")

from opentelemetry import propagate, trace  # noqa: E402 - needs it
from opentelemetry.sdk.trace.export import SimpleSpanProcessor  # noqa: E402
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter  # noqa: E402
from opentelemetry.trace import StatusCode  # noqa: E402

from kernel.errors import InvalidSpec  # noqa: E402
from kernel.shell.service import tracing  # noqa: E402
from kernel.shell.service.engine import Engine  # noqa: E402
from tests.kernel.shell.service.scoring_parts import Judge, job, scorers  # noqa: E402

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
METADATA = (("traceparent", f"00-{TRACE}-00f067aa0ba902b7-01"), ("tracestate", "vendor=x"))
METHOD = "/assay.v1.Evaluation/GetRun"


@pytest.fixture
def spans(monkeypatch) -> InMemorySpanExporter:
    """What is exported by a provider of this test's own."""
    exporter = InMemorySpanExporter()
    provider = sdk.TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    return exporter


def carried() -> dict[str, str]:
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier


def test_without_an_sdk_the_callers_trace_goes_on():
    with tracing.span_of(METHOD, METADATA, "r"):
        assert carried() == dict(METADATA)
    assert carried() == {}


def test_a_span_is_a_child_of_the_callers_and_the_parent_of_what_follows(spans: InMemorySpanExporter):
    with tracing.span_of(METHOD, METADATA, "r-1") as span:
        told = carried()["traceparent"]
        tracing.end_with(span, 5, "NOT_FOUND")

    (span,) = spans.get_finished_spans()
    assert f"{span.context.trace_id:032x}" == TRACE
    assert f"{span.parent.span_id:016x}" == "00f067aa0ba902b7"
    assert told == f"00-{TRACE}-{span.context.span_id:016x}-01"
    assert span.name == "assay.v1.Evaluation/GetRun"
    assert span.attributes["assay.request_id"] == "r-1"
    assert span.attributes["rpc.grpc.status_code"] == 5
    assert span.status.status_code is StatusCode.ERROR


def test_an_error_leaves_no_words_in_its_span(spans: InMemorySpanExporter):
    with pytest.raises(ValueError, match="canary"), tracing.span_of(METHOD, (), "r"):
        raise ValueError("canary")

    (span,) = spans.get_finished_spans()
    assert "canary" not in span.to_json()
    assert span.events == ()


@pytest.mark.parametrize(
    "metadata",
    [
        (),
        (("traceparent", "nonsense"),),
        (("traceparent", "00-" + "0" * 32 + "-00f067aa0ba902b7-01"),),
        (*METADATA, METADATA[0]),
        (("traceparent", METADATA[0][1].encode()),),
        (("baggage", "user=x"),),
    ],
)
def test_what_is_no_trace_begins_one_of_ours(spans: InMemorySpanExporter, metadata):
    with tracing.span_of(METHOD, metadata, "r"):
        assert "baggage" not in carried()

    (span,) = spans.get_finished_spans()
    assert span.parent is None


@pytest.mark.parametrize("at_once", [2, 100])
async def test_questions_to_judges_are_in_the_trace_of_the_call_that_they_are_for(at_once):
    asked: list[tuple[str, str]] = []

    class Noting(Judge):
        async def infer(self, request, *, deadline):
            asked.append((request.text, carried()["traceparent"]))
            return await super().infer(request, deadline=deadline)

    held, engine = scorers(Noting(0.001)), Engine(at_once=at_once)

    async def call(number: int) -> None:
        with tracing.span_of(METHOD, (("traceparent", parent(number)),), "r"):
            await engine.score([job(held, str(number), name="test.asking") for _ in range(10)])

    await asyncio.gather(*(call(number) for number in (1, 2, 3)))

    assert sorted(asked) == [(str(number), parent(number)) for number in (1, 2, 3) for _ in range(10)]


def parent(number: int) -> str:
    return f"00-{number:032x}-00f067aa0ba902b7-01"


def test_a_run_is_a_trace_of_its_own_linked_to_the_call_that_created_it(spans: InMemorySpanExporter):
    with tracing.span_of(METHOD, METADATA, "r"):
        created = tracing.carried()
    with tracing.span_of(METHOD, METADATA, "r"), tracing.span_of_run("probe-1", "probe", created):
        told = carried()["traceparent"]

    call, run = spans.get_finished_spans()[:2]
    assert (run.name, dict(run.attributes)) == ("run probe-1", {"assay.run": "probe-1", "assay.suite": "probe"})
    assert run.parent is None
    assert run.context.trace_id != call.context.trace_id
    assert [link.context.span_id for link in run.links] == [call.context.span_id]
    assert told == f"00-{run.context.trace_id:032x}-{run.context.span_id:016x}-{run.context.trace_flags:02x}"


@pytest.mark.parametrize("created", [{}, {"traceparent": "nonsense"}])
def test_a_run_whose_creator_is_not_known_is_linked_to_nothing(spans: InMemorySpanExporter, created):
    assert tracing.carried() == {}
    with tracing.span_of_run("probe-1", "probe", created):
        pass

    (run,) = spans.get_finished_spans()
    assert not run.links


def test_nothing_is_exported_unless_the_environment_names_an_endpoint(monkeypatch):
    monkeypatch.delenv(tracing.ENDPOINT, raising=False)

    assert tracing.set_up() is False


def test_an_endpoint_without_the_packages_is_told(monkeypatch):
    monkeypatch.setenv(tracing.ENDPOINT, "http://127.0.0.1:1")
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)

    with pytest.raises(InvalidSpec, match=r"trust-assay\[service\]"):
        tracing.set_up()


def test_with_an_endpoint_spans_are_recorded():
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    script = (
        "from kernel.shell.service import tracing\nassert tracing.set_up()\n"
        f"with tracing.span_of({METHOD!r}, (), 'r') as span: print(span.is_recording(), flush=True)\nimport os; os._exit(0)"
    )
    env = {tracing.ENDPOINT: "http://127.0.0.1:1", "PATH": ""}
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=False, timeout=60)

    assert (done.returncode, done.stdout.strip()) == (0, "True"), done.stderr
