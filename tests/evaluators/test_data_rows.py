"""Rows of data sets in each form that is read, and what becomes of files that cannot be."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from evaluators.rows import Row, RowFault, Wanted, count, read
from kernel.errors import InvalidSpec
from tests.evaluators.mmdt.layouts import picture, write_parquet


def rows(path: Path, wanted: Wanted | None = None) -> list[Row]:
    return list(read([path], "set/part", path.parent, "part", wanted))


def encoded(form: str) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (8, 8)).save(made, form)
    return made.getvalue()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", '[{"id": "1", "task": "x"}, {"id": "2", "task": "y"}]'),
        ("a.json", '\n{"id": "1", "task": "x"}\n\n{"id": "2", "task": "y"}\n'),
        ("a.jsonl", '{"id": "1", "task": "x"}\r\n{"id": "2", "task": "y"}'),
        ("a.csv", "id,task\r\n1,x\r\n2,y\r\n"),
        ("a.json", '\ufeff[{"id": "1", "task": "x"}, {"id": "2", "task": "y"}]'),
    ],
)
def test_every_form_of_text_brings_the_same_rows(tmp_path: Path, name: str, text: str):
    (tmp_path / name).write_text(text, encoding="utf-8", newline="")

    assert [row.fields for row in rows(tmp_path / name)] == [{"id": "1", "task": "x"}, {"id": "2", "task": "y"}]
    assert [(row.position, row.where) for row in rows(tmp_path / name, Wanted("task", "y"))] == [(1, "set/part, row 1")]
    assert (count([tmp_path / name]), count([tmp_path / name], Wanted("task", "y")), count([tmp_path / name], Wanted("task", "z"))) == (2, 1, 0)


def test_a_row_keeps_its_number_over_files_and_groups_of_rows_whatever_is_wanted(tmp_path: Path):
    made = [{"task": "xyz"[number // 4], "image": picture(number)} for number in range(12)]
    paths = write_parquet(tmp_path, "adv", "object", made, shards=3, row_group=2)

    for wanted in ("x", "y", "z"):
        found = list(read(paths, "set/part", tmp_path, "object", Wanted("task", wanted)))
        assert [row.position for row in found] == [number for number in range(12) if made[number]["task"] == wanted]
        assert [row.image() for row in found] == [made[row.position]["image"] for row in found]
    assert count(paths) == 12
    assert count(paths, Wanted("task", "y")) == 4
    assert count(paths, Wanted("nothing", "y")) == 0
    assert list(read(paths, "set/part", tmp_path, "object", Wanted("nothing", "y"))) == []


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("a.json", b'[{"id": 1}', "cannot be read as json"),
        ("a.jsonl", b'{"id": 1}\n[2]', "row 1 is list, expected an object with fields"),
        ("a.json", b"[1]", "row 0 is int, expected an object with fields"),
        ("a.json", b'[{"id": "\xff"}]', "cannot be read as json"),
        ("a.parquet", b"", "cannot be read as parquet"),
        ("a.parquet", b"PAR1 and no more", "cannot be read as parquet"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, name: str, data: bytes, told: str):
    (tmp_path / name).write_bytes(data)

    for reading in (rows, lambda path: count([path], Wanted("id", 1))):
        with pytest.raises(InvalidSpec, match=f"{name}: .*{told}.*bring the file here again"):
            reading(tmp_path / name)


def test_pictures_are_named_by_columns_of_file_names(tmp_path: Path):
    (tmp_path / "metadata.csv").write_text("file_name,left_file_name,id\na.png,b.png,1\n")
    for name, number in (("a", 1), ("b", 2)):
        (tmp_path / f"{name}.png").write_bytes(picture(number))

    (row,) = rows(tmp_path / "metadata.csv")

    assert row.fields == {"id": "1"}
    assert (row.image(), row.image("left")) == (picture(1), picture(2))


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_pictures_of_the_contract_are_given_as_they_are(form: str):
    data = encoded(form)

    assert Row({}, {"image": {"bytes": data, "path": "a"}}, 0, "part", "row 0").image() == data


@pytest.mark.parametrize("data", [encoded("BMP"), encoded("GIF"), b"<svg/>", encoded("PNG")[:20]])
def test_what_is_no_picture_of_the_contract_is_refused(data: bytes):
    with pytest.raises(RowFault, match=r"row 0: 'image' is no picture that can be read \(.*\); expected one of PNG, JPEG, WEBP"):
        Row({}, {"image": data}, 0, "part", "row 0").image()


def test_a_line_of_csv_with_too_many_cells_is_told(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n1,2\n1,2,3\n")

    with pytest.raises(InvalidSpec, match="1 more cells than there are columns"):
        list(read([path], "data", tmp_path, "rows"))
