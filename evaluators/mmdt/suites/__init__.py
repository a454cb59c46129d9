"""MMDT as suites: the whole benchmark, and the three experiments of its guide."""

from pathlib import Path

MMDT, SAFETY_STRESS, PRIVACY_INFERENCE, FAIRNESS_FACTUALITY = (
    Path(__file__).parent / f"{name}.yaml" for name in ("mmdt", "safety-stress", "privacy-inference", "fairness-factuality")
)

__all__ = ["FAIRNESS_FACTUALITY", "MMDT", "PRIVACY_INFERENCE", "SAFETY_STRESS"]
