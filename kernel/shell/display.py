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
_DELETE = 0x7F
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
_MARKS_FROM, _MARKS_TO = 0x300, 0x1F000
"""All combining marks stand between these, but for those that are in `_UNSEEN`."""


def _ranges(pairs: tuple[tuple[int, int], ...]) -> str:
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in pairs)


_ODD = re.compile(f"[{_ranges(_UNSEEN)}]+")
_ODD_OR_NEWLINE = re.compile(f"[\n{_ranges(_UNSEEN)}]+")


class _Symbols(dict[int, str]):
    """What stands for a code point; made when it is first asked for."""

    def __missing__(self, code: int) -> str:
        symbol = self[code] = _symbol(code)
        return symbol


def _symbol(code: int) -> str:
    if code < 0x20:
        return chr(_CONTROL_PICTURES + code)
    return "␡" if code == _DELETE else f"<U+{code:04X}>"


_SYMBOLS = _Symbols()


def display(text: str, limit: int | None = LIMIT) -> str:
    """`text` for a place that has lines: newlines stay, everything else that is not seen becomes visible."""
    return _shown(text, limit, _ODD)


def display_line(text: str, limit: int | None = LINE_LIMIT) -> str:
    """`text` for a place that has one line: newlines become visible too."""
    return _shown(text, limit, _ODD_OR_NEWLINE)


def _shown(text: str, limit: int | None, odd: re.Pattern[str]) -> str:
    left_out = 0 if limit is None else max(0, len(text) - limit)
    kept = text[:limit] if left_out else text
    seen = odd.sub(lambda run: run[0].translate(_SYMBOLS), kept)
    if not seen.isascii():
        seen = _piles().sub(_cut_pile, seen)
    return f"{seen}… ({left_out:,} more characters)" if left_out else seen


def _cut_pile(run: re.Match[str]) -> str:
    return f"{run[0][:MARKS]}<+{len(run[0]) - MARKS:,} marks>"


@cache
def _piles() -> re.Pattern[str]:
    """More marks than `MARKS` in a row. Made when first needed: looking all marks up takes some milliseconds."""
    codes = (code for code in range(_MARKS_FROM, _MARKS_TO) if _is_mark(code))
    return re.compile(f"[{_ranges(_joined(list(codes)))}]{{{MARKS + 1},}}")


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
