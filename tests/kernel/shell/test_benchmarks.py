"""What a benchmark consists of, and whether `reference` mode answers what its public code answered."""

from __future__ import annotations

import json
import math

import pytest

from kernel.benchmark import LeftOut, Listed, NoAnswer
from kernel.errors import InvalidSpec
from kernel.shell.benchmarks import crosscheck, same, table


class Adding:
    """Adds what it is given; crashes where the reference does."""

    def answer(self, task, metric, given):
        if task == "printing":
            raise LeftOut("prints, and judges nothing")
        if task != "sums":
            raise NoAnswer(f"{task} {metric}")
        if given == "crash":
            return {"error": "TypeError"}
        return sum(given)


@pytest.fixture
def cases(tmp_path):
    def write(*lines):
        path = tmp_path / "cases.jsonl"
        path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
        return path

    return write


def case(given, expected, task="sums"):
    return {"task": task, "metric": "sum", "input": given, "expected": expected, "how": "added"}


def test_agreement_and_disagreement_are_told_case_by_case(cases):
    path = cases(case([1, 2], 3), "", case([1, 2], 4), case("crash", {"error": "TypeError"}), case([1], 1, "other"))

    first, second, third, fourth = crosscheck(Adding(), path)

    assert (first, third) == (None, None)
    assert (second.line, second.expected, second.found) == (3, "4", "3")
    assert "not answered" in fourth.found


def test_what_is_answered_nowhere_on_purpose_is_told_with_its_reason(cases):
    (found,) = crosscheck(Adding(), cases(case([1], 1, "printing")))

    assert found.left_out == "prints, and judges nothing"


def test_a_defect_of_ours_is_a_disagreement_and_the_others_go_on(cases):
    first, second = crosscheck(Adding(), cases(case(None, 1), case([1], 1)))

    assert "our defect" in first.found
    assert second is None


@pytest.mark.parametrize("line", ["{", "[]", '{"task": "sums"}'])
def test_what_is_no_recorded_case_is_refused_by_its_line(cases, line):
    with pytest.raises(InvalidSpec, match="line 2"):
        list(crosscheck(Adding(), cases(case([1], 1), line)))


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        (1, 1.0),
        (1.0, 1 + 1e-10),
        ("NaN", math.nan),
        (math.nan, "NaN"),
        (True, 1),
        ([1, {"a": None}], (1.0, {"a": None})),
        ({"b": 1, "a": 2}, {"a": 2, "b": 1}),
    ],
)
def test_what_counts_as_the_same_answer(expected, found):
    assert same(expected, found)


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        (1, 1 + 1e-6),
        (1, "1"),
        (None, 0),
        (True, 0),
        (False, 0.5),
        ([1], [1, 2]),
        ({"a": 1}, {"a": 1, "b": 2}),
        ("NaN", 0),
        ({"error": "TypeError"}, {"error": "ValueError"}),
    ],
)
def test_what_does_not(expected, found):
    assert not same(expected, found)


def test_what_is_missing_is_told_once():
    def listed(name, *missing):
        return Listed(task=name, perspective="p", asks="generate", scenario="s", name=name, rows=1200, roles=("judge", "clip"), missing=missing)

    rows, missing = table([listed("a", "x", "y"), listed("b", "y"), listed("c")])

    assert missing == ["x", "y"]
    assert [row[-1] for row in rows] == ["1 2", "2", ""]
    assert rows[0][4:6] == ["1,200", "judge clip"]
