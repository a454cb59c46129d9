"""The one filter that foreign text passes before it reaches a terminal, a log line or the page.

What a terminal or browser would obey or hide becomes a symbol that can be seen: control pictures (`␛`) for C0 and DEL,
the code point (`<U+202E>`) for C1, bidirectional and other invisible characters and lone surrogates, `<+9 marks>` for
the rest of a pile of combining marks. Letters stay as they are, look-alikes too. Time is linear in the text.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

LIMIT = 4_000
"""Characters of one text that are shown unless told otherwise."""
LINE_LIMIT = 200
"""Characters of one text that are shown in a table's cell or a log's line."""
MARKS = 4
"""Combining marks that may stand on one character: the most that a living script puts there."""

_CONTROL_PICTURES = 0x2400
_NEWLINE, _DELETE = 0x0A, 0x7F
_UNSEEN = (
    (0x00, 0x09),
    (0x0B, 0x1F),
    (0x7F, 0x9F),  # DEL and C1
    (0xAD, 0xAD),
    (0x34F, 0x34F),
    (0x61C, 0x61C),
    (0x115F, 0x1160),  # Hangul fillers
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),  # zero width, marks of direction
    (0x2028, 0x202E),  # separators, embeddings and overrides of direction
    (0x2060, 0x206F),  # invisible operators, isolates
    (0x3164, 0x3164),
    (0xD800, 0xDFFF),
    (0xFE00, 0xFE0D),  # variation selectors; the last two choose between text and emoji and may stay
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFFB),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),  # tags and the selectors above the first plane
)
_MARKS_FROM, _MARKS_TO = 0x300, 0x1EA00
"""All combining marks stand between these, but for those that are in `_UNSEEN`."""


def _ranges(pairs: tuple[tuple[int, int], ...]) -> str:
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in pairs)


_ODD = re.compile(f"[{_ranges(_UNSEEN)}]")
_BEYOND_BMP = re.compile("[\U00010000-\U0010ffff]")


def _symbol(code: int) -> str:
    if code < 0x20:
        return chr(_CONTROL_PICTURES + code)
    return "␡" if code == _DELETE else f"<U+{code:04X}>"


@cache
def _symbols(*, newline: bool) -> dict[int, str | int]:
    """What stands for each code point; plain ASCII stands in it too, which makes translating it three times as fast."""
    symbols: dict[int, str | int] = {code: code for code in range(0x80)}
    symbols |= {code: _symbol(code) for first, last in _UNSEEN for code in range(first, last + 1)}
    return symbols | {_NEWLINE: _symbol(_NEWLINE)} if newline else symbols


def display(text: str, limit: int | None = LIMIT) -> str:
    """`text` for a place that has lines: newlines stay, everything else that is not seen becomes visible."""
    return _shown(text, limit, newline=False)


def display_line(text: str, limit: int | None = LINE_LIMIT) -> str:
    """`text` for a place that has one line: newlines become visible too."""
    return _shown(text, limit, newline=True)


def _shown(text: str, limit: int | None, *, newline: bool) -> str:
    left_out = 0 if limit is None else max(0, len(text) - limit)
    seen = text[:limit] if left_out else text
    if _ODD.search(seen) or (newline and "\n" in seen):
        seen = seen.translate(_symbols(newline=newline))
    if not seen.isascii():
        seen = _piles(wide=_BEYOND_BMP.search(seen) is not None).sub(_cut_pile, seen)
    return f"{seen}… ({left_out:,} more characters)" if left_out else seen


def _cut_pile(run: re.Match[str]) -> str:
    return f"{run[0][:MARKS]}<+{len(run[0]) - MARKS:,} marks>"


@cache
def _piles(*, wide: bool) -> re.Pattern[str]:
    """More marks than `MARKS` in a row. Looking all of them up takes some milliseconds, and is done when first needed.

    A class with ranges beyond the first plane is slow to miss, so those are tried only in `wide` text and behind a
    look at whether the character is in their neighbourhood at all.
    """
    near = _marks(_MARKS_FROM, 0x10000)
    far = f"(?=[\\U00010000-\\U{_MARKS_TO:08x}]){_marks(0x10000, _MARKS_TO)}"
    return re.compile(f"(?:{near}|{far}){{{MARKS + 1},}}" if wide else f"{near}{{{MARKS + 1},}}")


def _marks(first: int, end: int) -> str:
    """A class of the combining marks between two code points."""
    return f"[{_ranges(_joined([code for code in range(first, end) if _is_mark(code)]))}]"


def _is_mark(code: int) -> bool:
    return unicodedata.category(chr(code)).startswith("M")


def _joined(codes: list[int]) -> tuple[tuple[int, int], ...]:
    """Neighbouring code points as ranges."""
    ranges: list[tuple[int, int]] = []
    for code in codes:
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1] = (ranges[-1][0], code)
        else:
            ranges.append((code, code))
    return tuple(ranges)
