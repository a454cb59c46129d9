"""MLServer as a process of its own, in an environment of its own (`make .venv-mlserver/.ready`), with the model of this folder."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from tritonclient.grpc import InferenceServerClient
from tritonclient.utils import InferenceServerException

HERE = Path(__file__).parent
PROGRAM = Path(os.environ.get("MLSERVER", HERE.parents[1] / ".venv-mlserver" / "bin" / "mlserver")).absolute()
MODEL = "words"
PATIENCE = 60

needed = pytest.mark.skipif(not PROGRAM.exists(), reason=f"{PROGRAM} is not there; `make .venv-mlserver/.ready` brings it")


@contextmanager
def started(folder: Path) -> Iterator[int]:
    """MLServer in this folder, on free ports, until the block ends: its port for gRPC, once the model answers there."""
    port, settings = _free_ports()
    (folder / "settings.json").write_text(json.dumps(settings))
    for name in ("words.py", "model-settings.json"):
        shutil.copy(HERE / name, folder)
    environment = os.environ | {"PATH": f"{PROGRAM.parent}:{os.environ['PATH']}"}
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen([PROGRAM, "start", "."], cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        until = time.monotonic() + PATIENCE
        while not _ready(port):
            told = (folder / "log").read_text()
            assert child.poll() is None, told
            assert time.monotonic() < until, told
            time.sleep(0.2)
        yield port
    finally:
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _free_ports() -> tuple[int, dict[str, object]]:
    """The port for gRPC, and settings with it."""
    with ExitStack() as held:
        http, grpc, metrics = (held.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1] for _ in range(3))
    return grpc, {"host": "127.0.0.1", "http_port": http, "grpc_port": grpc, "metrics_port": metrics, "parallel_workers": 0}


def _ready(port: int) -> bool:
    """Whether the model answers."""
    try:
        with InferenceServerClient(f"127.0.0.1:{port}", channel_args=[("grpc.enable_http_proxy", 0)]) as client:
            return bool(client.is_model_ready(MODEL, client_timeout=5))
    except InferenceServerException:
        return False
