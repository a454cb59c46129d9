"""Files of public data sets, found in a folder as their authors lay them out. Nothing is fetched: the copy is the user's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluators import hub
from evaluators.public import sample
from kernel.errors import InvalidSpec


@dataclass(frozen=True, slots=True)
class DataSet:
    """A published data set. folders: what a copy may be called among others, the first one in the sample. signs: files, with wildcards, that tell a copy."""

    name: str
    repository: str
    folders: tuple[str, ...]
    signs: tuple[str, ...]

    @property
    def mend(self) -> str:
        """How a copy is had."""
        return f"clone the repository {self.repository} from GitHub and name its folder, or one that holds it as {self.folders[0]}, with --data"

    def copy(self, data: str) -> hub.Repository:
        """The copy in a folder, or the sample. Raises `InvalidSpec` where there is none, with what to do."""
        if not data:
            raise InvalidSpec(self.name, [f"its files do not come with Assay; {self.mend}"])
        root = sample.folder() if data == sample.NAME else Path(data).expanduser().resolve()
        for folder in (root, *(root / name for name in self.folders)):
            if any(any(folder.glob(sign)) for sign in self.signs):
                return hub.copy_in(self.repository, folder, self.mend)
        raise InvalidSpec(self.name, [f"no {' and no '.join(self.signs)} in {root} or a folder {' or '.join(self.folders)} there; {self.mend}"])

    def file(self, data: str, patterns: Sequence[str]) -> Path:
        """The first file that fits, tried in order. Raises `InvalidSpec` where none does."""
        copy = self.copy(data)
        for pattern in patterns:
            if found := sorted(copy.folder.glob(pattern)):
                return found[0]
        raise InvalidSpec(self.name, [f"no {' and no '.join(patterns)} in {copy.folder}; {self.mend}"])
