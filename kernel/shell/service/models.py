"""The models of the server's catalog: one session for all runs and scorers, opened once, when it is first needed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextvars import Context
from pathlib import Path

from kernel import registry
from kernel.contract import ModelCard
from kernel.errors import InvalidSpec
from kernel.shell.running import Casting, OpenGateway, Remembering, Session, by_catalog
from kernel.spec import Plan, SuiteSpec, models_of, resolve


class Models:
    """A catalog's models. Cards and plans can be had before they are started.

    journals: where calls that outlive the session are remembered.
    """

    def __init__(self, opening: OpenGateway, catalog: Path | None = None, *, journals: Path | None = None) -> None:
        self.evaluators = registry.evaluators()
        self.session = opening(catalog)
        if isinstance(self.session, Remembering):
            self.session.journals = journals
        self._started: asyncio.Task[None] | None = None

    @property
    def roles(self) -> Mapping[str, str]:
        """Which model plays which role, by the catalog."""
        return self.session.roles if isinstance(self.session, Casting) else {}

    async def cards(self) -> Mapping[str, ModelCard]:
        """All models of the catalog, by name."""
        return await self.session.cards()

    async def plan(self, suite: SuiteSpec) -> Plan:
        """What a run of the suite will do. Nothing is asked. Raises `InvalidSpec`, `UnknownName`, `WrongKind`, or `GatewayError`."""
        if not models_of(suite):
            raise InvalidSpec(f"suite {suite.suite}", ["models: names none; expected at least one of the catalog"])
        suite, cast = by_catalog(suite, self.evaluators, self.session)
        cards = await self.cards()
        return await asyncio.to_thread(resolve, suite, self.evaluators, cards, cast)

    async def started(self) -> Session:
        """The session, with its models running. Whoever comes first starts them, and they start even if he goes. Raises `GatewayError`."""
        if self._started is None or (self._started.done() and (self._started.cancelled() or self._started.exception())):
            self._started = asyncio.create_task(self._start(), context=Context())
        await asyncio.shield(self._started)
        return self.session

    async def aclose(self) -> None:
        """End the models. Calling it twice does no harm."""
        if self._started is not None and not self._started.done():
            self._started.cancel()
            await asyncio.gather(self._started, return_exceptions=True)
        await self.session.aclose()

    async def _start(self) -> None:
        await self.session.__aenter__()
