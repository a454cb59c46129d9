"""What all tests share: one real server for the whole session, with the small models of `tests/models`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from watched_server import watched

if TYPE_CHECKING:
    from gateway.triton import Triton

MODELS = Path(__file__).parent / "models"


@pytest.fixture(scope="session")
async def session_triton() -> AsyncIterator[Triton]:
    """The real server, started once, with the models that keep to the contract. Whoever kills something in it starts one of their own.

    Imported here, because the kernel's tests run where no grpc is installed.
    """
    from gateway.repository import read_folder
    from gateway.triton import Options, Triton

    ours = [path.parent for path in sorted(MODELS.glob("*/config.pbtxt")) if not path.parent.name.startswith("like_")]
    models = {folder.name: read_folder(folder, folder.name) for folder in ours}
    server = Triton(models, Options())
    try:
        await server.open()
        yield server
    finally:
        await server.aclose()


@pytest.fixture
async def triton(session_triton: Triton, request: pytest.FixtureRequest) -> AsyncIterator[Triton]:
    """The session's server, as soon as it answers. It may have died in the test before."""
    async with watched(session_triton, request.node):
        yield session_triton
