"""Hashes of files. Large ones are remembered by size and time, because reading a checkpoint of 14 GB takes half a minute."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

LARGE = 64 * 1024 * 1024


def digest(path: Path) -> bytes:
    """SHA-256 of a file's bytes."""
    told = path.stat()
    if told.st_size < LARGE:
        return _read(path)
    known = _remembered() / hashlib.sha256(f"{path.resolve()} {told.st_size} {told.st_mtime_ns} {told.st_ino}".encode()).hexdigest()
    with suppress(OSError, ValueError):
        return bytes.fromhex(known.read_text(encoding="ascii"))
    found = _read(path)
    with suppress(OSError):  # where nothing can be written, it is read again the next time
        known.parent.mkdir(parents=True, exist_ok=True)
        fresh = known.with_suffix(f".{os.getpid()}")
        fresh.write_text(found.hex(), encoding="ascii")
        fresh.replace(known)
    return found


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _remembered() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "assay" / "digests"
