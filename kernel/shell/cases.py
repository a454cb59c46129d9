"""Which cases the page shows, and how: failures first, then of every task and model the same number of cases.

Cases pass one by one; what is held is what may be shown, already cut and with small pictures, however long the run was.
"""

from __future__ import annotations

import hashlib
import heapq
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from kernel.contract import Picture
from kernel.report import Scorecard, Shown
from kernel.shell.arrange import totals
from kernel.shell.display import display, display_line
from kernel.shell.thumbnails import thumbnail

FAILURES = 2_000
"""Failed and unscored cases in the page."""
SAMPLE = 4_000
"""Other cases in the page, of the models under test; and as many again at most of null players."""
PLAYER_SAMPLE = 3
"""Cases of a null player on one task: enough to see how it plays."""
TEXT_BYTES = 24_000_000
"""Characters of text in the page; cases beyond are left out."""
PICTURE_BYTES = 24_000_000
"""Characters of encoded pictures in the page; pictures beyond are left out."""

QUESTION, ANSWER, REASON, FACT, NAME = 4_000, 4_000, 1_000, 400, 300
ANSWERS, PICTURES, FACTS = 8, 8, 32
ORDER = ("failed", "unscored", "wrong", "partial", "scored", "right", "skipped")
"""What a reader should look at, first things first. The middle four are shades of scored."""
TROUBLE = ("failed", "unscored")

Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Cases:
    """What the page shows of the cases. In entries, pictures are positions in `pictures`; -1 is one without a view."""

    entries: list[Entry]
    pictures: list[str]
    rule: str


@dataclass(order=True, slots=True)
class _Held:
    """An entry in a heap whose first is the one to give up next."""

    rank: int
    place: int
    entry: Entry = field(compare=False)


class Selection:
    """Takes all cases of a run, one after the other, and keeps those that will be shown."""

    def __init__(self, card: Scorecard) -> None:
        lines = list({(line.task, line.model): line for line in reversed(card.lines)}.values())
        self._measures = {(line.task, line.model): line for line in lines}
        self._tasks = _places(line.task for line in card.lines)
        self._models = _places(line.model for line in card.lines)
        strata = sum(line.player is None for line in lines)
        self.share = max(1, SAMPLE // max(1, strata))
        self.player_share = max(1, min(PLAYER_SAMPLE, SAMPLE // max(1, len(lines) - strata)))
        self._heaps: dict[tuple[str, ...], list[_Held]] = {}
        self._thumbnails: dict[str, str | None] = {}
        self._seen = 0
        self._all = totals(card.lines)
        self._tested = totals(line for line in card.lines if line.player is None)

    def add(self, shown: Shown) -> None:
        """Look at one case, and keep it if it belongs to those with the lowest hash of its group."""
        status = self._status(shown)
        self._seen += 1
        trouble = status in TROUBLE
        heap = self._heaps.setdefault(("trouble",) if trouble else (shown.task, shown.model), [])
        rank = -_hash(shown.case)
        if len(heap) < (FAILURES if trouble else self._share(shown)):
            heapq.heappush(heap, _Held(rank, -self._seen, self._entry(shown, status)))
        elif rank > heap[0].rank:
            heapq.heapreplace(heap, _Held(rank, -self._seen, self._entry(shown, status)))

    def _is_player(self, shown: Shown) -> bool:
        line = self._measures.get((shown.task, shown.model))
        return line is not None and line.player is not None

    def _share(self, shown: Shown) -> int:
        return self.player_share if self._is_player(shown) else self.share

    def _status(self, shown: Shown) -> str:
        """The case's status; what was scored is right, wrong or between where the metric is a share."""
        line = self._measures.get((shown.task, shown.model))
        if shown.status != "scored" or shown.value is None or line is None or line.unit != "share":
            return shown.status if shown.status in ORDER else "unscored"
        best, worst = (1.0, 0.0) if line.higher_is_better else (0.0, 1.0)
        return {best: "right", worst: "wrong"}.get(shown.value, "partial")

    def _entry(self, shown: Shown, status: str) -> Entry:
        entry = {
            "task": display_line(shown.task, NAME),
            "model": display_line(shown.model, NAME),
            "case": display_line(shown.case, NAME),
            "status": status,
            "value": None if shown.value is None else f"{shown.value:.4g}",
            "reason": display(shown.reason, REASON),
            "error": display_line(shown.error or "", NAME),
            "question": display(shown.question, QUESTION),
            "pictures": [self._keep(picture) for picture in shown.pictures[:PICTURES]],
            "drawn": [self._keep(picture) for picture in shown.drawn[:PICTURES]],
            "answers": [display(answer, ANSWER) for answer in shown.answers[:ANSWERS]],
            "gold": "" if shown.gold is None else plain(shown.gold, REASON),
            "facts": [[display_line(str(k), NAME), plain(v, FACT)] for k, v in list(shown.facts.items())[:FACTS]],
            "seconds": f"{shown.seconds:.3g}",
            "player": self._is_player(shown),
        }
        hidden = _more(shown)
        return {**entry, "more": hidden} if hidden else entry

    def _keep(self, picture: Picture) -> str:
        digest = picture.digest
        if digest not in self._thumbnails:
            self._thumbnails[digest] = thumbnail(picture.data)
        return digest

    def result(self) -> Cases:
        """The cases to show, in the order in which a reader should see them."""
        held = sorted((item for heap in self._heaps.values() for item in heap), key=self._position)
        entries: list[Entry] = []
        room = TEXT_BYTES
        for item in held:
            room -= len(json.dumps(item.entry))
            if room < 0:
                break
            entries.append(item.entry)
        pictures = self._place_pictures(entries)
        return Cases(entries, pictures, self._rule(entries))

    def _position(self, item: _Held) -> tuple[int, bool, int, int, int]:
        """Failures first, models under test first; tasks mixed, but one case's answers by all models together."""
        entry = item.entry
        task, model = self._tasks.get(entry["task"], 0), self._models.get(entry["model"], 0)
        return ORDER.index(entry["status"]), entry["player"], -item.rank, task, model

    def _place_pictures(self, entries: Iterable[Entry]) -> list[str]:
        """Give every distinct picture one place, in the order of their first showing, until the page is full."""
        places: dict[str, int] = {}
        pictures: list[str] = []
        room = PICTURE_BYTES
        for entry in entries:
            for digest in (*entry["pictures"], *entry["drawn"]):
                view = self._thumbnails[digest]
                if view is None or digest in places or (room := room - len(view)) < 0:
                    continue
                places[digest] = len(pictures)
                pictures.append(view)
            entry["pictures"] = [places.get(digest, -1) for digest in entry["pictures"]]
            entry["drawn"] = [places.get(digest, -1) for digest in entry["drawn"]]
        return pictures

    def _rule(self, entries: list[Entry]) -> str:
        """Which cases are in the page, for its reader. What there is at all stands in the scorecard."""
        here, trouble_here = len(entries), sum(entry["status"] in TROUBLE for entry in entries)
        tested_here = sum(not entry["player"] for entry in entries)
        total, tested = max(here, self._all["planned"]), max(tested_here, self._tested["planned"])
        trouble = max(trouble_here, self._all["failed"] + self._all["unscored"])
        if here == total:
            return f"All {total:,} cases are here."
        told = f"{here:,} of {total:,} cases are here:"
        chosen = f"of each null player up to {self.player_share:,} on each task, chosen by name and so the same for all"
        if tested_here == tested:
            return f"{told} all {tested:,} of the models under test, and {chosen}."
        every = f"all {trouble:,}" if trouble_here == trouble else f"{trouble_here:,} of the {trouble:,}"
        others = f"of the others up to {self.share:,} of each model under test on each task"
        return f"{told} {every} failed and unscored ones; {others}, and {chosen}."


def _places(names: Iterable[str]) -> dict[str, int]:
    """Where each name, as it is shown, first stands."""
    return {name: at for at, name in enumerate(dict.fromkeys(display_line(name, NAME) for name in names))}


def plain(value: Any, limit: int) -> str:
    """Plain data as text to read: a string as it is, anything else as JSON."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return display(text, limit)


def _more(shown: Shown) -> str:
    hidden = {
        "answers": len(shown.answers) - ANSWERS,
        "pictures": max(0, len(shown.pictures) - PICTURES) + max(0, len(shown.drawn) - PICTURES),
        "facts": len(shown.facts) - FACTS,
    }
    return ", ".join(f"{count:,} more {name}" for name, count in hidden.items() if count > 0)


def _hash(case: str) -> int:
    return int.from_bytes(hashlib.sha256(case.encode("utf-8", "surrogatepass")).digest()[:8], "big")
