"""The sample of this perspective alone, in the place of the whole one."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluators.mmdt import sample
from evaluators.mmdt.adversarial.sample import write


@pytest.fixture(scope="session")
def sampled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    write(folder)
    return folder


@pytest.fixture(autouse=True)
def _by_itself(sampled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "folder", lambda: sampled)
