"""What all tests share: one real server for the whole session, with the small models of `tests/models`."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.repository import read_folder
from gateway.triton import Options, Triton

MODELS = Path(__file__).parent / "models"
SERVED = ("echo", "hosted_slow", "hosted_faulty", "decoupled_words")


@pytest.fixture(scope="session")
async def triton() -> AsyncIterator[Triton]:
    """The real server, started once. Whoever kills something in it starts one of their own."""
    server = Triton({name: read_folder(MODELS / name, name) for name in SERVED if (MODELS / name / "config.pbtxt").is_file()}, Options())
    try:
        await server.open()
        yield server
    finally:
        await server.aclose()
