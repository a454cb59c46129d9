"""The sample of one perspective alone, in the place of the whole one, for the tests of that perspective."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from evaluators.mmdt import sample

Written = dict[str, Path]


@pytest.fixture(scope="session")
def written() -> Written:
    """The samples of perspectives that were needed so far."""
    return {}


@pytest.fixture
def sampled(request: pytest.FixtureRequest, written: Written, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the sample of the test's perspective is."""
    perspective = request.path.parent.name
    if perspective not in written:
        folder = tmp_path_factory.mktemp(perspective)
        import_module(f"evaluators.mmdt.{perspective}.sample").write(folder)
        written[perspective] = folder
    return written[perspective]


@pytest.fixture(autouse=True)
def _by_itself(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.path.parent.name in sample.MAKERS:
        folder = request.getfixturevalue("sampled")
        monkeypatch.setattr(sample, "folder", lambda: folder)
