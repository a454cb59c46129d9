"""Pictures from outside are refused before they can do harm, and read as upright RGB."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from gateway.pictures import MOST_PIXELS, decode
from kernel.errors import InvalidRequest, TooLarge


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def header_of(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(b"\0" * 64)
    chunks = (struct.pack(">I", len(each) - 4) + each + struct.pack(">I", zlib.crc32(each)) for each in (body, data))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_three_formats_are_read(kind: str) -> None:
    """PNG, JPEG and WebP come back as RGB of the same size."""
    picture = decode(encoded(Image.new("RGB", (31, 17), (200, 10, 10)), kind))

    assert (picture.mode, picture.size) == ("RGB", (31, 17))


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "PPM"])
def test_other_formats_are_refused(kind: str) -> None:
    """What Pillow could read and the contract does not name is refused."""
    with pytest.raises(InvalidRequest, match="not a PNG, JPEG or WebP"):
        decode(encoded(Image.new("RGB", (8, 8)), kind))


def test_too_many_pixels_are_refused_by_the_header() -> None:
    """The size is read from the header; nothing is decoded."""
    with pytest.raises(TooLarge, match=str(MOST_PIXELS)):
        decode(header_of(8000, 5001))


def test_an_enormous_picture_is_refused() -> None:
    """Also where Pillow itself would refuse."""
    with pytest.raises(TooLarge, match=str(MOST_PIXELS)):
        decode(header_of(60_000, 60_000))


def test_a_truncated_picture_is_refused() -> None:
    """A file that ends early is no picture, not a half grey one."""
    whole = encoded(Image.effect_noise((64, 64), 90).convert("RGB"), "PNG")

    with pytest.raises(InvalidRequest, match="cut short"):
        decode(whole[: len(whole) // 2])


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"hello", b"\x89PNG\r\n\x1a\n" + b"\0" * 40])
def test_rubbish_is_refused(data: bytes) -> None:
    """Whatever the bytes, the error is ours."""
    with pytest.raises(InvalidRequest):
        decode(data)


def test_transparency_becomes_white() -> None:
    """What nobody would see does not show up as black."""
    picture = decode(encoded(Image.new("RGBA", (4, 4), (255, 0, 0, 0)), "PNG"))

    assert picture.getpixel((0, 0)) == (255, 255, 255)


def test_a_turned_photograph_stands_upright() -> None:
    """The camera's note on orientation is obeyed."""
    tall = Image.new("RGB", (10, 20))
    note = tall.getexif()
    note[0x0112] = 6

    assert decode(encoded(tall, "JPEG", exif=note)).size == (20, 10)
