"""Data sets of the Hugging Face hub, or copies of them in the same layout: bringing them here, finding them, and which files a split is.

A repository's card (`README.md`) may say which files make up a configuration and a split; where it does not, the usual names do.
"""

from __future__ import annotations

import glob
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import yaml

from evaluators.rows import SUFFIXES, Row, Wanted, count, is_inside, read
from kernel.errors import InvalidSpec

LOCAL = "local"
REVISION_FILE = ".assay-revision"
"""Beside a copy that was fetched into a folder: the commit it is a copy of."""
SHA256_LENGTH = 64
HEAD = re.compile(r"\s*---[ \t]*\r?\n(.*?)\r?\n---", re.DOTALL)
"""The YAML at the head of a card."""

Patterns = Mapping[str, Mapping[str, tuple[str, ...]]]
"""Names of files, with wildcards, by configuration and split."""


@dataclass(frozen=True)
class Repository:
    """A data set on this machine. revision: the commit, or `LOCAL` for a copy that does not say. mend: how to get what is missing in it."""

    name: str
    folder: Path
    revision: str
    mend: str = "bring it here again"

    @cached_property
    def named(self) -> Patterns:
        """What the card says of the files. Raises `InvalidSpec` for a card that cannot be read."""
        card = self.folder / "README.md"
        if not card.is_file():
            return {}
        head = HEAD.match(card.read_text(encoding="utf-8-sig"))
        try:
            told = yaml.safe_load(head[1]) if head else None
            return {str(each["config_name"]): dict(_splits(each)) for each in (told or {}).get("configs") or []}
        except (yaml.YAMLError, ValueError, KeyError, TypeError, AttributeError) as error:
            fault = f"its `configs:` cannot be read ({type(error).__name__}: {str(error).splitlines()[0]:.120})"
            raise InvalidSpec(str(card), [f"{fault}; expected config_name and data_files in each; {self.mend}"]) from None

    def files(self, config: str, split: str) -> list[Path]:
        """The files of a split, in order. Raises `InvalidSpec` where there are none."""
        named = self.named.get(config, {}).get(split)
        tried: Sequence[str] = _usual(config, split) if named is None else named
        if outside := [pattern for pattern in tried if not is_inside(pattern)]:
            raise InvalidSpec(str(self.folder / "README.md"), [f"{config}, {split}: {outside[0]!r} is outside of the data set; expected a path in it"])
        found: list[Path] = []
        for pattern in tried:
            if named is not None or not found:
                found += sorted(path for path in self.folder.glob(pattern) if path.suffix in SUFFIXES and path.is_file())
        if not found:
            looked = ", ".join(tried[:3]) + (" and the like" if len(tried) > 3 else "")
            raise InvalidSpec(self.name, [f"no files of configuration {config!r}, split {split!r}; looked for {looked} in {self.folder}; {self.mend}"])
        return list(dict.fromkeys(found))

    def rows(self, config: str, split: str, wanted: Wanted | None = None) -> Iterator[Row]:
        """The rows of a split, lazily. Raises `InvalidSpec` where there is no such split."""
        return read(self.files(config, split), f"{self.name}/{config}/{split}", self.folder, split, wanted)

    def count(self, config: str, split: str, wanted: Wanted | None = None) -> int:
        """How many rows a split has, without its pictures. Raises `InvalidSpec` where there is no such split."""
        return count(self.files(config, split), wanted)

    def provenance(self, files: Sequence[Path] | None = None) -> dict[str, Any]:
        """Revision and checksum, for the manifest. files: those that count; without them, all but hidden ones."""
        if files is None:
            every = (path for path in self.folder.rglob("*") if path.is_file())
            files = [path for path in every if not any(part.startswith(".") for part in path.relative_to(self.folder).parts)]
        lines = [f"{path.relative_to(self.folder).as_posix()} {path.stat().st_size} {_sha256(path)}\n" for path in sorted(files)]
        return {"revision": self.revision, "files": len(lines), "sha256": hashlib.sha256("".join(lines).encode()).hexdigest()}


def copy_in(name: str, folder: Path, mend: str) -> Repository:
    """A copy in a folder."""
    said = folder / REVISION_FILE
    return Repository(name, folder, said.read_text(encoding="utf-8").strip() if said.is_file() else LOCAL, mend)


def cached(name: str, revision: str | None, mend: str) -> Repository | None:
    """What was fetched into the hub's cache, if it was. Raises `InvalidSpec` where it is there only in part."""
    import huggingface_hub  # noqa: PLC0415  # half a second
    from huggingface_hub import errors  # noqa: PLC0415

    try:
        folder = Path(huggingface_hub.snapshot_download(name, repo_type="dataset", revision=revision, local_files_only=True))
    except errors.IncompleteSnapshotError as error:
        raise InvalidSpec(name, [f"only part of it is in {error.snapshot_path}; {mend}"]) from None
    except errors.LocalEntryNotFoundError:
        return None
    return Repository(name, folder, folder.name, mend)


def fetch(name: str, revision: str | None, out: Path | None, mend: str) -> Repository:
    """Bring a data set here: into the hub's cache, or as a folder below `out`. Raises `InvalidSpec` where it cannot be had."""
    import huggingface_hub  # noqa: PLC0415  # half a second
    from huggingface_hub import errors  # noqa: PLC0415

    at = f" at {revision}" if revision else ""
    try:
        if out is None:
            folder = Path(huggingface_hub.snapshot_download(name, repo_type="dataset", revision=revision))
            return Repository(name, folder, folder.name, mend)
        commit = str(huggingface_hub.HfApi().dataset_info(name, revision=revision).sha)
        folder = Path(huggingface_hub.snapshot_download(name, repo_type="dataset", revision=commit, local_dir=out / name.rsplit("/", 1)[-1]))
    except errors.GatedRepoError:
        steps = f"log in on huggingface.co, accept the conditions at huggingface.co/datasets/{name}, then `hf auth login` or set HF_TOKEN"
        raise InvalidSpec(name, [f"it is gated; {steps}, and fetch again"]) from None
    except errors.RevisionNotFoundError:
        raise InvalidSpec(name, [f"the hub has no revision {revision!r} of it; leave --revision out for the newest"]) from None
    except errors.RepositoryNotFoundError:
        raise InvalidSpec(name, ["the hub has no such data set, or not for you; `hf auth login` if it is private"]) from None
    except Exception as error:  # noqa: BLE001  # whatever the hub's HTTP library raises
        why = f"{type(error).__name__}: {(str(error).strip().splitlines() or [''])[0]:.200}"
        raise InvalidSpec(name, [f"cannot be had from the hub{at} ({why}); try again, or name a folder that holds a copy"]) from None
    (folder / REVISION_FILE).write_text(f"{commit}\n", encoding="utf-8")
    return Repository(name, folder, commit, mend)


def _splits(config: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Splits and patterns of one entry of a card's `configs:`, in any of the hub's forms."""
    files = config.get("data_files") or "**"
    below = f"{config['data_dir'].strip('/')}/" if config.get("data_dir") else ""
    if isinstance(files, list) and all(isinstance(each, Mapping) for each in files):
        parts = [(str(each["split"]), each["path"]) for each in files]
    else:
        parts = list(files.items()) if isinstance(files, Mapping) else [("train", files)]
    for split, paths in parts:
        yield split, tuple(f"{below}{path}" for path in ([paths] if isinstance(paths, str) else paths))


def _usual(config: str, split: str) -> list[str]:
    """Where a split is when the card does not say: the most usual name first."""
    name, places = glob.escape(split), [f"{glob.escape(config)}/", f"data/{glob.escape(config)}/"]
    if config == "default":
        places += ["data/", ""]
    forms = [form for suffix in SUFFIXES for form in (f"{name}{suffix}", f"{name}-[0-9]*{suffix}", f"{name}/*{suffix}")]
    return [f"{place}{form}" for place in places for form in forms]


def _sha256(path: Path) -> str:
    """The file's SHA-256; the hub's cache has that of a large file in its name."""
    blob = path.resolve()
    if path.is_symlink() and len(blob.name) == SHA256_LENGTH and blob.parent.name == "blobs":
        return blob.name
    seen = blob.stat()
    return _hashed(blob, seen.st_size, seen.st_mtime_ns)


@lru_cache(maxsize=4096)
def _hashed(path: Path, _size: int, _changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
