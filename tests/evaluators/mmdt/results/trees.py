"""Small result trees, as the public code writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def plant(root: Path, files: Mapping[str, Any]) -> Path:
    """Write files by path; what is no text goes as JSON."""
    for name, held in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(held if isinstance(held, str) else json.dumps(held), encoding="utf-8")
    return root


def lines(*rows: Any) -> str:
    """JSON lines."""
    return "".join(json.dumps(row) + "\n" for row in rows)


def rates(robust: float) -> str:
    """Adversarial statistics."""
    return f"Overall: 10\nRobust accurate number: 5\nRobust accurate rate: {robust}\nAttack success number: 2\nAttack success rate: 0.2\n"
