"""Reading a store beside those who write it: a connection and a thread of its own, so that nobody waits for a long report."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

from kernel.errors import UnknownName
from kernel.shell.service.statuses import NotThere
from kernel.store.store import Store

T = TypeVar("T")


class OpenStore(Protocol):
    """How the store of a namespace is opened."""

    def __call__(self, *, write: bool) -> Store:
        """The store, opened for reading alone or also for writing."""
        ...


class Reading:
    """A store that is only read, one question after the other."""

    def __init__(self, opening: OpenStore, name: str) -> None:
        self._store = opening(write=False)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def __call__(self, asked: Callable[..., T], *args: Any, **more: Any) -> T:
        """What `asked`, a function of the store and of what is given, returns. Raises `NotThere` for a run that is not there."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: asked(self._store, *args, **more))
        except UnknownName as error:
            raise NotThere("run", args[0] if args and isinstance(args[0], str) else "") from error

    def close(self) -> None:
        """Let go of the store, once what is being read was read."""
        self._thread.shutdown(wait=True)
        self._store.close()
