"""The sample of fairness as an option of its tasks."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def data(sampled: Path) -> str:
    """The folder as an option of a task; right pictures are looked for in it."""
    return str(sampled)
