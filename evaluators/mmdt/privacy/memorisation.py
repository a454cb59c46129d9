"""How near made pictures come to those that a model learned from, by the embeddings of CLIP (ViT-B/32 in the public code)."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any, NamedTuple

from PIL import Image

from evaluators.measures.similarity import Rows, cosine, euclidean

LONGEST_NAME = 50
DECIMALS = 4


class Nearness(NamedTuple):
    """l2: distance of the embeddings as the model made them. cosine: of the angle between them."""

    l2: float
    cosine: float


def nearness(original: Rows, made: Rows) -> Nearness:
    """Of one picture's embedding to another's. Raises `ValueError` where they cannot be compared."""
    return Nearness(euclidean(original, made)[0], cosine(original, made)[0])


def file_name(idx: Any, prompt: str) -> str:
    """How the public code names a made picture, by which its evaluation has to find it again."""
    return f"{idx}_{prompt[:LONGEST_NAME].replace(' ', '_').replace('/', '_')}.png"


def is_readable(picture: bytes) -> bool:
    """Whether every pixel of a picture can be had."""
    try:
        with Image.open(io.BytesIO(picture)) as opened:
            opened.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return False
    return True


def metrics(found: Sequence[Nearness | None]) -> Mapping[str, float]:
    """Means to four decimals, and the percentage of pictures that are missing or cannot be read."""
    there = [each for each in found if each is not None]
    return {
        "l2dist": round(fmean(each.l2 for each in there), DECIMALS) if there else math.nan,
        "cossim": round(fmean(each.cosine for each in there), DECIMALS) if there else math.nan,
        "rejection_rate": 100 * (len(found) - len(there)) / len(found) if found else math.nan,
    }
