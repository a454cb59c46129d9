"""Reads printed text with RapidOCR, whose networks come in its wheel."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image, ImageOps
from rapidocr import RapidOCR

SIDE = 640
"""The longer side at which small pictures are read: print in a picture of 64 pixels is a few pixels high."""
MOST_SIDE = 1600
"""The longer side of large ones; both sides count, since a long strip costs what its square would."""
MOST_ENLARGED = 6
NARROWEST = 64
"""A shorter side than this is padded with white; the networks cannot take a strip of one pixel."""
THREADS = 1


class Reader:
    """Finds lines of text and reads each."""

    def __init__(self) -> None:
        self._engine = RapidOCR(
            params={
                "Global.log_level": "error",
                "Global.use_cls": False,
                "Det.limit_type": "max",
                "Det.limit_side_len": MOST_SIDE,
                "EngineConfig.onnxruntime.intra_op_num_threads": THREADS,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )

    def read(self, picture: Image.Image) -> list[dict[str, Any]]:
        """Every line of text as label, with score and box in pixels."""
        scale = min(max(1.0, SIDE / max(picture.size)), MOST_ENLARGED, MOST_SIDE / max(picture.size))
        found = self._engine(_prepared(picture, scale))
        if found.txts is None or found.boxes is None:
            return []
        return [
            {"label": text, "score": round(float(score), 3), "box": _box(corners, scale, picture.size)}
            for text, score, corners in zip(found.txts, found.scores, found.boxes, strict=True)
            if _is_text(text)
        ]


def _is_text(text: str) -> bool:
    """A plain cross is easily read as "+" or as the Chinese ten: signs without two letters or digits are told only in ASCII."""
    signs = [sign for sign in text if sign.isalnum()]
    return len(signs) > 1 or (len(signs) == 1 and signs[0].isascii())


def _prepared(picture: Image.Image, scale: float) -> np.ndarray[Any, Any]:
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    fitted = picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    more = (max(0, NARROWEST - size[0]), max(0, NARROWEST - size[1]))
    padded = ImageOps.expand(fitted, (0, 0, *more), (255, 255, 255)) if any(more) else fitted
    return np.ascontiguousarray(np.asarray(padded)[:, :, ::-1])


def _box(corners: Any, scale: float, size: tuple[int, int]) -> list[float]:
    low, high = np.min(corners, axis=0) / scale, np.max(corners, axis=0) / scale
    edges = (low[0], low[1], high[0], high[1])
    return [round(float(min(max(edge, 0), limit)), 1) for edge, limit in zip(edges, size * 2, strict=True)]
