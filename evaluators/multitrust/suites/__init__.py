"""MultiTrust as a suite: all 139 runs."""

from pathlib import Path

MULTITRUST = Path(__file__).parent / "multitrust.yaml"
