"""How a field behaves in its cube: whether its values are signed distances, and on which side its inside lies."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from ..nets.fields import Field, FieldSpec
from ..nets.prep import Params

SPREAD_POINTS, FEW_POINTS = 384, 48
"""points at which a field is asked, for a convention once and for every network"""
RESIDUAL, FEW_RESIDUAL = 0.35, 0.5
"""Share of a distance left after a step by it: 0.05 to 0.17 for chairs fitted in 1,000 steps, 0.25 for a torus fitted
in 500; 0.57 and more under other conventions. Over few points the median scatters."""
SLOPE = (0.75, 1.35)
"""of a signed distance, in the median; 1 for an exact one"""


class Behaviour(NamedTuple):
    """What a field does in [-1, 1]^3."""

    slope: float
    """median length of its gradient"""
    residual: float
    """median of |f(x - f grad f / |grad f|)| over |f(x)|: 0 for an exact distance"""
    border: float
    """share of the cube's border where it is negative"""
    crosses: bool = True
    """whether it has both signs: a plane outside of the cube is a distance too, and no shape"""

    def is_distance(self, limit: float = RESIDUAL) -> bool:
        """Whether its values are signed distances, as near as networks come."""
        return self.residual < limit and SLOPE[0] < self.slope < SLOPE[1] and self.sign is not None and self.crosses

    @property
    def sign(self) -> float | None:
        """1 if it is positive along the border, as outside of a shape, -1 if negative; None if it changes there."""
        return 1.0 if self.border <= 0.04 else -1.0 if self.border >= 0.96 else None


def behaviour(spec: FieldSpec, params: Params, points: int = SPREAD_POINTS, size: float = 1.0) -> Behaviour:
    """How a field behaves at spread points of [-size, size]^3."""
    net = Field(spec) if spec.num_params < 1000 else _skeleton(spec)
    x = spread_points(points, size)
    y, slope = _value_and_gradient(net, params, x)
    length = slope.norm(dim=1)
    stepped = x - y[:, None] * slope / length.clamp(min=1e-9)[:, None]
    stays = (stepped.abs() <= size).all(dim=1) & (y.abs() > 1e-4 * size)
    edge = torch.tensor([-1.0, 0.0, 1.0])
    border = torch.cartesian_prod(edge, edge, edge)
    border = border[(border.abs() == 1).any(dim=1)] * size  # (26, 3)
    with torch.no_grad():
        again = net.apply_params(params, torch.cat([stepped[stays], border])).squeeze(-1)
    ratio = again[: int(stays.sum())].abs() / y[stays].abs()
    enough = len(ratio) >= points // 4
    negative = torch.cat([y, again]) < 0
    return Behaviour(
        float(length.median()),
        float(ratio.median()) if enough else math.inf,
        float((again[len(ratio) :] < 0).float().mean()),
        bool(negative.any() and not negative.all()),
    )


def spread_points(count: int, size: float) -> Tensor:
    """Spread points (p, 3) of [-size, size]^3."""
    return (torch.quasirandom.SobolEngine(3).draw(count) * 2 - 1) * size


def _skeleton(spec: FieldSpec) -> Field:
    with torch.device("meta"):
        return Field(spec)


def _value_and_gradient(net: Field, params: Params, x: Tensor) -> tuple[Tensor, Tensor]:
    """f (p) and its gradient (p, 3)."""
    x = x.clone().requires_grad_()
    with torch.enable_grad():
        y = net.apply_params(params, x).squeeze(-1)
        (gradient,) = torch.autograd.grad(y.sum(), x)
    return y.detach(), gradient


FRESH = Behaviour(0.0, math.inf, 0.0)
"""of a network that is untrained"""
