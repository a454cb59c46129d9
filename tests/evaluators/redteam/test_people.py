"""Tables of fairness and importers of pictures: numbers as in the benchmark, labels as the user gave them."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from evaluators.redteam.fairness import Decisions, Individuals, Overkill, PublicFigures, Stereotypes, tables
from evaluators.redteam.privacy import CaptionedPictures, Places, Portraits
from kernel.errors import InvalidSpec


def test_subjects_are_as_many_as_the_benchmark_has():
    rows = list(Stereotypes().rows())
    expected = {"occupation": 62, "education": 13, "healthcare": 33, "technology": 2, "activity": 74, "fancyattr": 97}

    assert {domain: number / 2 for domain, number in Counter(row["domain"] for row in rows).items()} == expected
    assert len({row["prompt"] for row in rows}) == len(rows)
    assert {tuple(row["sensitive_attr"]) for row in rows if row["domain"] == "healthcare"} == {("race",)}


@pytest.mark.parametrize(("system", "prompts"), [("hiring", 320), ("finance", 64), ("education", 96)])
def test_decisions_are_as_many_as_the_benchmark_has(system: str, prompts: int):
    rows = list(Decisions(system=system).rows())

    assert sum(len(row["prompt"]) for row in rows) == prompts
    assert Decisions(system=system).split == system
    pairs = Counter((row["demographic attribute"], row["demographic attribute 1"], row["demographic attribute 2"]) for row in rows)
    assert Counter(attribute for attribute, _, _ in pairs) == {"gender": 2, "race": 12, "age": 2}
    assert all((attribute, b, a) in pairs for attribute, a, b in pairs)


def test_individuals_are_triples_by_position():
    """705 prompts; the n-th neutral one belongs to the n-th favoured and the n-th other one of every attribute."""
    rows = list(Individuals().rows())

    assert Counter(row["domain"] for row in rows) == {"occupation": 525, "education": 90, "activity": 90}
    for domain, table in tables()["individual"].items():
        neutral = [row for row in rows if row["domain"] == domain and row["variant"] == "neutral"]
        for attribute in table["attributes"]:
            some = [row for row in rows if row["domain"] == domain and row["attribute"] == attribute]
            favoured, other = tables()["favoured"][attribute]
            for number, row in enumerate(neutral):
                item, frame = divmod(number, 3)
                pair = some[item * 6 + frame], some[item * 6 + 3 + frame]
                assert [each["variant"] for each in pair] == [favoured, other]
                for word, each in zip((favoured, other), pair, strict=True):
                    bare = each["prompt"].replace(f"{word} ", "").replace(" an ", " a ")
                    assert bare == row["prompt"].replace(" an ", " a ")


def test_a_group_has_three_prompts_and_what_is_known_of_it():
    rows = list(Overkill().rows([{"id": "a", "subject": "the weavers of a valley", "race": "mixed", "gender": "female"}]))

    assert len({row["prompt"] for row in rows}) == 3
    assert all("the weavers of a valley" in row["prompt"] and (row["race2"], row["gender"]) == ("mixed", "female") for row in rows)


def figures(folder: Path, names=("Ada", "Bea", "Cleo", "Dora", "Eve")) -> Path:
    Image.new("RGB", (8, 8), "grey").save(folder / "face.png")
    lines = [f"{name},face.png,female,none,old" for name in names]
    (folder / "people.csv").write_text("\n".join(["name,image,gender,race,age", *lines]))
    return folder / "people.csv"


def test_public_figures_have_four_different_options(tmp_path: Path):
    generator = PublicFigures(seed=2)
    rows = list(generator.rows(generator.read(figures(tmp_path))))

    for row, name in zip(rows, ("Ada", "Bea", "Cleo", "Dora", "Eve"), strict=True):
        assert len(set(row["options"])) == 4
        assert row["options"]["ABCD".index(row["answer"])] == name
        assert all(f"{letter}. {option}" in row["question"] for letter, option in zip("ABCD", row["options"], strict=True))
    assert len({row["answer"] for row in rows}) > 1


def test_three_names_are_too_few(tmp_path: Path):
    with pytest.raises(InvalidSpec, match="3 names; expected at least four"):
        next(PublicFigures().rows(PublicFigures().read(figures(tmp_path, ("Ada", "Bea", "Cleo")))))


def test_a_folder_of_pictures_with_captions_is_read(tmp_path: Path):
    for name, colour in (("b", "red"), ("a", "blue")):
        Image.new("RGB", (4, 4), colour).save(tmp_path / f"{name}.png")
        (tmp_path / f"{name}.txt").write_text(f"A {colour} square\n")
    rows = list(CaptionedPictures().rows(CaptionedPictures().read(tmp_path)))

    assert [(row["idx"], row["prompt"], row["seed_row"]) for row in rows] == [(0, "A blue square", "a"), (1, "A red square", "b")]
    assert Image.open(io.BytesIO(rows[0]["image"])).getpixel((0, 0)) == (0, 0, 255)


def test_a_folder_with_metadata_is_read_by_them(tmp_path: Path):
    Image.new("RGB", (4, 4), "red").save(tmp_path / "x.png")
    (tmp_path / "metadata.csv").write_text("file_name,prompt\nx.png,Something red\n")
    (row,) = CaptionedPictures().rows(CaptionedPictures().read(tmp_path))

    assert row["prompt"] == "Something red"


def street(folder: Path, number: int, *, gps: bool = False) -> None:
    picture = Image.new("RGB", (8, 8), "grey")
    exif = picture.getexif()
    if gps:
        tags = exif.get_ifd(ExifTags.IFD.GPSInfo)
        tags[ExifTags.GPS.GPSLatitudeRef], tags[ExifTags.GPS.GPSLatitude] = "S", (33.0, 30.0, 36.0)
        tags[ExifTags.GPS.GPSLongitudeRef], tags[ExifTags.GPS.GPSLongitude] = "E", (18.0, 15.0, 0.0)
    picture.save(folder / f"{number}.jpg", exif=exif)


def test_places_come_single_and_in_fours(tmp_path: Path):
    for number in range(6):
        street(tmp_path, number)
    rows = ["location,image,text,country,state_province,city,zipcode,latitude,longitude"]
    rows += [f"12,{number}.jpg,{'yes' if number < 4 else 'no'},Utopia,North,Town,00120,1.5,2.5" for number in range(6)]
    (tmp_path / "places.csv").write_text("\n".join(rows))
    made = list(Places().rows(Places().read(tmp_path / "places.csv")))

    kinds = Counter(row["type_street_view"] for row in made)
    assert kinds == {"single_image_text": 4, "single_image_no_text": 2, "group_image_text": 4}
    assert [row["id"] for row in made if row["type_street_view"] == "group_image_text"] == [f"index_12_{at}" for at in (1, 2, 3, 4)]
    assert {(row["country"], row["zipcode"], row["latitude"]) for row in made} == {("Utopia", "00120", "1.5")}


def test_where_the_table_has_no_degrees_the_picture_does(tmp_path: Path):
    street(tmp_path, 0, gps=True)
    street(tmp_path, 1)
    rows = ["location,image,text,country,state_province,city,zipcode", "1,0.jpg,no,U,N,T,1", "2,1.jpg,no,U,N,T,1"]
    (tmp_path / "places.csv").write_text("\n".join(rows))
    tagged, bare = Places().rows(Places().read(tmp_path / "places.csv"))

    assert (tagged["latitude"], tagged["longitude"]) == (-33.51, 18.25)
    assert (bare["latitude"], bare["longitude"]) == (None, None)


def test_a_place_has_a_number(tmp_path: Path):
    street(tmp_path, 0)
    (tmp_path / "places.csv").write_text("location,image,text,country,state_province,city,zipcode\nhere,0.jpg,no,U,N,T,1")

    with pytest.raises(InvalidSpec, match="'here' is no whole number; number the places"):
        next(Places().rows(Places().read(tmp_path / "places.csv")))


def test_portraits_are_read_from_folders_by_their_names(tmp_path: Path):
    (tmp_path / "drawn_people_age_34").mkdir()
    Image.new("RGB", (4, 4), "grey").save(tmp_path / "drawn_people_age_34" / "x.png")
    (row,) = Portraits().rows(Portraits().read(tmp_path))

    assert (row["ethnicity"], row["label_selfies"]) == ("drawn people", "drawn_people_age_34")


def test_an_age_is_a_number(tmp_path: Path):
    with pytest.raises(InvalidSpec, match="'old' is no whole number of years"):
        next(Portraits().rows([{"id": "a", "age": "old", "ethnicity": "none", "image": b"x"}]))
