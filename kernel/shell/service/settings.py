"""What `assay serve` was told, as it goes on to further processes."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kernel.errors import UserError
from kernel.shell.service.limits import Limits

LOCALHOST = "localhost"


@dataclass(frozen=True, kw_only=True)
class Tls:
    """Files in PEM: who we are, and for mutual TLS who vouches for those who call."""

    certificate: Path
    key: Path
    client_authority: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to serve. store: a folder, or the URL of a database with `artifacts` for its pictures.

    tokens: without a file of them, everybody may do everything in the namespace `default`. insecure: listen beyond this machine without TLS, or
    without asking who calls. data: names under which suites find folders of this machine. metrics_port: of the first process, the others have the
    next ones; `None` for nowhere.
    """

    catalog: Path | None = None
    gateway: str = "triton"
    store: str
    artifacts: Path | None = None
    host: str = "127.0.0.1"
    port: int = 0
    tokens: Path | None = None
    tls: Tls | None = None
    insecure: bool = False
    processes: int = 1
    runs_at_once: int = 2
    data: Mapping[str, Path] = field(default_factory=dict)
    metrics_port: int | None = None
    metrics_host: str = "127.0.0.1"
    limits: Limits = field(default_factory=Limits)


def refuse_exposed(settings: Settings) -> None:
    """Raises `UserError` where something would be open to others than this machine's that nobody asked for."""
    if settings.insecure or is_loopback(settings.host):
        return
    if settings.tls is None:
        raise UserError(f"--host {settings.host} is not this machine alone; give --tls-cert and --tls-key, or --insecure to send everything in plain text")
    if settings.tokens is None and settings.tls.client_authority is None:
        raise UserError(f"--host {settings.host} is not this machine alone; give --tokens or --client-ca, or --insecure to let everybody in")


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a host. Names other than `localhost` may be anybody's."""
    if host == LOCALHOST:
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
