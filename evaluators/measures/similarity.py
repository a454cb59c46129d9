"""How alike embeddings are: rows of numbers, compared one by one, or one row with all of the other side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = Sequence[Sequence[float]]
Numbers = NDArray[np.float64]


def cosine(a: Rows, b: Rows) -> list[float]:
    """Cosine of the angle between rows, from -1 to 1, whatever their lengths. Raises `ValueError` for a row of zeros, which has no direction."""
    left, right = _paired(a, b)
    lengths = [np.linalg.norm(rows, axis=1) for rows in (left, right)]
    if not all(length.all() for length in lengths):
        raise ValueError("a row of zeros has no direction; expected rows with at least one number that is not 0")
    found = ((left / lengths[0][:, None]) * (right / lengths[1][:, None])).sum(axis=1)
    return _listed(found.clip(-1.0, 1.0))


def euclidean(a: Rows, b: Rows) -> list[float]:
    """Distance between rows, from 0; it grows with the rows' own lengths, so it means something for vectors as the model made them."""
    left, right = _paired(a, b)
    return _listed(np.linalg.norm(left - right, axis=1))


def _paired(a: Rows, b: Rows) -> tuple[Numbers, Numbers]:
    """Both sides as matrices. Raises `ValueError` where they cannot be compared."""
    left, right = _matrix(a), _matrix(b)
    if left.shape[1] != right.shape[1]:
        raise ValueError(f"rows of {left.shape[1]} numbers and of {right.shape[1]}; only rows of one model can be compared")
    if len(left) != len(right) and 1 not in (len(left), len(right)):
        raise ValueError(f"{len(left)} rows and {len(right)}; expected as many, or one on either side")
    return left, right


def _matrix(rows: Rows) -> Numbers:
    if len({len(row) for row in rows}) != 1 or not len(rows[0]):
        raise ValueError(f"{len(rows)} rows with {sorted({len(row) for row in rows})} numbers; expected at least one row, all of one length")
    return np.asarray(rows, dtype=np.float64)


def _listed(found: Any) -> list[float]:
    return [float(value) for value in found]
