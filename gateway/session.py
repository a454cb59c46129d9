"""The gateway as the kernel finds it: a catalog in, a `Model` for every entry of it out. Everything is put together here."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import structlog

from gateway.address import target
from gateway.catalog import Catalog, Player, Server, read_catalog
from gateway.elsewhere import Elsewhere
from gateway.policy import Limited, Retrying
from gateway.repository import ModelFolder, read_folder
from gateway.supervised import Supervised
from gateway.triton import Options, Triton
from gateway.watch import State
from gateway.within import Within
from kernel.contract import Deadline, Model, ModelCard, Reply, Request
from kernel.errors import GatewayError, ModelError, ModelNotFound

NOT_STARTED = "not started"
PLAYED = "kernel"

log = structlog.get_logger("assay.gateway")


def open_gateway(catalog: Path | None = None, *, only: Collection[str] | None = None, described: bool = False, options: Options | None = None) -> Session:
    """A session with the models of the catalog that `only` names, and what they need. It is started when it is entered.

    described: whether other programs may read what the models are, and not only ask them.

    Raises `InvalidSpec` for the catalog and `UnknownName` for the names.
    """
    read = read_catalog(catalog)
    return Session(read, read.with_needs(only), options or Options(described=described))


class Session:
    """Routes every request to the model that it names. Cards can be read before it is started."""

    def __init__(self, catalog: Catalog, wanted: Collection[str], options: Options) -> None:
        self._catalog = catalog
        self._wanted = wanted
        self._options = options
        self._folders: dict[str, ModelFolder] = {}
        self._models: dict[str, Model] = {}
        self._elsewhere = {
            name: Elsewhere(target(entry.server), entry.model or name, catalog.kind(name))
            for name, entry in catalog.entries.items()
            if isinstance(entry, Server)
        }
        self._closing = AsyncExitStack()
        self.triton: Triton | None = None

    @property
    def address(self) -> str:
        """Where other programs reach the local models, as host:port. Raises `GatewayError` while there is no server."""
        if self.triton is None:
            raise GatewayError("no server of our own is running: no local model was asked for, or the session is not entered")
        return self.triton.address

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
        await self._closing.aclose()
        await asyncio.gather(*(model.aclose() for model in self._elsewhere.values()))
        self.triton = None

    def infer(self, request: Request, *, deadline: Deadline) -> Coroutine[Any, Any, Reply]:
        """To be awaited: the answer of the model that the request names. Raises `ModelError`."""
        model = self._models.get(request.model)
        if model is None:
            raise ModelNotFound(self._why_not(request.model))
        return model.infer(request, deadline=deadline)

    async def cards(self) -> Mapping[str, ModelCard]:
        """All models of the catalog. What is said to be ready answered within the last five seconds."""
        names = list(self._catalog.entries)
        cards = await asyncio.gather(*(self._card(name) for name in names))
        return dict(zip(names, cards, strict=True))

    async def _start(self) -> None:
        local = {name: await self._folder(name) for name in self._wanted if self._catalog.folder(name) is not None}
        if local:
            self.triton = Triton(local, self._options)
            self._closing.push_async_callback(self.triton.aclose)
            supervisor = await self.triton.open()
            for name, caretaker in supervisor.models.items():
                self._models[name] = self._governed(name, Supervised(caretaker.client, caretaker.watch), supervised=True)
        for name, model in self._elsewhere.items():
            if name in self._wanted:
                self._models[name] = self._governed(name, model, supervised=False)

    def _governed(self, name: str, model: Model, *, supervised: bool) -> Model:
        """The model with what its entry allows: time for a call, calls at once; and asked again where that helps."""
        entry = self._catalog.entries[name]
        if entry.deadline is not None:
            model = Within(model, entry.deadline)
        if entry.at_once is not None:
            model = Limited(model, entry.at_once)
        return Retrying(model, supervised=supervised)

    async def _folder(self, name: str) -> ModelFolder:
        """What a local model is, read once."""
        if name not in self._folders:
            folder = self._catalog.folder(name)
            if folder is None:
                raise ModelNotFound(self._why_not(name))
            self._folders[name] = await asyncio.to_thread(read_folder, folder, name, self._catalog.kind(name))
        return self._folders[name]

    async def _card(self, name: str) -> ModelCard:
        match self._catalog.entries[name]:
            case Player() as player:
                return await self._card_of_player(name, player)
            case Server():
                return await self._card_from_elsewhere(name)
        folder = await self._folder(name)
        description = folder.description
        return ModelCard(
            name=name,
            kind=description.signature.kind,
            backend=description.backend,
            state=await self._state(name),
            identity=folder.identity,
            accepts=description.accepts,
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
            player=player.model_dump(include={"player", "of"}, exclude_none=True),
        )

    async def _card_from_elsewhere(self, name: str) -> ModelCard:
        """What the other server says; one that cannot be reached has only what the catalog states."""
        model = self._elsewhere[name]
        try:
            description = await model.describe()
        except ModelError as error:
            log.warning("server_not_described", model=name, error=str(error))
            return ModelCard(name=name, kind=model.kind, backend="unknown", state=State.UNAVAILABLE, identity="")
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
        supervisor = None if self.triton is None else self.triton.supervisor
        if supervisor is None or name not in supervisor.models:
            return NOT_STARTED
        return await supervisor.models[name].state()

    def _why_not(self, name: str) -> str:
        if name not in self._catalog.entries:
            return f"no model named {name!r} in {self._catalog.path}"
        if isinstance(self._catalog.entries[name], Player):
            return f"{name} is a null player; the kernel plays it, no server does"
        return f"{name} was not started: the session is not entered, or was opened for other models only"
