"""What the public summary makes of recorded result trees."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from evaluators.mmdt.results import files, summarize
from evaluators.rows import is_inside
from kernel.errors import InvalidSpec


def _over(read: Callable[[Path], Any]) -> Callable[[Mapping[str, Any]], Any]:
    """The answer to the files of a tree, by path."""

    def answer(given: Mapping[str, Any]) -> Any:
        with TemporaryDirectory(prefix="assay-results-") as folder:
            for path, text in given["files"].items():
                if not is_inside(path):
                    raise InvalidSpec(path, ["a recorded file has to lie in its tree"])
                files.put(Path(folder, path), text)
            try:
                return read(Path(folder))
            except (KeyError, TypeError, IndexError, ValueError) as error:
                return {"error": type(error).__name__}

    return answer


def _halves(collect: Callable[..., Any], *, under: str = "results") -> Callable[[Mapping[str, Any]], Any]:
    return _over(lambda work: {"aggregated": collect(work / under), "breakdown": collect(work / under, breakdown=True)})


def _out_of_distribution(given: Mapping[str, Any]) -> Any:
    """Both halves; of a tree that lacks something, which is noted, the scores were recorded alone."""
    if "note" in given:
        return _over(lambda work: summarize.ood_scores(work / "results"))(given)
    return _halves(summarize.ood_scores)(given)


ANSWERS: dict[tuple[str, str], Callable[[Any], Any]] = {
    ("summarize", "safety_scores"): _halves(summarize.safety_scores),
    ("summarize", "adv_scores"): _halves(summarize.adversarial_scores),
    ("summarize", "hallucination_scores"): _halves(summarize.hallucination_scores),
    ("summarize", "fairness_scores"): _halves(summarize.fairness_scores, under=""),
    ("summarize", "privacy_scores"): _over(lambda work: summarize.privacy_scores(work / "results")),
    ("summarize", "ood_scores"): _out_of_distribution,
    ("summarize", "sort_keys"): lambda given: list(summarize.sort_keys(given["obj"])),
    ("summarize", "summary_json"): _over(summarize.summary),
}
"""By task and metric."""
