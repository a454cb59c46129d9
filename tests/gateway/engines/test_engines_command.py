"""`assay engines`, with its parts found as installed ones are."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.engines import commands
from gateway.engines.commands import Finding
from kernel.errors import InvalidSpec, UnknownName
from kernel.shell import engines, running


def installed(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    points = [EntryPoint(name="triton", value=value, group="assay.engines")]
    monkeypatch.setattr(running, "entry_points", lambda group: [point for point in points if point.group == group])


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, "gateway.engines.commands")


def test_verify_shows_a_table(folder: Path):
    done = CliRunner().invoke(engines.app, ["verify", "tiny", "--out", str(folder.parent)])

    assert done.exit_code == 0, done.output
    assert "largest error" in done.output
    assert "small" in done.output
    assert "assay engines build" in " ".join(done.output.split())


def test_what_is_not_exact_ends_with_1(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(commands, "export", lambda model, *, out, catalog: iter([Finding("small", "graph", 0.5, 1e-4, False, "opset 20")]))

    done = CliRunner().invoke(engines.app, ["export", "tiny"])

    assert done.exit_code == 1
    assert "does not fit" in done.output


def test_a_machine_that_cannot_build_is_told_why(folder: Path):
    done = CliRunner().invoke(engines.app, ["build", "tiny", "--out", str(folder.parent)])

    assert isinstance(done.exception, InvalidSpec)
    assert "this machine has no GPU" in str(done.exception)


def test_a_gateway_without_engines_is_told(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(UnknownName, match="no gateway with engines named 'other'"):
        engines.find_engines("other")

    installed(monkeypatch, "gateway.engines.absent")
    with pytest.raises(InvalidSpec, match=r"pip install 'trust-assay\[engines\]'"):
        engines.find_engines("triton")
