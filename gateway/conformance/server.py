"""A whole server against the contract: every check, in order, as findings. This is what `assay check` runs."""

from __future__ import annotations

from collections.abc import AsyncIterator

from gateway.address import SECURE, fault_of, target
from gateway.canary import canary
from gateway.client import Server, TritonModel, tls
from gateway.conformance import CHECKS, DECLARED, MANGLED, SERVER, THOROUGH, WISHES, declared
from gateway.conformance.check import Finding, Status, words
from gateway.conformance.peer import MOST_MODELS, Listed, Named, Peer
from kernel.contract import Kind, Request
from kernel.errors import InvalidSpec, ModelError, UnknownName, UserError

_REST = "everything else"
_FIRST = (declared.tells_its_tensors, declared.is_of_a_known_kind)
"""Without these, nothing can be asked."""


async def check_server(
    address: str, model: str | None = None, *, kind: Kind | None = None, text: str | None = None, thorough: bool = False
) -> AsyncIterator[Finding]:
    """What is found of the server at `grpc://host:port` (`grpcs://` for TLS), and of one of its models, or of every one that it lists.

    kind: of models whose server does not tell it. text: what they are asked, instead of their canary. thorough: also what
    takes minutes and hundreds of megabytes.

    Raises:
        InvalidSpec: The address is none.
        UnknownName: The server lists its models, and `model` is not among them.
        UserError: No model is named, and the server lists none.
    """
    if (fault := fault_of(address)) is not None:
        raise InvalidSpec("address", [fault])
    credentials = tls() if address.startswith(SECURE) else None
    peer, server = Peer(target(address), credentials=credentials), Server(target(address), credentials=credentials)
    try:
        for check in SERVER:
            finding = await check.finding("", peer)
            yield finding
            if check is SERVER[0] and finding.status is Status.BROKEN:
                return
        for listed in await _wanted(peer, model):
            named = Named(peer, listed.name, kind)
            if not listed.loaded and not await _ready(named):
                yield Finding(model=listed.name, check="is loaded", status=Status.NOT_ASKED, found="the server lists it, and was not told to load it")
                continue
            async for finding in _of_model(named, server, text, thorough=thorough):
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


async def _of_model(named: Named, server: Server, text: str | None, *, thorough: bool) -> AsyncIterator[Finding]:
    for check in DECLARED:
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
    question = canary(named.name, description.signature, text or own)
    if question is None:
        yield _rest(named.name, "its configuration forbids a canary; give a --text to have it asked all the same")
        return
    # A dialect would come in with `Named.describe` and make this signature; `MANGLED` knows the contract's own tensors only.
    async for finding in _asked(named.peer, TritonModel(server, description.signature), question, thorough=thorough):
        yield finding


async def _asked(peer: Peer, model: TritonModel, question: Request, *, thorough: bool) -> AsyncIterator[Finding]:
    name = model.signature.model
    first, *others, last = CHECKS
    finding = await first.finding(name, model, question)
    yield finding
    if finding.status is Status.BROKEN:
        yield _rest(name, "it has to answer a small question first")
        return
    for check in (*WISHES, *others, *(THOROUGH if thorough else ())):
        yield await check.finding(name, model, question)
    for mangled in MANGLED:
        yield await mangled.finding(name, peer, model, question)
    yield await last.finding(name, model, question)


def _rest(name: str, why: str, status: Status = Status.NOT_ASKED) -> Finding:
    return Finding(model=name, check=_REST, status=status, found=why)
