"""What the proxies have in common: the key from its file, pictures told by their first bytes, and vendors' failures as our errors.

A proxy makes one HTTP call for a request and never asks again: `gateway.policy` does that, and counts it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from math import isfinite
from pathlib import Path

from kernel.contract import Picture
from kernel.errors import (
    InvalidRequest,
    ModelError,
    ModelFault,
    ModelNotFound,
    PermissionDenied,
    RateLimited,
    TooLarge,
    Unauthenticated,
    Unavailable,
)

LONGEST_MESSAGE = 500
_OVERLOADED = 529
_ERRORS: dict[int, type[ModelError]] = {
    HTTPStatus.BAD_REQUEST: InvalidRequest,
    HTTPStatus.UNAUTHORIZED: Unauthenticated,
    HTTPStatus.FORBIDDEN: PermissionDenied,
    HTTPStatus.NOT_FOUND: ModelNotFound,
    HTTPStatus.REQUEST_TIMEOUT: Unavailable,
    HTTPStatus.CONFLICT: Unavailable,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: TooLarge,
    HTTPStatus.UNPROCESSABLE_ENTITY: InvalidRequest,
    HTTPStatus.TOO_MANY_REQUESTS: RateLimited,
    _OVERLOADED: Unavailable,
}


class Key:
    """A vendor's key. It shows itself to nobody but who calls `reveal`."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    @classmethod
    def from_file(cls, path: str) -> Key:
        """The key in a private file. Raises `Unauthenticated` when there is none."""
        try:
            text = Path(path).read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            raise Unauthenticated("the key's file cannot be read; start the session again") from None
        if not text or not text.isprintable():
            raise Unauthenticated("the key is empty or has control characters in it; look at the variable or file that the catalog names")
        return cls(text)

    def reveal(self) -> str:
        """The key itself, for the SDK."""
        return self._text

    def hidden_in(self, text: str) -> str:
        """The text with the key taken out of it: vendors repeat keys in their errors."""
        return text.replace(self._text, "[key]")

    def __repr__(self) -> str:
        return "Key(…)"


def error_of(code: int, message: str, headers: Mapping[str, str]) -> ModelError:
    """The error that an HTTP status means. `message` is the vendor's, with the key already hidden."""
    cls = _ERRORS.get(code, Unavailable if code >= HTTPStatus.INTERNAL_SERVER_ERROR else ModelFault)
    return cls(f"the vendor answered {code}: {message[:LONGEST_MESSAGE]}", retry_after=retry_after(headers))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the vendor asks us to wait; `None` for nothing said, or nothing that can be read (RFC 9110, 10.2.3)."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        told = headers.get(name)
        if told is None:
            continue
        try:
            seconds = float(told) * unit
        except ValueError:
            seconds = _until(told)
        if isfinite(seconds) and seconds >= 0:
            return seconds
    return None


def _until(date: str) -> float:
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return -1.0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def media_type(picture: Picture) -> str:
    """The media type that a picture's first bytes tell. Raises `InvalidRequest` for other formats than PNG, JPEG and WebP."""
    data = picture.data
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    raise InvalidRequest(f"a picture that begins with {data[:8].hex(' ')}; expected PNG, JPEG or WebP")
