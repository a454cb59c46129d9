"""The models as scorers ask them: started at the first question, or reached where another process of ours keeps them running."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import yaml

from kernel.contract import Deadline, ModelCard, Reply, Request
from kernel.errors import GatewayError
from kernel.shell.running import OpenGateway
from kernel.shell.service.models import Models

CATALOG = "catalog.yaml"


class AtFirstUse:
    """Models that are started when the first request comes."""

    def __init__(self, models: Models) -> None:
        self._models = models

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        """The answer of the model that the request names. Raises `ModelError` or `GatewayError`."""
        session = await self._models.started()
        return await session.infer(request, deadline=deadline)

    async def aclose(self) -> None:
        """The models belong to somebody else."""


class Kept:
    """Models that another process keeps running, and those that are reached without it.

    kept: a catalog of those that run there. catalog: that of all.
    """

    def __init__(self, opening: OpenGateway, kept: Path, names: frozenset[str], catalog: Path | None, others: frozenset[str]) -> None:
        self._names = names
        self._kept = Models(opening_only(opening, names), kept) if names else None
        self._others = Models(opening_only(opening, others), catalog) if others else None

    async def infer(self, request: Request, *, deadline: Deadline) -> Reply:
        """The answer of the model that the request names. Raises `ModelError` or `GatewayError`."""
        models = self._kept if request.model in self._names else self._others
        if models is None:
            raise GatewayError("this process knows no models")
        session = await models.started()
        return await session.infer(request, deadline=deadline)

    async def aclose(self) -> None:
        """Let go of all."""
        await asyncio.gather(*(models.aclose() for models in (self._kept, self._others) if models is not None))


def opening_only(opening: OpenGateway, names: frozenset[str]) -> OpenGateway:
    """Opens sessions of these models alone."""
    return lambda catalog, *, only=None, **more: opening(catalog, only=names if only is None else only, **more)


def catalog_of(addresses: Mapping[str, str], cards: Mapping[str, ModelCard]) -> str:
    """A catalog of models that run at addresses."""
    kinds = {name: cards[name].kind for name in addresses if name in cards}
    entries = {name: {"server": address, **({"kind": str(kinds[name])} if kinds.get(name) else {})} for name, address in addresses.items()}
    return yaml.safe_dump({"models": entries}, sort_keys=False)
