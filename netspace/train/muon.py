"""Muon: momentum whose matrices are orthogonalised before they are added, so that all their directions learn alike.

Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/. `torch.optim.Muon` moves single matrices; here leading
axes of a parameter are a batch of them, so that a group of networks is trained at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

QUINTIC = (3.4445, -4.7750, 2.0315)
"""a, b, c of X <- aX + b(XX')X + c(XX')^2 X: takes singular values of 0.1 to 1 to about 1 in three steps"""
MOMENTUM = "momentum"
"""what Muon keeps of every parameter"""


def orthogonalise(matrices: Tensor, steps: int = 3, dtype: torch.dtype = torch.bfloat16) -> Tensor:
    """Return (*b, m, n) with the singular vectors of (*b, m, n), and singular values near 1 where they were not small.

    Args:
        steps: of Newton and Schulz's iteration; five bring singular values closer to 1, and cost more.
        dtype: precision of its products.
    """
    x = matrices.mT if matrices.shape[-2] > matrices.shape[-1] else matrices  # (*b, k, l), k <= l
    x = (x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-12)).to(dtype)
    a, b, c = QUINTIC
    shape, x = x.shape, x.reshape(-1, *x.shape[-2:])
    for _ in range(steps):
        square = x @ x.mT  # (b, k, k)
        x = torch.baddbmm(x, torch.baddbmm(square, square, square, beta=b, alpha=c), x, beta=a)
    x = x.to(matrices.dtype).view(shape)
    return x.mT if matrices.shape[-2] > matrices.shape[-1] else x


class Muon(torch.optim.Optimizer):
    """Muon on parameters (*b, m, n), with Nesterov's momentum. A step changes singular values by about lr at most."""

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float,
        momentum: float = 0.9,
        steps: int = 3,
        dtype: torch.dtype = torch.bfloat16,
    ) -> None:
        """`steps` and `dtype` as `orthogonalise` has them."""
        super().__init__(params, {"lr": lr, "momentum": momentum, "steps": steps, "dtype": dtype})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        """Move every parameter that has a gradient."""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state[MOMENTUM] = torch.zeros_like(p)
                kept = state[MOMENTUM].lerp_(p.grad, 1 - group["momentum"])
                ahead = p.grad.lerp(kept, group["momentum"])
                tall = max(1.0, p.shape[-2] / p.shape[-1]) ** 0.5
                p.sub_(orthogonalise(ahead, group["steps"], group["dtype"]), alpha=group["lr"] * tall)
