"""Makes Python's code of the `.proto` files, and the image of them; or, with `--check`, tells what of it is not as they would make it.

Runs where grpcio-tools, mypy-protobuf and googleapis-common-protos are installed (`make protos`). The image, `assay/v1/image.binpb`, is a
`FileDescriptorSet` with comments and imports. It only ever grows: what would take something of it away is refused before anything is written.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet

HERE = Path(__file__).resolve().parent
FOLDER = Path("assay/v1")
IMAGE = FOLDER / "image.binpb"
GENERATED = ("*_pb2.py", "*_pb2.pyi", "*_pb2_grpc.py", "*_pb2_grpc.pyi", IMAGE.name)


def main(arguments: list[str]) -> int:
    """Write what differs, or with `--check` only tell it; 0 where nothing stays that differs."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder)
        generate(made)
        old = image(HERE / IMAGE) if (HERE / IMAGE).exists() else FileDescriptorSet()
        gone = lost(old, image(made / IMAGE))
        if gone:
            print("\n".join(["assay.v1 is additive for ever; these are gone or changed:", *gone]), file=sys.stderr)
            return 1
        new, present = contents(made / FOLDER), contents(HERE / FOLDER)
        stale = sorted(name for name in new.keys() | present.keys() if new.get(name) != present.get(name))
        if "--check" in arguments:
            for name in stale:
                print(f"proto/{FOLDER}/{name} is not what the .proto files make; run `make protos`", file=sys.stderr)
            return int(bool(stale))
        for name in stale:
            path = HERE / FOLDER / name
            if name in new:
                path.write_bytes(new[name])
            else:
                path.unlink()
            print(f"proto/{FOLDER}/{name}")
        return 0


def generate(out: Path) -> None:
    """Run protoc over the `.proto` files of `assay.v1`; code and image go under `out`. Raises `CalledProcessError`."""
    protos = sorted((HERE / FOLDER).glob("*.proto"))
    services = [path for path in protos if "\nservice " in path.read_text(encoding="utf-8")]
    _protoc(protos, f"--python_out={out}", f"--mypy_out=quiet:{out}")
    _protoc(services, f"--grpc_python_out={out}", f"--mypy_grpc_out=quiet:{out}")
    _protoc(protos, f"--descriptor_set_out={out / IMAGE}", "--include_source_info", "--include_imports")
    whole = image(out / IMAGE)
    for file in whole.file:
        if not file.name.startswith(f"{FOLDER}/"):
            file.ClearField("source_code_info")
    (out / IMAGE).write_bytes(whole.SerializeToString(deterministic=True))


def _protoc(protos: Iterable[Path], *outputs: str) -> None:
    import google.rpc  # noqa: PLC0415  # only the tools' environment has it for sure

    programs = Path(sys.executable).parent
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{HERE}", f"-I{Path(google.rpc.__path__[0]).parents[1]}"]
    command += [f"--plugin={name}={programs / name}" for name in ("protoc-gen-mypy", "protoc-gen-mypy_grpc")]
    subprocess.run([*command, *outputs, *map(str, protos)], check=True)


def contents(folder: Path) -> dict[str, bytes]:
    """The bytes of every generated file in `folder`, by name."""
    return {path.name: path.read_bytes() for pattern in GENERATED for path in folder.glob(pattern)}


def image(path: Path) -> FileDescriptorSet:
    """The image in a file. Raises `DecodeError`."""
    return FileDescriptorSet.FromString(path.read_bytes())


def lost(before: FileDescriptorSet, after: FileDescriptorSet) -> list[str]:
    """What an image had that another has no more, or has otherwise: one line for each message, field, value, service and method."""
    now = dict(_parts(after))
    return [f"{name}: was {was!r}, is {now.get(name, 'gone')!r}" for name, was in _parts(before) if now.get(name) != was]


def _parts(whole: FileDescriptorSet) -> Iterator[tuple[str, str]]:
    """Every part of an image that a caller may lean on, by name or number, and how it is on the wire and in the source."""
    for file in whole.file:
        if file.name.startswith(f"{FOLDER}/"):
            yield from _parts_of_file(file)


def _parts_of_file(file: FileDescriptorProto) -> Iterator[tuple[str, str]]:
    for enum in file.enum_type:
        yield from _parts_of_enum(f"{file.package}.{enum.name}", enum)
    for message in file.message_type:
        yield from _parts_of_message(f"{file.package}.{message.name}", message)
    for service in file.service:
        yield f"{file.package}.{service.name}", "service"
        for method in service.method:
            streams = f"{'stream ' * method.client_streaming}{method.input_type} -> {'stream ' * method.server_streaming}{method.output_type}"
            yield f"{file.package}.{service.name}/{method.name}", streams


def _parts_of_enum(name: str, enum: EnumDescriptorProto) -> Iterator[tuple[str, str]]:
    yield name, "enum"
    for value in enum.value:
        yield f"{name} {value.number}", value.name


def _parts_of_message(name: str, message: DescriptorProto) -> Iterator[tuple[str, str]]:
    yield name, "message"
    for field in message.field:
        yield f"{name} {field.number}", _field(message, field)
    for enum in message.enum_type:
        yield from _parts_of_enum(f"{name}.{enum.name}", enum)
    for nested in message.nested_type:
        yield from _parts_of_message(f"{name}.{nested.name}", nested)


def _field(message: DescriptorProto, field: FieldDescriptorProto) -> str:
    label = FieldDescriptorProto.Label.Name(field.label).removeprefix("LABEL_").lower()
    kind = field.type_name or FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()
    oneof = f" in {message.oneof_decl[field.oneof_index].name}" if field.HasField("oneof_index") else ""
    return f"{field.name} ({field.json_name}): {label} {kind}{oneof}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
