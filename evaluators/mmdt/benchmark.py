"""MMDT as the kernel finds it."""

from evaluators.packaged import Packaged

PERSPECTIVES = ("safety", "hallucination", "fairness", "privacy", "adversarial", "ood")

BENCHMARK = Packaged(
    name="mmdt",
    title="MMDT: safety, hallucination, fairness, privacy, adversarial and out-of-distribution robustness, text to image and image to text",
    package="evaluators.mmdt",
    answers=(*(f"{perspective}.answers" for perspective in PERSPECTIVES), "summary_answers"),
)
