"""`assay serve` as a process of its own, with the stranger's models or others, and certificates for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

import psutil

PLUGINS = Path(__file__).parents[3] / "plugins"
ASSAY = [sys.executable, "-c", "from kernel.shell.cli import main; main()"]
STARTING_SECONDS = 120.0
PATIENT = """
import asyncio, os
import stranger

class Session(stranger.Session):
    async def infer(self, request, *, deadline):
        await asyncio.sleep(float(os.environ.get("PATIENT_PAUSE", 0)))
        return await super().infer(request, deadline=deadline)

def open_gateway(catalog=None, *, only=None, described=False):
    return Session(catalog, only=only)
"""
"""The stranger's gateway, which keeps nobody waiting but who asks, and tells further processes what its models are."""


class Served:
    """A server, from entering on. It ends with a signal, or with the block. pause: seconds that each model of the stranger's takes."""

    def __init__(self, folder: Path, *arguments: object, gateway: str = "patient", pause: float = 0.0, env: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.arguments = ["--store", folder / "store", "--gateway", gateway, *arguments]
        self.env = {**os.environ, "PYTHONPATH": f"{_plugin(folder)}{os.pathsep}{PLUGINS}", "PATIENT_PAUSE": str(pause), **(env or {})}
        self.process: subprocess.Popen[str]
        self.address = ""

    def __enter__(self) -> Self:
        folder = self.folder
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "errors.txt").open("w") as errors:
            command = [*ASSAY, "serve", *map(str, self.arguments)]
            self.process = subprocess.Popen(command, env=self.env, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.startswith("serving at "):
            self.process.wait(STARTING_SECONDS)
            raise AssertionError(f"{line}{(folder / 'errors.txt').read_text()}")
        self.address = line.removeprefix("serving at ").partition(";")[0]
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(30)
        if self.process.stdout is not None:
            self.process.stdout.close()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.address.rpartition(":")[2])

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait(30)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end; its exit code."""
        self.process.send_signal(number)
        return self.process.wait(60)

    def below(self) -> list[psutil.Process]:
        """It and all processes that it started."""
        whole = psutil.Process(self.process.pid)
        return [whole, *whole.children(recursive=True)]


def assay(*arguments: object, env: dict[str, str] | None = None, **more: Any) -> subprocess.CompletedProcess[str]:
    """A command to its end."""
    whole = {**os.environ, "PYTHONPATH": str(PLUGINS), **(env or {})}
    return subprocess.run([*ASSAY, *map(str, arguments)], env=whole, capture_output=True, text=True, timeout=120, check=False, **more)


def eventually(holds: Any, seconds: float = 30.0) -> bool:
    """Whether it holds after a while at most."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.05)
    return bool(holds())


def certificates(folder: Path) -> Path:
    """A folder with two authorities, and certificates by them: `server`, `renewed` and `us` by the one, `them` by the other."""
    folder.mkdir(parents=True, exist_ok=True)
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    for name in ("authority", "stranger"):
        files = ("-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem")
        _openssl("req", "-x509", *key, "-days", 2, "-subj", f"/CN={name}", *files, "-addext", "keyUsage=critical,keyCertSign")
    made = {"server": "authority", "renewed": "stranger", "us": "authority", "them": "stranger"}
    for name, authority in made.items():
        subject = "DNS:us" if name in {"us", "them"} else "IP:127.0.0.1"
        _openssl("req", *key, "-subj", f"/CN={name}", "-keyout", folder / f"{name}.key", "-out", folder / "csr", "-addext", f"subjectAltName={subject}")
        signed = ("-CA", folder / f"{authority}.pem", "-CAkey", folder / f"{authority}.key", "-days", 2, "-copy_extensions", "copy")
        _openssl("x509", "-req", "-in", folder / "csr", *signed, "-out", folder / f"{name}.pem")
    return folder


def _openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def _plugin(folder: Path) -> Path:
    """A folder in which the gateway `patient` is found."""
    place = folder / "plugins"
    found = place / "patient-1.0.dist-info"
    found.mkdir(parents=True, exist_ok=True)
    (place / "patient_gateway.py").write_text(PATIENT)
    (found / "METADATA").write_text("Metadata-Version: 2.1\nName: patient\nVersion: 1.0\n")
    (found / "entry_points.txt").write_text("[assay.gateways]\npatient = patient_gateway:open_gateway\n")
    return place
