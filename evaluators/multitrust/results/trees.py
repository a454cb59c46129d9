"""The folders of MultiTrust's public code: `logs/ASPECT/TASK/MODEL/DATA SET.json`, `results/ASPECT/TASK/MODEL/FILE.json`, `scripts/rank.txt`.

Files have bare NaN, and the public code's spelling; older logs name the steps by their classes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluators.multitrust.chains.chain import Log
from evaluators.multitrust.reported import SCRIPTS, Script
from kernel.errors import InvalidSpec

OLDER: Mapping[str, str] = {
    "YesOrNoEvaluator": "rule_yes_or_no_eval",
    "RejectTemplateEvaluator": "rule_reject_template_eval",
    "ContainOrNotEvaluator": "rule_contain_eval",
    "ClassiferRejectEvaluator": "classifer_reject_eval",
    "ChatModelEvaluator": "chatmodel_eval",
    "PerspectiveAPIEvaluator": "google_perspective_api_eval",
    "ModerationAPIEvaluator": "openai_moderation_api_eval",
}
"""Steps by the names that older logs have."""
RANKS = Path("scripts", "rank.txt")


@dataclass(frozen=True, slots=True)
class Tree:
    """A folder in which the public code was run."""

    folder: Path

    def models(self) -> list[str]:
        """Whose logs or results are there, by name."""
        found = set()
        for script in SCRIPTS:
            for kind in ("logs", "results"):
                base = self.folder / kind / script.aspect / script.folder
                found |= {file.parent.relative_to(base).as_posix() for file in base.rglob("*.json")}
        return sorted(found)

    def results_file(self, script: Script, model: str) -> Path:
        """Where a script's numbers are."""
        return self.folder / script.results.format(model=model)

    def results(self, script: Script, model: str) -> dict[str, dict[str, Any]] | None:
        """The numbers by data set and name; `None` without the file. Raises `InvalidSpec`."""
        if not (file := self.results_file(script, model)).is_file():
            return None
        held = document(file).get("scores")
        if not isinstance(held, dict) or not all(isinstance(numbers, dict) for numbers in held.values()):
            raise InvalidSpec(str(file), ["expected `scores` with data sets, and the numbers of each by name"])
        return held

    def logs(self, script: Script, model: str) -> Iterator[tuple[str, Path]]:
        """The logs of a script's data sets, by data set."""
        for file in sorted((self.folder / "logs" / script.aspect / script.folder / model).glob("*.json")):
            if file.stem.startswith(script.prefix):
                yield file.stem, file


def log(file: Path) -> Log:
    """A log, its steps by the names that they have now. Raises `InvalidSpec`."""
    held = document(file)
    totals, rows = held.get("total_results"), held.get("per_sample_results")
    if not isinstance(totals, dict) or not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InvalidSpec(str(file), ["is no log; expected `total_results` with numbers by name and `per_sample_results` with a line for each sample"])
    return {"total_results": _renamed(totals), "per_sample_results": [_renamed(row) for row in rows]}


def _renamed(held: Mapping[str, Any]) -> dict[str, Any]:
    def name(key: str) -> str:
        steps, mark, metric = key.partition(":")
        return "->".join(OLDER.get(step, step) for step in steps.split("->")) + mark + metric

    return {name(key): value for key, value in held.items()}


def text(file: Path) -> str:
    """What a text file holds. Raises `InvalidSpec`."""
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSpec(str(file), [f"cannot be read: {error}"]) from None


def document(file: Path) -> dict[str, Any]:
    """What a JSON file holds, NaN too. Raises `InvalidSpec`."""
    try:
        held = json.loads(text(file))
    except (ValueError, RecursionError) as error:
        raise InvalidSpec(str(file), [f"is not JSON: {error}"]) from None
    if not isinstance(held, dict):
        raise InvalidSpec(str(file), [f"expected a mapping, found {type(held).__name__}"])
    return held


def put(file: Path, content: Any) -> Path:
    """Write a text, or anything else as JSON, with the folders above it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, indent=4), encoding="utf-8")
    return file
