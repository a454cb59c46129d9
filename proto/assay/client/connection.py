"""How a server is reached: its address, TLS, the token, and how long a broken connection is waited for."""

from __future__ import annotations

import ipaddress
import random
import re
import time
from dataclasses import dataclass
from pathlib import Path

import grpc

from assay.client.errors import ServiceError

MESSAGE_LIMIT = 65 * 1024 * 1024
"""Bytes: 64 MiB of content and what is around it."""
OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.max_send_message_length", MESSAGE_LIMIT),
    ("grpc.max_receive_message_length", MESSAGE_LIMIT),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 0),
    ("grpc.http2.max_pings_without_data", 2),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.use_local_subchannel_pool", 1),
)
_TRIES = 4
_SHORTEST, _LONGEST = 0.1, 5.0
_TOKEN = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Tls:
    """TLS to the server; with `cert` and `key`, files in PEM, the client shows who it is.

    ca: file in PEM of who signed the server's certificate; None for those that grpc trusts by itself.
    """

    ca: Path | str | None = None
    cert: Path | str | None = None
    key: Path | str | None = None

    def credentials(self) -> grpc.ChannelCredentials:
        """For a channel. Raises `ValueError` for half a pair, `OSError` for a file that cannot be read."""
        if (self.cert is None) != (self.key is None):
            raise ValueError("Tls has only one of cert and key; give both, or none where the server asks for none")
        ca, key, cert = (None if path is None else Path(path).read_bytes() for path in (self.ca, self.key, self.cert))
        return grpc.ssl_channel_credentials(ca, key, cert)


@dataclass(frozen=True, slots=True)
class Target:
    """Where calls go and what goes with each."""

    address: str
    credentials: grpc.ChannelCredentials | None
    metadata: tuple[tuple[str, str], ...]
    options: tuple[tuple[str, int], ...]


def target(address: str, token: str | None, tls: Tls | None, *, insecure: bool) -> Target:
    """The target of a client. Raises `ValueError` for plain text beyond this machine that was not asked for, and for a token that is none."""
    if tls is None and not insecure and not _here(address):
        raise ValueError(f"{address} is not this machine; give tls=Tls(…), or insecure=True to send everything, the token too, in plain text")
    if token is not None and not _TOKEN.fullmatch(token):
        raise ValueError("the token is empty or has blanks or characters outside ASCII; give it as `assay token add` showed it")
    metadata = () if token is None else (("authorization", f"Bearer {token}"),)
    options = (*OPTIONS, ("grpc.enable_http_proxy", 0)) if _here(address) else OPTIONS
    return Target(address, None if tls is None else tls.credentials(), metadata, options)


def _here(address: str) -> bool:
    """Whether an address is a socket file or on loopback."""
    if address.startswith("unix:"):
        return True
    host = address.rpartition(":")[0].strip("[]") if address.count(":") == 1 or address.startswith("[") else address
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Pauses:
    """Seconds between tries: twice as long each time, with jitter, and never less than the server asks for.

    What has not reached the server yet is tried four times. What has, until nothing came for `patience` seconds after a failure; once it was
    answered, also where the server tells it to wait: the stream that broke may still count against the token's limit.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._reached = self._answered = False
        self._tries = 0
        self._since: float | None = None

    def reached(self) -> None:
        """The server took the call."""
        self._reached = True

    def brought(self) -> None:
        """The server answered something."""
        self._reached = self._answered = True
        self._tries = 0
        self._since = None

    def after(self, error: ServiceError) -> float:
        """How long to wait before the next try. Raises the error where there is none."""
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        self._tries += 1
        spent = now - self._since > self._patience if self._reached else self._tries >= _TRIES
        busy = self._answered and error.code is grpc.StatusCode.RESOURCE_EXHAUSTED and error.retry_after is not None
        if spent or not (error.broken or busy):
            raise error
        pause = min(_LONGEST, _SHORTEST * 2.0 ** min(self._tries - 1, 10))
        return max(pause * random.uniform(0.5, 1.0), error.retry_after or 0.0)
