"""Corruptions: the same for the same seed, and worse with severity."""

import random
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from evaluators.redteam.corruptions import NAMES, PARAMETERS, SEVERITIES, SIDE, SPOILERS, corrupt
from evaluators.scenes import draw, sample

FADED = 0.75
"""Scenes are light; a little darker, they leave room above, as photographs do."""


def pictures(number: int = 6, side: int = SIDE) -> list[Image.Image]:
    rng = random.Random(5)
    return [draw(sample(rng), side).point(lambda value: round(value * FADED)) for _ in range(number)]


def psnr(clean: Image.Image, spoilt: Image.Image) -> float:
    error = np.asarray(clean, dtype=float) - np.asarray(spoilt, dtype=float)
    return float(10 * np.log10(255**2 / (error**2).mean()))


def mean_psnr(name: str, severity: int) -> float:
    return float(np.mean([psnr(clean, corrupt(clean, name, severity, seed)) for seed, clean in enumerate(pictures())]))


@pytest.mark.parametrize("severity", [1, 5])
@pytest.mark.parametrize("name", NAMES)
def test_a_seed_decides_all(name: str, severity: int) -> None:
    """The same seed gives the same picture; size and mode stay; something has changed."""
    (clean,) = pictures(1)
    once, again = (corrupt(clean, name, severity, 3) for _ in range(2))

    assert once.tobytes() == again.tobytes()
    assert (clean.size, "RGB") == (once.size, once.mode)
    assert once.tobytes() != clean.tobytes()


WITHOUT_CHANCE = {"defocus_blur", "zoom_blur", "brightness", "contrast", "pixelate", "jpeg"}


@pytest.mark.parametrize("name", NAMES)
def test_another_seed_gives_another_picture(name: str) -> None:
    """Where there is chance at all."""
    (clean,) = pictures(1)

    assert (corrupt(clean, name, 3, 1).tobytes() == corrupt(clean, name, 3, 2).tobytes()) == (name in WITHOUT_CHANCE)


# Fog of severity 2 and 4 is as thick as or hardly thicker than the one before, only rougher. Elastic 3 to 5 moves less than 1 and 2.
STEPS = {"fog": (1, 3, 5), "elastic": (3, 4, 5)}


@pytest.mark.parametrize("name", [name for name in NAMES if name != "frost"])
def test_distortion_grows_with_severity(name: str) -> None:
    """The mean signal-to-noise ratio falls with each step."""
    ratios = [mean_psnr(name, severity) for severity in STEPS.get(name, SEVERITIES)]

    assert all(milder > worse for milder, worse in pairwise(ratios)), ratios


def test_frost_hides_more_with_severity() -> None:
    """It lightens some parts and darkens others, so that likeness tells more than the signal-to-noise ratio."""
    kept = [np.mean([_likeness(clean, corrupt(clean, "frost", severity, seed)) for seed, clean in enumerate(pictures(12))]) for severity in SEVERITIES]

    assert all(milder > worse for milder, worse in pairwise(kept)), kept


def _likeness(clean: Image.Image, spoilt: Image.Image) -> float:
    return float(np.corrcoef(np.asarray(clean, dtype=float).ravel(), np.asarray(spoilt, dtype=float).ravel())[0, 1])


def test_the_strong_half_of_elastic_grows_too() -> None:
    """Severities 1 and 2 are a scale of their own."""
    assert mean_psnr("elastic", 1) > mean_psnr("elastic", 2)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(64, 64), (97, 130), (300, 128)])
def test_other_sizes_are_taken(name: str, size: tuple[int, int]) -> None:
    """Size stays, whatever it is, and whichever side is longer."""
    clean = draw(sample(random.Random(1)), 300).resize(size)

    for severity in (1, 5):
        assert size == corrupt(clean, name, severity, 1).size


def test_there_are_fifteen_at_five_severities() -> None:
    """Each has its parameters and its rule."""
    assert len(NAMES) == 15
    assert set(NAMES) == set(PARAMETERS) == set(SPOILERS)
    assert {len(parameters) for parameters in PARAMETERS.values()} == {5}


@pytest.mark.parametrize(("name", "severity"), [("rain", 1), ("fog", 0), ("fog", 6), ("", 1)])
def test_an_unknown_one_is_refused(name: str, severity: int) -> None:
    """The message says what there is."""
    with pytest.raises(ValueError, match="there are gaussian_noise, shot_noise"):
        corrupt(pictures(1)[0], name, severity, 1)


def test_noise_has_the_strength_that_it_should() -> None:
    """Measured on a flat grey, where nothing is clipped."""
    grey = Image.new("RGB", (SIDE, SIDE), (128, 128, 128))
    gaussian = np.asarray(corrupt(grey, "gaussian_noise", 1, 1), dtype=float) / 255
    shot = np.asarray(corrupt(grey, "shot_noise", 1, 1), dtype=float) / 255
    impulse = np.asarray(corrupt(grey, "impulse_noise", 5, 1))

    assert gaussian.std() == pytest.approx(0.08, rel=0.02)
    assert shot.std() == pytest.approx((128 / 255 / 60) ** 0.5, rel=0.02)
    assert (impulse != 128).mean() == pytest.approx(0.27, rel=0.02)
    assert (impulse == 255).sum() == pytest.approx((impulse == 0).sum(), rel=0.03)


def test_light_changes_as_it_should() -> None:
    """Brightness adds to the value of HSV; contrast pulls towards the mean."""
    colour = Image.new("RGB", (8, 8), (100, 50, 0))
    black = Image.new("RGB", (8, 8), (0, 0, 0))
    halves = Image.fromarray(np.repeat(np.array([[[0, 0, 0]], [[200, 200, 200]]], dtype=np.uint8), 8, axis=1))

    assert corrupt(colour, "brightness", 1, 1).getpixel((0, 0)) == (126, 63, 0)
    assert corrupt(black, "brightness", 1, 1).getpixel((0, 0)) == (26, 26, 26)
    assert corrupt(halves, "contrast", 1, 1).getpixel((0, 0)) == (60, 60, 60)


def test_blur_keeps_the_light_and_spreads_it() -> None:
    """A white point becomes a disk of the radius of the severity, or a line to one side."""
    point = np.zeros((SIDE, SIDE, 3), dtype=np.uint8)
    point[100:104, 100:104] = 255
    disk = np.asarray(corrupt(Image.fromarray(point), "defocus_blur", 5, 1))[..., 0]
    line = np.asarray(corrupt(Image.fromarray(point), "motion_blur", 5, 1))[..., 0]

    assert disk.sum(dtype=float) == pytest.approx(point[..., 0].sum(dtype=float), rel=0.1)
    assert np.ptp(np.nonzero(disk)[0]) in range(20, 26)
    assert np.ptp(np.nonzero(disk)[1]) in range(20, 26)
    assert np.nonzero(line)[1].min() < 100
    assert np.nonzero(line)[1].max() <= 104
