"""Tells by its exit code whether every model of a catalog is ready on a server here, asked over gRPC: the health check of containers."""  # noqa: INP001

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

from gateway import client, servers
from gateway.catalog import Player, read_catalog
from kernel.shell import logs


async def unready(names: list[str], address: str) -> list[str]:
    """The models that are not ready there."""
    server = client.Server(address)
    try:
        ready = await asyncio.gather(*(server.ready(name) for name in names))
    finally:
        await server.aclose()
    return [name for name, is_ready in zip(names, ready, strict=True) if not is_ready]


def main() -> None:
    """The entry point: 1 with the names of the models that are not ready."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--catalog", type=Path, required=True, help="the YAML file of the models that are served")
    parser.add_argument("--port", type=int, default=8001)
    given = parser.parse_args()
    logs.set_up(Path(os.devnull))
    names = [name for name, entry in read_catalog(given.catalog).entries.items() if not isinstance(entry, (servers.Server, Player))]
    found = asyncio.run(unready(names, f"127.0.0.1:{given.port}"))
    sys.exit(f"not ready: {', '.join(found)}" if found else 0)


if __name__ == "__main__":
    main()
