"""Logs and results of MultiTrust's public code: read, scored anew by its score scripts, ranked, and written from runs of ours."""

from evaluators.multitrust.results.exporting import write
from evaluators.multitrust.results.importing import read

__all__ = ["read", "write"]
