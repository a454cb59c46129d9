"""Vendors' models as entries of the catalog, and as folders that Triton hosts: which proxy, which model there, which key.

The key stands in the environment or in a file of the user's; the catalog has its name. It is read when the session starts, goes
into a private file beside the proxy, and nowhere else.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field

from gateway import jsontext
from gateway.address import is_private_host
from gateway.entry import Entry
from gateway.repository import BUNDLED, ModelFolder, filled_in, read_folder
from kernel.documents import Strict
from kernel.errors import InvalidSpec

VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,127}")
LOOKS_LIKE_A_KEY = re.compile(r"(sk|rk|pk|xai|gsk)-[A-Za-z0-9_-]{8,}|[A-Za-z0-9_-]{40,}")
NO_KEY = "no-key-is-wanted-here"
"""What a server of one's own that wants no key is sent: the SDKs do not go without."""
KEY_FILE = "key_file"
IDENTITY = "vendor:"
LONGEST_BATCH_SECONDS = 30 * 3600.0
"""How long a call may stay with a vendor's batches: both end them after a day."""
AT_ONCE = 2_000
"""Calls that are in flight at once for a model with batches, where its entry does not say: so many requests make a batch."""
Positive = Annotated[int, Field(ge=1, le=10**9)]
Money = Annotated[float, Field(ge=0, le=1e6)]


class Price(Strict):
    """What a vendor takes, in a currency of the catalog's own: for a million tokens in and out, and for a picture that is made."""

    input: Money = 0.0
    output: Money = 0.0
    picture: Money = 0.0


class Vendor(Entry):
    """A model behind a vendor's HTTP interface, or behind another server that speaks it (`base_url`)."""

    key_env: str | None = None
    key_file: str | None = None
    base_url: str | None = None
    requests_per_minute: Positive | None = None
    tokens_per_minute: Positive | None = None
    max_tokens: Positive | None = None
    leave_out: list[str] = Field(default_factory=list)
    price: Price | None = None
    mode: Literal["batch"] | None = None
    """batch: requests go out as batches, which are answered within a day and cost half as much at both vendors."""
    gather_seconds: Annotated[float, Field(gt=0, le=3600)] | None = None
    """Of a batch: it is sent when for so long no request came."""
    poll_seconds: Annotated[float, Field(gt=0, le=3600)] | None = None
    """Of a batch: the pause between two looks at what became of it."""

    @property
    def model(self) -> str:
        """The model's name at the vendor."""
        raise NotImplementedError

    @property
    def proxy(self) -> str:
        """The folder in the model repository that hosts it."""
        raise NotImplementedError

    def settings(self) -> dict[str, Any]:
        """What the proxy is made with, besides its key; only what was set."""
        made = {"model": self.model, "base_url": self.base_url, "max_tokens": self.max_tokens, "leave_out": self.leave_out}
        return {name: value for name, value in made.items() if value}


class OpenAIEntry(Vendor):
    """A model behind OpenAI's interface."""

    openai: str
    kind: Literal["generate", "imagine", "classify"] = "generate"
    organization: str | None = None
    project: str | None = None
    old_max_tokens: bool = False
    """For a server that knows `max_tokens` only, not `max_completion_tokens`."""

    @property
    def model(self) -> str:
        """The model's name at the vendor."""
        return self.openai

    @property
    def proxy(self) -> str:
        """The folder in the model repository that hosts it."""
        return {"generate": "openai", "imagine": "openai_images", "classify": "openai_moderation"}[self.kind]

    def settings(self) -> dict[str, Any]:
        """What the proxy is made with, besides its key; only what was set."""
        more = {"organization": self.organization, "project": self.project, "old_max_tokens": self.old_max_tokens}
        return super().settings() | {name: value for name, value in more.items() if value}


class AnthropicEntry(Vendor):
    """A model behind Anthropic's interface."""

    anthropic: str
    send: list[str] = Field(default_factory=list)
    """Sampling parameters to be sent although the current API refuses them."""

    @property
    def model(self) -> str:
        """The model's name at the vendor."""
        return self.anthropic

    @property
    def proxy(self) -> str:
        """The folder in the model repository that hosts it."""
        return "anthropic"

    def settings(self) -> dict[str, Any]:
        """What the proxy is made with, besides its key; only what was set."""
        return super().settings() | ({"send": self.send} if self.send else {})


class PerspectiveEntry(Vendor):
    """Google's Perspective API: the scores of these attributes."""

    perspective: Annotated[list[str], Field(min_length=1)]
    language: str | None = None

    @property
    def model(self) -> str:
        """The model's name at the vendor."""
        return "perspective"

    @property
    def proxy(self) -> str:
        """The folder in the model repository that hosts it."""
        return "perspective"

    def settings(self) -> dict[str, Any]:
        """What the proxy is made with, besides its key; only what was set. The attributes are its classes."""
        made = {"base_url": self.base_url, "language": self.language, "attributes": self.perspective, "classes": self.perspective}
        return {name: value for name, value in made.items() if value}


def faults_of(entry: Vendor) -> Iterator[str]:
    """What is wrong with an entry of the right shape. What may be a key is not repeated."""
    yield from _without_meaning(entry)
    if isinstance(entry, PerspectiveEntry) and len(set(entry.perspective)) != len(entry.perspective):
        yield f"perspective: {', '.join(entry.perspective)}; expected each attribute once"
    if entry.key_env is not None and entry.key_file is not None:
        yield "key_env and key_file: give one of them"
    if entry.key_env is None and entry.key_file is None and entry.base_url is None:
        yield "key_env: missing; the name of the variable that holds the key"
    if entry.key_env is not None and VARIABLE.fullmatch(entry.key_env) is None:
        yield "key_env: this is no name of a variable; the catalog has the variable's name, never the key itself"
    if entry.key_file is not None and LOOKS_LIKE_A_KEY.fullmatch(entry.key_file):
        yield "key_file: this looks like a key; the catalog has the path of a file, never the key itself"
    if entry.base_url is not None:
        yield from _faults_of_address(entry.base_url)


def _without_meaning(entry: Vendor) -> Iterator[str]:
    wrong = ("requests_per_minute", "tokens_per_minute", "deadline") if entry.mode == "batch" else ("gather_seconds", "poll_seconds")
    for name in wrong:
        if getattr(entry, name) is not None:
            yield f"{name}: has no meaning {'with' if entry.mode == 'batch' else 'without'} mode: batch; leave it out"
    if isinstance(entry, PerspectiveEntry) or (isinstance(entry, OpenAIEntry) and entry.kind == "classify"):
        for name in ("max_tokens", "leave_out", "old_max_tokens", "mode"):
            if getattr(entry, name, None):
                yield f"{name}: has no meaning for a model that classifies; leave it out"


def _faults_of_address(address: str) -> Iterator[str]:
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        yield "base_url: no address; expected https://host/path"
        return
    if parts.username or parts.password or parts.query or parts.fragment:
        yield "base_url: a user, password, query or fragment has no place in it; expected https://host/path"
    elif parts.scheme not in ("http", "https") or not host:
        yield "base_url: no address of HTTP; expected https://host/path"
    elif parts.scheme == "http" and not is_private_host(host):
        yield "base_url: plain http shows the key to everyone on the way; use https, or an address of a private network"


def folder_of(name: str, entry: Vendor) -> ModelFolder:
    """The proxy's folder with the entry's settings in its configuration; its `secrets` are still to be added. Raises `InvalidSpec`."""
    given = entry.settings()
    made = read_folder(BUNDLED / entry.proxy, name)
    made = filled_in(made, {key: jsontext.dumps(value).decode() for key, value in given.items()})
    identity = hashlib.sha256(jsontext.dumps({"proxy": entry.proxy, **dict(sorted(given.items()))})).hexdigest()[:32]
    return replace(made, identity=f"{IDENTITY}{identity}")


def at_once(entry: Vendor) -> int | None:
    """The calls that have to be in flight for batches to fill; `None` for a model without them."""
    return (entry.at_once or AT_ONCE) if entry.mode == "batch" else None


def with_batches(name: str, entry: Vendor, folder: ModelFolder, journals: Path | None) -> ModelFolder:
    """The proxy's folder, made to collect batches where the entry says so; `journals` is where they are remembered. Raises `InvalidSpec`."""
    if entry.mode != "batch":
        return folder
    if journals is None:
        raise InvalidSpec(f"model {name}", ["mode: batch has no place here in which batches are remembered; it works in assay run"])
    given = {"journal": str((journals / f"{name}-{folder.identity.removeprefix(IDENTITY)}.sqlite").resolve())}
    settings = {**given, "gather_seconds": entry.gather_seconds, "poll_seconds": entry.poll_seconds, "longest_seconds": LONGEST_BATCH_SECONDS}
    for key, value in settings.items():
        if value is not None:
            folder.config.parameters[key].string_value = str(value)
    for group in folder.config.instance_group:
        group.count = 1  # one process collects, or there were as many batches
    return folder


def key_of(name: str, entry: Vendor, place: Path, environment: Mapping[str, str] = os.environ) -> str:
    """The key that the entry names; relative paths begin at `place`. Raises `InvalidSpec`."""
    if entry.key_env is not None:
        key = environment.get(entry.key_env, "").strip()
        if not key:
            raise InvalidSpec(f"model {name}", [f"key_env: the variable {entry.key_env} is not set or empty; export it, or name another one"])
        return key
    if entry.key_file is not None:
        path = place / Path(entry.key_file).expanduser()
        try:
            key = path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "not ASCII"
            raise InvalidSpec(f"model {name}", [f"key_file: {path} cannot be read ({why}); expected a file that holds the key alone"]) from None
        if not key:
            raise InvalidSpec(f"model {name}", [f"key_file: {path} is empty; expected a file that holds the key alone"])
        return key
    return NO_KEY
