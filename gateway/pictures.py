"""Pictures that came from outside: refused by format and size before anything is decoded.

A file of 10 KB can decode to hundreds of megabytes, and decoders of rare formats are where the holes are. So only PNG,
JPEG and WebP are read, and the number of pixels is taken from the header first.
"""

from __future__ import annotations

import io
import warnings

from PIL import Image, ImageOps, UnidentifiedImageError

from kernel.errors import InvalidRequest, TooLarge

FORMATS = ("PNG", "JPEG", "WEBP")
MOST_PIXELS = 40_000_000
_BACKDROP = (255, 255, 255)


def decode(data: bytes) -> Image.Image:
    """Read an encoded picture as upright RGB, transparent parts on white.

    Raises:
        InvalidRequest: Not a whole picture of one of the `FORMATS`.
        TooLarge: More than `MOST_PIXELS`.
    """
    if not data:
        message = "the picture is empty; expected the bytes of a PNG, JPEG or WebP file"
        raise InvalidRequest(message)
    with warnings.catch_warnings():
        # Pillow's own limit only warns, at another number than ours.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        return _upright(_opened(data))


def _opened(data: bytes) -> Image.Image:
    try:
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError as error:
        message = f"not a PNG, JPEG or WebP picture: {len(data)} bytes that begin with {data[:8].hex(' ')}"
        raise InvalidRequest(message) from error
    except Image.DecompressionBombError as error:
        message = f"the picture is over the limit of {MOST_PIXELS} pixels; send a smaller one"
        raise TooLarge(message) from error
    except Exception as error:
        message = f"the picture's header cannot be read: {error}"
        raise InvalidRequest(message) from error
    if picture.width * picture.height > MOST_PIXELS:
        found = f"{picture.width} x {picture.height}"
        message = f"the picture has {found} pixels, the limit is {MOST_PIXELS} in all; send a smaller one"
        raise TooLarge(message)
    return picture


def _upright(picture: Image.Image) -> Image.Image:
    try:
        picture.load()
        turned = ImageOps.exif_transpose(picture)
        if turned.has_transparency_data:
            clear = turned.convert("RGBA")
            backdrop = Image.new("RGBA", clear.size, (*_BACKDROP, 255))
            return Image.alpha_composite(backdrop, clear).convert("RGB")
        return turned.convert("RGB")
    except Exception as error:
        message = f"the picture is damaged or cut short: {error}"
        raise InvalidRequest(message) from error
