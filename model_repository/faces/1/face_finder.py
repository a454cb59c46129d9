"""Finds faces with YuNet (Wu, Peng and Yu, 2023), through OpenCV."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from kernel.errors import InvalidSpec

WEIGHTS = "face_detection_yunet_2023mar.onnx"
SIDE = 320
"""YuNet was trained on faces of 10 to 300 pixels: of this side, a face may fill the picture or a thirtieth of it."""
SCORE = 0.9
OVERLAP = 0.3
"""Of two boxes that share more than this, the better one is kept. Both are OpenCV's own values."""
MOST = 5000
BOX, LANDMARKS = slice(0, 4), slice(4, 14)


class FaceFinder:
    """Holds the network. `weights` names the file in the checkpoint; a picture is shrunk to `longest_side`, and never enlarged."""

    def __init__(self, checkpoint: str, *, weights: str = WEIGHTS, box_threshold: float = SCORE, longest_side: int = SIDE) -> None:
        path = Path(checkpoint).expanduser() / weights
        if not path.is_file():
            there = ", ".join(sorted(each.name for each in path.parent.glob("*.onnx"))) or "none"
            raise InvalidSpec(checkpoint, [f"{weights} is not in it, its ONNX files: {there}; name the one that is YuNet by `weights`"])
        self._side = longest_side
        try:
            self._network = cv2.FaceDetectorYN.create(str(path), "", (SIDE, SIDE), box_threshold, OVERLAP, MOST)
            self.find(Image.new("RGB", (SIDE, SIDE)))
        except cv2.error as error:
            raise InvalidSpec(checkpoint, [f"OpenCV cannot run {weights} as YuNet: {' '.join(str(error).split())[:300]}"]) from None

    def find(self, picture: Image.Image) -> list[dict[str, Any]]:
        """Every face with score, box, and five landmarks in pixels: right eye, left eye, tip of the nose, right and left corner of the mouth.

        Right and left are the person's own.
        """
        scale = min(1.0, self._side / max(picture.size))
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        fitted = picture.resize(size, Image.Resampling.BILINEAR, reducing_gap=3.0) if scale < 1 else picture
        self._network.setInputSize(size)
        _, found = self._network.detect(np.ascontiguousarray(np.asarray(fitted)[:, :, ::-1]))
        stretch = np.array([picture.width / size[0], picture.height / size[1]])
        return [_face(row.astype(float), stretch) for row in ([] if found is None else found)]


def _face(row: Any, stretch: Any) -> dict[str, Any]:
    x, y, width, height = row[BOX]
    corners = np.array([[x, y], [x + width, y + height]]) * stretch
    landmarks = row[LANDMARKS].reshape(5, 2) * stretch
    return {"label": "face", "score": float(row[-1]), "box": corners.ravel().tolist(), "landmarks": landmarks.tolist()}
