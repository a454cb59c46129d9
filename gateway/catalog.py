"""The catalog: one YAML file that says which models there are and where each comes from.

An entry is known by the one key that says what it is (`bundled`, `folder`, `server`, `player`); another kind of entry is
another class and a line in `ENTRIES`. All faults are told at once, each with its path and line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, create_model

from gateway import checkpoints, graphed, servers, vendors
from gateway.checkpoints import Checkpoint, DiffusersEntry, InstrumentEntry, TransformersEntry
from gateway.entry import Entry
from gateway.graphed import Graphed
from gateway.repository import BUNDLED, CONFIG, bundled_names
from gateway.servers import KindName, Server
from gateway.vendors import AnthropicEntry, OpenAIEntry, PerspectiveEntry
from kernel import documents
from kernel.contract import Kind
from kernel.documents import Strict
from kernel.errors import InvalidSpec, UnknownName

DEFAULT = Path(__file__).resolve().parent / "catalog.yaml"
NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
NAME_RULE = "1 to 64 of a-z, 0-9, '_', '.', '-', the first a letter or digit"

PlayerName = Literal["empty", "constant", "refuses", "blind", "gold"]


class Bundled(Graphed):
    """A model that comes with Assay, by the name of its folder."""

    bundled: str

    @property
    def source(self) -> Path:
        """Its folder."""
        return BUNDLED / self.bundled


class Folder(Entry):
    """A model folder of Triton's layout, relative to the catalog's own folder. `kind` where its configuration has none."""

    folder: str
    kind: KindName | None = None


class Player(Entry):
    """A null player, which asks no model at all; a blind one asks the model `of` without the picture."""

    player: PlayerName
    of: str | None = None


class File(Strict):
    """What a catalog's file says besides its models.

    include: the models that come with Assay are entries too. roles: which of the models judge, by the part that benchmarks ask for. options: of all
    tasks that have them, where suite and task set nothing else.
    """

    include: Literal["bundled"] | None = None
    roles: dict[str, str] = Field(default_factory=dict)
    options: dict[str, Any] = Field(default_factory=dict)


ENTRIES: Mapping[str, type[Entry]] = {
    "bundled": Bundled,
    "folder": Folder,
    "server": Server,
    "player": Player,
    "openai": OpenAIEntry,
    "anthropic": AnthropicEntry,
    "perspective": PerspectiveEntry,
    "transformers": TransformersEntry,
    "diffusers": DiffusersEntry,
    "instrument": InstrumentEntry,
}


@dataclass(frozen=True)
class Catalog:
    """The entries of one file, by name."""

    path: Path
    entries: Mapping[str, Entry]
    roles: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    def with_needs(self, names: Collection[str] | None) -> list[str]:
        """These names and what they need, all for `None`; a blind player needs its model. Raises `UnknownName`."""
        wanted = dict.fromkeys(self.entries if names is None else names)
        for name in list(wanted):
            entry = self.entry(name)
            if isinstance(entry, Player) and entry.of is not None:
                wanted[entry.of] = None
        return [name for name in self.entries if name in wanted]

    def entry(self, name: str) -> Entry:
        """The entry of that name. Raises `UnknownName`."""
        if name not in self.entries:
            raise UnknownName("model", name, self.entries)
        return self.entries[name]

    def kind(self, name: str) -> Kind | None:
        """The kind that the entry itself states."""
        kind = getattr(self.entries[name], "kind", None)
        return None if kind is None else Kind(kind)

    def folder(self, name: str) -> Path | None:
        """Where the files of a local model are."""
        match self.entries[name]:
            case Bundled() as entry:
                return entry.source
            case Folder(folder=folder):
                return (self.path.parent / folder).resolve()
        return None


def read_catalog(path: Path | None = None) -> Catalog:
    """The catalog at `path`, or the one that comes with Assay. Raises `InvalidSpec` with every fault."""
    path = DEFAULT if path is None else path
    if not path.is_file():
        raise InvalidSpec(str(path), ["no such file; expected a catalog of models (YAML)"])
    try:
        text = path.read_bytes()
    except OSError as error:
        raise InvalidSpec(str(path), [f"cannot be read: {error.strerror}"]) from None
    data, lines = documents.parse(text, str(path))
    return _build(data, lines, path)


def _build(data: Any, lines: Mapping[tuple[str | int, ...], int], path: Path) -> Catalog:
    written = data.get("models") if isinstance(data, dict) else None
    entries = written if isinstance(written, dict) else {}
    faults = [(_line(lines, name), fault) for name, entry in entries.items() for fault in _misnamed(name, entry)]
    named = {name: entry for name, entry in entries.items() if isinstance(name, str)}
    shape, names = _shape(named)
    try:
        read = documents.validate(shape, {**data, "models": named} if entries else data, str(path), lines)
    except InvalidSpec as error:
        faults += [("", fault) for fault in error.faults]
    else:
        models = getattr(read, "models", None)
        own = {name: getattr(models, field) for field, name in names.items()}
        more = read_catalog().entries if getattr(read, "include", None) else {}
        catalog = Catalog(path.resolve(), {**more, **own}, getattr(read, "roles", {}), getattr(read, "options", {}))
        faults += [(_line(lines, name), f"models.{name}.{fault}") for name, fault in _wrong(catalog)]
        faults += [("", f"roles.{role}: {UnknownName('model', name, catalog.entries)}") for role, name in catalog.roles.items() if name not in catalog.entries]
        if not faults:
            return catalog
    raise InvalidSpec(str(path), [line + fault for line, fault in faults])


def _shape(entries: Mapping[str, Any]) -> tuple[type[Strict], dict[str, str]]:
    """The document's shape, in which each entry has the shape of its own kind, so that faults have their right path.

    An entry whose kind cannot be told is looked at no further.
    """
    fields: dict[str, Any] = {}
    names: dict[str, str] = {}
    for number, (name, entry) in enumerate(entries.items()):
        kinds = [kind for kind in ENTRIES if isinstance(entry, dict) and kind in entry]
        fields[f"entry_{number}"] = (ENTRIES[kinds[0]] if len(kinds) == 1 else Any, Field(alias=name))
        names[f"entry_{number}"] = name
    models = create_model("Models", __base__=Strict, **fields) if fields else dict[str, dict[str, Any]]
    return create_model("CatalogFile", __base__=File, models=(models, ...)), names


def _misnamed(name: Any, entry: Any) -> Iterator[str]:
    """What is wrong with an entry before its kind is known."""
    if not isinstance(name, str) or NAME.fullmatch(name) is None:
        yield f"models: {name!r:.80} is no name; expected {NAME_RULE}"
    if not isinstance(entry, dict):
        yield f"models.{name!s:.80}: expected a mapping such as {{bundled: shapes_vlm}}"
        return
    kinds = [kind for kind in ENTRIES if kind in entry]
    if len(kinds) > 1:
        yield f"models.{name!s:.80}: has {' and '.join(kinds)}; an entry is one of them"
    if not kinds:
        close = [near for key in entry for near in get_close_matches(str(key), ENTRIES, n=1)]
        hint = f"; did you mean {close[0]!r}?" if close else ""
        yield f"models.{name!s:.80}: expected one of {', '.join(ENTRIES)}{hint}"


def _wrong(catalog: Catalog) -> Iterator[tuple[str, str]]:
    """What is wrong with entries that have the right shape."""
    for name, entry in catalog.entries.items():
        for kind, check in CHECKS.items():
            if isinstance(entry, kind):
                yield from ((name, fault) for fault in check(catalog, name, entry))


def _wrong_bundled(_: Catalog, __: str, entry: Any) -> Iterator[str]:
    if entry.bundled not in bundled_names():
        yield f"bundled: {UnknownName('bundled model', entry.bundled, bundled_names())}"
    else:
        yield from graphed.faults_of(entry, entry.source)


def _wrong_folder(catalog: Catalog, name: str, _: Any) -> Iterator[str]:
    folder = catalog.folder(name)
    if folder is None or not (folder / CONFIG).is_file():
        yield f"folder: {folder} is no model folder of Triton; expected {CONFIG} in it"


def _wrong_server(catalog: Catalog, _: str, entry: Any) -> Iterator[str]:
    yield from servers.faults_of(entry, catalog.path.parent)


def _wrong_player(catalog: Catalog, _: str, entry: Any) -> Iterator[str]:
    if entry.player != "blind" and entry.of is not None:
        yield f"of: the player {entry.player!r} asks no model; leave it out"
    if entry.player == "blind" and entry.of is None:
        yield "of: missing; a blind player asks a model of the catalog without the picture"
    if entry.player == "blind" and entry.of is not None:
        if entry.of not in catalog.entries:
            yield f"of: {UnknownName('model', entry.of, catalog.entries)}"
        elif isinstance(catalog.entries[entry.of], Player):
            yield f"of: {entry.of!r} is a player itself; name a model"


def _wrong_vendor(_: Catalog, __: str, entry: Any) -> Iterator[str]:
    yield from vendors.faults_of(entry)


def _wrong_checkpoint(catalog: Catalog, _: str, entry: Any) -> Iterator[str]:
    yield from checkpoints.faults_of(entry, catalog.path.parent)


CHECKS: Mapping[type[Entry], Callable[[Catalog, str, Any], Iterator[str]]] = {
    Bundled: _wrong_bundled,
    Folder: _wrong_folder,
    Server: _wrong_server,
    Player: _wrong_player,
    vendors.Vendor: _wrong_vendor,
    Checkpoint: _wrong_checkpoint,
}


def _line(lines: Mapping[tuple[str | int, ...], int], name: object) -> str:
    line = lines.get(("models", str(name)))
    return f"line {line}: " if line else ""
