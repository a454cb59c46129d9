"""Does a model keep its answer when an attack moves every pixel a little? Image to text, over pictures kept on disk."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from evaluators.shapes.image_to_text import answers, ask, content_id
from evaluators.shapes.judging import judge
from kernel.contract import Deadline, Kind, Model, Reply
from kernel.errors import InvalidSpec
from kernel.evaluator import Case, Evaluator, Score

ADVERSARIAL = Path(__file__).parent / "data" / "adversarial"
LARGEST_PICTURE = 4 * 1024 * 1024
NEEDED = {"id": str, "picture": str, "question": str, "answer": str, "options": list, "task": str}
KNOWN = {**NEEDED, "clean": str, "kind": str}
"""Fields of a line; `clean` is the picture before the attack."""


@dataclass(frozen=True, kw_only=True)
class Adversarial(Evaluator):
    """Plain questions about pictures that an attack changed so little that nobody would answer them differently.

    Question: does the model keep its answer when every pixel may be moved by at most 8/255, in the direction that hurts
    most?

    Data and source: pictures made by projected gradient descent on the bundled `shapes_vlm`, with sight of its weights, and
    kept on disk with their questions (`data/adversarial`). For that model the attack is a white-box one; for every other
    model the set measures how far the attack carries over. `which` chooses the attacked pictures or, to
    compare with, the same ones before the attack. `folder` may name a set of one's own, in the same form.

    Scoring: 1 when the reply gives the right option, else 0; a reply without exactly one answer scores 0 and is marked as
    not found. The constant player says what is right most often, and chance is how often that is.

    Known limits: one attack, one surrogate, one strength; the questions name no options. The cases were chosen so that the
    surrogate is right on every clean picture, and the attack works against what it sees: on its own attacked pictures it may
    do worse than without any. A model that is weak on the clean pictures is weak here too: read both numbers together.
    """

    name: ClassVar[str] = "shapes.adversarial"
    version: ClassVar[int] = 1
    asks: ClassVar[Kind] = Kind.GENERATE
    perspective: ClassVar[str] = "robustness"

    which: Literal["attacked", "clean"] = "attacked"
    folder: Path = ADVERSARIAL

    def cases(self) -> Iterator[Case]:
        """All cases, in the order of the file."""
        for row in read_rows(self.folder):
            if self.which == "clean" and "clean" not in row:
                raise InvalidSpec(str(self.folder / "cases.jsonl"), [f"case {row['id']!r} has no clean picture"])
            picture = (self.folder / row["picture" if self.which == "attacked" else "clean"]).read_bytes()
            request = ask(self.target, row["question"], picture)
            facts = {"task": row["task"], "which": self.which, "options": row["options"], "source": row["id"]}
            yield Case(content_id(request, row["answer"]), request, row["answer"], facts, cluster=request.pictures[0].digest)

    def how_many(self) -> int:
        """Lines of the file."""
        return len(read_rows(self.folder))

    async def score(self, case: Case, reply: Reply, models: Model, deadline: Deadline) -> Score:
        """Compare the option that the reply gives with the right one."""
        return judge(reply.text, case.facts["options"], case.gold)

    def gold(self, case: Case) -> Reply:
        """The right option."""
        return answers(case.gold)

    def constant(self) -> Reply:
        """The answer that is right most often."""
        return answers(self._commonest()[0])

    def chance(self) -> float:
        """How often the commonest answer is right."""
        return self._commonest()[1]

    def _commonest(self) -> tuple[str, float]:
        rows = read_rows(self.folder)
        (answer, times), *_ = sorted(Counter(row["answer"] for row in rows).items(), key=lambda item: (-item[1], item[0]))
        return answer, times / len(rows)


def read_rows(folder: Path) -> list[dict[str, Any]]:
    """The checked lines of `cases.jsonl` in a folder. Raises `InvalidSpec` with every fault."""
    path = folder / "cases.jsonl"
    try:
        lines = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSpec(str(path), [f"cannot be read: {error}"]) from error
    faults: list[str] = []
    rows = []
    for number, line in enumerate(lines, start=1):
        row, wrong = _row(line, folder)
        faults += [f"line {number}: {fault}" for fault in wrong]
        rows.append(row)
    doubles = [name for name, times in Counter(row.get("id") for row in rows).items() if times > 1]
    faults += [f"id {name!r} stands more than once" for name in doubles]
    if faults or not rows:
        raise InvalidSpec(str(path), faults or ["holds no case"])
    return rows


def _row(line: str, folder: Path) -> tuple[dict[str, Any], list[str]]:
    try:
        row = json.loads(line, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        return {}, [f"is not one JSON object: {error}"]
    if not isinstance(row, dict):
        return {}, ["is not one JSON object"]
    faults = [f"no field {name!r}" for name in NEEDED if name not in row]
    faults += [f"unknown field {name!r}" for name in row if name not in KNOWN]
    faults += [
        f"{name!r} is {type(row[name]).__name__}, not {kind.__name__}" for name, kind in KNOWN.items() if name in row and not isinstance(row[name], kind)
    ]
    return row, faults or _meaning(row, folder)


def _meaning(row: Mapping[str, Any], folder: Path) -> list[str]:
    """Faults of a row whose fields are all there and of the right types."""
    options = row["options"]
    if not all(isinstance(option, str) for option in options) or len(set(options)) != len(options):
        return ["'options' must be different texts"]
    faults = [] if row["answer"] in options else [f"answer {row['answer']!r} is not among the options"]
    return faults + [fault for name in ("picture", "clean") if name in row for fault in _file(folder, name, row[name])]


def _file(folder: Path, name: str, value: str) -> list[str]:
    path = folder / value
    if "\0" in value or not path.resolve().is_relative_to(folder.resolve()):
        return [f"{name} {value!r} lies outside the folder"]
    if not path.is_file() or path.stat().st_size > LARGEST_PICTURE:
        return [f"{name} {value!r} is missing, or larger than {LARGEST_PICTURE} bytes"]
    return []


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) != len(pairs):
        message = "a field stands twice"
        raise ValueError(message)
    return row


def _no_constant(text: str) -> None:
    message = f"{text} is no JSON"
    raise ValueError(message)
