"""Seeds in, splits out: every form that is read, and the layout that `datasets` and the loader of the benchmark know."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from PIL import Image
from pyarrow import parquet

from evaluators.redteam.natural import NaturalPrompts, NaturalQuestions
from evaluators.redteam.seeds import opened, picture_of, read_seeds, read_table, read_words
from evaluators.redteam.writing import write
from evaluators.rows import read
from kernel.errors import InvalidSpec, UserError

PNG = io.BytesIO()
Image.new("RGB", (3, 2), "teal").save(PNG, "PNG")


def test_rows_without_pictures_are_json(annotated: Path, tmp_path: Path):
    generator = NaturalPrompts()
    rows = list(generator.rows(generator.read(annotated)))
    (path,) = generator.write(rows, tmp_path)

    assert path == tmp_path / "MMDecodingTrust-T2I" / "hallucination" / "natural.json"
    assert json.loads(path.read_text()) == rows


def test_rows_with_pictures_are_parquet_that_datasets_knows(annotated: Path, tmp_path: Path):
    generator = NaturalQuestions()
    rows = list(generator.rows(generator.read(annotated)))
    (path,) = generator.write(rows, tmp_path)
    features = json.loads(parquet.read_schema(path).metadata[b"huggingface"])["info"]["features"]

    assert path == tmp_path / "MMDecodingTrust-I2T" / "hallucination" / "natural-00000-of-00001.parquet"
    assert features["image"] == {"_type": "Image"}
    assert features["question"] == {"dtype": "string", "_type": "Value"}
    assert features["seed"] == {"dtype": "int64", "_type": "Value"}
    assert list(features) == parquet.read_schema(path).names
    first = parquet.read_table(path).to_pylist()[0]
    assert first["image"] == {"bytes": rows[0]["image"], "path": f"{rows[0]['seed_row']}.png"}


def test_what_was_written_is_read_by_the_reader_of_data_sets(annotated: Path, tmp_path: Path):
    generator = NaturalQuestions(keep=2)
    rows = list(generator.rows(generator.read(annotated)))
    found = list(read(generator.write(rows, tmp_path), "ours", tmp_path, "natural"))

    assert [row.image() for row in found] == [row["image"] for row in rows]
    assert [row.fields["answer"] for row in found] == [row["answer"] for row in rows]


def test_a_column_of_several_types_becomes_text(tmp_path: Path):
    path = write([{"image": b"x", "target": ["a", "b"], "more": {"k": 1}}, {"image": b"y", "target": 3}, {"image": b"z"}], tmp_path, "s")
    rows = parquet.read_table(path).to_pylist()

    assert [row["target"] for row in rows] == ["['a', 'b']", "3", None]
    assert rows[0]["more"] == "{'k': 1}"


def test_lists_have_their_feature(tmp_path: Path):
    path = write([{"image": b"x", "boxes": [[1.0, 2.0]], "words": ["a"]}], tmp_path, "s")
    features = json.loads(parquet.read_schema(path).metadata[b"huggingface"])["info"]["features"]

    number = {"dtype": "float64", "_type": "Value"}
    assert features["boxes"] == {"feature": {"feature": number, "_type": "List"}, "_type": "List"}
    assert features["words"] == {"feature": {"dtype": "string", "_type": "Value"}, "_type": "List"}


def test_no_rows_write_nothing(tmp_path: Path):
    with pytest.raises(UserError, match="c/s: the seeds gave no row; nothing was written"):
        write([], tmp_path / "c", "s")
    assert not list(tmp_path.iterdir())


def written(folder: Path, suffix: str) -> Path:
    (folder / "p.png").write_bytes(PNG.getvalue())
    path = folder / f"seeds{suffix}"
    rows = [{"id": "x", "word": "one", "image": "p.png"}, {"id": "y", "word": "two", "image": "p.png"}]
    match suffix:
        case ".json":
            path.write_text(json.dumps(rows))
        case ".jsonl":
            path.write_text("\n".join(map(json.dumps, rows)))
        case ".csv":
            path.write_text("id,word,image\nx,one,p.png\ny,two,p.png\n")
        case ".parquet":
            write([{**row, "image": PNG.getvalue()} for row in rows], folder, "s").rename(path)
    return path


@pytest.mark.parametrize("suffix", [".json", ".jsonl", ".csv", ".parquet"])
def test_every_form_of_seeds_is_read(tmp_path: Path, suffix: str):
    seeds = read_seeds(written(tmp_path, suffix), ("word", "image"))

    assert [(seed["id"], seed["word"]) for seed in seeds] == [("x", "one"), ("y", "two")]
    assert [picture_of(seed).size for seed in seeds] == [(3, 2), (3, 2)]


def test_rows_without_ids_have_their_places(tmp_path: Path):
    (tmp_path / "s.jsonl").write_text('{"word": "one"}\n{"word": "two", "id": "x"}\n{"word": "three"}')

    assert [seed["id"] for seed in read_seeds(tmp_path / "s.jsonl")] == ["0", "x", "2"]


def test_an_id_that_stands_twice_is_refused(tmp_path: Path):
    (tmp_path / "s.jsonl").write_text('{"word": "one", "id": 0}\n{"word": "two", "id": "0"}')

    with pytest.raises(InvalidSpec, match="id '0' stands 2 times"):
        read_seeds(tmp_path / "s.jsonl")


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("s.json", '[{"id": "a"}, {"id": "b", "word": ""}]', "row 0: word: missing; has id; row 1: word: missing"),
        ("s.json", "[", "cannot be read as json"),
        ("s.json", "[1]", "row 0 is int, expected an object"),
        ("s.xml", "<a/>", "files that end in .xml are not read; expected one of .parquet, .json"),
        ("none.json", None, "no such file"),
    ],
)
def test_files_that_are_no_seeds_are_refused(tmp_path: Path, name: str, text: str | None, told: str):
    if text is not None:
        (tmp_path / name).write_text(text)

    with pytest.raises(InvalidSpec, match=told):
        read_seeds(tmp_path / name, ("word",))


@pytest.mark.parametrize("image", ["gone.png", "../p.png", "s.jsonl"])
def test_pictures_that_cannot_be_had_are_refused(tmp_path: Path, image: str):
    (tmp_path / "s.jsonl").write_text(json.dumps({"id": "a", "image": image}))
    (seed,) = read_seeds(tmp_path / "s.jsonl")

    with pytest.raises(InvalidSpec, match="seed a: "):
        picture_of(seed)


def test_a_damaged_picture_is_refused():
    with pytest.raises(InvalidSpec, match="here: the picture cannot be opened: its bytes"):
        opened(PNG.getvalue()[:40], "here")


def test_words_and_tables_are_read(tmp_path: Path):
    (tmp_path / "w.txt").write_text("# a list\nBoat\n\nkite # flies\nboat\n")
    (tmp_path / "t.txt").write_text("small: little, tiny\nbig:\n")
    (tmp_path / "bad.txt").write_text("small little\n")

    assert read_words(tmp_path / "w.txt") == ("boat", "kite")
    assert read_table(tmp_path / "t.txt") == {"small": ("little", "tiny"), "big": ()}
    with pytest.raises(InvalidSpec, match="'small little' has no colon"):
        read_table(tmp_path / "bad.txt")
    with pytest.raises(InvalidSpec, match="expected one word a line"):
        read_words(tmp_path / "none.txt")
