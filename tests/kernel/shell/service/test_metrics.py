"""Metrics as Prometheus reads them."""

from __future__ import annotations

from urllib.request import urlopen

import pytest

prometheus_client = pytest.importorskip("prometheus_client")

from kernel.errors import UserError  # noqa: E402 - needs it
from kernel.shell.service.metrics import Metrics  # noqa: E402


def test_calls_are_told_by_method_and_code():
    metrics = Metrics()
    metrics.ended("/assay.v1.Scoring/Score", "OK", 0.004)
    with metrics.in_flight("/assay.v1.Scoring/Score"), metrics.told_at(0) as port:
        text = urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()

    assert 'assay_calls_total{code="OK",method="/assay.v1.Scoring/Score"} 1.0' in text
    assert 'assay_calls_in_flight{method="/assay.v1.Scoring/Score"} 1.0' in text
    assert 'assay_call_seconds_bucket{le="0.005",method="/assay.v1.Scoring/Score"} 1.0' in text
    assert "process_resident_memory_bytes" in text


def test_two_of_a_process_do_not_mix():
    one, other = Metrics(), Metrics()
    one.items.labels("pope", "scored").inc(3)

    assert one.registry.get_sample_value("assay_items_total", {"scorer": "pope", "status": "scored"}) == 3
    assert other.registry.get_sample_value("assay_items_total", {"scorer": "pope", "status": "scored"}) is None


def test_a_port_that_is_taken_is_told():
    with Metrics().told_at(0) as port, pytest.raises(UserError, match=f":{port}: .*name another port"), Metrics().told_at(port):
        pass


def test_nobody_reads_them_after_the_end():
    with Metrics().told_at(0) as port:
        pass
    with pytest.raises(OSError, match="refused"):
        urlopen(f"http://127.0.0.1:{port}/metrics")
