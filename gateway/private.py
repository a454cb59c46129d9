"""A folder and a prefix in shared memory that are this gateway's alone, and what dead gateways left of theirs.

Both are held by a file lock, which ends with the last process that has it open: a lock that can be had belongs to nobody
alive, whatever process ids say. So left-overs of ours are known for sure, and those of others are never touched.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.reaper import REGION, SHARED_MEMORY, remove_regions
from kernel.errors import GatewayError

NAME = "assay-gateway-"
LOCK = "lock"
SETTLING_SECONDS = 60.0
SHARED_MEMORY_NEEDED = 32 * 1024 * 1024


@dataclass(frozen=True)
class Private:
    """The folder, the prefix in shared memory, and the open locks on both."""

    folder: Path
    prefix: str
    locks: tuple[int, ...]

    @property
    def regions(self) -> str:
        """How the names of all shared-memory regions of the server begin."""
        return self.prefix + REGION

    def release(self) -> None:
        """Remove both and let go of the locks."""
        remove_regions(self.prefix)
        shutil.rmtree(self.folder, ignore_errors=True)
        for lock in self.locks:
            with contextlib.suppress(OSError):
                os.close(lock)


def claim() -> Private:
    """A new folder and prefix. Removes what dead gateways of this user left. Raises `GatewayError`."""
    if not SHARED_MEMORY.is_dir():
        raise GatewayError(f"{SHARED_MEMORY} is missing; the server of our own runs on Linux only, where it is the place of shared memory")
    sweep()
    free = shutil.disk_usage(SHARED_MEMORY)
    if free.free < SHARED_MEMORY_NEEDED:
        raise GatewayError(
            f"{SHARED_MEMORY} has {free.free / 2**20:.0f} MB free of {free.total / 2**20:.0f} MB; models talk to the "
            f"server through it and need at least {SHARED_MEMORY_NEEDED // 2**20} MB: free some, or give the container "
            f"more (docker run --shm-size=1g)"
        )
    token = secrets.token_hex(6)
    prefix = f"{NAME}{token}-"
    try:
        folder = Path(tempfile.gettempdir()) / f"{NAME}{token}"
        folder.mkdir(mode=0o700)
        locks = tuple(_lock(path) for path in (folder / LOCK, SHARED_MEMORY / (prefix + LOCK)))
    except OSError as error:
        raise GatewayError(f"no room for the gateway's private files: {error}; free some, or set TMPDIR") from error
    return Private(folder, prefix, locks)


def sweep() -> None:
    """Remove the folders and regions whose lock nobody holds."""
    for folder in Path(tempfile.gettempdir()).glob(NAME + "*"):
        if folder.is_dir() and _abandoned(folder / LOCK):
            shutil.rmtree(folder, ignore_errors=True)
    for path in SHARED_MEMORY.glob(f"{NAME}*{LOCK}"):
        if _abandoned(path):
            remove_regions(path.name.removesuffix(LOCK))


def _lock(path: Path) -> int:
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return lock


def _abandoned(path: Path) -> bool:
    """Whether nobody holds the lock, and did not just make it."""
    with contextlib.suppress(OSError), _opened(path) as lock:
        if os.fstat(lock).st_uid != os.getuid() or time.time() - os.fstat(lock).st_mtime < SETTLING_SECONDS:
            return False
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
