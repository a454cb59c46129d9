"""The cross-modal tasks: which runs ask the same texts, and what stands beside the words in each."""

from __future__ import annotations

from collections.abc import Mapping

from evaluators.multitrust.official import Run

STEMS: Mapping[str, tuple[str, ...]] = {
    "T.4": ("visual-assistance",),
    "T.7": ("g-text",),
    "S.3": ("toxicity-prompt",),
    "S.6": ("crossmodal-jailbreak",),
    "R.3": ("dt",),
    "R.6": ("advglue-plus", "advglue"),
    "F.2": ("stereo-agreement",),
    "F.3": ("stereo-classification", "stereo-topic-classification"),
    "F.4": ("stereo-query",),
    "F.7": ("subjective-preference-plain", "subjective-preference-force"),
    "P.3": ("confaide",),
    "P.6": ("enron-email",),
}
"""What the names of runs that ask the same texts begin with, the longer before the shorter."""
SEVERAL = frozenset(("T.7", "S.6", "P.6"))
"""Tasks with several kinds of relevant pictures."""


def pairing(run: Run) -> tuple[str, str] | None:
    """The name that a run shares with those that ask the same texts, and its condition: `text`, `given`, `color`, `noise`, `nature`, `irrelevant`.

    Of several kinds of relevant pictures each is a part of `given`: `given/misvisual`. `None` for a run without others.
    """
    stem = next((stem for stem in STEMS.get(run.task, ()) if run.dataset.startswith(f"{stem}-")), None)
    if stem is None:
        return None
    kind = run.dataset.removeprefix(f"{stem}-").removeprefix("image-")
    relevant = f"given/{kind}" if run.task in SEVERAL else "given"
    return f"multitrust.{run.aspect}/{stem}", relevant if run.condition == "relevant" else run.condition
