"""A program on a terminal of its own."""

import os
import pty
import subprocess
from collections.abc import Mapping, Sequence


def shown_by(command: Sequence[str], environment: Mapping[str, str]) -> tuple[int, bytes]:
    """Its exit code, and every byte that it wrote to the terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, env={**environment, "TERM": "xterm", "COLUMNS": "100"}, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    return process.wait(timeout=30), shown
