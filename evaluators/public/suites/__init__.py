"""The public data sets as suites."""

from pathlib import Path

BBQ, CONFAIDE, GENEVAL, POPE, XSTEST = (Path(__file__).parent / f"{name}.yaml" for name in ("bbq", "confaide", "geneval", "pope", "xstest"))

__all__ = ["BBQ", "CONFAIDE", "GENEVAL", "POPE", "XSTEST"]
