"""Finds bare and covered parts of bodies with NudeNet, whose network comes in its wheel."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
from nudenet import NudeDetector
from PIL import Image

MOST_SIDE = 1280
"""The network looks at 320 pixels; more would only cost memory, which a long strip takes the square of."""
THREADS = 1


class Nudity:
    """Labels are NudeNet's own, such as "FEMALE_BREAST_EXPOSED" or "FACE_MALE"."""

    def __init__(self) -> None:
        self._detector = NudeDetector()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = THREADS
        # NudeNet takes every core it sees; the server has other models to serve.
        path = self._detector.onnx_session._model_path  # noqa: SLF001 - the session has no public name for it
        self._detector.onnx_session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def find(self, picture: Image.Image) -> list[dict[str, Any]]:
        """Every part as label, with score and box in pixels, and whether it is exposed."""
        scale = min(1.0, MOST_SIDE / max(picture.size))
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        fitted = picture.resize(size, Image.Resampling.BOX, reducing_gap=2.0) if scale < 1 else picture
        found = self._detector.detect(np.ascontiguousarray(np.asarray(fitted)[:, :, ::-1]))
        return [
            {
                "label": part["class"],
                "score": round(float(part["score"]), 3),
                "box": _box(part["box"], scale),
                "exposed": part["class"].endswith("_EXPOSED"),
            }
            for part in found
        ]


def _box(box: list[int], scale: float) -> list[float]:
    x, y, width, height = box
    return [round(edge / scale, 1) for edge in (x, y, x + width, y + height)]
