"""The container file as its parser sees it: stages by name, with their instructions."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import dockerfile

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
CONTAINERFILE = DEPLOY / "Containerfile"


@dataclass
class Stage:
    """From one FROM to the next. base: the image, with the file's own arguments put in."""

    name: str
    base: str
    commands: list[dockerfile.Command] = field(default_factory=list)

    def of(self, kind: str) -> list[tuple[str, ...]]:
        """What stands behind every instruction of that kind."""
        return [command.value for command in self.commands if command.cmd == kind]

    def last(self, kind: str) -> tuple[str, ...]:
        """What stands behind the last one, which is the one that counts."""
        return self.of(kind)[-1]

    def shell(self) -> Iterator[list[str]]:
        """The single commands of its RUN lines, in words."""
        for (line,) in self.of("RUN"):
            for command in line.split("&&"):
                yield shlex.split(command)


@cache
def arguments() -> dict[str, str]:
    """What may be given to the build, with the values that are taken otherwise."""
    return dict(command.value[0].split("=") for command in dockerfile.parse_file(str(CONTAINERFILE)) if command.cmd == "ARG")


@cache
def stages() -> dict[str, Stage]:
    """All stages by name."""
    found: dict[str, Stage] = {}
    for command in dockerfile.parse_file(str(CONTAINERFILE)):
        if command.cmd == "FROM":
            image, _, name = command.value
            for argument, value in arguments().items():
                image = image.replace("${" + argument + "}", value)
            found[name] = stage = Stage(name, image)
        elif found:
            stage.commands.append(command)
    return found
