"""What the tests of all proxies have in common: a proxy of the real thing to a vendor on loopback that follows a script."""

from __future__ import annotations

import pytest


@pytest.fixture
async def connected(tmp_path):
    """Opens a vendor's server and a proxy to it, which is made of the key's file and the address; all is closed at the end."""
    opened = []

    async def connect(server, make, key, *, behaviour=None, script=None):
        api = await server(script or (None if behaviour is None else lambda _: behaviour)).__aenter__()
        opened.append(api.__aexit__)
        (tmp_path / "key").write_text(key)
        proxy = make(key_file=str(tmp_path / "key"), base_url=api.url)
        opened.append(proxy.aclose)
        return proxy, api

    yield connect
    for close in reversed(opened):
        await close()
