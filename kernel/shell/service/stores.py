"""Where the store of a namespace is: each has one of its own, so that nothing in it knows of namespaces."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from kernel.errors import UserError
from kernel.shell.service.settings import Settings
from kernel.shell.service.tokens import DEFAULT_NAMESPACE, list_tokens
from kernel.store.postgres import schema_of
from kernel.store.store import Store

NAMESPACES = "namespaces"
_URL = re.compile(r"[a-z][a-z0-9+]*://")


class Stores:
    """The stores of a server. Raises `UserError` for a database without a folder for pictures, and for a folder beside a folder."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.store if _URL.match(settings.store) else None
        if self._url is not None and settings.artifacts is None:
            raise UserError("--store is a database; give the folder for pictures too, as --artifacts DIR")
        if self._url is None and settings.artifacts is not None:
            raise UserError("--artifacts goes with --store postgresql://…; a store in a folder has its pictures beside it")
        self.folder = (Path(settings.store) if settings.artifacts is None else settings.artifacts).expanduser().absolute()
        self._tokens = settings.tokens

    def open(self, namespace: str, *, write: bool) -> Store:
        """The store of a namespace. One that is only read is made where it is not there yet. Raises `StoreError`, `StoreInUse` or `BadStore`."""
        folder = self.folder_of(namespace)
        if self._url is None:
            return Store(folder, write=write)
        return Store(folder, write=write, url=self._url, schema=schema_of(namespace))

    def folder_of(self, namespace: str) -> Path:
        """Its folder. Without tokens, the one that commands use too."""
        return self.folder if self._tokens is None and namespace == DEFAULT_NAMESPACE else self.folder / NAMESPACES / namespace

    def namespaces(self) -> Iterator[str]:
        """Those that may have runs to go on with: of all tokens, and those that are there."""
        if self._tokens is None:
            yield DEFAULT_NAMESPACE
            return
        found = {token.namespace for token in list_tokens(self._tokens)}
        found |= {path.name for path in (self.folder / NAMESPACES).glob("*/")} if (self.folder / NAMESPACES).is_dir() else set()
        yield from sorted(found)
