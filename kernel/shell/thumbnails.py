"""Pictures as they stand in the page: decoded, scaled down and encoded anew, so that no foreign byte gets there."""

from __future__ import annotations

import base64
import io
import warnings

from PIL import Image, ImageOps

PIXEL_LIMIT = 40_000_000
"""Pixels that a picture may have by its header; a larger one is not decoded."""
SIDE = 256
"""Pixels of the longer side in the page."""
SMALL = 128
"""Up to this side a picture is kept without loss: it is small anyway, and every pixel was meant."""
QUALITY = 80
FORMATS = ("PNG", "JPEG", "WEBP")


def thumbnail(data: bytes) -> str | None:
    """A `data:` address of the picture, at most 256 pixels a side; `None` for what cannot or may not be decoded."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return _encode(_decode(data))
    except Exception:  # noqa: BLE001 - a decoder fed with a foreign file may raise anything; the page shows a placeholder
        return None


def _decode(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        width, height = image.size
        if width * height > PIXEL_LIMIT:
            raise ValueError(f"{width} by {height} pixels")
        image.draft("RGB", (SIDE, SIDE))
        image.load()
        upright = ImageOps.exif_transpose(image)
        seen = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    seen.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    # A new image takes over pixels only: `info` would carry profiles and comments of the file along.
    fresh = Image.new(seen.mode, seen.size)
    fresh.paste(seen)
    return fresh


def _encode(image: Image.Image) -> str:
    file = io.BytesIO()
    if max(image.size) <= SMALL:
        image.save(file, "WEBP", lossless=True, quality=50)
    else:
        image.save(file, "WEBP", quality=QUALITY)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode("ascii")
