"""A whole server against the contract: every check, in order, as findings. This is what `assay check` runs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path

from gateway import servers
from gateway.access import Access, access
from gateway.address import SECURE, fault_of, target
from gateway.canary import canary
from gateway.catalog import ENTRIES, NAME, read_catalog
from gateway.client import Server, TritonModel, tls
from gateway.conformance import CHECKS, DECLARED, MANGLED, SERVER, THOROUGH, TRANSLATED, WISHES, declared
from gateway.conformance.check import Finding, Status, words
from gateway.conformance.peer import MOST_MODELS, Hiding, Listed, Named, Peer
from gateway.dialects import KSERVE, Dialect
from gateway.policy import Limited
from gateway.signature import Description
from kernel.contract import Kind, Model, Request
from kernel.errors import InvalidSpec, ModelError, UnknownName, UserError

_REST = "everything else"
_LISTED = "A server that lists its models has the entry's among them."
_FIRST = (declared.tells_its_tensors, declared.is_of_a_known_kind, declared.speaks_its_dialect)
"""Without these, nothing can be asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is checked: one model, or every one that is listed, at each of the addresses.

    entry: whether a catalog says all this. seen: an address, and what the first one that told something says of the model.
    """

    addresses: Sequence[str]
    model: str | None
    kind: Kind | None
    access: Access
    dialect: Dialect = KSERVE
    at_once: int | None = None
    text: str | None = None
    thorough: bool = False
    entry: bool = False
    seen: list[tuple[str, Description]] = field(default_factory=list)


async def check_server(
    address: str, model: str | None = None, *, catalog: Path | None = None, kind: Kind | None = None, text: str | None = None, thorough: bool = False
) -> AsyncIterator[Finding]:
    """What is found of the server at `grpc://host:port` (`grpcs://` for TLS), and of one of its models, or of every one that it lists.

    catalog: then `address` is the name of a `server:` entry in it, which says where the model is and how it is asked; each of its
    addresses is checked. kind: of models whose server does not tell it. text: what they are asked, instead of their canary.
    thorough: also what takes minutes and hundreds of megabytes.

    Raises:
        InvalidSpec: The address is none, or the catalog or what it names cannot be read.
        UnknownName: The server lists its models, and `model` is not among them; or the catalog has no entry of this name.
        UserError: No model is named, and the server lists none; or the entry is no server's.
    """
    subject = _at(address, model, kind) if catalog is None else _of_entry(catalog, address, model, kind)
    subject = replace(subject, text=text, thorough=thorough)
    hide = Hiding(value for _, value in subject.access.headers)
    for each in subject.addresses:
        async with aclosing(_of_server(each, subject)) as findings:
            async for finding in findings:
                yield replace(finding, address=each, found=hide(finding.found))


def _at(address: str, model: str | None, kind: Kind | None) -> Subject:
    if (fault := fault_of(address)) is not None:
        hint = "; the name of a catalog's entry goes with --catalog FILE" if NAME.fullmatch(address) else ""
        raise InvalidSpec("address", [fault + hint])
    return Subject(addresses=[address], model=model, kind=kind, access=Access(credentials=tls() if address.startswith(SECURE) else None))


def _of_entry(path: Path, name: str, model: str | None, kind: Kind | None) -> Subject:
    if "://" in name:
        raise UserError(f"with --catalog, a `server:` entry of {path} is checked; found an address: give a name, or leave out --catalog")
    catalog = read_catalog(path)
    entry = catalog.entry(name)
    if not isinstance(entry, servers.Server):
        sort = next(key for key, cls in ENTRIES.items() if isinstance(entry, cls))
        others = [other for other, one in catalog.entries.items() if isinstance(one, servers.Server)]
        raise UserError(f"{name} is a `{sort}:` entry of {path}; expected a `server:` entry, of which it has {', '.join(others) or 'none'}")
    if model is not None or kind is not None:
        raise UserError(f"the entry {name} of {path} says which model is asked, and of which kind; leave out MODEL and --kind")
    dialect = entry.spoken
    return Subject(
        addresses=entry.server,
        model=entry.model or name,
        kind=catalog.kind(name) or dialect.kind,
        access=access(name, entry, catalog.path.parent),
        dialect=dialect,
        at_once=entry.at_once,
        entry=True,
    )


async def _of_server(address: str, subject: Subject) -> AsyncGenerator[Finding]:
    headers, credentials = subject.access.headers, subject.access.credentials
    peer = Peer(target(address), metadata=headers, credentials=credentials)
    server = Server(target(address), metadata=headers, credentials=credentials)
    try:
        for check in SERVER:
            finding = await check.finding("", peer)
            yield finding
            if check is SERVER[0] and finding.status is Status.BROKEN:
                return
        try:
            wanted = await _wanted(peer, subject.model)
        except UnknownName as unknown:
            if not subject.entry:
                raise
            yield replace(_rest(subject.model or "", str(unknown), Status.BROKEN), promise=_LISTED, mend="give its name there: `model` of the entry")
            return
        for listed in wanted:
            named = Named(peer, listed.name, subject.kind, subject.dialect)
            if not listed.loaded and not await _ready(named):
                yield Finding(model=listed.name, check="is loaded", status=Status.NOT_ASKED, found="the server lists it, and was not told to load it")
                continue
            async for finding in _of_model(named, server, address, subject):
                yield finding
    finally:
        await server.aclose()
        await peer.aclose()


async def _wanted(peer: Peer, model: str | None) -> list[Listed]:
    """The models to check. Raises `UnknownName` or `UserError`."""
    try:
        listed = await peer.models()
    except ModelError as error:
        if model is None:
            raise UserError(f"the server does not list its models ({error}); name one: assay check ADDRESS MODEL") from error
        listed = []
    if model is not None:
        if listed and model not in (names := [one.name for one in listed]):
            raise UnknownName("model", model, names)
        return [Listed(model, loaded=True)]
    if not 1 <= len(listed) <= MOST_MODELS:
        raise UserError(f"the server lists {len(listed):,} models; name one: assay check ADDRESS MODEL")
    return listed


async def _ready(named: Named) -> bool:
    try:
        return await named.ready()
    except ModelError:
        return False


async def _of_model(named: Named, server: Server, address: str, subject: Subject) -> AsyncIterator[Finding]:
    for check in DECLARED if named.dialect is KSERVE else TRANSLATED:
        finding = await check.finding(named.name, named)
        yield finding
        if check in _FIRST and finding.status is Status.BROKEN:
            yield _rest(named.name, "it has to be known first what the model is")
            return
    try:
        description, own = await named.describe()
    except ModelError as error:
        yield _rest(named.name, f"the model, described before, is not described again: {words(error)}", Status.BROKEN)
        return
    if subject.seen:
        yield await declared.is_the_same_everywhere.finding(named.name, named, *subject.seen[0])
    elif subject.entry:
        subject.seen.append((address, description))
    question = canary(named.name, description.signature, subject.text or own)
    if question is None:
        yield _rest(named.name, "its configuration forbids a canary; give a --text to have it asked all the same")
        return
    async for finding in _asked(named, TritonModel(server, description.signature), question, subject):
        yield finding


async def _asked(named: Named, model: TritonModel, question: Request, subject: Subject) -> AsyncIterator[Finding]:
    limited: Model = model if subject.at_once is None else Limited(model, subject.at_once)
    first, *others, last = CHECKS
    finding = await first.finding(named.name, limited, question)
    yield finding
    if finding.status is Status.BROKEN:
        yield _rest(named.name, "it has to answer a small question first")
        return
    for check in (*WISHES, *others, *(THOROUGH if subject.thorough else ())):
        yield await check.finding(named.name, limited, question)
    for mangled in MANGLED:
        if named.dialect is KSERVE:
            yield await mangled.finding(named.name, named.peer, model, question)
        else:
            why = "it is made of the contract's own tensors, and this model is asked in others"
            yield Finding(model=named.name, check=mangled.name, status=Status.NOT_ASKED, found=why, promise=mangled.promise)
    yield await last.finding(named.name, limited, question)


def _rest(name: str, why: str, status: Status = Status.NOT_ASKED) -> Finding:
    return Finding(model=name, check=_REST, status=status, found=why)
