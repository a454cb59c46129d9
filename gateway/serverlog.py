"""The server's log as structlog events. The pipe is always read, whoever listens, so the server never waits for it."""

from __future__ import annotations

import asyncio
import re
from collections import deque

import structlog

LINE = re.compile(r"^(?P<level>[IWEF])\d{4} \d\d:\d\d:\d\d\.\d+ \d+ (?P<source>[\w.]+:\d+)\] (?P<text>.*)$")
LEVELS = {"I": "debug", "W": "warning", "E": "error", "F": "critical"}
EXPECTED = ("CudaDriverHelper has not been initialized", "Unable to allocate pinned system memory", "no CUDA-capable device", "Exit timeout expired")
KEPT = 100
LONGEST = 4000

log = structlog.get_logger("assay.triton")


class ServerLog:
    """Reads the pipe to its end, and remembers the last lines for whoever has to say why the server died."""

    def __init__(self) -> None:
        self.last: deque[str] = deque(maxlen=KEPT)

    async def drain(self, pipe: asyncio.StreamReader) -> None:
        """Read to the end of the pipe."""
        rest = b""
        while data := await pipe.read(65536):
            *lines, rest = (rest + data).split(b"\n")
            rest = rest[-LONGEST:]
            for line in lines:
                self.write(line)
        if rest:
            self.write(rest)

    def write(self, line: bytes) -> None:
        """One line as one event; what a model prints comes without a level."""
        text = _harmless(line[:LONGEST].decode("utf-8", "replace").rstrip())
        if not text:
            return
        self.last.append(text)
        match = LINE.match(text)
        if match is None:
            log.debug("server_printed", text=text)
            return
        said = match["text"].strip('"')
        level = "debug" if any(known in said for known in EXPECTED) else LEVELS[match["level"]]
        getattr(log, level)("server_logged", source=match["source"], text=said)

    def why(self) -> str:
        """The last complaint, in one line; the last line where there was none."""
        errors = [match["text"] for text in self.last if (match := LINE.match(text)) and match["level"] in "EF"]
        told = [text for text in errors if not any(known in text for known in EXPECTED)] or list(self.last)
        return told[-1].strip('"')[:500] if told else "it said nothing"


def _harmless(text: str) -> str:
    """Text in which nothing steers a terminal or turns the line around; a model may have printed anything."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
