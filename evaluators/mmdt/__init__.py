"""MMDT: trustworthiness and safety of multimodal models in six perspectives, text to image and image to text (arXiv 2503.14827)."""

from evaluators.mmdt.benchmark import BENCHMARK

__all__ = ["BENCHMARK"]
