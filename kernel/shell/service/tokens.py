"""Who calls: bearer tokens in a file that holds their hashes alone, and the caller that a token stands for.

The file is YAML, readable and written by its owner:

    tokens:
      - name: nightly
        namespace: vision
        scopes: [read, run]
        sha256: 64 hexadecimal digits
        expires: 2027-01-01T00:00:00Z
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import re
import secrets
import stat
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, Protocol

import structlog
import yaml
from pydantic import AwareDatetime, Field, StringConstraints

from kernel.documents import Strict, read, validate
from kernel.errors import AssayError, InvalidSpec, UnknownName, UserError
from kernel.spec import Name

Scope = Literal["read", "run", "score"]
SCOPES: tuple[Scope, ...] = ("read", "run", "score")
Namespace = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
DEFAULT_NAMESPACE = "default"
LOOKING_SECONDS = 0.5
"""How old what is known of the file may be."""

_MARK = "assay_"
_TOKEN = re.compile(rf"(?:[Bb][Ee][Aa][Rr][Ee][Rr]) ({_MARK}[A-Za-z0-9_-]{{43}})")

Metadata = Iterable[tuple[str, str | bytes]]

log = structlog.get_logger("assay.service")


class NoCaller(AssayError):
    """No token, or none that is valid. Says the same whatever is wrong with it."""

    def __init__(self) -> None:
        super().__init__("no valid token; expected one metadata entry `authorization: Bearer TOKEN` with a token that has not expired")


class OutOfScope(AssayError):
    """The token is valid and may not do this."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"this token may not do that; it needs the scope {scope!r}")


class TokensUnreadable(AssayError):
    """The file of tokens cannot be read just now, so that nobody can be let in."""


@dataclass(frozen=True)
class Caller:
    """Whom a token stands for. `digest` is the token's hash, empty where no tokens are asked for."""

    name: str
    namespace: str
    scopes: frozenset[str]
    expires: datetime | None = None
    digest: str = field(default="", repr=False)


class Callers(Protocol):
    """Tells who calls."""

    def find(self, metadata: Metadata) -> Caller:
        """The caller of a call with these metadata. Raises `NoCaller` or `TokensUnreadable`."""
        ...

    def holds(self, caller: Caller) -> bool:
        """Whether a caller that was found before would be found again."""
        ...


class Anyone:
    """Where no tokens are asked for: everybody is the same caller, who may do everything in the namespace `default`."""

    def __init__(self) -> None:
        self._caller = Caller("anyone", DEFAULT_NAMESPACE, frozenset(SCOPES))

    def find(self, metadata: Metadata) -> Caller:
        """Always the same."""
        return self._caller

    def holds(self, caller: Caller) -> bool:
        """Always."""
        return True


class Token(Strict):
    """One token of the file."""

    name: Name
    namespace: Namespace
    scopes: list[Scope] = Field(min_length=1)
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    expires: Annotated[AwareDatetime, Field(strict=False)] | None = None

    def has_expired(self, now: datetime) -> bool:
        """Whether its time is over."""
        return _is_over(self.expires, now)


class _Document(Strict):
    tokens: list[Token]


def list_tokens(file: Path) -> list[Token]:
    """The tokens of a file, in its order. Raises `InvalidSpec`."""
    found = read(file, _Document).tokens
    for what in ("name", "sha256"):
        values = [getattr(token, what) for token in found]
        if doubled := next((value for value in values if values.count(value) > 1), None):
            raise InvalidSpec(str(file), [f"tokens: two have the {what} {doubled!r}; keep one"])
    if stat.S_IMODE(file.stat().st_mode) & 0o022:
        raise InvalidSpec(str(file), ["others than its owner may write to it; set its mode to 0600"])
    return found


def add_token(file: Path, name: str, namespace: str, scopes: Collection[str], expires: datetime | None = None) -> str:
    """Make a token and add its hash to the file, which is made where there is none. The token, which nobody can tell again.

    Raises `InvalidSpec`, and `UserError` when there is a token of that name or it would have expired already.
    """
    secret = _MARK + secrets.token_urlsafe(32)
    wanted = [scope for scope in SCOPES if scope in scopes] + sorted(set(scopes) - set(SCOPES))
    token = validate(Token, {"name": name, "namespace": namespace, "scopes": wanted, "sha256": _digest(secret), "expires": expires}, "token")
    if token.has_expired(datetime.now(UTC)):
        raise UserError(f"{token.expires:%Y-%m-%d %H:%M} UTC is over; name a time that is to come")
    with _writing(file):
        tokens = list_tokens(file) if file.exists() else []
        if any(other.name == name for other in tokens):
            raise UserError(f"{file} has a token named {name!r} already; revoke it first, or take another name")
        _write(file, [*tokens, token])
    return secret


def revoke_token(file: Path, name: str) -> None:
    """Take a token out of the file; running servers know within a second. Raises `InvalidSpec` and `UnknownName`."""
    with _writing(file):
        tokens = list_tokens(file)
        kept = [token for token in tokens if token.name != name]
        if len(kept) == len(tokens):
            raise UnknownName("token", name, [token.name for token in tokens])
        _write(file, kept)


class TokenFile:
    """The callers of a file of tokens, which is read again when it has changed.

    A caller is looked up by a digest under a key of this process, so that the time it takes tells nothing of the tokens there are. A file that
    cannot be read lets nobody in until it can.
    """

    def __init__(self, file: Path, *, clock: Callable[[], float] = time.monotonic, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Raises `InvalidSpec` for a file that cannot be read."""
        self._file = file
        self._clock = clock
        self._now = now
        self._key = secrets.token_bytes(32)
        self._callers: dict[bytes, Caller] | None = None
        self._state = self._look()
        self._looked = clock()
        self._read()

    def find(self, metadata: Metadata) -> Caller:
        """The caller whose token stands in the one entry `authorization`. Raises `NoCaller` or `TokensUnreadable`."""
        told = [value for key, value in metadata if key == "authorization"]
        match = _TOKEN.fullmatch(told[0]) if len(told) == 1 and isinstance(told[0], str) else None
        caller = self._known(_digest(match[1])) if match else None
        if caller is None:
            raise NoCaller
        return caller

    def holds(self, caller: Caller) -> bool:
        """Whether the caller's token is still in the file, with the same rights, and has not expired; of a file that cannot be read, the last is asked."""
        try:
            return self._known(caller.digest) == caller
        except TokensUnreadable:
            return not _is_over(caller.expires, self._now())

    def _known(self, digest: str) -> Caller | None:
        self._refresh()
        if self._callers is None:
            raise TokensUnreadable("tokens cannot be checked just now; ask again in a while")
        caller = self._callers.get(self._keyed(digest))
        if caller is None or not hmac.compare_digest(caller.digest, digest) or _is_over(caller.expires, self._now()):
            return None
        return caller

    def _keyed(self, digest: str) -> bytes:
        return hmac.digest(self._key, digest.encode(), "sha256")

    def _refresh(self) -> None:
        now = self._clock()
        if now - self._looked < LOOKING_SECONDS:
            return
        self._looked = now
        state = self._look()
        if state == self._state:
            return
        self._state = state
        try:
            self._read()
            log.info("tokens_read", tokens=len(self._callers or ()))
        except (InvalidSpec, OSError) as error:
            self._callers = None
            log.error("tokens_unreadable", file=str(self._file), error=str(error))  # noqa: TRY400  # its words say all

    def _look(self) -> Sequence[int]:
        """What changes with the file; empty where there is none."""
        try:
            found = self._file.stat()
        except OSError:
            return ()
        return (found.st_ino, found.st_size, found.st_mtime_ns, found.st_mode)

    def _read(self) -> None:
        self._callers = {
            self._keyed(token.sha256): Caller(token.name, token.namespace, frozenset(token.scopes), token.expires, token.sha256)
            for token in list_tokens(self._file)
        }


def _is_over(expires: datetime | None, now: datetime) -> bool:
    return expires is not None and expires <= now


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@contextmanager
def _writing(file: Path) -> Iterator[None]:
    """Hold the file's folder, so that two who write at once do not lose what the other wrote. Raises `InvalidSpec`."""
    try:
        folder = os.open(file.absolute().parent, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise InvalidSpec(str(file), [f"its folder cannot be read: {error.strerror}"]) from None
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _write(file: Path, tokens: Sequence[Token]) -> None:
    """Put another file in its place, whole or not at all. Raises `InvalidSpec`."""
    text = yaml.safe_dump({"tokens": [token.model_dump(mode="json", exclude_none=True) for token in tokens]}, sort_keys=False)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.absolute().parent)
        with os.fdopen(handle, "w", encoding="utf-8") as written:
            written.write(text)
            written.flush()
            os.fsync(written.fileno())
        Path(name).replace(file)
    except OSError as error:
        raise InvalidSpec(str(file), [f"cannot be written: {error.strerror}"]) from None
