"""The kernel is light: it loads nothing of the network and nothing of the models."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("grpc", "google.protobuf", "tritonclient", "torch", "transformers", "diffusers", "onnxruntime", "openai", "anthropic")


@pytest.mark.parametrize("module", ["kernel", "kernel.runner", "kernel.report", "kernel.shell.cli"])
def test_importing_loads_nothing_heavy(module: str):
    script = f"import sys, {module}; print([name for name in {HEAVY!r} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip() == "[]"
