"""Finding a Triton server on this machine, and giving it a backend directory in which its Python stub fits this Python.

The wheel `nvidia-pytriton` carries the whole server. Its stub has to lie beside `libtriton_python.so`, and nothing is ever
written into site-packages, so the directory is one of our own, made of links.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kernel.errors import GatewayError

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
STUB = "triton_python_backend_stub"
BACKENDS = ("python", "onnxruntime", "tensorrt")
INHERITED = (
    *("HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "USER", "LOGNAME"),
    *("CUDA_VISIBLE_DEVICES", "CUDA_HOME", "NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES"),
    *("HF_HOME", "HF_HUB_CACHE", "TORCH_HOME", "XDG_CACHE_HOME"),
    *("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"),
)
OUTWARD = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "all_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""For a server whose models ask vendors."""


@dataclass(frozen=True)
class Installation:
    """A server: its program, where its backends are, its stub for this Python, and where its libraries lie."""

    program: Path
    backends: Path
    stub: Path
    libraries: tuple[Path, ...]

    def lay_out(self, folder: Path) -> None:
        """Make the backend directory, of links, with the backends that we allow."""
        for name in BACKENDS:
            if (self.backends / name).is_dir():
                (folder / name).mkdir(parents=True)
                for path in sorted((self.backends / name).iterdir()):
                    if path.name not in ("__pycache__", STUB):
                        (folder / name / path.name).symlink_to(path)
        (folder / "python" / STUB).symlink_to(self.stub)

    def environment(self, folder: Path, given: Mapping[str, str], threads: int, *, outward: bool = False) -> dict[str, str]:
        """The server's environment, and so every model's: an allow-list, in which no vendor's key ever stands."""
        here = Path(__file__).resolve().parent.parent
        paths = [*self.libraries, *filter(None, [sysconfig.get_config_var("LIBDIR")])]
        return {
            "OMP_NUM_THREADS": str(threads),
            "TOKENIZERS_PARALLELISM": "false",
            "HF_HUB_OFFLINE": "1",  # checkpoints are brought here before the server starts
            **{name: given[name] for name in INHERITED + OUTWARD * outward if name in given},
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), given.get("PATH", os.defpath)]),
            "LD_LIBRARY_PATH": os.pathsep.join([*map(str, paths), *filter(None, [given.get("LD_LIBRARY_PATH")])]),
            "PYTHONPATH": str(here),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
            "TMPDIR": str(folder),
        }

    def check(self, environment: Mapping[str, str]) -> None:
        """Raise `GatewayError` when the stub cannot even be loaded: it wants a shared libpython."""
        found = subprocess.run(  # noqa: S603 - the program was found by us; without arguments it only complains
            [self.stub], env=dict(environment), capture_output=True, check=False, timeout=30, stdin=subprocess.DEVNULL
        )
        text = found.stderr.decode(errors="replace").strip()
        if "error while loading shared libraries" in text:
            missing = text.split("shared libraries:")[1].split(":")[0].strip()
            raise GatewayError(
                f"Triton's Python backend needs {missing}, which is not on this machine: install it (on Debian and "
                f"Ubuntu the package libpython{PYTHON}), or use a Python that was built with --enable-shared"
            )


def find_server(program: Path | None = None) -> Installation:
    """The server given, else the one of the wheel, else the one on PATH. Raises `GatewayError` when there is none."""
    if program is not None:
        return _installed(program)
    wheel = importlib.util.find_spec("pytriton")
    if wheel is not None and wheel.submodule_search_locations:
        return _of_wheel(Path(wheel.submodule_search_locations[0]))
    on_path = shutil.which("tritonserver")
    if on_path is None:
        raise GatewayError(
            "no Triton Inference Server: neither the Python package nvidia-pytriton nor a program tritonserver on PATH; "
            'install it with: pip install "trust-assay[local]"'
        )
    return _installed(Path(on_path))


def _of_wheel(package: Path) -> Installation:
    root = package / "tritonserver"
    stub = root / "python_backend_stubs" / PYTHON / STUB
    if not stub.is_file():
        known = sorted(path.name for path in (root / "python_backend_stubs").glob("*"))
        raise GatewayError(f"this is Python {PYTHON}, and nvidia-pytriton has Triton's stub for {', '.join(known)} only")
    libraries = package.parent / "nvidia_pytriton.libs"
    return Installation(root / "bin" / "tritonserver", root / "backends", stub, (libraries,))


def _installed(program: Path) -> Installation:
    """A server as NVIDIA's container has it: `bin/tritonserver` beside `backends` and `lib`."""
    root = program.resolve().parent.parent
    backends = root / "backends"
    stub = backends / "python" / STUB
    if not program.is_file() or not stub.is_file():
        raise GatewayError(f"{program}: no Triton with a Python backend; expected the program and {stub}")
    return Installation(program, backends, stub, (root / "lib",))
