"""The sample of fairness alone, written once."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluators.mmdt import sample as samples
from evaluators.mmdt.fairness import sample


@pytest.fixture(scope="session")
def fairness_sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its folder."""
    folder = tmp_path_factory.mktemp("sample")
    sample.write(folder)
    return folder


@pytest.fixture
def data(fairness_sample: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The folder as an option of a task; right pictures are looked for in it."""
    monkeypatch.setattr(samples, "folder", lambda: fairness_sample)
    return str(fairness_sample)
