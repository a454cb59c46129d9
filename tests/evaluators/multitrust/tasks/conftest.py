"""Pictures of written text are small here: a hundred large ones take longer than all tests."""

from __future__ import annotations

from collections.abc import Iterator
from zlib import crc32

import pytest
from PIL import Image

from evaluators.multitrust.pictures import Lettering


@pytest.fixture(scope="session", autouse=True)
def _small() -> Iterator[None]:
    def picture(lettering: Lettering, width: int = 0) -> Image.Image:
        return Image.new("RGB", (8, 8), tuple(crc32(lettering.text.encode()).to_bytes(4, "big")[:3]))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Lettering, "picture", picture)
        yield
