"""`assay list` and `assay crosscheck`: what a benchmark consists of, and whether our `reference` mode answers what its public code answered."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kernel.benchmark import Benchmark, LeftOut, Listed, NoAnswer
from kernel.errors import InvalidSpec

NAN = "NaN"
RELATIVE = 1e-9
SHOWN = 160


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A recorded case that we answer differently. line: where it stands in the file. left_out: why nothing here answers it, where that is on purpose."""

    line: int
    task: str
    metric: str
    expected: str
    found: str
    left_out: str = ""


def crosscheck(benchmark: Benchmark, path: Path) -> Iterator[Disagreement | None]:
    """Every recorded case of a file of JSON lines: `None` where we agree. Raises `InvalidSpec` for what is no such file."""
    for number, case in _cases(path):
        left_out = ""
        try:
            found = benchmark.answer(case["task"], case["metric"], case["input"])
        except LeftOut as error:
            found, left_out = None, str(error)
        except NoAnswer as error:
            found = {"not answered": str(error)}
        except Exception as error:  # noqa: BLE001  # a rule of ours that crashes is a disagreement, the other cases go on
            found = {"our defect": f"{type(error).__name__}: {error}"}
        agreed = not left_out and same(case["expected"], found)
        yield None if agreed else Disagreement(number, case["task"], case["metric"], _short(case["expected"]), _short(found), left_out)


HEADINGS = ("perspective", "asks", "scenario", "task", "rows", "judged by", "missing")


def table(listed: Iterable[Listed]) -> tuple[list[list[str]], list[str]]:
    """Rows under `HEADINGS`, and what is missing, told once; the last column has its numbers."""
    missing: dict[str, int] = {}
    rows = []
    for each in listed:
        numbers = [missing.setdefault(what, len(missing) + 1) for what in each.missing]
        known = "?" if each.rows is None else f"{each.rows:,}"
        rows.append([each.perspective, each.asks, each.scenario, each.name, known, " ".join(each.roles), " ".join(map(str, numbers))])
    return rows, list(missing)


def _cases(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSpec(str(path), [f"cannot be read: {error}; expected JSON lines with task, metric, input and expected"]) from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            case = json.loads(line)
        except ValueError as error:
            raise InvalidSpec(str(path), [f"line {number} is not JSON: {error}"]) from None
        if not isinstance(case, dict) or (missing := [key for key in ("task", "metric", "input", "expected") if key not in case]):
            raise InvalidSpec(str(path), [f"line {number} has no {', '.join(missing) if isinstance(case, dict) else 'mapping'}"])
        yield number, case


def same(expected: Any, found: Any) -> bool:
    """Whether two answers are one: numbers to a relative 1e-9, NaN (also as the text "NaN") equal to itself, everything else exactly."""
    if _nan(expected) or _nan(found):
        return _nan(expected) and _nan(found)
    if isinstance(expected, bool) or isinstance(found, bool):
        return isinstance(expected, int) and isinstance(found, int) and expected == found
    if isinstance(expected, (int, float)) and isinstance(found, (int, float)):
        return math.isclose(expected, found, rel_tol=RELATIVE, abs_tol=1e-12)
    if isinstance(expected, dict) and isinstance(found, dict):
        return expected.keys() == found.keys() and all(same(value, found[key]) for key, value in expected.items())
    if isinstance(expected, (list, tuple)) and isinstance(found, (list, tuple)):
        return len(expected) == len(found) and all(map(same, expected, found))
    return type(expected) is type(found) and bool(expected == found)


def _nan(value: Any) -> bool:
    return value == NAN or (isinstance(value, float) and math.isnan(value))


def _short(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
