"""`assay models`: where the models of a catalog come from, and a new entry: its checkpoint looked at, written beside what is there, read back.

Found through the entry point group `assay.models`. What stands in a catalog, with its comments, stays as it is to the letter.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from gateway import checkpoints, hub, weights
from gateway.catalog import DEFAULT, ENTRIES, Catalog, read_catalog
from gateway.checkpoints import Checkpoint
from gateway.entry import Entry
from gateway.repository import BUNDLED
from kernel import documents
from kernel.contract import Kind
from kernel.errors import InvalidSpec, UnknownName

EXAMPLE = "transformers=./llava"
FILES = "1/*_files.py"
"""Where a template says which checkpoints it serves: a module with a function `look`."""
PLAIN = re.compile(r"(?!(true|false|null|yes|no|on|off|y|n)$)[A-Za-z./~][\w./~@-]*", re.IGNORECASE)
"""Words that mean themselves in YAML, whoever reads it."""
LINE = re.compile(r"^line \d+: ")


@dataclass(frozen=True, slots=True)
class Added:
    """An entry that was written. kind: what the model does, where the entry tells. text: as it stands in the catalog. made: the file is new."""

    name: str
    kind: Kind | None
    text: str
    made: bool


def sources(catalog: Path | None = None) -> Mapping[str, str]:
    """Where each model of a catalog comes from, by name. Raises `InvalidSpec`."""
    return {name: _source(entry) for name, entry in read_catalog(catalog).entries.items()}


def add(name: str, said: str, *, catalog: Path, settings: Sequence[str] = ()) -> Added:
    """Write a new entry into a catalog, which is made where there is none. Raises `UserError`, and then nothing was written.

    said: what the entry is, such as `transformers=./llava`. settings: its other keys, each as `key=value` with a value of YAML. Paths begin
    where the caller stands.
    """
    where = f"model {name}"
    written = _written(where, said, settings, catalog.resolve().parent)
    made = not catalog.exists()
    old = read_catalog(DEFAULT if made else catalog)
    if name in old.entries:
        raise InvalidSpec(str(catalog), [f"has a model {name!r} already ({_source(old.entries[name])}); choose another name, or take that entry out"])
    if not catalog.parent.is_dir():
        raise InvalidSpec(str(catalog), [f"no folder {catalog.parent}; make it, or name another file"])
    text = f"{_flow(name)}: {_flow(written)}"
    new = _inserted(old.path.read_bytes().decode("utf-8"), text)
    entry = _replaced(catalog, new, old, name, made=made)
    return Added(name, _kind(entry), text, made)


def _kind(entry: Entry) -> Kind | None:
    """What a model does, where its entry tells."""
    kind = getattr(entry, "kind", None)
    return None if kind is None else Kind(kind)


def _written(where: str, said: str, settings: Sequence[str], place: Path) -> dict[str, Any]:
    """The entry as plain data, with its paths as they are from the catalog's folder."""
    kind, value = _pair(where, said, f"KIND=WHAT such as {EXAMPLE}")
    if kind not in ENTRIES:
        raise UnknownName("kind of entry", kind, ENTRIES)
    written: dict[str, Any] = {kind: _value(where, kind, value) if value.startswith(("[", "{")) else value}
    for setting in settings:
        key, value = _pair(where, setting, "key=value such as dtype=bfloat16")
        if key in written:
            raise InvalidSpec(where, [f"{key} is given twice; keep one"])
        written[key] = _value(where, key, value)
    if kind == "folder" and not Path(value := written[kind]).is_absolute():
        written[kind] = f"./{value}"
    return {key: _from(place, value) for key, value in written.items()}


def _pair(where: str, text: str, expected: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not (key and equals and value):
        raise InvalidSpec(where, [f"{text!r}: expected {expected}"])
    return key, value


def _value(where: str, key: str, text: str) -> Any:
    return documents.parse(text.encode(), f"{where}, {key}")[0]


def _from(place: Path, value: Any) -> Any:
    """A value whose relative paths begin at the catalog instead of where the caller stands."""
    if isinstance(value, dict):
        return {key: _from(place, each) for key, each in value.items()}
    if isinstance(value, list):
        return [_from(place, each) for each in value]
    if not isinstance(value, str) or not (value.startswith(("./", "../")) or value in (".", "..")):
        return value
    path = os.path.relpath(Path(value).parent.resolve() / Path(value).name, place)
    return path if path.startswith("..") else f"./{path}"


def _flow(value: Any) -> str:
    """As YAML on one line."""
    match value:
        case dict():
            return "{" + ", ".join(f"{_flow(key)}: {_flow(each)}" for key, each in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_flow, value)) + "]"
        case str() if PLAIN.fullmatch(value):
            return value
    return json.dumps(value, ensure_ascii=False)


def _inserted(text: str, entry: str) -> str:
    """The catalog's text with one more entry after the last of its models."""
    document: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    models = next(value for key, value in document.value if key.value == "models")
    if models.flow_style:
        at = _end(models.value[-1][1]) if models.value else models.start_mark.index + 1
        return f"{text[:at]}{', ' if models.value else ''}{entry}{text[at:]}"
    newline = "\r\n" if "\r\n" in text else "\n"
    indent = " " * models.value[0][0].start_mark.column
    last = _end(models.value[-1][1])
    at = len(text) if (found := text.find("\n", last - 1)) < 0 else found + 1
    before = text[:at] if text[:at].endswith("\n") else text[:at] + newline
    return f"{before}{indent}{entry}{newline}{text[at:]}"


def _end(node: Any) -> int:
    """Where a value really ends: of a block the library counts in what stands below it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def _replaced(catalog: Path, text: str, old: Catalog, name: str, *, made: bool) -> Entry:
    """The entry, read from the new text, which then takes the file's place. Raises `InvalidSpec`, and then nothing changed."""
    target = catalog.resolve()
    try:
        descriptor, scratch = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as error:
        raise InvalidSpec(str(catalog), [f"cannot be written: {error.strerror}"]) from None
    path = Path(scratch)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        entry = _read_back(path, old, name)
        _look(name, entry, target.parent)
        shutil.copymode(DEFAULT if made else target, path)
        path.replace(target)
    finally:
        path.unlink(missing_ok=True)
    return entry


def _read_back(path: Path, old: Catalog, name: str) -> Entry:
    try:
        entries = dict(read_catalog(path).entries)
    except InvalidSpec as error:
        raise InvalidSpec(f"model {name}", [LINE.sub("", fault) for fault in error.faults]) from None
    entry = entries.pop(name)
    if entries != old.entries:
        raise InvalidSpec(str(old.path), [f"{name} cannot be written without changing other entries; write it by hand"])
    return entry


def _look(name: str, entry: Entry, place: Path) -> None:
    """See that a checkpoint is there and can be served. Raises `InvalidSpec`."""
    if not isinstance(entry, Checkpoint):
        return
    source = str(entry.source)
    folder = checkpoints.local(entry, place) or checkpoints.find(name, entry, place, fetch=False).folder
    if folder is not None:
        _look_into(source, entry, folder, weighed=True)
        return
    with tempfile.TemporaryDirectory() as scratch:
        hub.described(f"model {name}", entry.named_by, source, entry.revision, Path(scratch), code=entry.remote_code)
        _look_into(source, entry, Path(scratch), weighed=False)


def _look_into(checkpoint: str, entry: Checkpoint, folder: Path, *, weighed: bool) -> None:
    """As the template looks at it; one that does not say which it serves is given what has whole weights."""
    for path in (BUNDLED / entry.template).glob(FILES):
        if str(path.parent) not in sys.path:
            sys.path.append(str(path.parent))
        try:
            look = importlib.import_module(path.stem).look
        except ImportError as error:
            raise InvalidSpec(checkpoint, [f"cannot be looked at: {error}; install it: pip install 'trust-assay[local]'"]) from None
        look(checkpoint, folder, entry.settings(), weighed=weighed)
        return
    if weighed and entry.template not in checkpoints.WANTED and (folder / weights.CONFIG).is_file():
        weights.checked(checkpoint, folder)


def _source(entry: Entry) -> str:
    """In a few words, such as `transformers ./llava`."""
    key = next(key for key, shape in ENTRIES.items() if isinstance(entry, shape))
    told = [_flow(getattr(entry, key))]
    if isinstance(entry, Checkpoint) and entry.source not in told:
        told.append(str(entry.source))
    if of := getattr(entry, "of", None):
        told.append(f"of {of}")
    return " ".join([key, *told])
