"""structlog, set up once per program: JSON lines into a file, so that no reply can forge a line and no display is disturbed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TextIO

import structlog


def set_up(target: Path | None) -> TextIO:
    """Log to the file `target`, or to standard error. The stream is the caller's to close."""
    stream: TextIO = sys.stderr
    if target is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
        stream = target.open("a", encoding="utf-8", errors="backslashreplace", buffering=1)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=True),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=False,
    )
    return stream
