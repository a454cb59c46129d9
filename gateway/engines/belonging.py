"""A plan belongs to one graph, one make of GPU and one TensorRT: what stands beside it, and the refusal of one that does not belong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from gateway.engines import manifest
from gateway.engines.manifest import command
from gateway.graphed import beside, plan_of
from kernel.errors import InvalidSpec

if TYPE_CHECKING:
    from gateway.engines.plans import Machine


class Plan(manifest.Record):
    """What was built. graph: hash of the ONNX graph. plan: SHA-256 of the plan. relative: its error against the graph, within `tolerance`."""

    tensorrt: str
    gpu: str
    capability: str
    graph: str
    precision: str
    profile: dict[str, tuple[tuple[int, ...], ...]]
    plan: str
    absolute: float
    relative: float
    tolerance: float

    def write(self, plan: Path) -> None:
        """Beside the plan."""
        beside(plan).write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")


def read_plan(folder: Path, name: str, precision: str, graph: manifest.Graph, machine: Machine) -> Plan:
    """The record of a plan that belongs here. Raises `InvalidSpec` with every reason why it does not, and the command that builds it anew."""
    plan, again = plan_of(folder, name, precision), command("build", folder.name, folder, "--precision", precision)
    try:
        found = Plan.model_validate_json(beside(plan).read_bytes())
    except (OSError, ValidationError) as error:
        raise InvalidSpec(
            str(plan), [f"{beside(plan).name} cannot be read ({type(error).__name__}), so nobody knows whether it belongs here; {again}"]
        ) from None
    faults = list(_foreign(found, plan, graph, machine))
    if faults:
        raise InvalidSpec(str(plan), [*faults, f"build it anew: {again}"])
    return found


def _foreign(found: Plan, plan: Path, graph: manifest.Graph, machine: Machine) -> Iterator[str]:
    if found.gpu != machine.gpu or found.capability != machine.capability:
        yield f"built for {found.gpu} (compute capability {found.capability}); this GPU is {machine.gpu} ({machine.capability})"
    if found.tensorrt != machine.trt.__version__:
        yield f"built by TensorRT {found.tensorrt}; here is {machine.trt.__version__}"
    if found.graph != graph.digest:
        yield f"built from the graph {found.graph:.12}…; the graph is now {graph.digest:.12}…"
    if not plan.is_file():
        yield "the plan is missing"
    elif found.plan != manifest.sha256(plan):
        yield "its bytes are not those that were built"
