"""A Triton server of our own: started, watched and ended, with the models of a catalog in it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from gateway import private, repository, traces
from gateway.client import Server
from gateway.control import Control, ControlKey
from gateway.installation import find_server
from gateway.port import Port
from gateway.process import ServerProcess
from gateway.repository import ModelFolder
from gateway.supervisor import Supervisor
from kernel.errors import GatewayError

LOOPBACK = "127.0.0.1"
LIVE_SECONDS = 60.0
EXIT_SECONDS = 3
STUB_SECONDS = 300
POLL_SECONDS = 0.05

log = structlog.get_logger("assay.gateway")


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to start the server.

    port: 0 takes a free one. program: a tritonserver of one's own. threads: for each model's process. described: whether
    other programs may read what the models are, and not only ask them. outward: its models ask others over HTTP, and are told of
    this machine's web proxies and certificates. collector: the URL that takes its spans, by OTLP over HTTP; empty for none.
    """

    host: str = LOOPBACK
    port: int = 0
    program: Path | None = None
    threads: int | None = None
    verbose: int = 0
    described: bool = False
    outward: bool = False
    collector: str = field(default_factory=lambda: traces.collector(os.environ))


class Triton:
    """One server. `open` brings it up with its models, `aclose` leaves nothing behind."""

    def __init__(self, models: Mapping[str, ModelFolder], options: Options) -> None:
        self._models = models
        self._options = options
        self._installation = find_server(options.program)
        self._private = private.claim()
        try:
            self._port = Port(options.host, options.port)
        except GatewayError:
            self._private.release()
            raise
        self._key = ControlKey(described=options.described)
        self._process = ServerProcess(self._private)
        self._control = Control(self.address, self._key)
        self._server = Server(self.address)
        self.supervisor: Supervisor | None = None

    @property
    def address(self) -> str:
        """Where it answers, as host:port."""
        host = f"[{self._options.host}]" if ":" in self._options.host else self._options.host
        return f"{host}:{self._port.number}"

    @property
    def pid(self) -> int | None:
        """The server's process, while there is one."""
        return self._process.pid

    async def open(self) -> Supervisor:
        """Start it, load the models, and ask each a canary. Raises `GatewayError` or `InvalidSpec`."""
        models = {name: repository.lay_out(name, model, self._private.folder / "models") for name, model in self._models.items()}
        self._installation.lay_out(self._private.folder / "backends")
        (self._private.folder / "models").mkdir(exist_ok=True)
        (self._private.folder / "tmp").mkdir()
        await asyncio.to_thread(self._installation.check, self._environment())
        await self._start()
        self.supervisor = Supervisor(self._process, self._control, self._server, models, self._start)
        await self.supervisor.open()
        return self.supervisor

    async def aclose(self) -> None:
        """End the server and remove everything that was made for it. Calling it twice does no harm."""
        if self.supervisor is not None:
            await self.supervisor.aclose()
        await self._server.aclose()
        await self._control.aclose()
        await self._process.stop(EXIT_SECONDS + 2)
        self._private.release()
        self._port.release()

    async def _start(self) -> None:
        """Start the process and wait until it answers. Raises `GatewayError` with the server's own last words."""
        pid = await self._process.start(self._command(), self._environment())
        try:
            async with asyncio.timeout(LIVE_SECONDS):
                while not await self._control.live(POLL_SECONDS * 20):
                    if self._process.ended.is_set():
                        status = self._process.status
                        raise GatewayError(f"the server ended at its start (status {status}): {self._process.log.why()}")
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            self._process.kill()
            await self._process.ended.wait()
            raise GatewayError(f"the server did not answer within {LIVE_SECONDS:.0f} s of its start") from None
        log.info("server_started", address=self.address, pid=pid)

    def _environment(self) -> dict[str, str]:
        threads = self._options.threads or os.cpu_count() or 1
        return self._installation.environment(self._private.folder / "tmp", os.environ, threads, outward=self._options.outward)

    def _command(self) -> list[str]:
        folder = self._private.folder
        python = {
            "shm-region-prefix-name": self._private.regions,
            "stub-timeout-seconds": STUB_SECONDS,
        }
        return [
            str(self._installation.program),
            f"--model-repository={folder / 'models'}",
            f"--backend-directory={folder / 'backends'}",
            "--model-control-mode=explicit",
            "--strict-readiness=false",
            f"--grpc-address={self._options.host}",
            f"--grpc-port={self._port.number}",
            "--reuse-grpc-port=true",
            "--allow-http=false",
            "--allow-metrics=false",
            "--allow-sagemaker=false",
            "--allow-vertex-ai=false",
            self._key.argument,
            f"--exit-timeout-secs={EXIT_SECONDS}",
            f"--log-verbose={self._options.verbose}",
            *(f"--backend-config=python,{name}={value}" for name, value in python.items()),
            *traces.arguments(self._options.collector),
        ]
