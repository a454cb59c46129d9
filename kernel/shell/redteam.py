"""`assay redteam`: data made from seeds, by the generators that packages offer under `assay.generators`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import Field, fields
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any, ClassVar, Protocol

import typer
from rich.text import Text

from kernel.contract import Model
from kernel.documents import parse, validate
from kernel.errors import InvalidSpec, RoleUnfilled, UnknownName, UserError
from kernel.judging import Judges
from kernel.shell import running, signals, tables
from kernel.shell.lasting import console

app = typer.Typer(help="Make red-team data from seeds of your own.", no_args_is_help=True)


class Generator(Protocol):
    """What a generator is to the command line: a dataclass whose fields are its options.

    seeded: whether it reads seeds. roles: parts that models may play. offline: whether it makes rows without them.
    """

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    name: ClassVar[str]
    version: ClassVar[int]
    seeded: ClassVar[bool]
    roles: ClassVar[tuple[str, ...]]
    offline: ClassVar[bool]

    def __init__(self, **options: Any) -> None: ...

    def read(self, path: Path) -> Sequence[Any]:
        """The seeds in a file."""
        ...

    def rows(self, seeds: Sequence[Any] = ()) -> Iterator[Mapping[str, Any]]:
        """Rows, without any model."""
        ...

    def asked(self, seeds: Sequence[Any], models: Model) -> AsyncIterator[Mapping[str, Any]]:
        """Rows, with the help of models."""
        ...

    def write(self, rows: Iterable[Mapping[str, Any]], out: Path) -> Sequence[Path]:
        """Put the rows into files below a folder; which ones."""
        ...


@app.command("list")
def list_() -> None:
    """List the generators: what they read, which models can help, and what they make."""
    rows = []
    for name, made in sorted(find_generators().items()):
        models = f"{', '.join(made.roles)}{'' if made.offline else ' (needed)'}"
        rows.append((name, "a file" if made.seeded else "nothing", models, (made.__doc__ or "").split("\n", 1)[0]))
    tables.show(("generator", "seeds", "models", "what it makes"), rows)


@app.command()
def make(
    name: Annotated[str, typer.Argument(help="A generator; `assay redteam list` tells them.")],
    *,
    out: Annotated[Path, typer.Option("--out", help="The folder of the data sets, such as a suite takes as its data.")],
    seeds: Annotated[Path | None, typer.Option("--seeds", help="What rows are made from: a file or folder of yours.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Decides all chance: the same one gives the same bytes.")] = 0,
    given: Annotated[list[str] | None, typer.Option("--set", help="An option of the generator, as key=value; may be given again.")] = None,
    catalog: Annotated[Path | None, typer.Option("--catalog", help="A YAML file whose models, by its `roles:`, help; without it none is asked.")] = None,
    gateway: Annotated[str, typer.Option("--gateway", help="The installed gateway that reaches the models.")] = "triton",
) -> None:
    """Make one split of a data set. Without --catalog no model is asked."""
    generators = find_generators()
    if name not in generators:
        raise UnknownName("generator", name, generators)
    options = {key: parse(value.encode(), f"--set {key}")[0] for key, value in _pairs(given).items()}
    known = {field.name for field in fields(generators[name])} - {"seed"}
    if unknown := sorted(options.keys() - known):
        raise UnknownName(f"option of {name}", unknown[0], known)
    generator = validate(generators[name], {**options, "seed": seed}, name)
    if seeds is None and generator.seeded:
        raise UserError(f"{name} makes rows from seeds; name their file: --seeds FILE")
    found = generator.read(seeds) if seeds is not None and generator.seeded else []
    rows = list(generator.rows(found)) if catalog is None or not generator.roles else signals.run(_asked(generator, found, catalog, gateway))
    for path in generator.write(rows, out):
        console().print(Text(f"wrote {path}"), soft_wrap=True)
    console().print(Text(f"{len(rows)} rows"))


async def _asked(generator: Generator, seeds: Sequence[Any], catalog: Path, gateway: str) -> list[Mapping[str, Any]]:
    """Rows, with the help of the models that play the generator's roles in the catalog. Raises `RoleUnfilled`."""
    opening = running.find_gateway(gateway)
    read = opening(catalog, only=())
    cast = read.roles if isinstance(read, running.Casting) else {}
    if missing := [role for role in generator.roles if role not in cast]:
        raise RoleUnfilled(missing[0])
    async with opening(catalog, only={cast[role] for role in generator.roles}) as models:
        return [row async for row in generator.asked(seeds, Judges(models, "", generator.roles, cast))]


def find_generators() -> dict[str, type[Generator]]:
    """All generators of installed packages, by name. Raises `InvalidSpec` where a package's cannot be imported."""
    found: dict[str, type[Generator]] = {}
    for point in entry_points(group="assay.generators"):
        try:
            found |= point.load()
        except ImportError as error:
            raise InvalidSpec(f"generators {point.name!r}", [f"{error}; install it: pip install 'trust-assay[evaluators]'"]) from error
    return found


def _pairs(given: Sequence[str] | None) -> dict[str, str]:
    """Names and values of the options of a generator."""
    pairs = {}
    for text in given or ():
        key, equals, value = text.partition("=")
        if not equals or not key or not value:
            raise UserError(f"--set {text}: expected a name and a value, such as --set keep=100")
        pairs[key] = value
    return pairs
