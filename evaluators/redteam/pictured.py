"""Generators over annotated pictures: facts are told of each, rows are made of them, the hardest are kept."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import ClassVar, Literal

from evaluators.redteam.coco import Fact, Scene, Task, fact, read_scenes, triple
from evaluators.redteam.generator import Generator, Row
from evaluators.redteam.rendering import png
from evaluators.redteam.seeds import opened
from evaluators.redteam.selection import kept, read_accuracies


@dataclass(frozen=True, slots=True)
class Draft:
    """A row before its picture."""

    scene: Scene
    fact: Fact
    row: Row


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What occurs anywhere in the seeds: where wrong answers are taken from."""

    names: tuple[str, ...]
    attributes: tuple[str, ...]
    actions: tuple[str, ...]

    @classmethod
    def of(cls, scenes: Sequence[Scene]) -> Vocabulary:
        """Everything in the scenes, sorted."""
        things = [thing for scene in scenes for thing in scene.things]
        found = ({thing.name for thing in things}, {thing.attribute for thing in things}, {thing.action for thing in things})
        return cls(*(tuple(sorted(words - {""})) for words in found))

    def absent(self, scene: Scene, chance: Random, number: int = 1) -> list[str]:
        """Names of things that the scene has not, as many as there are up to `number`."""
        strange = [name for name in self.names if name not in scene.counts]
        return chance.sample(strange, min(number, len(strange)))

    def wrong(self, told: Fact, chance: Random) -> str | None:
        """Another attribute or action than the fact's."""
        words = self.attributes if told.task == "attribute" else self.actions
        others = [word for word in words if word != told.value]
        return chance.choice(others) if others else None


@dataclass(frozen=True, kw_only=True)
class FromScenes(Generator, ABC):
    """Rows from COCO-style annotations; pictures lie beside the file.

    task: one task or "all". keep: how many rows of each task stay. accuracies: a JSON object of what surrogate models scored, a list for
    every row's id; the rows that they find hardest are kept. Without it rows are drawn by lot; `selected` in the row tells which.
    """

    config: ClassVar[str] = "hallucination"
    tasks: ClassVar[tuple[Task, ...]] = ("identification", "attribute", "spatial", "count", "action")

    task: Task | Literal["all"] = "all"
    keep: int | None = None
    accuracies: Path | None = None

    def read(self, path: Path) -> Sequence[Scene]:
        """The scenes of a file of annotations."""
        return read_scenes(path)

    def rows(self, seeds: Sequence[Scene] = ()) -> Iterator[Row]:
        """Task by task, in the order of the scenes."""
        vocabulary = Vocabulary.of(seeds)
        accuracies = read_accuracies(self.accuracies) if self.accuracies else None
        for task in self.tasks if self.task == "all" else (self.task,):
            drafts = [draft for scene in seeds for draft in self.drafts(scene, task, vocabulary)]
            places, selected = kept([draft.row["id"] for draft in drafts], self.keep, self.chance("keep", task), accuracies)
            for draft in (drafts[place] for place in places):
                yield self.stamped({**draft.row, **self.shown(draft), "selected": selected}, draft.scene.id)

    def drafts(self, scene: Scene, task: Task, vocabulary: Vocabulary) -> Iterator[Draft]:
        """The rows of one scene, without their pictures."""
        chance = self.chance(scene.id, task)
        told = self.told(scene, task, chance)
        if told is not None and (fields := self.fields(scene, told, vocabulary, chance)) is not None:
            yield Draft(scene, told, {"id": f"{scene.id}-{task}", "task": task, **fields})

    @abstractmethod
    def told(self, scene: Scene, task: Task, chance: Random) -> Fact | None:
        """The fact that the row is made of."""

    @abstractmethod
    def fields(self, scene: Scene, told: Fact, vocabulary: Vocabulary, chance: Random) -> Row | None:
        """What the row says; `None` where nothing can be made of the fact."""

    def shown(self, draft: Draft) -> Row:
        """The picture as a field; nothing by default."""
        return {}


@dataclass(frozen=True, kw_only=True)
class Questions(FromScenes):
    """Image to text: questions about the pictures."""

    def told(self, scene: Scene, task: Task, chance: Random) -> Fact | None:
        """A fact that can be asked about."""
        return fact(scene, task, chance)

    def shown(self, draft: Draft) -> Row:
        """The picture as it is."""
        return {"image": png(opened(draft.scene.picture, f"scene {draft.scene.id}"))}


@dataclass(frozen=True, kw_only=True)
class Prompts(FromScenes):
    """Text to image: prompts that tell what the pictures show."""

    tasks: ClassVar[tuple[Task, ...]] = ("identification", "attribute", "spatial", "count")

    def told(self, scene: Scene, task: Task, chance: Random) -> Fact | None:
        """A fact that can be drawn."""
        if task == "identification":
            return Fact(task, tuple(scene.counts), ())
        return triple(scene, chance) if task == "spatial" else fact(scene, task, chance)
