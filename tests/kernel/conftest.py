"""An open store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kernel.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store", write=True) as opened:
        yield opened
