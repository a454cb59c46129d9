"""The release in miniature."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from evaluators.multitrust.data import Data, open_data
from tests.evaluators.multitrust import layouts


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The release in miniature, which nobody changes."""
    return layouts.write_release(tmp_path_factory.mktemp("release"))


@pytest.fixture(scope="session")
def opened(released: Path) -> Data:
    return open_data(str(released))


@pytest.fixture
def changed(released: Path, tmp_path: Path) -> Path:
    """A copy to change."""
    return Path(shutil.copytree(released, tmp_path / "copy"))
