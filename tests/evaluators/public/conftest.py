"""The sample of the public data sets, written once into a folder of the tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from evaluators.public import sample


@pytest.fixture(scope="package")
def sampled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("public-sample")
    sample.write(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sample, "folder", lambda: folder)
        yield folder
