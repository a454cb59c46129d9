"""The repository of a catalog: models under their names, of links, each with an identity made of its files."""

import shutil
from pathlib import Path

import pytest
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from gateway.repository import BUNDLED, identity, lay_out, read_folder
from kernel.contract import Kind
from kernel.errors import InvalidSpec

ECHO = Path(__file__).parent.parent / "models" / "echo"


@pytest.fixture
def model(tmp_path):
    """A copy of the model folder `echo`, to be changed."""
    return Path(shutil.copytree(ECHO, tmp_path / "echo", ignore=shutil.ignore_patterns("__pycache__")))


def parameter(model: Path, name: str, value: str) -> None:
    """Add a parameter to the model's configuration."""
    with (model / "config.pbtxt").open("a", encoding="utf-8") as config:
        config.write(f'\nparameters {{ key: "{name}" value: {{ string_value: "{value}" }} }}\n')


def test_a_folder_tells_what_its_model_is():
    """Kind, backend and inputs are known without starting anything."""
    model = read_folder(ECHO, "my-echo")

    assert Kind.GENERATE is model.description.signature.kind
    assert model.description.signature.model == "my-echo"
    assert model.description.backend == "python"
    assert model.description.accepts == ("text_input",)


def test_a_model_is_laid_out_under_its_name_of_the_catalog(tmp_path, model):
    """Triton wants the folder, and the name in the configuration, to be the model's name; the files are links."""
    laid_out = lay_out("other-name", read_folder(model, "other-name"), tmp_path / "models")

    config = text_format.Parse((laid_out.folder / "config.pbtxt").read_text(), model_config_pb2.ModelConfig())
    assert tmp_path / "models" / "other-name" == laid_out.folder
    assert config.name == "other-name"
    assert (laid_out.folder / "1").is_symlink()
    assert (model / "1" / "model.py").read_bytes() == (laid_out.folder / "1" / "model.py").read_bytes()


def test_the_identity_changes_with_every_file_and_with_nothing_else(tmp_path, model):
    """Other bytes, another name or one file more make another model; the place and Python's caches do not."""
    first = identity(model)
    elsewhere = shutil.copytree(model, tmp_path / "elsewhere")
    (elsewhere / "1" / "__pycache__").mkdir()
    (elsewhere / "1" / "__pycache__" / "model.pyc").write_bytes(b"cache")
    assert first == identity(elsewhere)

    (model / "1" / "weights.bin").write_bytes(b"\0")
    more = identity(model)
    (model / "1" / "weights.bin").write_bytes(b"\1")
    changed = identity(model)
    (model / "1" / "weights.bin").rename(model / "1" / "weights2.bin")
    renamed = identity(model)

    assert len({first, more, changed, renamed}) == 4


def test_two_files_cannot_pass_for_one(model):
    """Moving bytes from the end of one file to the beginning of the next is a change."""
    (model / "a").write_bytes(b"12")
    (model / "b").write_bytes(b"3")
    before = identity(model)
    (model / "a").write_bytes(b"1")
    (model / "b").write_bytes(b"23")

    assert before != identity(model)


def test_the_time_limits_of_a_model_are_its_own(tmp_path, model):
    """`longest_seconds` and `loading_seconds` of the parameters are taken."""
    parameter(model, "longest_seconds", "7.5")
    parameter(model, "loading_seconds", "300")

    laid_out = lay_out("echo", read_folder(model, "echo"), tmp_path / "models")

    assert (laid_out.longest_seconds, laid_out.loading_seconds, laid_out.processes) == (7.5, 300.0, 1)


@pytest.mark.parametrize("said", ["soon", "0", "-1", "nan", "1e9"])
def test_time_limits_that_are_none_are_refused(tmp_path, model, said):
    """A limit is a number of seconds within a day."""
    parameter(model, "longest_seconds", said)

    with pytest.raises(InvalidSpec, match=r"parameters: longest_seconds is '.*'; expected seconds"):
        lay_out("echo", read_folder(model, "echo"), tmp_path / "models")


def test_a_kind_may_come_from_the_catalog(model):
    """A configuration that does not say its kind is given one; without either it is refused."""
    config = model / "config.pbtxt"
    config.write_text("".join(line for line in config.read_text().splitlines(keepends=True) if "kind" not in line or "KIND" in line))

    assert Kind.GENERATE is read_folder(model, "echo", Kind.GENERATE).description.signature.kind
    with pytest.raises(InvalidSpec, match="says nothing of its kind"):
        read_folder(model, "echo")


@pytest.mark.parametrize("text", ["name: 'echo", "nme: 'echo'", 'parameters { key: "kind" value: { string_value: "sings" } }'])
def test_configurations_that_are_none_are_refused(model, text):
    """The refusal names the file."""
    (model / "config.pbtxt").write_text(text)

    with pytest.raises(InvalidSpec, match=r"config\.pbtxt"):
        read_folder(model, "echo")


def test_a_folder_without_configuration_is_refused(model):
    """What is missing is named."""
    (model / "config.pbtxt").unlink()

    with pytest.raises(InvalidSpec, match="a model folder of Triton needs it"):
        read_folder(model, "echo")


@pytest.mark.parametrize("folder", sorted(path.parent for path in BUNDLED.glob("*/config.pbtxt")), ids=lambda path: path.name)
def test_bundled_models_state_a_kind_and_keep_the_contract(folder):
    """Every bundled model says what it is, and its tensors are those of the contract."""
    assert read_folder(folder, folder.name).description.faults == ()
