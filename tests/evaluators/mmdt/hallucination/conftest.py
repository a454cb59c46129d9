"""The sample of this perspective alone."""

from pathlib import Path

import pytest

from evaluators.mmdt import sample
from evaluators.mmdt.hallucination.sample import write
from tests.evaluators.mmdt import layouts


@pytest.fixture(scope="session")
def hallucination_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where it was written."""
    folder = tmp_path_factory.mktemp("hallucination")
    write(folder)
    return folder


@pytest.fixture(autouse=True)
def _only_this_sample(hallucination_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "folder", lambda: hallucination_folder)


@pytest.fixture(scope="session")
def official(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every split in the official form, two rows of each task."""
    return layouts.write_official(tmp_path_factory.mktemp("official"))
