"""What a person at a terminal sees: the live display and the scorecard, on terminals good and bad."""

from __future__ import annotations

import io
import os
import pty
import select
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from kernel.benchmark import Aggregate
from kernel.shell.lasting import Lasting, console
from kernel.shell.progress import Progress, duration
from kernel.shell.terminal import scorecard

HOSTILE = "\x1b[2J\x1b]8;;http://x\x07[bold]\u202e\r\x9b"
SMALL = """\
small  run r-1 · finished · 2026-11-21 09:05

hallucination  accuracy (share, higher is better)
shapes-…         shapes-vlm             n  gold  blind
──────────────────────────────────────────────────────
count            0.90 [0.80, 0.95]     40  1.00   0.30
ocr              0.24 [0.11, 0.40]  37/40  1.00      -
──────────────────────────────────────────────────────
mean of 2 tasks  0.57                      1.00      -
shapes-vlm: 2 failed, 1 unscored in ocr

Models under test: 80 planned, 77 scored, 2 failed, 1 unscored, 0 skipped. Brackets are 95 %
intervals; means weigh every task the same. Yellow: may be no better than chance.
! ocr had an outage
"""


def printed(card, width=100) -> str:
    """The scorecard as text, without trailing blanks."""
    file = io.StringIO()
    scorecard(card, console(file, width=width))
    return "\n".join(line.rstrip() for line in file.getvalue().split("\n"))


def test_the_scorecard_is_a_table(make_card, make_line):
    """One row a task, null players beside the model, gaps told, a mean only over whole columns."""
    weak = {"mean": 0.24, "low": 0.11, "high": 0.4, "scored": 37, "failed": 2, "unscored": 1}
    card = make_card(
        make_line(task="shapes-count"),
        make_line(task="shapes-count", model="g", player="gold", mean=1.0),
        make_line(task="shapes-count", model="b", player="blind", mean=0.3),
        make_line(task="shapes-ocr", **weak),
        make_line(task="shapes-ocr", model="g", player="gold", mean=1.0),
        make_line(task="shapes-ocr", model="b", player="blind", mean=None, low=None, high=None),
        notes=("ocr had an outage",),
    )

    assert printed(card) == SMALL


def test_quickstart_is_readable_in_100_columns(card):
    """Each task stands on one line, and no line is longer than the terminal."""
    lines = printed(card).split("\n")

    assert max(map(len, lines)) <= 100
    for task in {line.task for line in card.lines}:
        name = task.split("-", 2)[2]
        assert any(line.startswith(name[:27]) and "[" in line for line in lines), name
    assert len(lines) < 64 + 3 * 8 + 10


@pytest.mark.parametrize("width", [1, 20, 48, 300])
def test_the_scorecard_survives_every_width(card, width):
    """Narrow terminals fold names; nothing raises."""
    assert "quick" in printed(card, width).replace("\n", "")


def test_different_measures_have_no_common_mean(make_card, make_line):
    """Seconds and shares, or a task without a score, are never averaged; nothing is `-`, not zero."""
    mixed = make_card(make_line(task="a"), make_line(task="b", metric="time", unit="seconds", higher_is_better=False))
    gap = make_card(make_line(task="a"), make_line(task="b", mean=None, low=None, high=None, scored=0, failed=40))

    assert "mean of" not in printed(mixed)
    assert "b · time ↓" in printed(mixed)
    assert "mean of" not in printed(gap)
    assert "0/40" in printed(gap)


def test_foreign_text_is_shown_not_obeyed(make_card, make_line):
    """Names and notes with escapes, markup and turned text come out as symbols."""
    line = make_line(task=HOSTILE + "t", model=HOSTILE, perspective=HOSTILE, metric=HOSTILE, unit=HOSTILE)
    card = make_card(line, make_line(task=HOSTILE + "u", model=HOSTILE, failed=3), suite=HOSTILE, run=HOSTILE, notes=(HOSTILE, "\n\n"))
    file = io.StringIO()
    scorecard(card, console(file, width=400))

    assert not set("\x1b\x9b\u202e\r\x07") & set(file.getvalue())
    assert "[bold]" in file.getvalue()
    assert "␛[2J" in file.getvalue()


def test_many_notes_are_counted(make_card):
    """A flood of notes does not push the scorecard off the screen."""
    assert "! and 90 more notes, which the page shows\n" in printed(make_card(notes=("n",) * 100))


def run_progress(console_, cases=30, **settings) -> None:
    """Two tasks, of which the second is never announced."""
    with Progress(console_, **settings) as progress:
        progress.start("count", "shapes-vlm", cases)
        for number in range(cases):
            progress.outcome("count", "shapes-vlm", "failed" if number < 2 else "scored")
        progress.finish("count", "shapes-vlm")
        progress.note("healed " + HOSTILE)
        progress.outcome("ocr", "shapes-vlm", "scored")


def test_plain_lines_where_there_is_no_terminal():
    """One line for a finished task, one for a note, one for the whole at the end."""
    file = io.StringIO()
    run_progress(console(file), total=31)
    first, second, third = file.getvalue().splitlines()

    assert first == "finished count · shapes-vlm: 30 cases, 2 failed, 0:00"
    assert second.startswith("healed ␛[2J")
    assert third.startswith("31 of 31 cases · 1 of 2 tasks done · ")
    assert third.endswith(" · 2 failed")


def test_plain_lines_are_few():
    """A second of outcomes at any speed is a handful of lines."""
    file = io.StringIO()
    with Progress(console(file), every=0.3) as progress:
        progress.start("t", "m", None)
        until = time.monotonic() + 1
        while time.monotonic() < until:
            progress.outcome("t", "m", "scored")

    assert 2 <= len(file.getvalue().splitlines()) <= 5


def test_an_outcome_costs_about_a_microsecond():
    """Counting is all that a run pays for its display (five times the promise, for slow machines)."""
    progress = Progress(console(io.StringIO()))
    best = min(_seconds_of(progress, 20_000) for _ in range(10))

    assert best / 20_000 < 5e-6


def _seconds_of(progress: Progress, times: int) -> float:
    began = time.perf_counter()
    for _ in range(times):
        progress.outcome("task", "model", "scored")
    return time.perf_counter() - began


def test_a_full_disk_does_not_end_the_run(card):
    """What cannot be written is dropped, and closing the stream afterwards raises nothing."""
    with Path("/dev/full").open("w") as full:
        run_progress(console(full))
        scorecard(card, console(full))


@pytest.mark.parametrize("stream", ["closed", "broken pipe", "ascii"])
def test_a_stream_that_fails_does_not_end_the_run(card, stream, tmp_path):
    """A closed file, a pipe without a reader, an encoding without the signs."""
    reader, writer = os.pipe()
    os.close(reader)
    if stream == "broken pipe":
        file = os.fdopen(writer, "w")
    else:
        os.close(writer)
        file = (tmp_path / "out").open("w", encoding="ascii")
    if stream == "closed":
        file.close()

    run_progress(console(file))
    scorecard(card, console(file))

    file.close()


def test_no_standard_output_at_all():
    """`assay run >&-` starts Python without `sys.stdout`."""
    lasting = Lasting(None)
    lasting.write("x")
    lasting.flush()

    assert not lasting.isatty()
    with pytest.raises(io.UnsupportedOperation):
        lasting.fileno()


def test_a_terminal_that_takes_nothing_stops_nobody():
    """A paused terminal fills up; the run goes on, and its end waits a moment only."""
    reader, writer = os.pipe()
    file = os.fdopen(writer, "w")
    began = time.monotonic()
    with Progress(console(file)) as progress:
        for number in range(3_000):
            progress.finish(f"task {number}", "m")
        handed_over = time.monotonic() - began
    waited = time.monotonic() - began
    threading.Thread(target=lambda: [None for _ in iter(lambda: os.read(reader, 1 << 20), b"")], daemon=True).start()
    progress._thread.join(20)
    file.close()

    assert handed_over < 1
    assert waited < 5


LIVE = """
import time
from kernel.shell.progress import Progress
with Progress(total=60) as progress:
    for task in range(3):
        progress.start(f"task-{task}", "a-model", 20)
        for _ in range(20):
            progress.outcome(f"task-{task}", "a-model", "scored")
            time.sleep(0.02)
        progress.finish(f"task-{task}", "a-model")
print("over")
"""


@pytest.mark.parametrize(("columns", "rows"), [(100, 30), (60, 10), (20, 5), (1, 1)])
def test_the_live_display_fits_the_terminal(columns, rows):
    """On a real pseudo-terminal of any size the display renews itself, gives the cursor back and ends."""
    main, end = pty.openpty()
    size = {**os.environ, "COLUMNS": str(columns), "LINES": str(rows), "TERM": "xterm-256color"}
    process = subprocess.Popen([sys.executable, "-c", LIVE], stdout=end, env=size)
    os.close(end)
    seen = b""
    while select.select([main], [], [], 30)[0]:
        try:
            seen += os.read(main, 65536)
        except OSError:  # the other side is gone
            break
    os.close(main)

    assert process.wait(30) == 0
    assert b"\x1b[?25l" in seen
    assert b"\x1b[?25h" in seen
    assert b"over" in seen
    if columns == 100:
        assert "60 of 60 cases · 3 of 3 tasks done".encode() in seen


def test_durations_are_short():
    """What is not known is a dash."""
    assert [duration(s) for s in (0.2, 7, 750, 11_100, None)] == ["0:00", "0:07", "12:30", "3:05:00", "-"]


def test_of_a_large_benchmark_its_own_scores_are_shown_and_every_task_on_demand(make_card, make_line):
    own = Aggregate(name="total", mode="corrected", value=61.5, tasks=80, of=80, unit="points")
    lines = [make_line(task=f"shapes-{number}", model="m") for number in range(80)]
    card = make_card(*lines, aggregates={"m": (own,)}, published=())

    brief = printed(card)
    file = io.StringIO()
    scorecard(card, console(file, width=100), every=True)

    assert "61.50" in brief
    assert "shapes-7" not in brief
    assert "All 80 tasks: assay scorecard r-1 --every" in brief
    assert "\n79 " in file.getvalue()


def test_it_is_told_where_the_numbers_come_from(make_card, make_line):
    data = {"pictures": [{"revision": "abc", "sha256": "0" * 64, "rows": 3, "tasks": ["a"]}, {"revision": "abc", "rows": 4, "tasks": ["b"]}]}
    card = make_card(make_line(), manifest={"data": data, "roles": {"judge": "gpt"}})

    shown = printed(card)

    assert "pictures: revision: abc\n" in shown
    assert "judged by: judge: gpt" in shown
