"""The Muon optimiser in 32-bit floats, for matrices: momentum whose every direction is made equally strong.

`torch.optim.Muon` does the same in bfloat16, which a CPU without bfloat16 instructions has to emulate. Matrices of one
shape are handled together. After Keller Jordan, https://kellerjordan.github.io/posts/muon/.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterable

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
ROUNDS = 5


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, orthogonalised. Steps are scaled so that AdamW's learning rates fit."""

    def __init__(self, matrices: Iterable[torch.nn.Parameter], *, lr: float, momentum: float = 0.95, weight_decay: float = 0.0) -> None:
        super().__init__(list(matrices), {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]  # no closure: nothing here needs one
        """Change every matrix once."""
        for group in self.param_groups:
            shapes: dict[torch.Size, list[torch.nn.Parameter]] = {}
            for matrix in group["params"]:
                if matrix.grad is not None:
                    shapes.setdefault(matrix.shape, []).append(matrix)
            for shape, alike in shapes.items():
                directions = orthogonal(torch.stack([self._moving(each, group["momentum"]) for each in alike]))
                pace = group["lr"] * 0.2 * max(shape) ** 0.5
                for each, direction in zip(alike, directions, strict=True):
                    each.mul_(1 - group["lr"] * group["weight_decay"]).add_(direction, alpha=-pace)

    def _moving(self, matrix: torch.nn.Parameter, momentum: float) -> torch.Tensor:
        gradient = matrix.grad
        assert gradient is not None
        state = self.state[matrix]
        if not state:
            state["moving"] = torch.zeros_like(matrix)
        state["moving"].lerp_(gradient, 1 - momentum)
        return gradient.lerp(state["moving"], momentum)


def orthogonal(matrices: torch.Tensor) -> torch.Tensor:
    """Bring the singular values of each matrix near 1, by Newton and Schulz."""
    a, b, c = COEFFICIENTS
    tall = matrices.size(-2) > matrices.size(-1)
    found = matrices.mT if tall else matrices
    found = found / (found.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(ROUNDS):
        square = found @ found.mT
        found = a * found + (b * square + c * square @ square) @ found
    return found.mT if tall else found
