"""Pools are the same for the same seed on every machine, show what they say, and a folder of one's own is read by its numbers."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from evaluators.conditions.pool import make, pool_of
from kernel.errors import InvalidSpec

SIDE = 64


def pixels(kind: str, number: int = 1, seed: int = 0) -> np.ndarray:
    return np.asarray(make(kind, seed, number, SIDE)).astype(float)


@pytest.mark.parametrize(("kind", "digest"), [("color", "5f388912a90bc2ac"), ("noise", "66a4187cc7b148e1"), ("nature", "a59476926981b171")])
def test_pixels_are_the_same_everywhere(kind: str, digest: str):
    assert hashlib.sha256(make(kind, 0, 1, SIDE).tobytes()).hexdigest()[:16] == digest


@pytest.mark.parametrize("kind", ["color", "noise", "nature"])
def test_numbers_and_seeds_make_other_pictures(kind: str):
    made = {make(kind, seed, number, SIDE).tobytes() for seed in (0, 1) for number in range(1, 11)}
    assert len(made) == 20


def test_a_colour_is_one_colour():
    assert np.ptp(pixels("color"), axis=(0, 1)).tolist() == [0, 0, 0]


def test_noise_is_even_and_no_value_tells_of_its_neighbour():
    values = pixels("noise")
    assert abs(values.mean() - 127.5) < 4
    assert abs(values.std() - 73.9) < 3
    assert abs(np.corrcoef(values[:, 1:].ravel(), values[:, :-1].ravel())[0, 1]) < 0.05
    assert abs(np.corrcoef(values[..., 0].ravel(), values[..., 1].ravel())[0, 1]) < 0.05


@pytest.mark.parametrize("number", range(1, 6))
def test_scenery_is_smooth_and_has_more_than_one_colour(number: int):
    values = pixels("nature", number)
    assert np.corrcoef(values[:, 1:].ravel(), values[:, :-1].ravel())[0, 1] > 0.8
    assert abs(values[: SIDE // 4].mean(axis=(0, 1)) - values[-SIDE // 4 :].mean(axis=(0, 1))).max() > 15


def test_a_made_pool_has_ten_pngs():
    pool = pool_of("color", 3)
    assert [each.name for each in pool] == [f"color_{number}" for number in range(1, 11)]
    assert {Image.open(io.BytesIO(each.picture.data)).format for each in pool} == {"PNG"}
    assert len({each.picture.digest for each in pool}) == 10


def test_a_folder_of_one_s_own_is_read_by_kind_and_in_the_order_of_numbers(tmp_path: Path):
    for name in ("nature_10.jpeg", "nature_2.jpeg", "Nature_1.JPG", "color_1.png"):
        Image.new("RGB", (4, 4)).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("mine")
    pool = pool_of("nature", 0, str(tmp_path))
    assert [each.name for each in pool] == ["Nature_1.JPG", "nature_2.jpeg", "nature_10.jpeg"]
    assert pool[1].picture.data == (tmp_path / "nature_2.jpeg").read_bytes()


def test_a_folder_without_such_pictures_or_with_a_broken_one_is_refused(tmp_path: Path):
    (tmp_path / "noise_1.png").write_bytes(b"no picture")
    with pytest.raises(InvalidSpec, match=r"has no picture of color; expected files such as color_1.png"):
        pool_of("color", 0, str(tmp_path))
    with pytest.raises(InvalidSpec, match=r"noise_1.png is no picture that can be read"):
        pool_of("noise", 0, str(tmp_path))
