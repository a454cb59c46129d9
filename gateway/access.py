"""How an entry's servers let us in: TLS, and headers whose values stand in the environment or in files. Read when a session starts."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import grpc

from gateway.address import SECURE
from gateway.client import tls
from gateway.servers import Header, Server
from kernel.errors import InvalidSpec

PEM = b"-----BEGIN "
VALUE = re.compile(r"[\x20-\x7e]+")


@dataclass(frozen=True, slots=True)
class Access:
    """What goes with every connection. It shows itself to nobody."""

    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    credentials: grpc.ChannelCredentials | None = field(default=None, repr=False)


def access(name: str, entry: Server, place: Path, environment: Mapping[str, str] = os.environ) -> Access:
    """What the entry names; relative paths begin at `place`. Raises `InvalidSpec` with every fault, and no value in it."""
    faults: list[str] = []
    headers = tuple((header, _value(header, where, place, environment, faults)) for header, where in entry.headers.items())
    credentials = _credentials(entry, place, faults)
    if faults:
        raise InvalidSpec(f"model {name}", faults)
    return Access(headers, credentials)


def _value(name: str, where: Header, place: Path, environment: Mapping[str, str], faults: list[str]) -> str:
    value = ""
    if where.env is not None:
        value = environment.get(where.env, "").strip()
        what = f"headers.{name}: the variable {where.env}"
        if not value:
            faults.append(f"{what} is not set or empty; export it, or name another one")
    else:
        path = place / Path(where.file or "").expanduser()
        what = f"headers.{name}: {path}"
        try:
            value = path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            faults.append(f"{what} cannot be read ({error.strerror if isinstance(error, OSError) else 'not ASCII'}); expected the value alone")
            return ""
        if not value:
            faults.append(f"{what} is empty; expected the value alone")
    if value and VALUE.fullmatch(value) is None:
        faults.append(f"{what} has more in it than one line of ASCII; expected the value alone")
    return value


def _credentials(entry: Server, place: Path, faults: list[str]) -> grpc.ChannelCredentials | None:
    if entry.tls is None:
        return tls() if entry.server[0].startswith(SECURE) else None
    paths = {name: place / Path(path).expanduser() for name, path in entry.tls.model_dump(exclude_none=True).items()}
    for name, path in paths.items():
        try:
            if PEM not in path.read_bytes():
                faults.append(f"tls.{name}: {path} is not PEM; expected a line -----BEGIN … in it")
        except OSError as error:
            faults.append(f"tls.{name}: {path} cannot be read: {error.strerror}")
    return None if faults else tls(**paths)
