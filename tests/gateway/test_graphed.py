"""`runtime:` in a catalog: which configuration a model is served with, what it is then, and what is refused before anything starts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from gateway import checkpoints, graphed
from gateway.catalog import read_catalog
from gateway.graphed import Graphed
from gateway.repository import BUNDLED, ModelFolder, read_folder
from gateway.session import open_gateway
from kernel.errors import InvalidSpec

CHOICES = sorted(BUNDLED.glob("*/configs/*.pbtxt"))


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """Files as `assay engines export` and `build` name them; what is in them is looked at where they are opened."""
    folder = tmp_path / "engines" / "vlm"
    folder.mkdir(parents=True)
    (folder / "eye.onnx").write_bytes(b"graph")
    (folder / "manifest.json").write_text(json.dumps({"graphs": {"eye": {"files": {"eye.onnx": "its hash"}}}}))
    for precision in ("fp16", "fp32"):
        graphed.plan_of(folder, "eye", precision).write_bytes(b"plan")
        graphed.beside(graphed.plan_of(folder, "eye", precision)).write_text(f"of {precision}")
    return folder


def vlm(place: Path, **entry) -> ModelFolder:
    given = Graphed(**{"runtime": "onnx", "engines": "engines", **entry})
    return graphed.read("vlm", given, BUNDLED / "shapes_vlm", place)


def catalog(place: Path, entry: str) -> Path:
    path = place / "catalog.yaml"
    path.write_text(f"models:\n  vlm: {entry}\n")
    return path


@pytest.mark.parametrize("path", CHOICES, ids=lambda path: f"{path.parent.parent.name}-{path.stem}")
def test_a_choice_has_the_tensors_of_the_configuration_that_it_replaces(path: Path):
    """Parsed with Triton's own messages; what differs besides is who is called, and how calls come together."""
    chosen, usual = (text_format.Parse(each.read_text(), model_config_pb2.ModelConfig()) for each in (path, path.parent.parent / "config.pbtxt"))

    assert (chosen.name, chosen.backend) == (usual.name, "python")
    assert ([*chosen.input], [*chosen.output]) == ([*usual.input], [*usual.output])
    assert {**usual.parameters}.items() <= {**chosen.parameters}.items()
    assert chosen.parameters["runtime"].string_value == path.stem
    assert "Not yet run on a GPU" in path.read_text() or path.stem == "onnx"


def test_every_model_with_a_choice_has_both():
    names = {path.parent.parent.name for path in CHOICES}

    assert names == {"shapes_vlm", "shapes_diffusion", "embedder"}
    assert len(CHOICES) == 2 * len(names)


def test_the_class_is_told_where_the_graphs_are(tmp_path: Path, exported: Path):
    onnx, tensorrt = vlm(tmp_path), vlm(tmp_path, runtime="tensorrt", precision="fp32")

    assert (onnx.parameter("runtime"), onnx.parameter("engines"), onnx.parameter("precision")) == ("onnx", str(exported), None)
    assert (tensorrt.parameter("runtime"), tensorrt.parameter("precision")) == ("tensorrt", "fp32")
    assert onnx.config.default_model_filename == "graph_model.py"


def test_without_a_runtime_it_is_the_model_that_it_was(tmp_path: Path):
    found = vlm(tmp_path, runtime=None, engines=None)

    assert found == read_folder(BUNDLED / "shapes_vlm", "vlm")


def test_runtime_precision_and_bytes_each_make_it_another_model(tmp_path: Path, exported: Path):
    def identities() -> list[str]:
        return [vlm(tmp_path, **each).identity for each in ({}, {"runtime": "tensorrt"}, {"runtime": "tensorrt", "precision": "fp32"})]

    before = identities()
    graphed.beside(graphed.plan_of(exported, "eye", "fp32")).write_text("of other bytes")
    rebuilt = identities()
    (exported / "manifest.json").write_text(json.dumps({"graphs": {"eye": {"files": {"eye.onnx": "another hash"}}}}))
    anew = identities()

    assert len({*before, read_folder(BUNDLED / "shapes_vlm", "vlm").identity}) == 4
    assert [was == now for was, now in zip(before, rebuilt, strict=True)] == [True, True, False]
    assert not set(rebuilt) & set(anew)


def test_a_checkpoint_is_another_model_by_its_graphs(tmp_path: Path, exported: Path):
    """And its template is told the runtime, the folder and the checkpoint."""
    (tmp_path / "clip").mkdir()
    entry = checkpoints.InstrumentEntry(instrument="clip", checkpoint="./clip", runtime="onnx", engines="engines")
    plain = checkpoints.InstrumentEntry(instrument="clip", checkpoint="./clip")

    found, usual = (checkpoints.folder_of("vlm", each, tmp_path, fetch=False) for each in (entry, plain))

    assert found.identity != usual.identity
    assert [found.parameter(name) for name in ("runtime", "engines", "checkpoint")] == ["onnx", str(exported), str(tmp_path / "clip")]


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda folder: (folder / "manifest.json").unlink(), "its graphs were not exported"),
        (lambda folder: (folder / "manifest.json").write_text("{"), "manifest.json cannot be read (JSONDecodeError)"),
        (lambda folder: (folder / "eye.onnx").unlink(), "lacks eye.onnx"),
    ],
)
@pytest.mark.parametrize("runtime", ["onnx", "tensorrt"])
def test_graphs_that_are_not_there_are_refused_with_the_command_that_makes_them(tmp_path: Path, exported: Path, runtime: str, spoil, told: str):
    spoil(exported)

    with pytest.raises(InvalidSpec) as refused:
        vlm(tmp_path, runtime=runtime)

    assert told in str(refused.value)
    assert f"assay engines export vlm --out {exported.parent} --catalog" in str(refused.value)


def test_plans_that_are_not_there_are_refused_with_the_command_that_builds_them(tmp_path: Path, exported: Path):
    with pytest.raises(InvalidSpec) as refused:
        vlm(tmp_path, runtime="tensorrt", precision="bf16")

    assert "lacks eye.bf16.plan, eye.bf16.plan.json" in str(refused.value)
    assert f"assay engines build vlm --out {exported.parent} --precision bf16" in str(refused.value)


def test_by_default_they_are_where_the_command_puts_them(tmp_path: Path, exported: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "assay-data").mkdir()
    exported.parent.rename(tmp_path / "assay-data" / "engines")
    monkeypatch.chdir(tmp_path)

    assert vlm(Path("/elsewhere"), engines=None).parameter("engines") == str(tmp_path / "assay-data" / "engines" / "vlm")


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("{bundled: ocr, runtime: onnx}", "models.vlm.runtime: ocr is served by torch or its own library alone; those with a choice are embedder, shapes_diff"),
        ("{transformers: org/name, runtime: tensorrt}", "models.vlm.runtime: transformers_model is served by torch"),
        ("{bundled: shapes_vlm, engines: here}", "models.vlm.engines: has no meaning without runtime"),
        ("{bundled: shapes_vlm, precision: fp16}", "models.vlm.precision: has no meaning without runtime"),
        ("{bundled: shapes_vlm, runtime: onnx, precision: fp16}", "models.vlm.precision: is of plans"),
        ("{instrument: clip, runtime: onnx, dtype: float16}", "models.vlm.dtype: has no meaning with runtime"),
        ("{bundled: shapes_vlm, runtime: torch}", "models.vlm.runtime"),
        ("{bundled: shapes_vlm, runtime: tensorrt, precision: int4}", "models.vlm.precision"),
    ],
)
def test_what_a_catalog_cannot_mean_is_refused_when_it_is_read(tmp_path: Path, entry: str, told: str):
    with pytest.raises(InvalidSpec) as refused:
        read_catalog(catalog(tmp_path, entry))

    assert told in str(refused.value)


@pytest.mark.parametrize("entry", ["{bundled: shapes_vlm, runtime: onnx}", "{instrument: clip, runtime: tensorrt, precision: bf16, engines: ./plans}"])
def test_a_catalog_can_be_read_before_its_graphs_are_made(tmp_path: Path, entry: str):
    """`assay engines export` reads it too."""
    assert read_catalog(catalog(tmp_path, entry)).entries["vlm"].runtime in ("onnx", "tensorrt")


async def test_an_entry_of_a_catalog_is_served_by_its_graphs(tmp_path: Path, exported: Path):
    """The card of the session is that of what `runtime` asks for, not of the model without it."""
    path = catalog(tmp_path, "{bundled: shapes_vlm, runtime: onnx, engines: ./engines}\n  plain: {bundled: shapes_vlm}")

    cards = await open_gateway(path).cards()

    assert cards["vlm"].identity not in ("", cards["plain"].identity)
    assert cards["vlm"].accepts == cards["plain"].accepts
