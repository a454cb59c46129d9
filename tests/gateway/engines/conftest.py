"""Exporting takes seconds, so it is done once, and each test has a copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.gateway.engines.small import exported


@pytest.fixture(scope="session")
def _exported_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported(tmp_path_factory.mktemp("engines") / "tiny")


@pytest.fixture
def folder(_exported_once: Path, tmp_path: Path) -> Path:
    """The graphs of the model `tiny`, below `tmp_path`."""
    return Path(shutil.copytree(_exported_once, tmp_path / "tiny"))
