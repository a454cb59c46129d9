"""The official data of MultiTrust on this machine: found in the hub's cache or in a folder, read run by run, fetched and checked.

A folder is the release itself, or holds it as `MultiTrust` or `data`: `truthfulness`, `safety`, `robustness`, `fairness`, `privacy` and `unrelated_images`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluators import hub
from evaluators.measures.reference import Counting
from evaluators.multitrust import checking, official, questions, sample
from evaluators.multitrust.loaders import conversations, fairness, privacy, robustness, safety, truthfulness
from evaluators.multitrust.loaders.loading import Loading, Sample
from evaluators.multitrust.official import ASPECTS, FONT, NAME, POOL, Run
from evaluators.rows import Row
from kernel.benchmark import Finding
from kernel.errors import InvalidSpec

__all__ = ["Data", "Sample", "check", "fetch", "open_data"]

GATED = f"; it is gated: accept its conditions at huggingface.co/datasets/{NAME} and `hf auth login` first"
PLACES = ("", "MultiTrust", "data")
"""Where the release may be in a folder."""
LOADERS: Mapping[str, Callable[[Loading], Iterator[Sample]]] = {
    "T.1": truthfulness.basic,
    "T.2": truthfulness.advanced,
    "T.3": truthfulness.instructed,
    "T.4": truthfulness.assisted,
    "T.5": truthfulness.misled,
    "T.6": truthfulness.confused,
    "T.7": truthfulness.assisted,
    "S.1": safety.described,
    "S.2": safety.risks,
    "S.3": safety.continued,
    "S.4": safety.typographic,
    "S.5": safety.optimised,
    "S.6": safety.crossed,
    "R.1": robustness.styled,
    "R.2": robustness.sensed,
    "R.3": robustness.rewritten,
    "R.4": robustness.styled,
    "R.5": robustness.styled,
    "R.6": robustness.attacked,
    "F.1": fairness.shown,
    "F.2": fairness.stated,
    "F.3": fairness.classified,
    "F.4": fairness.queried,
    "F.5": fairness.chosen,
    "F.6": fairness.employed,
    "F.7": fairness.preferred,
    "P.1": privacy.recognised,
    "P.2": privacy.recognised,
    "P.3": privacy.expected,
    "P.4": privacy.known,
    "P.5": privacy.leaked,
    "P.6": conversations.conversations,
}
"""What reads the runs of a task."""


@dataclass(frozen=True)
class Data:
    """The release, found or not. place: what the manifest calls it. faults: why it is not here."""

    found: hub.Repository | None
    place: str = ""
    faults: tuple[str, ...] = ()

    @property
    def repository(self) -> hub.Repository:
        """Raises `InvalidSpec` where it is not here, with what to do."""
        if self.found is None:
            raise InvalidSpec(NAME, self.faults)
        return self.found

    def samples(self, run: Run, counting: Counting = "corrected", *, k: int = 1, seed: int = 0) -> Iterator[Sample]:
        """What a run asks, in order. k: pictures of each unrelated kind for a text, in `corrected`. Raises `InvalidSpec` and `Crash`."""
        return LOADERS[run.task](Loading(self.repository.folder, run, counting, k, seed))

    def picture(self, each: Sample) -> bytes:
        """The encoded picture of a sample that has one. Raises `RowFault` where it cannot be read."""
        if each.rendered:
            from evaluators.multitrust.pictures import Lettering, png  # noqa: PLC0415 - a second, for P.6 alone

            return png(Lettering.of(each.rendered, self.font).picture())
        return Row({}, {"image": each.image}, 0, "", f"{NAME}, {each.image}", (self.repository.folder,)).image()

    @property
    def font(self) -> Path | None:
        """The release's font, in which pictures are lettered; `None` where it has none. Raises `InvalidSpec` where the release is not here."""
        font = self.repository.folder / FONT
        return font if font.is_file() else None

    def count(self, run: Run, counting: Counting = "corrected", *, k: int = 1) -> int:
        """How many samples a run has. Raises `InvalidSpec` where its data is not here, and `Crash`."""
        return sum(1 for _ in self.samples(run, counting, k=k))

    def missing(self, run: Run) -> list[str]:
        """What of a run's data is not here, each with what to do; no row is read for it."""
        if self.found is None:
            return list(self.faults)
        lacking = [query for query in run.queries if not (self.found.folder / query).is_file()]
        lacking += [folder for folder in self._folders(run) if not (self.found.folder / folder).is_dir()]
        return [f"{each} is not in {self.found.folder}; {self.found.mend}" for each in lacking]

    def provenance(self, runs: Iterable[Run]) -> dict[str, dict[str, Any]]:
        """Where the data is, its revision, and the checksum of what the runs read, for the manifest. Raises `InvalidSpec` where it is not here."""
        found = self.repository
        chosen = list(runs)
        files = [found.folder / query for run in chosen for query in run.queries]
        for below in dict.fromkeys(folder for run in chosen for folder in self._folders(run)):
            files += sorted(path for path in (found.folder / below).rglob("*") if path.is_file())
        told = {"where": self.place or str(found.folder), **found.provenance(list(dict.fromkeys(files))), "published": compared(found.revision)}
        return {NAME: {**told, "questions": questions.VERSION, "font": FONT if self.font else "Pillow's own"}}

    @staticmethod
    def _folders(run: Run) -> list[str]:
        if run.condition == "text" or not (run.images or run.unrelated):
            return []
        return [POOL] if run.unrelated else [run.images]


def open_data(data: str) -> Data:
    """The data in a folder, the sample, or what was fetched into the hub's cache where `data` is empty, or `@REVISION`. Raises `InvalidSpec` for no folder."""
    if data == sample.NAME:
        return Data(hub.Repository(NAME, sample.folder(), hub.LOCAL), sample.NAME)
    if data == "" or data.startswith("@"):
        revision, mend = data.removeprefix("@") or None, _mend(None)
        try:
            found = hub.cached(NAME, revision, mend)
        except InvalidSpec as error:
            return Data(None, faults=tuple(error.faults))
        told = f"not on this machine{f' at revision {revision}' if revision else ''}; {mend}"
        return Data(found, "the hub's cache", () if found else (told,))
    folder = Path(data).expanduser()
    if not folder.is_dir():
        raise InvalidSpec(f"data {data!r}", ["no such folder; expected one that holds the release, or nothing for what was fetched"])
    for place in PLACES:
        if any((folder / place / aspect).is_dir() for aspect in ASPECTS.values()):
            return Data(hub.copy_in(NAME, (folder / place).resolve(), _mend(folder)))
    return Data(None, faults=(f"not in {folder}; expected {', '.join(ASPECTS.values())} in it, or the folder MultiTrust with them; {_mend(folder)}",))


def fetch(out: Path | None, revision: str | None) -> Iterator[str]:
    """Bring the release here, a line for it. Raises `InvalidSpec` where it cannot be had."""
    found = hub.fetch(NAME, revision, out, _mend(out))
    yield f"{NAME} at {found.revision} is in {found.folder}; {compared(found.revision)}"


def check(data: str) -> Iterator[Finding]:
    """What of the release is here: every query file with its rows and their fields, every folder of pictures, and what rows name that is missing."""
    opened_data = open_data(data)
    if opened_data.found is None:
        yield Finding(NAME, fits=False, detail="; ".join(opened_data.faults))
        return
    found = opened_data.found
    yield Finding(NAME, fits=True, detail=f"revision {found.revision} in {found.folder}; {compared(found.revision)}")
    yield from checking.looked_through(found, opened_data.samples)


def compared(revision: str) -> str:
    """How a revision stands to the one that this table of runs was made for."""
    if revision == hub.LOCAL:
        return f"the copy does not say its revision; the numbers of rows are those of {official.EXAMINED}"
    if revision == official.EXAMINED:
        return "the revision whose rows are known"
    return f"the numbers of rows are known of another revision, {official.EXAMINED}"


def _mend(out: Path | None) -> str:
    return f"fetch it with: assay data fetch multitrust{'' if out is None else f' --out {out}'}{GATED}"
