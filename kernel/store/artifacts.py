"""Pictures as files named by the hash of their bytes. A file is whole or not there; a read checks the hash."""

from __future__ import annotations

import hashlib
import os
import uuid
from contextlib import suppress

import fsspec

from kernel.errors import StoreError


class Artifacts:
    """Content-addressed files under `url`, a folder or any place that fsspec knows."""

    def __init__(self, url: str) -> None:
        self._files, self._root = fsspec.core.url_to_fs(url)
        self._local = "file" in (self._files.protocol if isinstance(self._files.protocol, tuple) else (self._files.protocol,))
        self._known: set[str] = set()

    def keep(self, data: bytes) -> str:
        """Write `data` unless it is there already; its digest."""
        digest = hashlib.sha256(data).hexdigest()
        if digest not in self._known:
            path = self._path(digest)
            if not self._files.exists(path):
                self._write(path, data)
            self._remember(digest)
        return digest

    def get(self, digest: str) -> bytes:
        """The bytes. Raises `StoreError` when the file is missing or is not what its name says."""
        try:
            data: bytes = self._files.cat_file(self._path(digest))
        except OSError as error:
            raise StoreError(f"picture {digest[:12]}… is missing from the store ({type(error).__name__}); run the case again") from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise StoreError(f"picture {digest[:12]}… is damaged: its bytes are not what its name says; remove it and run the case again")
        return data

    def _path(self, digest: str) -> str:
        return f"{self._root}/{digest[:2]}/{digest}"

    def _write(self, path: str, data: bytes) -> None:
        self._files.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
        draft = f"{path}.{uuid.uuid4().hex}.part"
        try:
            with self._files.open(draft, "wb") as file:
                file.write(data)
                if self._local:
                    file.flush()
                    os.fsync(file.fileno())
            self._files.mv(draft, path)
        except OSError:
            with suppress(OSError):
                self._files.rm_file(draft)
            raise

    def _remember(self, digest: str) -> None:
        if len(self._known) >= 10_000:  # a bound, not a cache policy: forgetting costs one look at the disk
            self._known.clear()
        self._known.add(digest)
