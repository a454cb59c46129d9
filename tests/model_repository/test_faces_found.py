"""The face detector gives what OpenCV's own call gives, number by number, in pixels of the picture that was sent."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from evaluators.measures.faces import chip, faces_in, largest
from gateway.catalog import read_catalog
from gateway.session import open_gateway
from kernel.contract import Deadline, Kind, Picture, Request
from kernel.errors import InvalidRequest, InvalidSpec
from tests.model_repository.folders import load

cv2 = pytest.importorskip("cv2")
pytest.importorskip("onnx")

from tests.model_repository.tiny_yunet import yunet  # noqa: E402 - needs it

IN_PIXELS = 1e-3
NOISE = {size: Image.effect_noise(size, 90).convert("RGB") for size in ((320, 200), (100, 33), (640, 480))}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return yunet(tmp_path_factory.mktemp("yunet"))


def finder(folder: Path, **more: Any) -> Any:
    return load("faces", "face_finder").FaceFinder(str(folder), **more)


def called(folder: Path, picture: Image.Image, threshold: float) -> np.ndarray:
    """OpenCV's own call, as its documentation shows it."""
    path = next(folder.glob("*.onnx"))
    found = cv2.FaceDetectorYN.create(str(path), "", picture.size, threshold, 0.3, 5000).detect(cv2.cvtColor(np.asarray(picture), cv2.COLOR_RGB2BGR))[1]
    return np.empty((0, 15)) if found is None else found


@pytest.mark.parametrize(("size", "threshold"), [((320, 200), 0.9), ((320, 200), 0.6), ((100, 33), 0.6)])
def test_what_is_found_is_what_opencv_finds(folder: Path, size: tuple[int, int], threshold: float) -> None:
    """Boxes by their corners, and five landmarks, best face first."""
    expected = called(folder, NOISE[size], threshold)

    found = finder(folder, box_threshold=threshold).find(NOISE[size])

    assert len(found) == len(expected) > 1
    assert [face["score"] for face in found] == pytest.approx(expected[:, 14])
    assert np.array([face["box"] for face in found]) == pytest.approx(np.hstack([expected[:, :2], expected[:, :2] + expected[:, 2:4]]), abs=IN_PIXELS)
    assert np.array([face["landmarks"] for face in found]).reshape(-1, 10) == pytest.approx(expected[:, 4:14], abs=IN_PIXELS)
    assert {face["label"] for face in found} == {"face"}


def test_a_large_picture_is_shrunk_and_its_faces_are_not(folder: Path) -> None:
    """What is found in half the size lies where it lies in the picture; a side of one's own changes that."""
    large = NOISE[(640, 480)]
    expected = called(folder, large.resize((320, 240), Image.Resampling.BILINEAR, reducing_gap=3.0), 0.9)

    found = finder(folder).find(large)

    assert np.array([face["landmarks"] for face in found]).reshape(-1, 10) == pytest.approx(2 * expected[:, 4:14], abs=IN_PIXELS)
    assert len(finder(folder, longest_side=640).find(large)) == len(called(folder, large, 0.9)) != len(expected)


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 2)])
def test_odd_pictures_do_no_harm(folder: Path, size: tuple[int, int]) -> None:
    """Specks and strips are looked at as well."""
    assert isinstance(finder(folder).find(Image.new("RGB", size, "white")), list)


def test_mistakes_of_the_catalog_are_told(tmp_path: Path, folder: Path) -> None:
    """What is there instead, and what OpenCV says of it."""
    (tmp_path / "broken.onnx").write_bytes(b"no network")
    for place, given, fault in (
        (tmp_path, {}, r"face_detection_yunet_2023mar\.onnx is not in it, its ONNX files: broken\.onnx; name the one that is YuNet by `weights`"),
        (tmp_path, {"weights": "broken.onnx"}, r"OpenCV cannot run broken\.onnx as YuNet"),
        (folder / "missing", {}, "its ONNX files: none"),
    ):
        with pytest.raises(InvalidSpec, match=fault):
            finder(place, **given)


def test_an_entry_of_a_catalog_names_the_file(tmp_path: Path) -> None:
    """Without one it is the file that OpenCV publishes, from the hub."""
    (tmp_path / "catalog.yaml").write_text("models: {f: {instrument: faces}, g: {instrument: faces, checkpoint: ., weights: y.onnx, longest_side: 640}}")

    entries = read_catalog(tmp_path / "catalog.yaml").entries

    assert ("opencv/face_detection_yunet", Kind.DETECT, {}) == (entries["f"].source, entries["f"].kind, entries["f"].settings())
    assert entries["g"].settings() == {"weights": "y.onnx", "longest_side": 640}


@pytest.mark.triton
@pytest.mark.slow
async def test_faces_are_found_and_cut_out_through_the_real_server(tmp_path: Path, folder: Path) -> None:
    """From a catalog's entry to upright faces; a damaged picture costs no other."""
    catalog = tmp_path / "catalog.yaml"
    catalog.write_text(f"models: {{faces: {{instrument: faces, checkpoint: {folder}, box_threshold: 0.6}}}}")
    picture = NOISE[(100, 33)]
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")

    async with open_gateway(catalog) as session:
        cards = await session.cards()
        asked = (Request("faces", (Picture(data),), kind=Kind.DETECT) for data in (buffer.getvalue(), b"no picture", buffer.getvalue()))
        first, bad, last = await asyncio.gather(*(session.infer(each, deadline=Deadline.after(60)) for each in asked), return_exceptions=True)

    assert (cards["faces"].kind, cards["faces"].accepts) == (Kind.DETECT, ("image",))
    assert isinstance(bad, InvalidRequest)
    assert first.detections == last.detections
    expected = called(folder, picture, 0.6)
    assert np.array([face.more["landmarks"] for face in first.detections]).reshape(-1, 10) == pytest.approx(expected[:, 4:14], abs=IN_PIXELS)
    assert chip(picture, largest(faces_in(first.detections)).more["landmarks"]).size == (300, 300)
