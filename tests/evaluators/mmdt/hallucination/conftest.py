"""Official data for the tests of hallucination."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.evaluators.mmdt import layouts


@pytest.fixture(scope="session")
def official(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every split in the official form, two rows of each task."""
    return layouts.write_official(tmp_path_factory.mktemp("official"))
