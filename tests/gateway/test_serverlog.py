"""The server's log: every line an event, whatever a model prints."""

import asyncio

import pytest
from structlog.testing import capture_logs

from gateway.serverlog import LONGEST, ServerLog


async def drained(*chunks: bytes) -> tuple[ServerLog, list]:
    """The log that read these chunks, and the events it made of them."""
    pipe = asyncio.StreamReader()
    for chunk in chunks:
        pipe.feed_data(chunk)
    pipe.feed_eof()
    log = ServerLog()
    with capture_logs() as events:
        await log.drain(pipe)
    return log, events


async def test_lines_become_events_with_their_level():
    """Triton's own lines keep level and source; what a model prints is an event without them."""
    _, events = await drained(b'I1121 09:02:05.637943 6478 server.cc:1] "Disa', b'bled"\nE1121 09:02:05.640161 6478 model.cc:24] "bad thing"\nhello\n')

    assert events == [
        {"event": "server_logged", "source": "server.cc:1", "text": "Disabled", "log_level": "debug"},
        {"event": "server_logged", "source": "model.cc:24", "text": "bad thing", "log_level": "error"},
        {"event": "server_printed", "text": "hello", "log_level": "debug"},
    ]


@pytest.mark.parametrize("printed", [b"\x1b]52;c;aGk=\x07", "\u202eabc".encode(), b"a\x00b", b"\xff\xfe", b"\x9b31m", b"one\rtwo"])
async def test_what_a_model_prints_steers_nothing(printed):
    """Escapes, controls, turned text and broken bytes become visible characters."""
    _, events = await drained(printed + b"\n")

    assert all(event["text"].isprintable() for event in events)
    assert events


async def test_a_line_without_end_is_cut():
    """Ten megabytes without a newline keep the memory small."""
    _, events = await drained(b"x" * 10_000_000)

    assert [len(event["text"]) for event in events] == [LONGEST]


async def test_the_last_complaint_is_remembered():
    """What is told of a dead server is its last error, and not that this machine has no GPU."""
    log, _ = await drained(
        b'E1121 09:02:05.640161 6478 server.cc:2] "out of memory"\nE1121 09:02:05.640161 6478 server.cc:3] "CudaDriverHelper has not been initialized."\nbye\n'
    )

    assert log.why() == "out of memory"
