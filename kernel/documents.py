"""Reading YAML that people write: strict, safe, and every fault told at once, by path and line.

Refused before anything is built: duplicate keys, aliases (a page of them expands without end), tags, files over 4 MiB
or 64 levels, and text that is not UTF-8.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from yaml.composer import ComposerError
from yaml.events import AliasEvent

from kernel.errors import InvalidSpec

BYTES_LIMIT = 4 * 1024 * 1024
DEPTH_LIMIT = 64

T = TypeVar("T")
Path_ = tuple[str | int, ...]


class Strict(BaseModel):
    """A part of a document: frozen, no unknown keys, no silent conversions."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class _Loader(yaml.SafeLoader):
    """The safe loader without aliases, with a depth limit, remembering the line of every key."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]  # PyYAML has no types here
            raise ComposerError(None, None, "aliases (*name) are not allowed; write the value out", event.start_mark)
        self.depth = getattr(self, "depth", 0) + 1
        if self.depth > DEPTH_LIMIT:
            raise ComposerError(None, None, f"more than {DEPTH_LIMIT} levels", self.peek_event().start_mark)  # type: ignore[no-untyped-call]  # as above
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


# YAML 1.1 reads `no` as false, `08` as octal, `1:30` as 90 and `1_000` as a number; only what is plainly meant is converted.
_PLAIN = {
    "null": (r"~|null|", ["~", "n", ""]),
    "bool": (r"true|false", ["t", "f"]),
    "int": (r"[-+]?(0|[1-9][0-9]*)", list("-+0123456789")),
    "float": (r"[-+]?([0-9]+\.[0-9]*([eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+|\.(inf|nan))", list("-+.0123456789")),
}
"""What a plain word may mean besides itself: its whole form, and what it may begin with."""

_Loader.yaml_implicit_resolvers = {}
for _tag, (_pattern, _first) in _PLAIN.items():
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^({_pattern})$"), _first)


def _walk(node: yaml.Node, at: Path_, lines: dict[Path_, int], faults: list[str]) -> Iterator[None]:
    lines[at] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name in seen:
                faults.append(f"line {key.start_mark.line + 1}: {_dotted((*at, name))}: the key stands twice; keep one")
            seen.add(name)
            yield from _walk(value, (*at, name), lines, faults)
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            yield from _walk(value, (*at, position), lines, faults)
    yield


def _dotted(path: Path_) -> str:
    return ".".join(str(step) for step in path) or "the document"


def parse(text: bytes, where: str) -> tuple[Any, dict[Path_, int]]:
    """Plain data and the line of every path. Raises `InvalidSpec`."""
    if len(text) > BYTES_LIMIT:
        raise InvalidSpec(where, [f"{len(text):,} bytes; at most {BYTES_LIMIT:,} are read"])
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidSpec(where, [f"byte {error.start} is not UTF-8; save the file as UTF-8"]) from None
    lines: dict[Path_, int] = {}
    faults: list[str] = []
    loader = None
    try:
        loader = _Loader(decoded)
        node = loader.get_single_node()
        if node is None:
            raise InvalidSpec(where, ["the file is empty"])
        for _ in _walk(node, (), lines, faults):
            pass
        data = loader.construct_document(node)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark else ""
        raise InvalidSpec(where, [f"{line}{getattr(error, 'problem', None) or ' '.join(str(error).split())}"]) from None
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidSpec(where, [f"a value that YAML cannot build: {error}"]) from None
    finally:
        if loader:
            loader.dispose()
    if faults:
        raise InvalidSpec(where, faults)
    return data, lines


def validate(shape: type[T], data: Any, where: str, lines: Mapping[Path_, int] | None = None) -> T:
    """`data` as a `shape`. Raises `InvalidSpec` with every fault, "did you mean" for unknown keys."""
    try:
        return TypeAdapter(shape).validate_python(data)
    except ValidationError as error:
        raise InvalidSpec(where, [_fault(item, shape, lines or {}) for item in error.errors(include_url=False)]) from None


def read(path: Path, shape: type[T]) -> T:
    """The document at `path` as a `shape`. Raises `InvalidSpec`."""
    try:
        text = path.read_bytes() if path.is_file() else None
    except OSError as error:
        raise InvalidSpec(str(path), [f"cannot be read: {error.strerror}"]) from None
    if text is None:
        raise InvalidSpec(str(path), ["no such file"])
    data, lines = parse(text, str(path))
    return validate(shape, data, str(path), lines)


def _fault(item: Any, shape: Any, lines: Mapping[Path_, int]) -> str:
    path: Path_ = tuple(item["loc"])
    line = next((lines[path[:end]] for end in range(len(path), -1, -1) if path[:end] in lines), None)
    prefix = f"line {line}: " if line else ""
    if item["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        known = _fields_at(shape, path[:-1])
        close = get_close_matches(str(path[-1]), known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}" if known else "remove it"
        return f"{prefix}{_dotted(path)}: unknown key; {hint}"
    found = "" if item["type"] == "missing" else f" (found {_short(item['input'])})"
    return f"{prefix}{_dotted(path)}: {item['msg'][:1].lower()}{item['msg'][1:]}{found}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _fields_at(shape: Any, path: Path_) -> list[str]:
    """Names of the keys that are known at `path` of the schema of `shape`."""
    schema = TypeAdapter(shape).json_schema()
    nodes = _options(schema, schema)
    for step in path:
        nodes = [option for node in nodes for below in _below(node, step) for option in _options(below, schema)]
    return sorted({name for node in nodes for name in node.get("properties", {})})


def _options(node: Any, schema: Any) -> list[Any]:
    """The node itself, its reference followed, and the alternatives that it allows."""
    while "$ref" in node:
        node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]]
    return [node, *(option for branch in node.get("anyOf", node.get("oneOf", [])) for option in _options(branch, schema))]


def _below(node: Any, step: str | int) -> list[Any]:
    """What the schema says of the value at `step` of `node`."""
    if step in node.get("properties", {}):
        return [node["properties"][step]]
    return [rest for key in ("additionalProperties", "items") if isinstance(rest := node.get(key), dict)]
