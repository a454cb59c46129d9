"""Debian's PostgreSQL in a folder of its own, on loopback, for tests that need a real one."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name))
ACCOUNTS = ("postgres", "nobody")
"""Who runs it where we are root, whom it refuses."""


def missing() -> str:
    """Why there is none here; empty where there is."""
    if find_spec("psycopg") is None:
        return "psycopg is not installed"
    if not FOLDERS:
        return "PostgreSQL is not installed (deploy/test-tools)"
    if os.geteuid() == 0 and (_account() is None or shutil.which("setpriv") is None):
        return "PostgreSQL refuses root, and there is no account postgres or nobody, or no setpriv"
    return ""


class PostgresServer:
    """A server that can be stopped and started again. Without an account of its own it trusts everybody on loopback."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self._run("initdb", "-D", self.data, "-U", "assay", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")

    def start(self) -> None:
        """Start, and wait until it answers."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=60"
        self._run("pg_ctl", "-D", self.data, "-w", "-t", "60", "-l", self.folder / "log", "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop: `fast`, or `immediate` as a crash would."""
        self._run("pg_ctl", "-D", self.data, "-w", "-m", mode, "stop")

    def url(self, database: str = "postgres", port: int | None = None) -> str:
        """The address of a database of it."""
        return f"postgresql://assay@127.0.0.1:{port or self.port}/{database}"

    def new_schema(self) -> str:
        """A name that no test had before."""
        return f"test_{uuid.uuid4().hex[:12]}"

    def execute(self, statement: str) -> list[tuple[object, ...]]:
        """What a statement answers, on a connection of its own."""
        import psycopg

        with psycopg.connect(self.url(), autocommit=True) as connection:
            found = connection.execute(statement)
            return found.fetchall() if found.description else []

    def _run(self, program: str, *arguments: str | Path) -> None:
        as_whom = [] if os.geteuid() else ["setpriv", f"--reuid={_account().pw_uid}", f"--regid={_account().pw_gid}", "--clear-groups"]
        command = [*as_whom, str(FOLDERS[-1] / program), *map(str, arguments)]
        with (self.folder / "said").open("ab") as said:  # no pipe: the server would keep it open
            done = subprocess.run(command, stdout=said, stderr=said, stdin=subprocess.DEVNULL, cwd=self.folder, check=False, timeout=120)
        if done.returncode:
            raise RuntimeError(f"{program} ended with {done.returncode}: {(self.folder / 'said').read_text()[-2000:]}")


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A new server, started; stopped and removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="assay-postgres-"))
    try:
        if os.geteuid() == 0:
            os.chown(folder, _account().pw_uid, _account().pw_gid)
        server = PostgresServer(folder)
        server.start()
        try:
            yield server
        finally:
            server.stop("immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _account() -> pwd.struct_passwd | None:
    for name in ACCOUNTS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return None
