"""Suites over drawn scenes."""

from pathlib import Path

QUICKSTART = Path(__file__).parent / "quickstart.yaml"

__all__ = ["QUICKSTART"]
