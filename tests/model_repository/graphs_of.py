"""The graphs of a bundled model, with plans that are the double's, for the tests that serve them."""

from __future__ import annotations

from pathlib import Path

from gateway.engines import commands
from tests.gateway.engines.tensorrt_double import Double, machine

LONGEST = 1000
PLAYED = machine(Double(longest=LONGEST))
PRECISION = "fp32"


def made(model: str, out: Path, name: str | None = None) -> Path:
    """Exported, each graph within its tolerance, and built."""
    assert all(finding.fits for finding in commands.export(model, out=out))
    assert all(finding.fits for finding in commands.build(model, out=out, kind=PRECISION, machine=PLAYED))
    return out / (name or model)
