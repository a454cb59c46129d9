"""`assay serve` and `assay token`: evaluation and scoring as a gRPC service, and who may call it."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from kernel.errors import InvalidSpec, UserError
from kernel.shell import logs, signals, tables
from kernel.shell.lasting import console
from kernel.shell.service import tokens as kept
from kernel.shell.service.limits import Limits
from kernel.shell.service.settings import Settings, Tls

token = typer.Typer(help="Tokens by which callers of `assay serve` are known.", no_args_is_help=True)

TokensOption = Annotated[Path, typer.Option("--tokens", help="The file with the hashes of all tokens.")]
LIMITS = Limits()


def serve(  # noqa: PLR0913  # typer's way to declare options
    *,
    catalog: Annotated[Path | None, typer.Option("--catalog", help="A YAML file of models; without it, the bundled ones.")] = None,
    store: Annotated[str, typer.Option("--store", help="The folder in which everything is kept, or postgresql://… for several servers.")] = "assay-data",
    artifacts: Annotated[Path | None, typer.Option("--artifacts", help="With a database: the folder for pictures, which all its servers share.")] = None,
    host: Annotated[str, typer.Option("--host", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="0 takes a free one.")] = 0,
    tokens: Annotated[Path | None, typer.Option("--tokens", help="The file of tokens; without it, everybody may do everything.")] = None,
    tls_cert: Annotated[Path | None, typer.Option("--tls-cert", help="The server's certificate in PEM, read again when it changes.")] = None,
    tls_key: Annotated[Path | None, typer.Option("--tls-key", help="Its private key.")] = None,
    client_ca: Annotated[Path | None, typer.Option("--client-ca", help="Let in only clients whose certificates this one vouches for.")] = None,
    insecure: Annotated[bool, typer.Option("--insecure", help="Listen beyond this machine without TLS, or without asking who calls.")] = False,
    processes: Annotated[int, typer.Option("--processes", min=1, max=64, help="So many on one port; each scores, the first one keeps runs.")] = 1,
    runs_at_once: Annotated[int, typer.Option("--runs-at-once", min=1, max=64, help="Runs under way; others wait.")] = 2,
    data: Annotated[list[str] | None, typer.Option("--data", metavar="NAME=DIR", help="A folder that suites may name; may be given again.")] = None,
    gateway: Annotated[str, typer.Option("--gateway", help="The installed gateway that reaches the models.")] = "triton",
    metrics_port: Annotated[
        int | None, typer.Option("--metrics-port", min=0, max=65_535, help="Tell Prometheus at this port, further processes at the next ones.")
    ] = None,
    metrics_host: Annotated[str, typer.Option("--metrics-host", help="Where metrics are told.")] = "127.0.0.1",
    calls: Annotated[int, typer.Option("--calls", min=1, help="Calls in flight of a token, in each process.")] = LIMITS.calls,
    streams: Annotated[int, typer.Option("--streams", min=1, help="Open streams of a token, in each process.")] = LIMITS.streams,
    items: Annotated[int, typer.Option("--items", min=1, help="Items in flight of a token, in each process.")] = LIMITS.items_in_flight,
    items_per_second: Annotated[float, typer.Option("--items-per-second", min=0, help="Of a token, in each process; 0 for any.")] = LIMITS.items_per_second,
    bytes_per_second: Annotated[float, typer.Option("--bytes-per-second", min=0, help="Of a token, in each process; 0 for any.")] = LIMITS.bytes_per_second,
    runs: Annotated[int, typer.Option("--runs", min=1, help="Runs of a token that wait or are under way.")] = LIMITS.runs,
) -> None:
    """Serve evaluation and scoring over gRPC, until a signal ends it. Runs under way go on at the next start."""
    settings = Settings(
        catalog=_absolute(catalog), gateway=gateway, store=store, artifacts=_absolute(artifacts), host=host, port=port, tokens=_absolute(tokens),
        tls=_tls(tls_cert, tls_key, client_ca), insecure=insecure, processes=processes, runs_at_once=runs_at_once, data=dict(map(_folder, data or [])),
        metrics_port=metrics_port, metrics_host=metrics_host, limits=Limits(calls, streams, items, items_per_second, bytes_per_second, runs),
    )  # fmt: skip
    try:
        import kernel.shell.service.serving as serving  # noqa: PLC0415, PLR0402  # gRPC is for those who serve
    except ImportError as error:
        raise InvalidSpec("serve", [f"{error}; install it: pip install 'trust-assay[service]'"]) from error
    with closing(logs.set_up(serving.log_of(settings))):
        signals.run(serving.serve(settings, lambda told: console().print(Text(told), soft_wrap=True)))


@token.command()
def add(
    name: Annotated[str, typer.Argument(help="How the token is called in lists and logs.")],
    tokens: TokensOption,
    namespace: Annotated[str, typer.Option("--namespace", help="Whose runs its caller sees.")] = kept.DEFAULT_NAMESPACE,
    scope: Annotated[str, typer.Option("--scope", help="What its caller may: some of read, run and score, with commas between.")] = "read,run,score",
    expires: Annotated[str | None, typer.Option("--expires", help="When it ends, as 2027-01-31 or 2027-01-31T12:00:00+00:00.")] = None,
) -> None:
    """Make a token. It is shown this once; the file keeps its hash."""
    told = kept.add_token(tokens, name, namespace, {part.strip() for part in scope.split(",")}, None if expires is None else _time(expires))
    console().print(Text(told), soft_wrap=True)


@token.command(name="list")
def list_(tokens: TokensOption) -> None:
    """List the tokens of a file."""
    rows = [[each.name, each.namespace, ",".join(each.scopes), _told(each)] for each in kept.list_tokens(tokens)]
    tables.show(("token", "namespace", "scopes", "expires"), rows)


@token.command()
def revoke(name: Annotated[str, typer.Argument(help="Which token.")], tokens: TokensOption) -> None:
    """Take a token out of the file; running servers refuse it within a second."""
    kept.revoke_token(tokens, name)
    console().print(Text(f"revoked {name}"))


def _told(each: kept.Token) -> str:
    if each.expires is None:
        return "never"
    return f"{each.expires:%Y-%m-%d %H:%M} UTC{', over' if each.has_expired(datetime.now(UTC)) else ''}"


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UserError(f"--expires {text} is no time; expected one such as 2027-01-31 or 2027-01-31T12:00:00+00:00") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _tls(certificate: Path | None, key: Path | None, authority: Path | None) -> Tls | None:
    if certificate is None and key is None and authority is None:
        return None
    if certificate is None or key is None:
        raise UserError("TLS needs --tls-cert and --tls-key; give both")
    return Tls(certificate=certificate.absolute(), key=key.absolute(), client_authority=_absolute(authority))


def _folder(text: str) -> tuple[str, Path]:
    name, equals, folder = text.partition("=")
    if not name or not equals or not Path(folder).expanduser().is_dir():
        raise UserError(f"--data {text}: expected NAME=DIR with a folder that is there")
    return name, Path(folder).expanduser().absolute()


def _absolute(path: Path | None) -> Path | None:
    return None if path is None else path.expanduser().absolute()
