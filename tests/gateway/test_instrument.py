"""Instruments look at every picture of a request, and a picture that cannot be read costs no other request."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from gateway.instrument import Instrument
from kernel.contract import Detection, Kind, Picture, Reply, Request
from kernel.errors import InvalidRequest


def png(width: int) -> Picture:
    buffer = io.BytesIO()
    Image.new("RGB", (width, 4)).save(buffer, "PNG")
    return Picture(buffer.getvalue())


def look(picture: Image.Image) -> list[dict[str, Any]]:
    return [{"label": "thing", "score": 1, "box": [0, 0, picture.width, 4], "colour": "red"}] * (picture.width > 1)


def asked(*pictures: Picture) -> Request:
    return Request("instrument", pictures, kind=Kind.DETECT)


def test_what_is_found_becomes_detections() -> None:
    """Label, score and box by name, and whatever else there is beside them."""
    (reply,) = Instrument(look).answer([asked(png(7))])

    assert reply == Reply(detections=(Detection("thing", 1.0, (0.0, 0.0, 7.0, 4.0), {"colour": "red"}),))


def test_in_several_pictures_each_detection_says_which() -> None:
    """Counted from nought."""
    (reply,) = Instrument(look).answer([asked(png(1), png(8), png(9))])

    assert isinstance(reply, Reply)
    assert [found.more["picture"] for found in reply.detections] == [1, 2]


def test_a_broken_picture_costs_no_other_request() -> None:
    """Its own request gets the error."""
    broken, whole = Instrument(look).answer([asked(Picture(b"nothing")), asked(png(5))])

    assert isinstance(broken, InvalidRequest)
    assert isinstance(whole, Reply)
