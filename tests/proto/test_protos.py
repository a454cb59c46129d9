"""The contract of the service: its code is fresh, it is documented, it keeps the rules of its style, and nothing of it ever goes away."""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto, FileDescriptorSet

import assay.v1

PROTO = Path(__file__).parents[2] / "proto"
IMAGE = PROTO / "assay/v1/image.binpb"
BUF = Path(os.environ.get("NODE_PATH", ""), ".bin/buf")
lost = runpy.run_path(str(PROTO / "generate.py"))["lost"]


@pytest.fixture
def image() -> FileDescriptorSet:
    """The image that is committed."""
    return FileDescriptorSet.FromString(IMAGE.read_bytes())


@pytest.fixture
def tools() -> str:
    """Python with the generators."""
    found = os.environ.get("PROTOS")
    if not found or not Path(found).exists():
        pytest.skip("no environment with grpcio-tools; `make protos-check` makes one")
    return found


@pytest.fixture
def buf() -> Path:
    """The linter."""
    if not BUF.exists():
        pytest.skip("no buf; `make protos-check` brings it from npm")
    return BUF


def ours(image: FileDescriptorSet) -> list[FileDescriptorProto]:
    """Files of the contract, without what they import."""
    return [file for file in image.file if file.package == "assay.v1"]


def file_of(image: FileDescriptorSet, name: str) -> FileDescriptorProto:
    """One of them."""
    return next(file for file in ours(image) if file.name == f"assay/v1/{name}.proto")


def message_of(image: FileDescriptorSet, name: str) -> DescriptorProto:
    """A message."""
    return next(message for file in ours(image) for message in file.message_type if message.name == name)


def test_the_generated_code_and_the_image_are_what_the_protos_make(tools):
    """Byte for byte."""
    done = subprocess.run([tools, PROTO / "generate.py", "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_file_that_is_stale_is_told_by_its_name(tools, tmp_path):
    """And one that is missing, and one too many; to be written is what mends it."""
    copy = shutil.copytree(PROTO, tmp_path / "proto", ignore=shutil.ignore_patterns("client", "examples", "__pycache__"))
    folder = copy / "assay/v1"
    (folder / "types_pb2.py").write_text("stale")
    (folder / "scoring_pb2.pyi").unlink()
    (folder / "old_pb2.py").write_text("")
    check = [tools, copy / "generate.py", "--check"]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert [line.split()[0] for line in done.stderr.splitlines()] == [f"proto/assay/v1/{name}" for name in ("old_pb2.py", "scoring_pb2.pyi", "types_pb2.py")]
    subprocess.run(check[:-1], capture_output=True, check=True)
    assert subprocess.run(check, check=False).returncode == 0
    assert not (folder / "old_pb2.py").exists()


def test_a_field_that_goes_away_is_refused_and_nothing_is_written(tools, tmp_path):
    """The image of what was holds the protos."""
    copy = shutil.copytree(PROTO, tmp_path / "proto", ignore=shutil.ignore_patterns("client", "examples", "__pycache__"))
    types = copy / "assay/v1/types.proto"
    types.write_text(types.read_text(encoding="utf-8").replace("bytes data = 1;", "bytes content = 1;"), encoding="utf-8")
    before = (copy / "assay/v1/types_pb2.py").read_bytes()
    done = subprocess.run([tools, copy / "generate.py"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "assay.v1.Picture 1: was 'data (data): optional bytes', is 'content (content): optional bytes'" in done.stderr
    assert (copy / "assay/v1/types_pb2.py").read_bytes() == before


def remove_field(image):
    del message_of(image, "Item").field[2]


def renumber_field(image):
    message_of(image, "Item").field[2].number = 99


def change_type(image):
    message_of(image, "Estimate").field[4].type = 5


def make_repeated(image):
    message_of(image, "Run").field[1].label = 3


def leave_oneof(image):
    message_of(image, "Item").field[4].ClearField("oneof_index")


def remove_message(image):
    del file_of(image, "scoring").message_type[0]


def remove_value(image):
    del file_of(image, "evaluation").enum_type[0].value[2]


def rename_value(image):
    file_of(image, "types").enum_type[0].value[1].name = "MODEL_KIND_ANSWER"


def remove_enum(image):
    del file_of(image, "types").enum_type[1]


def remove_method(image):
    del file_of(image, "evaluation").service[0].method[0]


def make_stream(image):
    file_of(image, "scoring").service[0].method[1].client_streaming = True


def change_answer(image):
    file_of(image, "evaluation").service[0].method[4].output_type = ".assay.v1.Report"


def remove_service(image):
    del file_of(image, "scoring").service[0]


def change_key(image):
    message_of(image, "RunOverrides").nested_type[0].field[0].type = 5


TAKEN = [
    remove_field,
    renumber_field,
    change_type,
    make_repeated,
    leave_oneof,
    remove_message,
    remove_value,
    rename_value,
    remove_enum,
    remove_method,
    make_stream,
    change_answer,
    remove_service,
    change_key,
]


@pytest.mark.parametrize("change", TAKEN, ids=lambda change: change.__name__)
def test_what_takes_something_away_is_found(image, change):
    """By what it was and what it is."""
    changed = FileDescriptorSet.FromString(image.SerializeToString())
    change(changed)
    assert lost(image, changed)


def test_what_adds_something_takes_nothing_away(image):
    """A message, a field, a value, a method, a file, in any order."""
    grown = FileDescriptorSet.FromString(image.SerializeToString())
    message_of(grown, "Item").field.add(name="more", json_name="more", number=100, type=9, label=1)
    message_of(grown, "Item").field.sort(key=lambda field: -field.number)
    file_of(grown, "types").enum_type[0].value.add(name="MODEL_KIND_SPEAK", number=7)
    file_of(grown, "scoring").service[0].method.add(name="More", input_type=".assay.v1.Item", output_type=".assay.v1.Item")
    grown.file.add(name="assay/v1/more.proto", package="assay.v1").message_type.add(name="More")
    assert lost(image, grown) == []


def elements(file: FileDescriptorProto) -> Iterator[tuple[tuple[int, ...], str]]:
    """Everything that a reader looks up, by its path in the source: services, methods, messages, fields, enums, values."""
    for which, message in enumerate(file.message_type):
        yield (4, which), message.name
        yield from (((4, which, 2, number), f"{message.name}.{field.name}") for number, field in enumerate(message.field))
    for which, enum in enumerate(file.enum_type):
        yield (5, which), enum.name
        yield from (((5, which, 2, number), f"{enum.name}.{value.name}") for number, value in enumerate(enum.value))
    for which, service in enumerate(file.service):
        yield (6, which), service.name
        yield from (((6, which, 2, number), f"{service.name}.{method.name}") for number, method in enumerate(service.method))


def test_every_service_method_message_field_and_value_is_documented(image):
    """In the source, above it."""
    for file in ours(image):
        told = {tuple(place.path) for place in file.source_code_info.location if place.leading_comments.strip()}
        assert [name for path, name in elements(file) if path not in told] == []


def test_the_protos_keep_the_rules_of_their_style(buf):
    """Buf's standard ones but those that `buf.yaml` gives reasons against."""
    done = subprocess.run([buf, "lint", IMAGE, "--path", "assay/v1", "--config", PROTO / "buf.yaml"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("change", [remove_field, rename_value, remove_method, change_answer], ids=lambda change: change.__name__)
def test_another_tool_finds_the_same_to_be_taken_away(buf, image, tmp_path, change):
    """Buf reads the image."""
    change(image)
    (tmp_path / "changed.binpb").write_bytes(image.SerializeToString())
    command = [buf, "breaking", tmp_path / "changed.binpb", "--against", IMAGE, "--path", "assay/v1", "--config", PROTO / "buf.yaml"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 100


def test_the_package_comes_from_this_repository():
    """And nothing else is called so."""
    assert Path(assay.v1.__file__).parent == PROTO / "assay/v1"
