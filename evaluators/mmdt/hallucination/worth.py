"""What one answer or one picture is worth in both ways of counting, and the mean of several."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import NamedTuple

from evaluators.measures.reference import Crash

PROVIDER = "an answer that the provider refuses is not caught here and ends the run"


class Worth(NamedTuple):
    """From 0 to 1 in both ways. corrected: `None` where it cannot be told. found: whether there was an answer at all."""

    reference: float | Crash
    corrected: float | None
    why: str
    found: bool = True


def averaged(worths: Sequence[Worth]) -> Worth:
    """What several pictures of one prompt are worth together; `corrected` is the mean of those of which it can be told."""
    crash = next((each.reference for each in worths if isinstance(each.reference, Crash)), None)
    reference = crash or fmean(each.reference for each in worths if not isinstance(each.reference, Crash))
    known = [each.corrected for each in worths if each.corrected is not None]
    why = "; ".join(dict.fromkeys(each.why for each in worths))
    return Worth(reference, fmean(known) if known else None, why, any(each.found for each in worths))
