"""The sample of this perspective alone."""

from pathlib import Path

import pytest

from evaluators.mmdt import sample
from evaluators.mmdt.privacy.sample import write


@pytest.fixture(scope="session")
def privacy_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where it was written."""
    folder = tmp_path_factory.mktemp("privacy")
    write(folder)
    return folder


@pytest.fixture(autouse=True)
def _only_this_sample(privacy_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "folder", lambda: privacy_folder)
