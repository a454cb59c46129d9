"""Result trees of MMDT's public code: read, counted anew by our rules, summarised as that code does, and written from runs of ours."""

from evaluators.mmdt.results.exporting import write
from evaluators.mmdt.results.importing import read

__all__ = ["read", "write"]
