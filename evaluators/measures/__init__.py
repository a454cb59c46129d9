"""Judging that benchmarks share: each measure once, as pure functions of text, numbers and boxes."""
