"""A console that outlives its terminal: people may go away, the run goes on."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import IO, cast

from rich.console import Console

FILE_WIDTH = 100
"""Columns where there is no terminal that says how many it has."""


class Lasting(io.TextIOBase):
    """A stream to people that may go away: what cannot be written is dropped.

    Terminals close, pipes break and disks fill; characters that the terminal's encoding lacks become `?`.
    """

    def __init__(self, target: IO[str] | None) -> None:
        self.target = target
        self.alive = target is not None and not target.closed

    @property
    def encoding(self) -> str:  # type: ignore[override]  # the stub says attribute; every real stream has a property
        """The target's encoding."""
        return getattr(self.target, "encoding", None) or "utf-8"

    def writable(self) -> bool:
        """Always: what cannot be written is dropped."""
        return True

    def isatty(self) -> bool:
        """Whether the target is a terminal that is still there."""
        try:
            return self.target is not None and self.target.isatty()
        except (OSError, ValueError):
            return False

    def fileno(self) -> int:
        """The target's descriptor."""
        if self.target is None:
            raise io.UnsupportedOperation("fileno")
        return self.target.fileno()

    def write(self, text: str) -> int:
        """Write to the target while it is there."""
        if self.alive and self.target is not None:
            try:
                self.target.write(text.encode(self.encoding, "replace").decode(self.encoding))
            except (OSError, ValueError):
                self._let_go()
        return len(text)

    def flush(self) -> None:
        """Flush the target while it is there."""
        if self.alive and self.target is not None:
            try:
                self.target.flush()
            except (OSError, ValueError):
                self._let_go()

    def _let_go(self) -> None:
        """Write no more, and let Python's own flush at exit succeed: a lost reader is no failure of the run."""
        self.alive = False
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)


def console(target: IO[str] | None = None, *, width: int | None = None) -> Console:
    """A console on `target` (standard output unless told) that neither fails nor reads markup or emoji names."""
    lasting = Lasting(sys.stdout if target is None else target)
    if width is None and "COLUMNS" not in os.environ and not lasting.isatty():
        width = FILE_WIDTH
    return Console(file=cast("IO[str]", lasting), width=width, markup=False, emoji=False, highlight=False)
