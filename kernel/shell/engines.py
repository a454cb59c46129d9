"""`assay engines`: a model's networks as ONNX graphs and TensorRT plans, through what a gateway offers under `assay.engines`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Protocol

import typer

from kernel.shell import running, tables

app = typer.Typer(help="Make ONNX graphs and TensorRT plans of a model's networks, and verify them.", no_args_is_help=True)

ModelArgument = Annotated[str, typer.Argument(help="A model of the catalog, or a path to the folder of a checkpoint.")]
OutOption = Annotated[Path, typer.Option("--out", help="The folder in which every model has a folder of its graphs.")]
GatewayOption = Annotated[str, typer.Option("--gateway", help="The installed gateway that makes them.")]
DEFAULT_OUT = Path("assay-data") / "engines"


class Finding(Protocol):
    """How exact one graph or plan is. error: the largest absolute one, `None` where nothing was measured."""

    @property
    def graph(self) -> str: ...  # noqa: D102
    @property
    def what(self) -> str: ...  # noqa: D102
    @property
    def error(self) -> float | None: ...  # noqa: D102
    @property
    def allowed(self) -> float | None: ...  # noqa: D102
    @property
    def fits(self) -> bool: ...  # noqa: D102
    @property
    def detail(self) -> str: ...  # noqa: D102


class Engines(Protocol):
    """What an entry point of the group `assay.engines` is."""

    def export(self, model: str, *, out: Path, catalog: Path | None = None) -> Iterator[Finding]:
        """Make the graphs."""
        ...

    def build(self, model: str, *, out: Path, kind: str = ...) -> Iterator[Finding]:
        """Make plans of the graphs."""
        ...

    def verify(self, model: str, *, out: Path) -> Iterator[Finding]:
        """Measure both again."""
        ...


@app.command()
def export(
    model: ModelArgument,
    out: OutOption = DEFAULT_OUT,
    catalog: Annotated[Path | None, typer.Option("--catalog", help="A YAML file of models; without it, the bundled ones.")] = None,
    gateway: GatewayOption = "triton",
) -> None:
    """Export ONNX graphs with dynamic batch and sequence, each checked against torch by ONNX Runtime on the CPU."""
    _show(find_engines(gateway).export(model, out=out, catalog=catalog))


@app.command()
def build(
    model: ModelArgument,
    out: OutOption = DEFAULT_OUT,
    precision: Annotated[str, typer.Option("--precision", help="fp32, fp16, bf16, or fp8 where the GPU has it.")] = "fp16",
    gateway: GatewayOption = "triton",
) -> None:
    """Build TensorRT plans of the exported graphs, on the GPU that is to run them; those done in one call lie in a repository of Triton as well."""
    _show(find_engines(gateway).build(model, out=out, kind=precision))


@app.command()
def verify(model: ModelArgument, out: OutOption = DEFAULT_OUT, gateway: GatewayOption = "triton") -> None:
    """Check that graphs and plans are those that were made, belong to this machine, and answer as they should."""
    _show(find_engines(gateway).verify(model, out=out))


def find_engines(name: str) -> Engines:
    """What makes the engines of the gateway of that name. Raises `UnknownName`, or `InvalidSpec` when its packages are missing."""
    found: Engines = running.find_part("engines", name, extra="engines")
    return found


def _show(findings: Iterator[Finding]) -> None:
    """Print what was found; the exit code is 1 where something is not as exact as it must be."""
    rows, fits = [], True
    for finding in findings:
        fits = fits and finding.fits
        state = "does not fit" if not finding.fits else "told" if finding.error is None else "fits"
        rows.append((finding.graph, finding.what, state, _number(finding.error), _number(finding.allowed), finding.detail))
    tables.show(("graph", "what", "state", "largest error", "allowed", "detail"), rows)
    if not fits:
        raise typer.Exit(1)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.1e}"
