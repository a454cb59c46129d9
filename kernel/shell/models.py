"""`assay models`: the models of a catalog, and a new one among them, through what a gateway offers under `assay.models`."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Protocol

import typer
from rich.text import Text

from kernel.contract import Kind
from kernel.errors import UserError
from kernel.shell import running, signals, tables
from kernel.shell.display import display_line
from kernel.shell.lasting import console

app = typer.Typer(help="List the models of a catalog, and add one.", invoke_without_command=True)

CatalogOption = Annotated[Path | None, typer.Option("--catalog", help="A YAML file of models; without it, the bundled ones.")]
StartOption = Annotated[bool, typer.Option("--start", help="Start the server and tell each model's real state.")]
GatewayOption = Annotated[str, typer.Option("--gateway", help="The installed gateway that reaches the models.")]
OWN_CATALOG = Path("catalog.yaml")


class Added(Protocol):
    """An entry that was written. kind: what the model does, where that is known. text: as it stands in the catalog. made: the file is new."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def kind(self) -> Kind | None: ...  # noqa: D102
    @property
    def text(self) -> str: ...  # noqa: D102
    @property
    def made(self) -> bool: ...  # noqa: D102


class Models(Protocol):
    """What an entry point of the group `assay.models` is."""

    def sources(self, catalog: Path | None = None) -> Mapping[str, str]:
        """Where each model of a catalog comes from, by name."""
        ...

    def add(self, name: str, said: str, *, catalog: Path, settings: Sequence[str] = ()) -> Added:
        """Write a new entry into a catalog; raises `UserError` for what the caller got wrong, and then nothing was written."""
        ...


@app.callback()
def models(context: typer.Context, catalog: CatalogOption = None, gateway: GatewayOption = "triton", *, start: StartOption = False) -> None:
    """List the models of the catalog: kind, state, backend, what they accept, and where they come from."""
    if context.invoked_subcommand is None:
        list_(catalog, gateway, start=start)
    elif catalog is not None or start:
        raise UserError(f"options stand behind the command: assay models {context.invoked_subcommand} --catalog …")


@app.command(name="list")
def list_(catalog: CatalogOption = None, gateway: GatewayOption = "triton", *, start: StartOption = False) -> None:
    """List the models of the catalog: kind, state, backend, what they accept, and where they come from."""
    sources = find_models(gateway).sources(catalog)
    cards = signals.run(running.cards(running.find_gateway(gateway)(catalog), start=start))
    rows = [[card.name, str(card.kind or "any"), card.state, card.backend, " ".join(card.accepts), sources.get(card.name, "")] for card in cards.values()]
    tables.show(("model", "kind", "state", "backend", "accepts", "from"), rows)


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What the model is to be called.")],
    what: Annotated[str, typer.Argument(metavar="KIND=WHAT", help="Such as transformers=./llava, diffusers=org/name, instrument=clip.")],
    settings: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Another key of the entry; may be given again.")] = None,
    catalog: Annotated[Path, typer.Option("--catalog", help="The YAML file of models; made, with the bundled ones, where there is none.")] = OWN_CATALOG,
    gateway: GatewayOption = "triton",
) -> None:
    """Look at a checkpoint or another kind of model, and write it into a catalog. Nothing is loaded, and nothing large is fetched."""
    added = find_models(gateway).add(name, what, catalog=catalog, settings=settings or [])
    made = ", which is new and has the bundled models too" if added.made else ""
    command = f"run quickstart --catalog {shlex.quote(str(catalog))} -m {added.name}"
    if added.kind not in (Kind.GENERATE, Kind.IMAGINE):
        command = f"models --catalog {shlex.quote(str(catalog))} --start"
    console().print(Text(f"added to {display_line(str(catalog))}{made}: {display_line(added.text)}"), soft_wrap=True)
    console().print(Text(f"next: assay {display_line(command)}"), soft_wrap=True)


def find_models(name: str) -> Models:
    """What the gateway of that name offers for its catalog. Raises `UnknownName`, or `InvalidSpec` when its packages are missing."""
    found: Models = running.find_part("models", name)
    return found
