"""`assay engines`: makes graphs of a model's networks, plans of the graphs, and tells whether what was made is right and belongs here."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.engines import belonging, configuration, manifest, plans, precision
from gateway.engines.belonging import Plan
from gateway.engines.comparison import Difference, Runtime, difference
from gateway.engines.described import graphs_of, name_of
from gateway.engines.export import export as export_graph
from gateway.engines.export import sampled, versions
from gateway.engines.manifest import Manifest, command, read_manifest
from gateway.engines.plans import Engine, Machine
from gateway.graphed import plan_of
from gateway.repository import CONFIG
from kernel.errors import InvalidSpec


@dataclass(frozen=True, slots=True)
class Finding:
    """How exact one graph or plan is. error: the largest absolute one. fits: whether it is within what is allowed."""

    graph: str
    what: str
    error: float | None
    allowed: float | None
    fits: bool
    detail: str


def export(model: str, *, out: Path, catalog: Path | None = None) -> Iterator[Finding]:
    """Make the ONNX graphs of a model's networks, each checked against torch by ONNX Runtime. Raises `InvalidSpec`, `UnknownName`."""
    described = graphs_of(model, catalog)
    folder = out / name_of(model)
    folder.mkdir(parents=True, exist_ok=True)
    made = {}
    for graph in described:
        made[graph.name] = export_graph(graph, folder)
        yield _exported(graph.name, made[graph.name])
    Manifest(model=name_of(model), made_with=versions(), graphs=made).write(folder)


def build(model: str, *, out: Path, kind: str = "fp16", machine: Machine | None = None) -> Iterator[Finding]:
    """Make TensorRT plans of a model's graphs on this GPU, each checked against its graph. Raises `InvalidSpec` with what is missing."""
    folder = out / name_of(model)
    found = read_manifest(model, folder)
    machine = machine or plans.this_machine()
    precision.check(kind, machine.capability)
    for name, graph in found.graphs.items():
        inputs, _ = sampled(folder / graph.sample)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            ready = precision.cast(folder / f"{name}.onnx", kind, inputs, Path(scratch))
            plan = plans.build(machine, ready, graph.profile(), folder / plans.CACHE)
        path = plan_of(folder, name, kind)
        path.write_bytes(plan)
        if not graph.streamed:
            configuration.lay_out(_served(folder, name, kind), path, graph)
        apart = _apart(machine, plan, folder, name, graph)
        record = Plan(
            tensorrt=machine.trt.__version__,
            gpu=machine.gpu,
            capability=machine.capability,
            graph=graph.digest,
            precision=kind,
            profile=graph.profile(),
            plan=manifest.sha256(path),
            absolute=apart.absolute,
            relative=apart.relative,
            tolerance=precision.TOLERANCE[kind],
        )
        record.write(path)
        yield _built(name, record, apart)


def verify(model: str, *, out: Path, machine: Machine | None = None) -> Iterator[Finding]:
    """Ask the graphs again what torch answered, and the plans what the graphs answer. Raises `InvalidSpec` where files are missing or changed."""
    folder = out / name_of(model)
    found = read_manifest(model, folder)
    for name, graph in found.graphs.items():
        inputs, wanted = sampled(folder / graph.sample)
        answer = Runtime(folder / f"{name}.onnx").answer(inputs)
        apart = difference(list(wanted.values()), [answer[each] for each in wanted])
        yield Finding(name, "graph", apart.absolute, graph.tolerance, apart.relative <= graph.tolerance, "ONNX Runtime against torch")
        built = [kind for kind in precision.TOLERANCE if plan_of(folder, name, kind).is_file()]
        for kind in built:
            yield _verified(folder, name, graph, kind, machine)
            if _served(folder, name, kind).is_dir():
                yield _compared(folder, name, graph, kind)
        if not built:
            yield Finding(name, "plan", None, None, True, f"none; build it on a GPU: {command('build', model, folder)}")


def _verified(folder: Path, name: str, graph: manifest.Graph, kind: str, machine: Machine | None) -> Finding:
    try:
        machine = machine or plans.this_machine()
        record = belonging.read_plan(folder, name, kind, graph, machine)
        apart = _apart(machine, plan_of(folder, name, kind).read_bytes(), folder, name, graph)
    except InvalidSpec as error:
        return Finding(name, f"plan, {kind}", None, None, False, str(error))
    return _built(name, record, apart)


def _served(folder: Path, name: str, kind: str) -> Path:
    """The folder from which Triton's TensorRT backend serves a plan; the folder above is a repository."""
    return folder / f"triton.{kind}" / f"{folder.name}-{name}"


def _compared(folder: Path, name: str, graph: manifest.Graph, kind: str) -> Finding:
    """What the configuration of a plan says, against its graph."""
    path = _served(folder, name, kind) / CONFIG
    try:
        faults = list(configuration.faults(configuration.read(path.read_text(encoding="utf-8")), graph))
    except (OSError, InvalidSpec) as error:
        faults = [f"cannot be read: {error}"]
    return Finding(name, f"configuration, {kind}", None, None, not faults, "; ".join([str(path), *faults]))


def _apart(machine: Machine, plan: bytes, folder: Path, name: str, graph: manifest.Graph) -> Difference:
    inputs, _ = sampled(folder / graph.sample)
    wanted = Runtime(folder / f"{name}.onnx").answer(inputs)
    answer = Engine(machine, plan).answer(inputs, list(wanted))
    return difference(list(wanted.values()), [answer[each] for each in wanted])


def _exported(name: str, graph: manifest.Graph) -> Finding:
    largest = max(trial.absolute for trial in graph.trials)
    sizes = "; ".join(" ".join(f"{axis}={size}" for axis, size in trial.sizes.items()) for trial in graph.trials)
    return Finding(name, "graph", largest, graph.tolerance, graph.worst.relative <= graph.tolerance, f"opset {graph.opset}; tried {sizes}")


def _built(name: str, record: Plan, apart: Difference) -> Finding:
    detail = f"TensorRT {record.tensorrt} on {record.gpu}, against the graph"
    return Finding(name, f"plan, {record.precision}", apart.absolute, record.tolerance, apart.relative <= record.tolerance, detail)
