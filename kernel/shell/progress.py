"""The live display of a run. The run only counts; a thread of the display's own writes, so a slow terminal stops nobody.

On a terminal it is a table that renews itself, elsewhere plain lines: one for every finished task, and one for the
whole every few seconds.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from kernel.shell.display import display_line
from kernel.shell.lasting import console as lasting_console

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import Console, RenderableType

FRAME_SECONDS = 0.25
LINE_SECONDS = 5.0
PATIENCE = 2.0
"""Seconds that the end of a run waits for a terminal that takes nothing more."""
RATE_WINDOW = 40
"""Frames over which the rate of the whole run is taken."""
MEDIUM, NARROW = 84, 50
"""Columns from which there is room for a bar, and for more than task and count."""
WIDE_CELLS, MEDIUM_CELLS, NARROW_CELLS = (0, 1, 2, 3, 4, 5, 6), (0, 1, 3, 5, 6), (0, 3)
NAME_CELLS = (0, 1)
"""The cells of `Progress._cells` that are shown at each width, and those that hold names."""
MINUTE, HOUR = 60, 3_600


@dataclass(slots=True)
class Row:
    """One model on one task. `counts` is how many outcomes there are of each status, `kept` how many there were before."""

    task: str
    model: str
    planned: int | None = None
    started: float = 0.0
    ended: float | None = None
    counts: dict[str, int] = field(default_factory=dict)
    kept: int = 0

    @property
    def asked(self) -> int:
        """Outcomes of every status that came while we looked."""
        return sum(self.counts.values())

    @property
    def done(self) -> int:
        """All outcomes, with those that were kept from before."""
        return self.kept + self.asked

    @property
    def failed(self) -> int:
        """Cases that brought no reply."""
        return self.counts.get("failed", 0)

    def rate(self, now: float) -> float:
        """Outcomes a second since the start."""
        seconds = (now if self.ended is None else self.ended) - self.started
        return self.asked / seconds if seconds > 0 else 0.0

    def left(self, now: float) -> float | None:
        """Seconds until the end at this rate; `None` where that is not known."""
        return remaining(self.planned, self.done, self.rate(now))


def remaining(planned: int | None, done: int, rate: float) -> float | None:
    """Seconds until `planned` at `rate`."""
    if planned is None or (rate <= 0 and done < planned):
        return None
    return 0.0 if done >= planned else (planned - done) / rate


def duration(seconds: float | None) -> str:
    """`0:07`, `12:30`, `3:05:00`, or `-` where it is not known."""
    if seconds is None:
        return "-"
    whole = round(seconds)
    minutes = f"{whole // MINUTE % MINUTE:02d}:{whole % MINUTE:02d}"
    return f"{whole // HOUR}:{minutes}" if whole >= HOUR else minutes.removeprefix("0")


def speed(rate: float) -> str:
    """`0.4/s`, `12/s`, `1,204/s`."""
    return f"{rate:.1f}/s" if rate < 10 else f"{rate:,.0f}/s"


class Progress:
    """Reads a run's events and shows how far it is.

    total: all cases of the run, where that is known; without it there is no time left for the whole run.
    `start`, `outcome`, `finish` and `note` may be called from one thread, as often as one likes: they write nothing.
    """

    def __init__(
        self,
        console: Console | None = None,
        *,
        total: int | None = None,
        every: float = LINE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.console = lasting_console() if console is None else console
        self.total = total
        self.every = every
        self.clock = clock
        self.spent: Callable[[], float] = float
        """What the run has cost so far."""
        self._counts: defaultdict[tuple[str, str, str], int] = defaultdict(int)
        self._rows: dict[tuple[str, str], Row] = {}
        self._news: deque[Row | str] = deque()
        self._speed: deque[tuple[float, int]] = deque(maxlen=RATE_WINDOW)
        self._began = self._looked = clock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._show, name="progress", daemon=True)

    def start(self, task: str, model: str, planned: int | None) -> None:
        """`model` begins on `task`, which has `planned` cases, if that is known."""
        self._rows[task, model] = Row(task, model, planned, started=self.clock())

    def outcome(self, task: str, model: str, status: str) -> None:
        """One case has an outcome. Counts, nothing else."""
        self._counts[task, model, status] += 1

    def restore(self, task: str, model: str, number: int) -> None:
        """So many cases of the task had their outcome before the run was resumed."""
        self._rows[task, model].kept += number

    def finish(self, task: str, model: str) -> None:
        """`model` is through with `task`."""
        row = self._rows.setdefault((task, model), Row(task, model, started=self.clock()))
        row.ended = self.clock()
        self._news.append(row)

    def note(self, text: str) -> None:
        """Something worth a line of its own, such as a model that is being healed."""
        self._news.append(text)

    def __enter__(self) -> Self:
        self._began = self._looked = self.clock()
        self._sample()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join(PATIENCE)

    def _show(self) -> None:
        if self.console.is_terminal and not self.console.is_dumb_terminal:
            self._show_live()
        else:
            self._show_lines()

    def _show_live(self) -> None:
        with Live(console=self.console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False) as live:
            while not self._stop.wait(FRAME_SECONDS):
                self._sample()
                self._print_notes(live.console)
                live.update(self.render(), refresh=True)
            self._print_notes(live.console)
            live.update(self.summary() if self._rows else Text(), refresh=True)

    def _print_notes(self, console: Console) -> None:
        while self._news:
            news = self._news.popleft()
            if isinstance(news, str):
                console.print(Text(display_line(news)), soft_wrap=True)

    def _show_lines(self) -> None:
        last = self.clock()
        while not self._stop.wait(FRAME_SECONDS):
            self._sample()
            self._print_news()
            if self.clock() - last >= self.every:
                last = self.clock()
                self.console.print(self.summary(), soft_wrap=True)
        self._print_news()
        if self._rows:
            self.console.print(self.summary(), soft_wrap=True)

    def _print_news(self) -> None:
        while self._news:
            news = self._news.popleft()
            text = Text(display_line(news)) if isinstance(news, str) else self._finished(news)
            self.console.print(text, soft_wrap=True)

    def _finished(self, row: Row) -> Text:
        self._count()
        now = self.clock()
        of = "" if row.planned in (None, row.done) else f" of {row.planned:,}"
        before = [f"{row.kept:,} from before"] if row.kept else []
        parts = [f"{row.done:,}{of} cases", *before, f"{row.failed:,} failed", duration((row.ended or now) - row.started)]
        return Text(f"finished {display_line(row.task)} · {display_line(row.model)}: {', '.join(parts)}")

    def _count(self) -> list[Row]:
        """All rows with what has been counted so far."""
        found: defaultdict[tuple[str, str], dict[str, int]] = defaultdict(dict)
        for (task, model, status), count in self._counts.copy().items():
            found[task, model][status] = count
        rows = self._rows.copy()
        for (task, model), counts in found.items():
            row = rows.get((task, model)) or self._rows.setdefault((task, model), Row(task, model))
            if not row.counts:  # a task may be announced long before its first case is asked
                row.started = max(row.started, self._looked)
            row.counts = counts
        self._looked = self.clock()
        return list(self._rows.copy().values())

    def _sample(self) -> None:
        self._speed.append((self.clock(), sum(row.asked for row in self._count())))

    def summary(self) -> Text:
        """The whole run in one line."""
        rows, now = self._count(), self.clock()
        done, failed = sum(row.done for row in rows), sum(row.failed for row in rows)
        ended = sum(row.ended is not None for row in rows)
        of = "" if self.total is None else f" of {self.total:,}"
        line = Text(f"{done:,}{of} cases · {ended:,} of {len(rows):,} tasks done · {speed(self._rate())} · ")
        line.append(f"{failed:,} failed", style="red" if failed else "")
        line.append(f" · cost {spent:,.4f}" if (spent := self.spent()) else "")
        left = remaining(self.total, done, self._rate())
        line.append("" if left is None or self._stop.is_set() else f" · {duration(left)} left")
        return line.append(f" · {duration(now - self._began)} so far" if not self._stop.is_set() else "")

    def _rate(self) -> float:
        """Outcomes a second of late; over everything once the run has ended."""
        if self._stop.is_set():
            self._sample()
        then, before = (self._began, 0) if self._stop.is_set() else self._speed[0]
        now, done = self._speed[-1]
        return (done - before) / (now - then) if now > then else 0.0

    def render(self) -> RenderableType:
        """One frame: the tasks at work, then those that ended last, as many as there is room for, and the whole."""
        rows, room = self._count(), max(1, self.console.height - 4)
        at_work = [row for row in rows if row.ended is None]
        ended = sorted((row for row in rows if row.ended is not None), key=lambda row: row.ended or 0.0)
        shown = [*ended[max(0, len(ended) - max(0, room - len(at_work))) :], *at_work[:room]]
        return Group(self._table(shown), self.summary())

    def _table(self, rows: list[Row]) -> Table:
        width, now = self.console.width, self.clock()
        keep = WIDE_CELLS if width >= MEDIUM else MEDIUM_CELLS if width >= NARROW else NARROW_CELLS
        table = Table.grid(padding=(0, 1, 0, 0), expand=True)
        for column in keep:
            names = column in NAME_CELLS
            table.add_column(
                justify="left" if names else "right",
                no_wrap=True,
                overflow="ellipsis",
                ratio=1 if names else None,
            )
        for row in rows:
            cells = self._cells(row, now)
            table.add_row(*(cells[column] for column in keep))
        return table

    def _cells(self, row: Row, now: float) -> list[RenderableType]:
        style = "dim" if row.ended is not None else ""
        planned = "?" if row.planned is None else f"{row.planned:,}"
        left = "done" if row.ended is not None else f"{duration(row.left(now))} left"
        return [
            Text(display_line(row.task), style=style),
            Text(display_line(row.model), style=style or "cyan"),
            ProgressBar(total=row.planned or max(1, row.done), completed=row.done, width=18),
            Text(f"{row.done:,}/{planned}", style=style),
            Text(speed(row.rate(now)), style=style),
            Text(f"{row.failed:,} failed", style="red" if row.failed else style),
            Text(left, style=style),
        ]
