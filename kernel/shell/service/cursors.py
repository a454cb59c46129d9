"""Tokens that callers hand back as they got them: pages of lists, and places in a run. One of another list, or damaged, is refused."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from kernel.shell.service.statuses import BadFields, Violation

RELEASE = 1
"""Goes up when what stands in a token changes."""
CHECK = 6
"""Bytes of the hash by which a damaged token is known."""
LONGEST = 2048
PAGE, MOST_PAGE = 100, 1000


class Cursor(NamedTuple):
    """A place in a run. position: of the last outcome that was dealt with. ended: its report was sent too."""

    position: int = 0
    ended: bool = False


def page_size(told: int) -> int:
    """How many there are on a page. Raises `BadFields`."""
    if told and not 0 < told <= MOST_PAGE:
        raise BadFields([Violation("page_size", f"is {told}; expected 1 to {MOST_PAGE}, or 0 for {PAGE}")])
    return told or PAGE


def page_token(of: str, *after: Any) -> str:
    """The token of the page that comes after what `after` tells; of: which list, with its filters."""
    return _sealed([of, *after])


def page_after(token: str, of: str, shape: Sequence[type]) -> list[Any] | None:
    """What the token of a page of this list tells; `None` for the first page. Raises `BadFields`."""
    if not token:
        return None
    found = _opened(token)
    if found is None or found[:1] != [of] or [type(each) for each in found[1:]] != list(shape):
        raise BadFields([Violation("page_token", "is none of this list and its filters; expected next_page_token of the page before, as it was")])
    return found[1:]


def cursor_text(run: str, cursor: Cursor) -> str:
    """The cursor as callers see it."""
    return _sealed(["run", run, cursor.position, int(cursor.ended)])


def cursor_of(text: str, run: str) -> Cursor:
    """The cursor that a caller told; empty for the beginning. Raises `BadFields`."""
    if not text:
        return Cursor()
    found = _opened(text)
    match found:
        case ["run", str(of), int(position), 0 | 1 as ended] if of == run and position >= 0:
            return Cursor(position, bool(ended))
    raise wrong_cursor()


def wrong_cursor() -> BadFields:
    """The fault of a cursor that is none of the run's."""
    return BadFields([Violation("cursor", "is none of this run; expected the cursor of one of its responses, as it was, or nothing for the beginning")])


def _sealed(told: list[Any]) -> str:
    data = json.dumps([RELEASE, *told], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_check(data) + data).decode().rstrip("=")


def _opened(token: str) -> list[Any] | None:
    """What is in a token; `None` for one that is none of ours, or of another release."""
    if len(token) > LONGEST or not token.isascii():
        return None
    try:
        data = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if data[:CHECK] != _check(data[CHECK:]):
        return None
    found = json.loads(data[CHECK:])
    return found[1:] if found[:1] == [RELEASE] else None


def _check(data: bytes) -> bytes:
    return hashlib.sha256(b"assay " + data).digest()[:CHECK]
