"""Adversarial pictures: a folder is read strictly, and asked about plainly."""

import json
from pathlib import Path
from typing import Any

import pytest
from playing import Instruments, scored

from evaluators.scenes import Scene, Thing, png
from evaluators.shapes.adversarial import ADVERSARIAL, Adversarial, read_rows
from kernel.errors import InvalidSpec

INSTRUMENTS = Instruments()
ROW = {"id": "a", "picture": "a.png", "question": "What colour is the star?", "answer": "red", "options": ["red", "blue"], "task": "attribute"}


def folder(path: Path, *rows: dict[str, Any] | str) -> Path:
    """A folder with these lines, and two pictures."""
    for name, colour in (("a.png", "red"), ("b.png", "blue")):
        (path / name).write_bytes(png(Scene((Thing("star", colour, "large", 0.5, 0.5),))))
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    (path / "cases.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def small(path: Path) -> Path:
    return folder(path, ROW, {**ROW, "id": "b", "picture": "b.png", "answer": "blue"}, {**ROW, "id": "c", "clean": "a.png", "kind": "colour"})


def test_a_case_asks_about_the_attacked_picture(tmp_path: Path) -> None:
    """With the question as it stands in the file; the answer stays out of the request."""
    case = next(Adversarial(target="model", folder=small(tmp_path)).cases())

    assert (case.request.text, case.gold) == ("What colour is the star?", "red")
    assert case.request.pictures[0].data == (tmp_path / "a.png").read_bytes()
    assert case.facts == {"task": "attribute", "which": "attacked", "options": ["red", "blue"], "source": "a"}


def test_the_clean_pictures_can_be_asked_about(tmp_path: Path) -> None:
    """To see what the attack took away."""
    evaluator = Adversarial(target="model", which="clean", folder=folder(tmp_path, {**ROW, "picture": "b.png", "clean": "a.png"}))

    assert (tmp_path / "a.png").read_bytes() == next(evaluator.cases()).request.pictures[0].data


def test_players_score_what_is_known(tmp_path: Path) -> None:
    """Gold is at the top, and constant says what is right most often."""
    evaluator = Adversarial(target="model", folder=small(tmp_path))
    cases = list(evaluator.cases())

    assert [scored(evaluator, case, evaluator.gold(case), INSTRUMENTS).value for case in cases] == [1.0] * 3
    assert evaluator.constant().text == "red"
    assert evaluator.chance() == 2 / 3
    assert evaluator.how_many() == 3


FAULTY = [
    ({key: value for key, value in ROW.items() if key != "answer"}, "line 1: no field 'answer'"),
    ({**ROW, "colour": "red"}, "line 1: unknown field 'colour'"),
    ({**ROW, "question": 3}, "line 1: 'question' is int, not str"),
    ({**ROW, "options": "red"}, "line 1: 'options' is str, not list"),
    ({**ROW, "options": ["red", "red"]}, "line 1: 'options' must be different texts"),
    ({**ROW, "options": ["red", 1]}, "line 1: 'options' must be different texts"),
    ({**ROW, "answer": "green"}, "line 1: answer 'green' is not among the options"),
    ({**ROW, "picture": "../a.png"}, "line 1: picture '../a.png' lies outside the folder"),
    ({**ROW, "picture": "/etc/hostname"}, "line 1: picture '/etc/hostname' lies outside the folder"),
    ({**ROW, "picture": "a\0.png"}, "lies outside the folder"),
    ({**ROW, "picture": "none.png"}, "line 1: picture 'none.png' is missing"),
    ({**ROW, "clean": "none.png"}, "line 1: clean 'none.png' is missing"),
    ("", "line 1: is not one JSON object"),
    ("[]", "line 1: is not one JSON object"),
    ("{", "line 1: is not one JSON object"),
    ('{"id": NaN}', "line 1: is not one JSON object: NaN is no JSON"),
    ('{"id": "a", "id": "b"}', "line 1: is not one JSON object: a field stands twice"),
    ("[" * 100_000, "line 1: is not one JSON object"),
]


@pytest.mark.parametrize(("row", "fault"), FAULTY, ids=range(len(FAULTY)))
def test_a_faulty_line_is_refused(tmp_path: Path, row: dict[str, Any] | str, fault: str) -> None:
    """With its number and what is wrong with it."""
    with pytest.raises(InvalidSpec) as caught:
        read_rows(folder(tmp_path, row))

    assert fault in str(caught.value)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    """Also that an id stands twice."""
    with pytest.raises(InvalidSpec) as caught:
        read_rows(folder(tmp_path, ROW, {**ROW, "answer": "green"}, {**ROW, "id": "c", "task": None}))

    assert caught.value.faults == (
        "line 2: answer 'green' is not among the options",
        "line 3: 'task' is NoneType, not str",
        "id 'a' stands more than once",
    )


def test_a_missing_or_unreadable_file_is_refused(tmp_path: Path) -> None:
    """The message says where it should be."""
    with pytest.raises(InvalidSpec, match=r"cases\.jsonl: cannot be read"):
        read_rows(tmp_path)
    (tmp_path / "cases.jsonl").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidSpec, match="cannot be read"):
        read_rows(tmp_path)


def test_a_set_without_clean_pictures_cannot_be_asked_clean(tmp_path: Path) -> None:
    """The message names the case."""
    with pytest.raises(InvalidSpec, match="case 'a' has no clean picture"):
        next(Adversarial(target="model", which="clean", folder=folder(tmp_path, ROW)).cases())


@pytest.mark.parametrize("which", ["attacked", "clean"])
def test_the_bundled_set_is_sound(which: str) -> None:
    """Every line is right, every case different, and the gold player at the top."""
    evaluator = Adversarial(target="model", which=which)
    cases = list(evaluator.cases())

    assert (ADVERSARIAL / "cases.jsonl").is_file()
    assert len({case.id for case in cases}) == len(cases) == evaluator.how_many()
    assert {1.0} == {scored(evaluator, case, evaluator.gold(case), INSTRUMENTS).value for case in cases}
