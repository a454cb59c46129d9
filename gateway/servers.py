"""Models on other servers as entries of the catalog: where the server is, how it is spoken to, and by which key it lets us in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from gateway.address import SECURE, fault_of, is_private
from gateway.dialects import DIALECTS, Dialect, names_of
from gateway.entry import Entry
from gateway.vendors import LOOKS_LIKE_A_KEY, VARIABLE
from kernel.contract import Kind
from kernel.documents import Strict
from kernel.errors import UnknownName

MOST_ADDRESSES = 64
HEADER = re.compile(r"(?!grpc-)[a-z0-9_.-]{1,128}(?<!-bin)")

KindName = Literal["generate", "imagine", "embed", "classify", "detect", "read"]
DialectName = Literal["kserve", "vllm", "tensorrt_llm"]
Addresses = Annotated[list[str], Field(min_length=1, max_length=MOST_ADDRESSES), BeforeValidator(lambda given: [given] if isinstance(given, str) else given)]
TensorName = Annotated[str, Field(min_length=1, max_length=256)]


def _unseen(kind: type) -> BeforeValidator:
    """What is of another kind than expected may be a value that has no place here: the fault does not show it."""
    return BeforeValidator(lambda given: given if given is None or isinstance(given, (kind, Strict)) else b"not shown")


class Tls(Strict):
    """Files in PEM: who vouches for the server (by default, the public authorities that gRPC knows), and for mutual TLS who we are."""

    authority: str | None = None
    certificate: str | None = None
    key: str | None = None


class Header(Strict):
    """Where the value of a header is: in a variable of the environment, or alone in a file."""

    env: Annotated[str | None, _unseen(str)] = None
    file: Annotated[str | None, _unseen(str)] = None


class Server(Entry):
    """A model on another server that speaks the same protocol. Its name there is the entry's, unless `model` says otherwise.

    server: one address, or several of the same model, which share the calls. tensors: our names of tensors and settings, with theirs.
    """

    server: Addresses
    model: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$")] | None = None
    kind: KindName | None = None
    dialect: DialectName = "kserve"
    tensors: dict[str, TensorName] = Field(default_factory=dict)
    tls: Tls | None = None
    headers: Annotated[dict[str, Annotated[Header, _unseen(dict)]], _unseen(dict)] = Field(default_factory=dict)

    @property
    def spoken(self) -> Dialect:
        """How the server is spoken to."""
        return DIALECTS[self.dialect].with_names(self.tensors)


def faults_of(entry: Server, place: Path) -> Iterator[str]:
    """What is wrong with an entry of the right shape; relative paths begin at `place`. What may be a secret is not repeated."""
    yield from _faults_of_addresses(entry)
    yield from _faults_of_tensors(entry)
    if entry.tls is not None:
        yield from _faults_of_files(entry.tls, place)
    for name, header in entry.headers.items():
        yield from _faults_of_header(name, header)


def _faults_of_addresses(entry: Server) -> Iterator[str]:
    for number, address in enumerate(entry.server):
        if fault := fault_of(address):
            yield f"server{f'.{number}' * (len(entry.server) > 1)}: {fault}"
        elif entry.headers and entry.tls is None and not address.startswith(SECURE) and not is_private(address):
            yield f"headers: {address} shows them to everyone on the way; use {SECURE}, or an address of a private network"
    if twice := sorted({address for address in entry.server if entry.server.count(address) > 1}):
        yield f"server: {', '.join(twice)} stands twice; keep one"
    if entry.tls is None and len({address.startswith(SECURE) for address in entry.server}) > 1:
        yield f"server: some addresses are {SECURE} and some are not; calls go to any of them, so let all be"


def _faults_of_tensors(entry: Server) -> Iterator[str]:
    kind = DIALECTS[entry.dialect].kind
    if kind and entry.kind not in (None, kind):
        yield f"kind: {entry.kind!r} cannot be asked in the dialect {entry.dialect!r}; it has {kind} only"
    known = names_of(kind or (Kind(entry.kind) if entry.kind else None))
    for name in entry.tensors:
        if name not in known:
            yield f"tensors: {UnknownName('tensor or setting of ours', name, known)}"
    theirs = list(entry.tensors.values())
    for name in dict.fromkeys(theirs):
        if theirs.count(name) > 1:
            yield f"tensors: {name!r} stands twice; each of ours is a tensor of its own there"


def _faults_of_files(tls: Tls, place: Path) -> Iterator[str]:
    for name, path in tls.model_dump(exclude_none=True).items():
        if not (place / Path(path).expanduser()).is_file():
            yield f"tls.{name}: no file {str(place / Path(path).expanduser())!r}; expected one in PEM"
    if (tls.certificate is None) != (tls.key is None):
        yield "tls: a certificate goes with its key; give both, or neither"


def _faults_of_header(name: str, header: Header) -> Iterator[str]:
    if HEADER.fullmatch(name) is None:
        close = name.lower() if HEADER.fullmatch(name.lower()) else None
        hint = f"; did you mean {close!r}?" if close else ", not from grpc- on and not to -bin"
        yield f"headers: {name[:80]!r} is no name of a header; expected a-z, 0-9, '_', '.', '-'{hint}"
    if (header.env is None) == (header.file is None):
        yield f"headers.{name[:80]}: expected the place of its value, {{env: VARIABLE}} or {{file: path}}"
    elif header.env is not None and VARIABLE.fullmatch(header.env) is None:
        yield f"headers.{name[:80]}.env: this is no name of a variable; the catalog has the variable's name, never the value itself"
    elif header.file is not None and LOOKS_LIKE_A_KEY.fullmatch(header.file):
        yield f"headers.{name[:80]}.file: this looks like a key; the catalog has the path of a file, never the value itself"
