"""A port and its TLS: where a server listens, and with which certificates, read again when their files change."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import cast

import grpc
import grpc.aio
import structlog

from kernel.errors import InvalidSpec, UserError
from kernel.shell.service.settings import Settings, Tls

MESSAGE_LIMIT = 65 * 1024 * 1024
"""Bytes: 64 MiB of content and what is around it."""
MOST_WAITING = 100_000
"""Calls that wait to be looked at. With gRPC's own thousand a burst of calls would end as CANCELLED, without a word of ours."""
OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.max_send_message_length", MESSAGE_LIMIT),
    ("grpc.max_receive_message_length", MESSAGE_LIMIT),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.max_concurrent_streams", 1024),
    ("grpc.server.max_pending_requests", MOST_WAITING),
    ("grpc.server.max_pending_requests_hard_limit", 2 * MOST_WAITING),
)

log = structlog.get_logger("assay.service")


def options(*, shared: bool) -> tuple[tuple[str, int], ...]:
    """The options of a server. shared: whether other processes listen on the same port."""
    return (*OPTIONS, ("grpc.so_reuseport", int(shared)))


def listen(server: grpc.aio.Server, settings: Settings) -> int:
    """Let a server listen; the port. Raises `UserError` where that cannot be, and `InvalidSpec` for certificates."""
    where = address(settings.host, settings.port)
    _refuse_taken(settings.host, settings.port)
    try:
        return join(server, settings)
    except RuntimeError as error:
        raise UserError(f"cannot listen at {where}; name an address of this machine and a port that is free") from error


def join(server: grpc.aio.Server, settings: Settings) -> int:
    """Let a server listen, also where another process of ours does; the port. Raises `RuntimeError`, and `InvalidSpec` for certificates."""
    where = address(settings.host, settings.port)
    return server.add_insecure_port(where) if settings.tls is None else server.add_secure_port(where, credentials(settings.tls))


def address(host: str, port: int) -> str:
    """As gRPC and people write it."""
    return f"[{host}]:{port}" if ":" in host and not host.startswith("[") else f"{host}:{port}"


def credentials(tls: Tls) -> grpc.ServerCredentials:
    """Certificates as they stand in their files at each connection. Raises `InvalidSpec` where they cannot be read now."""
    first = _configuration(tls)
    changes = cast("Callable[[], grpc.ServerCertificateConfiguration]", _changes(tls))  # None is right too: nothing has changed
    return grpc.dynamic_ssl_server_credentials(first, changes, require_client_authentication=tls.client_authority is not None)


def _changes(tls: Tls) -> Callable[[], grpc.ServerCertificateConfiguration | None]:
    """What is asked at each connection: a configuration where the files have changed."""
    state = _state(tls)

    def look() -> grpc.ServerCertificateConfiguration | None:
        nonlocal state
        now = _state(tls)
        if now == state:
            return None
        try:
            found = _configuration(tls)
        except InvalidSpec as error:
            log.error("certificates_unreadable", error=str(error))  # noqa: TRY400  # its words say all
            return None
        state = now
        log.info("certificates_read")
        return found

    return look


def _configuration(tls: Tls) -> grpc.ServerCertificateConfiguration:
    certificate, key = _read(tls.certificate), _read(tls.key)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tls.certificate, tls.key, password="")
    except (ssl.SSLError, OSError, ValueError):
        raise InvalidSpec(str(tls.certificate), [f"this and {tls.key} are no certificate in PEM and the private key of it without a password"]) from None
    authority = None if tls.client_authority is None else _read(tls.client_authority)
    return grpc.ssl_server_certificate_configuration([(key, certificate)], authority)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidSpec(str(path), [f"cannot be read: {error.strerror}"]) from None


def _state(tls: Tls) -> Sequence[tuple[int, ...]]:
    found = []
    for path in (tls.certificate, tls.key, tls.client_authority):
        with suppress(OSError):
            if path is not None:
                told = path.stat()
                found.append((told.st_ino, told.st_size, told.st_mtime_ns))
    return found


def _refuse_taken(host: str, port: int) -> None:
    """Raises `UserError` where somebody listens: processes that share a port would share it with strangers of the same user too."""
    if not port:
        return
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host.strip("[]"), port))
        except OSError as error:
            raise UserError(f"cannot listen at {address(host, port)}: {error.strerror}; name an address of this machine and a port that is free") from error
