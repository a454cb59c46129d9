"""The official data of MMDT on this machine: found in the hub's cache or in a folder, read row by row, fetched and checked.

A folder holds the data sets as folders, in the hub's layout: `MMDecodingTrust-T2I`, `MMDecodingTrust-I2T`, `MMDecodingTrust-T2I-Privacy`; and
beside them what the hub has not: `fairness/{social_stereotype,hiring,finance,education,overkill,individual}.jsonl`, the prompts;
`fairness/individual_people.jsonl`, who is in each picture, in the pictures' order; and `privacy/label_sum.csv`, where the street views are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evaluators import hub
from evaluators.mmdt import official, sample
from evaluators.mmdt.checking import looked_through
from evaluators.mmdt.official import BESIDE, REPOSITORIES, TASKS, Source, Task
from evaluators.rows import Row, Wanted
from kernel.benchmark import Finding
from kernel.errors import InvalidSpec

__all__ = ["Data", "Row", "check", "fetch", "open_data"]

HUB = (official.TEXT_TO_IMAGE, official.ORIGINALS, official.IMAGE_TO_TEXT)
"""What can be fetched, the gated one last."""
PUBLISHED_REVISIONS: Mapping[str, str] = {}
"""Commits that published numbers were made with, by data set; nobody has told one yet."""
GATED = "; it is gated: accept its conditions at huggingface.co/datasets/{name} and `hf auth login` first"
UNPUBLISHED = "it is not on the hub: put it into a folder with the data sets and name that folder as data"
CALLED = {(task.modality, source.config, source.split): source.repository for task in TASKS for each in (task.beside, task.sources) for source in each}
"""Which data set has a split; where two have it, the one whose rows are asked."""


@dataclass
class Data:
    """The data sets, each looked for when it is first needed. folder: where copies are; `None`: the hub's cache. revisions: by data set."""

    folder: Path | None
    revisions: Mapping[str, str] = field(default_factory=dict)
    place: str = ""
    """What the manifest calls it, where that is not the folder's own name."""
    _found: dict[str, hub.Repository | InvalidSpec] = field(default_factory=dict)

    def repository(self, name: str) -> hub.Repository:
        """A data set. Raises `InvalidSpec` where it is not here, with what to do."""
        if name not in self._found:
            try:
                self._found[name] = self._find(name, _mend(name, self.folder))
            except InvalidSpec as error:
                self._found[name] = error
        found = self._found[name]
        if isinstance(found, InvalidSpec):
            raise InvalidSpec(found.where, found.faults)
        return found

    def rows(
        self, modality: str, config: str, split: str, task: str | None = None, task_field: str = "task", *, repository: str | None = None
    ) -> Iterator[Row]:
        """The rows of a split, or those of one task in it, lazily. Raises `InvalidSpec` where the split is not here.

        repository: where two data sets have a split of that name, and it is not the one whose rows are asked.
        """
        wanted = None if task is None else Wanted(task_field, task)
        called = repository or CALLED.get((modality, config, split), REPOSITORIES[modality][0])
        return self.repository(called).rows(config, split, wanted)

    def of(self, source: Source) -> Iterator[Row]:
        """The rows that a task takes of a source, lazily. Raises `InvalidSpec` where it is not here."""
        return self.repository(source.repository).rows(source.config, source.split, source.wanted)

    def count(self, source: Source) -> int:
        """How many rows a task takes of a source, without reading a picture. Raises `InvalidSpec` where it is not here."""
        return self.repository(source.repository).count(source.config, source.split, source.wanted)

    def missing(self, task: Task) -> list[str]:
        """What of a task's data is not here, each with what to do; no row is read for it."""
        told = []
        for source in (*task.sources, *task.beside):
            try:
                self.repository(source.repository).files(source.config, source.split)
            except InvalidSpec as error:
                told.append(str(error))
        return list(dict.fromkeys(told))

    def provenance(self, modality: str, tasks: Iterable[Task] | None = None) -> dict[str, dict[str, Any]]:
        """Where each data set of a modality is, its revision and checksum, for the manifest. Raises `InvalidSpec` where a split is not here.

        tasks: whose files count; without them, all files of the data sets that are here.
        """
        if tasks is None:
            told = {name: self._told(name, None) for name in REPOSITORIES[modality] if name != BESIDE and self._is_here(name)}
            tasks = (task for task in TASKS if task.modality == modality)
            beside = [file for source in _sources(tasks) if source.repository == BESIDE for file in self._files(source)]
            return told | ({BESIDE: self._told(BESIDE, beside)} if beside else {})
        files: dict[str, list[Path]] = {}
        for source in _sources(tasks):
            files.setdefault(source.repository, []).extend(self.repository(source.repository).files(source.config, source.split))
        return {name: self._told(name, chosen) for name, chosen in files.items()}

    def _told(self, name: str, files: list[Path] | None) -> dict[str, Any]:
        found = self.repository(name)
        return {"where": self.place or str(found.folder), **found.provenance(files), "published": compared(name, found.revision)}

    def _files(self, source: Source) -> list[Path]:
        try:
            return self.repository(source.repository).files(source.config, source.split)
        except InvalidSpec:
            return []

    def _is_here(self, name: str) -> bool:
        try:
            return bool(self.repository(name))
        except InvalidSpec:
            return False

    def _find(self, name: str, mend: str) -> hub.Repository:
        if self.folder is None:
            revision = self.revisions.get(_short(name))
            found = None if name == BESIDE else hub.cached(name, revision, mend)
            if found is None:
                raise InvalidSpec(name, [f"not on this machine{f' at revision {revision}' if revision else ''}; {mend}"])
            return found
        if name == BESIDE:
            return hub.Repository(name, self.folder, hub.LOCAL, mend)
        if (folder := self.folder / _short(name)).is_dir() or (folder := self.folder / name).is_dir():
            return hub.copy_in(name, folder, mend)
        if _itself(self.folder) == name:
            return hub.copy_in(name, self.folder, mend)
        raise InvalidSpec(name, [f"not in {self.folder}; expected the folder {_short(name)} in it; {mend}"])


def open_data(data: str) -> Data:
    """The data in a folder, the sample, or what was fetched into the hub's cache where `data` is empty. Raises `InvalidSpec` for what is no folder.

    `@REVISION` means the cache too, at another revision than the newest fetched; `@MMDecodingTrust-I2T=R,MMDecodingTrust-T2I=R` one of each.
    """
    if data == sample.NAME:
        return Data(sample.folder(), place=sample.NAME)
    if data == "" or data.startswith("@"):
        return Data(None, _revisions(data.removeprefix("@") or None), place="the hub's cache")
    folder = Path(data).expanduser()
    if not folder.is_dir():
        raise InvalidSpec(f"data {data!r}", [f"no such folder; expected one that holds {_short(HUB[0])} and {_short(HUB[2])}, or nothing for what was fetched"])
    return Data(folder.resolve())


def fetch(out: Path | None, revision: str | None) -> Iterator[str]:
    """Bring the data sets here, a line for each. Raises `InvalidSpec` where one cannot be had.

    revision: a branch, tag or commit for all, or `MMDecodingTrust-I2T=R,MMDecodingTrust-T2I=R`, one for each.
    """
    revisions = _revisions(revision)
    for name in HUB:
        found = hub.fetch(name, revisions.get(_short(name)), out, _mend(name, out))
        yield f"{name} at {found.revision} is in {found.folder}; {compared(name, found.revision)}"
    yield f"{BESIDE}: {UNPUBLISHED}: {', '.join(f'{source.config}/{source.split}' for source in _sources(TASKS) if source.repository == BESIDE)}"


def check(data: str) -> Iterator[Finding]:
    """What of the official data is here: every split with its rows, the fields they lack, and the pictures that cannot be read."""
    opened = open_data(data)
    splits: dict[str, dict[tuple[str, str], list[Source]]] = {}
    for source in _sources(TASKS):
        splits.setdefault(source.repository, {}).setdefault((source.config, source.split), []).append(source)
    scored = set(_sources(task for task in TASKS if task.scored))
    for name, parts in splits.items():
        try:
            found = opened.repository(name)
        except InvalidSpec as error:
            yield Finding(name, fits=False, detail="; ".join(error.faults))
            continue
        if name != BESIDE:
            yield Finding(name, fits=True, detail=f"revision {found.revision} in {found.folder}; {compared(name, found.revision)}")
        for (config, split), sources in parts.items():
            what = f"{_short(name)} {config}/{split}"
            try:
                found.files(config, split)
            except InvalidSpec as error:
                needed = not scored.isdisjoint(sources)
                yield Finding(what, not needed, "; ".join(error.faults) if needed else "not there; MMDT's public code does not score it")
                continue
            yield looked_through(what, found, sources)


def compared(name: str, revision: str) -> str:
    """How a revision stands to that of published numbers."""
    published = PUBLISHED_REVISIONS.get(name)
    if published is None:
        return "nobody published which revision the published numbers were made with"
    if revision == hub.LOCAL:
        return f"the copy does not say its revision; the published numbers were made with {published}"
    if revision == published:
        return "the revision that the published numbers were made with"
    return f"the published numbers were made with another revision, {published}; numbers of this one need not agree with them"


def _sources(tasks: Iterable[Task]) -> list[Source]:
    return list(dict.fromkeys(source for task in tasks for source in (*task.sources, *task.beside)))


def _mend(name: str, folder: Path | None) -> str:
    if name == BESIDE:
        return UNPUBLISHED
    into = "" if folder is None else f" --out {folder}"
    return f"fetch it with: assay data fetch mmdt{into}" + (GATED.format(name=name) if name in official.GATED else "")


def _short(name: str) -> str:
    return name.rsplit("/", 1)[-1]


def _revisions(said: str | None) -> dict[str, str]:
    """Revisions by the short names of data sets."""
    if said is None or "=" not in said:
        return {} if said is None else {_short(name): said for name in HUB}
    revisions = dict(part.strip().partition("=")[::2] for part in said.split(","))
    known = [_short(name) for name in HUB]
    if unknown := [name for name in revisions if name not in known]:
        raise InvalidSpec(f"revision {said!r}", [f"no data set {unknown[0]!r}; expected {', '.join(f'{name}=REVISION' for name in known)}, or one for all"])
    return revisions


def _itself(folder: Path) -> str | None:
    """Which data set a folder is, by its name or what is in it; `None` where it holds data sets. Raises `InvalidSpec` where it may be several."""
    if any((folder / _short(name)).is_dir() for name in HUB):
        return None
    if named := [name for name in HUB if _short(name) == folder.name]:
        return named[0]
    parts = [path for config in sorted({source.config for task in TASKS for source in task.sources}) for path in folder.glob(f"{config}/*")]
    looks = {official.TEXT_TO_IMAGE for path in parts if path.suffix == ".json"}
    looks |= {official.ORIGINALS if path.name.startswith("laion_1k") else official.IMAGE_TO_TEXT for path in parts if path.suffix == ".parquet"}
    looks |= {official.IMAGE_TO_TEXT for path in parts if path.is_dir()}
    if len(looks) > 1:
        raise InvalidSpec(str(folder), [f"may be {' or '.join(sorted(looks))}; give the folder the data set's name, or put each into a folder of its name"])
    return next(iter(looks), None)
