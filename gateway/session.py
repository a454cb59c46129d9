"""The gateway as the kernel finds it: a catalog in, a `Model` for every entry of it out. Everything is put together here."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import structlog

from gateway import checkpoints, graphed, vendors
from gateway.access import access
from gateway.address import target
from gateway.caretaker import Caretaker
from gateway.catalog import Bundled, Catalog, Folder, Player, read_catalog
from gateway.checkpoints import Checkpoint
from gateway.elsewhere import Elsewhere
from gateway.entry import Entry
from gateway.place import Sought
from gateway.policy import Purse, govern
from gateway.policy.purse import Estimate, estimate
from gateway.repository import ModelFolder, read_folder
from gateway.servers import Server
from gateway.supervised import Supervised
from gateway.triton import LOOPBACK, Options, Triton
from gateway.vendors import Vendor
from gateway.watch import State
from kernel.contract import Deadline, Model, ModelCard, Reply, Request
from kernel.errors import GatewayError, InvalidSpec, ModelError, ModelNotFound

NOT_STARTED = "not started"
PLAYED = "kernel"
NO_SERVER = "no server of our own is running: neither a local model nor a vendor's was asked for, or the session is not entered"

log = structlog.get_logger("assay.gateway")


def open_gateway(
    catalog: Path | None = None,
    *,
    only: Collection[str] | None = None,
    described: bool = False,
    budget: float | None = None,
    host: str = LOOPBACK,
    port: int = 0,
    options: Options | None = None,
) -> Session:
    """A session with the models of the catalog that `only` names, and what they need. It is started when it is entered.

    described: whether other programs may read what the models are, and not only ask them. budget: what calls that have a price may
    cost together. host, port: where the server of our own listens; port 0 takes a free one.

    Raises `InvalidSpec` for the catalog and `UnknownName` for the names.
    """
    read = read_catalog(catalog)
    return Session(read, read.with_needs(only), options or Options(host=host, port=port, described=described), Purse(budget))


class Session:
    """Routes every request to the model that it names. Cards can be read before it is started."""

    def __init__(self, catalog: Catalog, wanted: Collection[str], options: Options, purse: Purse) -> None:
        self._catalog = catalog
        self._wanted = wanted
        self._options = options
        self._folders: dict[str, ModelFolder] = {}
        self._models: dict[str, Model] = {}
        self._elsewhere = {name: self._served_elsewhere(name, entry) for name, entry in catalog.entries.items() if isinstance(entry, Server)}
        self._caretakers: dict[str, Caretaker] = {}
        self._addresses: dict[str, str] = {}
        self._closing = AsyncExitStack()
        self.purse = purse
        self.journals: Path | None = None
        """Where vendors' batches are remembered between sessions. To be set before the session is entered."""
        self.triton: Triton | None = None

    @property
    def address(self) -> str:
        """Where other programs reach the local models, as host:port. Raises `GatewayError` while there is no server."""
        if self.triton is None:
            raise GatewayError(NO_SERVER)
        return self.triton.address

    @property
    def addresses(self) -> Mapping[str, str]:
        """Where other programs reach each model that runs here, as grpc://host:port: vendors' have a server of their own. Raises `GatewayError`."""
        if not self._addresses:
            raise GatewayError(NO_SERVER)
        return dict(self._addresses)

    async def __aenter__(self) -> Self:
        """Start the server with the local models, and connect to the others. Raises `GatewayError` or `InvalidSpec`."""
        try:
            await self._start()
        except BaseException:
            await self.aclose()
            raise
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Leave nothing behind."""
        await self.aclose()

    async def aclose(self) -> None:
        """End the server and all connections. Calling it twice does no harm."""
        self._models.clear()
        self._caretakers.clear()
        self._addresses.clear()
        await self._closing.aclose()
        await asyncio.gather(*(model.aclose() for model in self._elsewhere.values()))
        self.triton = None

    @property
    def roles(self) -> Mapping[str, str]:
        """Which model of the catalog plays which role, such as `judge`."""
        return self._catalog.roles

    @property
    def task_options(self) -> Mapping[str, Any]:
        """The catalog's options of all tasks that have them."""
        return self._catalog.options

    def infer(self, request: Request, *, deadline: Deadline) -> Coroutine[Any, Any, Reply]:
        """To be awaited: the answer of the model that the request names. Raises `ModelError`."""
        model = self._models.get(request.model)
        if model is None:
            raise ModelNotFound(self._why_not(request.model))
        return model.infer(request, deadline=deadline)

    def estimate(self, request: Request) -> Estimate | None:
        """What a call takes at most, for a vendor's model; `None` for a model whose calls cost nothing."""
        entry = self._catalog.entries.get(request.model)
        return estimate(request, entry.price, entry.max_tokens) if isinstance(entry, Vendor) else None

    @property
    def spent(self) -> float:
        """What the calls of this session cost so far, by the catalog's prices."""
        return self.purse.spent

    async def cards(self) -> Mapping[str, ModelCard]:
        """All models of the catalog. What is said to be ready answered within the last five seconds."""
        names = list(self._catalog.entries)
        cards = await asyncio.gather(*(self._card(name) for name in names))
        return dict(zip(names, cards, strict=True))

    def _served_elsewhere(self, name: str, entry: Server) -> Elsewhere:
        sought = Sought(entry.model or name, self._catalog.kind(name), entry.spoken)
        return Elsewhere([target(address) for address in entry.server], sought, partial(access, name, entry, self._catalog.path.parent))

    async def _start(self) -> None:
        for name in self._elsewhere.keys() & set(self._wanted):
            self._elsewhere[name].reach()
        local = {name: await self._folder(name, fetch=True) for name in self._wanted if self._is_local(name)}
        outward = {name: self._with_key(name, entry, await self._folder(name)) for name, entry in self._vendors().items()}
        if local:
            self.triton = await self._serve(local, self._options)
        if outward:  # a server of their own: no foreign model.py runs where the keys are
            port = self._options.port if self.triton is None else 0
            served = await self._serve(outward, replace(self._options, port=port, outward=True))
            self.triton = self.triton or served
        for name, model in self._elsewhere.items():
            if name in self._wanted:
                self._models[name] = self._governed(name, model, supervised=False)

    async def _serve(self, models: Mapping[str, ModelFolder], options: Options) -> Triton:
        """A server with these models, each put under its entry's rules."""
        triton = Triton(models, options)
        self._closing.push_async_callback(triton.aclose)
        supervisor = await triton.open()
        self._caretakers |= supervisor.models
        self._addresses |= dict.fromkeys(supervisor.models, f"grpc://{triton.address}")
        for name, caretaker in supervisor.models.items():
            self._models[name] = self._governed(name, Supervised(caretaker.client, caretaker.watch), supervised=True)
        return triton

    def _governed(self, name: str, model: Model, *, supervised: bool) -> Model:
        return govern(name, model, self._catalog.entries[name], self.purse, supervised=supervised)

    def _vendors(self) -> dict[str, Vendor]:
        return {name: entry for name in self._wanted if isinstance(entry := self._catalog.entries[name], Vendor)}

    def _with_key(self, name: str, entry: Vendor, folder: ModelFolder) -> ModelFolder:
        folder = vendors.with_batches(name, entry, folder, self.journals)
        return replace(folder, secrets={vendors.KEY_FILE: vendors.key_of(name, entry, self._catalog.path.parent)})

    def _is_local(self, name: str) -> bool:
        return isinstance(self._catalog.entries[name], Bundled | Folder | Checkpoint)

    async def _folder(self, name: str, *, fetch: bool = False) -> ModelFolder:
        """What a model that we serve is, read once; `fetch` has a checkpoint brought here from the hub."""
        if name not in self._folders or fetch:
            self._folders[name] = await asyncio.to_thread(self._read_folder, name, self._catalog.entries[name], fetch=fetch)
        return self._folders[name]

    def _read_folder(self, name: str, entry: Entry, *, fetch: bool) -> ModelFolder:
        match entry:
            case Vendor():
                return vendors.folder_of(name, entry)
            case Checkpoint():
                return checkpoints.folder_of(name, entry, self._catalog.path.parent, fetch=fetch)
            case Bundled(runtime=str()):
                return graphed.read(name, entry, entry.source, self._catalog.path.parent)
        folder = self._catalog.folder(name)
        if folder is None:
            raise ModelNotFound(self._why_not(name))
        return read_folder(folder, name, self._catalog.kind(name))

    async def _card(self, name: str) -> ModelCard:
        match self._catalog.entries[name]:
            case Player() as player:
                return await self._card_of_player(name, player)
            case Server():
                return await self._card_from_elsewhere(name)
        entry = self._catalog.entries[name]
        try:
            folder = await self._folder(name)
        except InvalidSpec as error:
            if not isinstance(entry, Checkpoint) or self.triton is not None:
                raise
            log.warning("checkpoint_not_found", model=name, error=str(error))
            return ModelCard(name=name, kind=entry.kind, backend="unknown", state=State.UNAVAILABLE, identity="", why=str(error))
        description = folder.description
        return ModelCard(
            name=name,
            kind=description.signature.kind,
            backend=description.backend,
            state=await self._state(name),
            identity=folder.identity,
            accepts=description.accepts,
            at_once=vendors.at_once(entry) if isinstance(entry, Vendor) else None,
        )

    async def _card_of_player(self, name: str, player: Player) -> ModelCard:
        """A blind player is of the kind of its model, and another player when that is another model."""
        of = None if player.of is None else await self._card(player.of)
        return ModelCard(
            name=name,
            kind=None if of is None else of.kind,
            backend=PLAYED,
            state=NOT_STARTED if of is None else of.state,
            identity=f"player:{player.player}" + ("" if of is None else f":{of.identity}"),
            accepts=() if of is None else of.accepts,
            at_once=None if of is None else of.at_once,
            player=player.model_dump(include={"player", "of"}, exclude_none=True),
        )

    async def _card_from_elsewhere(self, name: str) -> ModelCard:
        """What the other server says; one that cannot be reached has only what the catalog states."""
        model = self._elsewhere[name]
        try:
            description = await model.describe()
        except (ModelError, InvalidSpec) as error:
            log.warning("server_not_described", model=name, error=str(error))
            kind = model.sought.kind or model.sought.dialect.kind
            return ModelCard(name=name, kind=kind, backend="unknown", state=State.UNAVAILABLE, identity="", why=str(error))
        return ModelCard(
            name=name,
            kind=description.signature.kind,
            backend=description.backend,
            state=State.READY if await model.ready() else State.UNAVAILABLE,
            identity=description.identity,
            accepts=description.accepts,
        )

    async def _state(self, name: str) -> str:
        """Ready is what answered just now; whoever has been silent is asked."""
        return await self._caretakers[name].state() if name in self._caretakers else NOT_STARTED

    def _why_not(self, name: str) -> str:
        if name not in self._catalog.entries:
            return f"no model named {name!r} in {self._catalog.path}"
        if isinstance(self._catalog.entries[name], Player):
            return f"{name} is a null player; the kernel plays it, no server does"
        return f"{name} was not started: the session is not entered, or was opened for other models only"
