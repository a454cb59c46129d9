"""The sample of the perspective: four harmless rows about drawn scenes for every task and split."""

from __future__ import annotations

from pathlib import Path

from evaluators.mmdt.hallucination import sample_asked, sample_painted
from evaluators.mmdt.sample import put_json, put_parquet

CONFIG = "hallucination"


def write(folder: Path) -> None:
    """Write every split of both data sets, and the right pictures of the prompts."""
    for split, rows in sample_painted.splits(folder):
        put_json(folder, CONFIG, split, rows)
    for split, rows in sample_asked.splits():
        put_parquet(folder, CONFIG, split, rows)
