"""The fifteen corruptions of ImageNet-C (Hendrycks and Dietterich, 2019) at five severities, in numpy, SciPy and Pillow.

Parameters are those of ImageNet-C, which were chosen for pictures of 224 pixels a side; on other sizes distances in
pixels are scaled with the smaller side. A seed decides all chance: the same seed gives the same picture.

What differs from the original: `frost` lays a procedural sheet of ice over the picture, where ImageNet-C has photographs;
`glass_blur` exchanges pixels, where the original's aliasing copies one over the other; the result is not stored as JPEG
of quality 85 on top. Kept as they are: the constants of `elastic`, in which 244 stands for 224, and its severities 3 to 5,
which move less than 1 and 2 do.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage, signal

Array = NDArray[np.float64]
Chance = np.random.Generator
Corruption = Literal[
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "defocus_blur",
    "glass_blur",
    "motion_blur",
    "zoom_blur",
    "snow",
    "frost",
    "fog",
    "brightness",
    "contrast",
    "elastic",
    "pixelate",
    "jpeg",
]
NAMES: tuple[str, ...] = get_args(Corruption)
SEVERITIES = (1, 2, 3, 4, 5)
SIDE = 224
"""Pixels a side for which the parameters were chosen."""

PARAMETERS: dict[str, tuple[Any, ...]] = {
    "gaussian_noise": (0.08, 0.12, 0.18, 0.26, 0.38),
    "shot_noise": (60, 25, 12, 5, 3),
    "impulse_noise": (0.03, 0.06, 0.09, 0.17, 0.27),
    # radius and sigma of the smoothing of its edge
    "defocus_blur": ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5)),
    # sigma, greatest shift, rounds
    "glass_blur": ((0.7, 1, 2), (0.9, 2, 1), (1.0, 2, 3), (1.1, 3, 2), (1.5, 4, 2)),
    # radius and sigma
    "motion_blur": ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15)),
    # step and number of the zoom factors, from 1 up
    "zoom_blur": ((0.01, 12), (0.01, 16), (0.02, 11), (0.02, 13), (0.03, 11)),
    # mean, deviation, zoom, threshold, radius and sigma of the motion, share of the picture
    "snow": (
        (0.1, 0.3, 3, 0.5, 10, 4, 0.8),
        (0.2, 0.3, 2, 0.5, 12, 4, 0.7),
        (0.55, 0.3, 4, 0.9, 12, 8, 0.7),
        (0.55, 0.3, 4.5, 0.85, 12, 8, 0.65),
        (0.55, 0.3, 2.5, 0.85, 12, 12, 0.55),
    ),
    # weights of picture and frost
    "frost": ((1, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75)),
    # strength, and by what the displacement is divided at each halving
    "fog": ((1.5, 2), (2, 2), (2.5, 1.7), (2.5, 1.5), (3, 1.4)),
    "brightness": (0.1, 0.2, 0.3, 0.4, 0.5),
    "contrast": (0.4, 0.3, 0.2, 0.1, 0.05),
    # displacement, its smoothing, jitter of the affine map, each times 244
    "elastic": ((2, 0.7, 0.1), (2, 0.08, 0.2), (0.05, 0.01, 0.02), (0.07, 0.01, 0.02), (0.12, 0.01, 0.02)),
    "pixelate": (0.6, 0.5, 0.4, 0.3, 0.25),
    "jpeg": (25, 18, 15, 10, 7),
}


def corrupt(picture: Image.Image, name: str, severity: int, seed: int) -> Image.Image:
    """Spoil a picture; size and mode (RGB) stay.

    Args:
        picture: What to spoil.
        name: One of `NAMES`.
        severity: 1 to 5.
        seed: Decides all chance.
    """
    if name not in PARAMETERS or severity not in SEVERITIES:
        message = f"no corruption {name!r} of severity {severity!r}; there are {', '.join(NAMES)}, from 1 to 5"
        raise ValueError(message)
    values = np.asarray(picture.convert("RGB"), dtype=np.float64) / 255
    chance = np.random.default_rng([seed, NAMES.index(name), severity])
    spoilt = SPOILERS[name](values, PARAMETERS[name][severity - 1], chance)
    return Image.fromarray(as_bytes(spoilt))


def as_bytes(values: Array) -> NDArray[np.uint8]:
    """Values in 0..1 as bytes, clipped."""
    return np.asarray(np.rint(np.clip(values, 0, 1) * 255), dtype=np.uint8)


def _scale(values: Array) -> float:
    return min(values.shape[:2]) / SIDE


# -- noise --------------------------------------------------------------------


def _gaussian_noise(values: Array, deviation: float, chance: Chance) -> Array:
    return values + chance.normal(scale=deviation, size=values.shape)


def _shot_noise(values: Array, photons: float, chance: Chance) -> Array:
    return chance.poisson(values * photons) / photons


def _impulse_noise(values: Array, share: float, chance: Chance) -> Array:
    hit = chance.random(values.shape) < share
    return np.where(hit, chance.integers(0, 2, values.shape), values)


# -- blur ---------------------------------------------------------------------


def _smooth(values: Array, sigma: float) -> Array:
    return np.asarray(ndimage.gaussian_filter(values, (sigma, sigma, 0), mode="nearest", truncate=4))


def _defocus_blur(values: Array, parameters: tuple[float, float], _: Chance) -> Array:
    radius, alias = parameters[0] * _scale(values), parameters[1]
    kernel = _disk(radius, alias)
    half = len(kernel) // 2
    padded = np.pad(values, ((half, half), (half, half), (0, 0)), mode="reflect")
    return np.asarray(signal.fftconvolve(padded, kernel[:, :, None], mode="valid", axes=(0, 1)))


def _disk(radius: float, alias: float) -> Array:
    reach = max(8, math.ceil(radius))
    across = np.arange(-reach, reach + 1)
    disk = (across[:, None] ** 2 + across**2 <= radius**2).astype(np.float64)
    taps = np.arange(-1, 2) if radius <= 8 else np.arange(-2, 3)
    edge = np.exp(-(taps**2) / (2 * alias**2))
    smooth = ndimage.convolve1d(ndimage.convolve1d(disk, edge, 0, mode="mirror"), edge, 1, mode="mirror")
    return np.asarray(smooth / smooth.sum())


def _glass_blur(values: Array, parameters: tuple[float, int, int], chance: Chance) -> Array:
    sigma, shift, rounds = parameters
    scale = _scale(values)
    shift = max(1, round(shift * scale))
    blurred = _smooth(values, sigma * scale)
    height, width = values.shape[:2]
    order = list(range(height * width))
    for _ in range(rounds):
        _exchange(order, height, width, shift, chance)
    moved = blurred.reshape(-1, 3)[np.array(order)].reshape(values.shape)
    return _smooth(moved, sigma * scale)


def _exchange(order: list[int], height: int, width: int, shift: int, chance: Chance) -> None:
    """Exchange each pixel, from the bottom right on, with one at most `shift` away."""
    rows, columns = range(height - shift, shift, -1), range(width - shift, shift, -1)
    steps = chance.integers(-shift, shift, (len(rows), len(columns), 2))
    offsets = (steps[..., 0] * width + steps[..., 1]).tolist()
    for row, line in zip(rows, offsets, strict=True):
        here = row * width + columns[0]
        for offset in line:
            there = here + offset
            order[here], order[there] = order[there], order[here]
            here -= 1


def _motion_blur(values: Array, parameters: tuple[float, float], chance: Chance) -> Array:
    return _moved(values, parameters, chance.uniform(-45, 45))


def _moved(values: Array, parameters: tuple[float, float], angle: float) -> Array:
    """Blur along a line of `2 * radius + 1` pixels to one side, fainter with the distance."""
    scale = _scale(values)
    radius, sigma = max(1, round(parameters[0] * scale)), parameters[1] * scale
    weights = np.exp(-(np.arange(2 * radius + 1) ** 2) / (2 * sigma**2))
    height, width = values.shape[:2]
    pad = 2 * radius
    around = ((pad, pad), (pad, pad), (0, 0))[: values.ndim]
    padded = np.pad(values, around, mode="edge")
    total = np.zeros_like(values)
    for distance, weight in enumerate(weights / weights.sum()):
        down = pad + round(distance * math.sin(math.radians(angle)))
        across = pad + round(distance * math.cos(math.radians(angle)))
        total += weight * padded[down : down + height, across : across + width]
    return total


def _zoom_blur(values: Array, parameters: tuple[float, int], _: Chance) -> Array:
    step, number = parameters
    zoomed = [_zoomed(values, 1 + step * index) for index in range(number)]
    return (values + sum(zoomed)) / (number + 1)


def _zoomed(values: Array, factor: float) -> Array:
    """The middle of a picture, enlarged to its size by linear interpolation."""
    for axis in (0, 1):
        side = values.shape[axis]
        kept = math.ceil(side / factor)
        long = max(side, round(kept * factor))
        places = np.linspace(0, kept - 1, long)[(long - side) // 2 :][:side] + (side - kept) // 2
        below = np.floor(places).astype(int)
        part = (places - below).reshape((-1, *[1] * (values.ndim - axis - 1)))
        above = np.minimum(below + 1, side - 1)
        values = values.take(below, axis) * (1 - part) + values.take(above, axis) * part
    return values


# -- weather ------------------------------------------------------------------


def _snow(values: Array, parameters: tuple[float, ...], chance: Chance) -> Array:
    mean, deviation, zoom, threshold, radius, sigma, share = parameters
    layer = _zoomed(chance.normal(mean, deviation, values.shape[:2]), zoom)
    layer = np.clip(np.where(layer < threshold, 0, layer), 0, 1)
    layer = _moved(layer, (radius, sigma), chance.uniform(-135, -45))[:, :, None]
    whitened = np.maximum(values, _grey(values) * 1.5 + 0.5)
    return share * values + (1 - share) * whitened + layer + np.rot90(layer, 2)


def _grey(values: Array) -> Array:
    return np.asarray(values @ np.array([0.299, 0.587, 0.114]))[:, :, None]


def _frost(values: Array, parameters: tuple[float, float], chance: Chance) -> Array:
    picture, frost = parameters
    return picture * values + frost * _ice(values.shape[0], values.shape[1], chance)


def _ice(height: int, width: int, chance: Chance) -> Array:
    """Bluish white crystals over dark glass: ridges of a fractal, and needles in a few directions."""
    ridges = 1 - np.abs(2 * _plasma(max(height, width), 1.8, chance) - 1)
    needles = chance.random(ridges.shape) ** 12
    spread = np.mean([_moved(needles, (12, 6), angle) for angle in chance.uniform(0, 360, 6)], axis=0)
    sheet = np.clip(ridges**3 + 2.5 * spread / spread.max() * ridges, 0, 1)[:height, :width, None]
    return np.asarray(0.1 + sheet * np.array([0.78, 0.86, 0.9]))


def _fog(values: Array, parameters: tuple[float, float], chance: Chance) -> Array:
    strength, decay = parameters
    height, width = values.shape[:2]
    most = values.max()
    fog = strength * _plasma(max(height, width), decay, chance)[:height, :width, None]
    return np.asarray((values + fog) * most / (most + strength))


def _plasma(side: int, decay: float, chance: Chance) -> Array:
    """A fractal in 0..1 by the diamond-square rule with wrap-around, on the next power of two."""
    size = 2 ** math.ceil(math.log2(side))
    field: Array = np.zeros((size, size))
    wild = 100.0
    steps = [2**power for power in range(int(math.log2(size)), -1, -1)]
    for step, half in pairwise(steps):
        corners = field[::step, ::step]
        around = corners + np.roll(corners, -1, 0)
        field[half::step, half::step] = _wobble(around + np.roll(around, -1, 1), wild, chance)
        middles = field[half::step, half::step]
        upright = middles + np.roll(middles, 1, 0) + corners + np.roll(corners, -1, 1)
        field[::step, half::step] = _wobble(upright, wild, chance)
        lying = middles + np.roll(middles, 1, 1) + corners + np.roll(corners, -1, 0)
        field[half::step, ::step] = _wobble(lying, wild, chance)
        wild /= decay
    return np.asarray((field - field.min()) / (field.max() - field.min()))


def _wobble(sums: NDArray[Any], wild: float, chance: Chance) -> Array:
    return np.asarray(sums / 4 + wild * chance.uniform(-wild, wild, sums.shape))


# -- light --------------------------------------------------------------------


def _brightness(values: Array, more: float, _: Chance) -> Array:
    """Raise V of HSV; hue and saturation stay."""
    value = values.max(axis=2, keepdims=True)
    brighter = np.clip(value + more, 0, 1)
    return np.where(value > 0, values * (brighter / np.maximum(value, 1e-12)), brighter)


def _contrast(values: Array, factor: float, _: Chance) -> Array:
    mean = values.mean(axis=(0, 1), keepdims=True)
    return np.asarray((values - mean) * factor + mean)


# -- geometry and coding ------------------------------------------------------


def _elastic(values: Array, parameters: tuple[float, float, float], chance: Chance) -> Array:
    alpha, sigma, jitter = (244 * share * _scale(values) for share in parameters)
    turned = _affine(values, jitter, chance)
    height, width = values.shape[:2]
    down, across = np.mgrid[:height, :width].astype(np.float64)
    pushes = chance.uniform(-1, 1, (2, height, width))
    push = [alpha * (_smoothing(height, sigma) @ each @ _smoothing(width, sigma).T) for each in pushes]
    return _sampled(turned, down + push[0], across + push[1], "reflect")


@lru_cache(maxsize=16)
def _smoothing(side: int, sigma: float) -> Array:
    """Gaussian smoothing along an axis as a matrix: a wide one costs a thousand taps a pixel otherwise."""
    return np.asarray(ndimage.gaussian_filter1d(np.eye(side), sigma, axis=0, mode="reflect", truncate=3))


def _affine(values: Array, jitter: float, chance: Chance) -> Array:
    """Map three points near the middle to jittered ones, and all others with them."""
    height, width = values.shape[:2]
    reach = min(height, width) // 3
    y, x = height // 2, width // 2
    points = np.array([[y + reach, x + reach], [y - reach, x + reach], [y - reach, x - reach]], dtype=np.float64)
    moved = points + chance.uniform(-jitter, jitter, points.shape)
    back = np.linalg.solve(np.column_stack([moved, np.ones(3)]), points)
    down, across = np.mgrid[:height, :width]
    places = np.stack([down, across, np.ones_like(down)], axis=-1) @ back
    return _sampled(values, places[..., 0], places[..., 1], "mirror")


def _sampled(values: Array, down: Array, across: Array, mode: str) -> Array:
    bands = [ndimage.map_coordinates(values[..., band], [down, across], order=1, mode=mode) for band in range(3)]
    return np.stack(bands, axis=-1)


def _pixelate(values: Array, share: float, _: Chance) -> Array:
    picture = Image.fromarray(as_bytes(values))
    small = (max(1, int(picture.width * share)), max(1, int(picture.height * share)))
    coarse = picture.resize(small, Image.Resampling.BOX).resize(picture.size, Image.Resampling.BOX)
    return np.asarray(coarse, dtype=np.float64) / 255


def _jpeg(values: Array, quality: int, _: Chance) -> Array:
    buffer = io.BytesIO()
    Image.fromarray(as_bytes(values)).save(buffer, "JPEG", quality=quality)
    with Image.open(buffer) as coded:
        return np.asarray(coded, dtype=np.float64) / 255


SPOILERS: dict[str, Callable[[Array, Any, Chance], Array]] = {
    "gaussian_noise": _gaussian_noise,
    "shot_noise": _shot_noise,
    "impulse_noise": _impulse_noise,
    "defocus_blur": _defocus_blur,
    "glass_blur": _glass_blur,
    "motion_blur": _motion_blur,
    "zoom_blur": _zoom_blur,
    "snow": _snow,
    "frost": _frost,
    "fog": _fog,
    "brightness": _brightness,
    "contrast": _contrast,
    "elastic": _elastic,
    "pixelate": _pixelate,
    "jpeg": _jpeg,
}
