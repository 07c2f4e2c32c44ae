"""Embeddings between more than two networks: mixtures of anchors, splines, and how far from all networks they are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..errors import UsageError
from .project import finite, nearest

ASKED = 2048
"""networks at most whose distance to the nearest other is measured"""


class Reach(NamedTuple):
    """Where in the space the training networks are, and how far from each other."""

    training: Tensor
    """(b, E)"""
    usual: float
    """median distance from a training network to the nearest other one"""
    limit: float
    """of these distances, that which 99 of 100 do not exceed"""

    @classmethod
    def of(cls, training: Tensor) -> Reach:
        """Of the embeddings (b, E) of training networks; of many, the distances of 2,048 drawn among them are taken.

        Raises:
            ValueError: there are not two different ones.
        """
        training = training[finite(training)]
        if len(training) < 2:
            raise UsageError(f"{len(training)} networks have no distance from each other")
        some = training[torch.randperm(len(training), generator=torch.Generator().manual_seed(0))[:ASKED]]
        distances = torch.cat([nearest(part, training, 2).distances[:, 1] for part in some.split(256)])
        distances = distances[distances > 0]  # copies of a network say nothing of how far networks are apart
        if not len(distances):
            raise UsageError("all training networks have one and the same embedding")
        return cls(training, float(distances.median()), float(np.quantile(distances.numpy(), 0.99)))

    def far(self, z: Tensor) -> Tensor:
        """Of embeddings (n, E) the distance to the nearest training network, over the limit (n)."""
        return nearest(z, self.training, 1).distances[:, 0] / max(self.limit, 1e-30)

    def off(self, z: Tensor) -> Tensor:
        """Whether embeddings (n, E) lie off the manifold, as far as distance tells (n): nothing trained is near."""
        return ~(self.far(z) <= 1)  # what is no number is off


def blend(anchors: Tensor, weights: Tensor) -> Tensor:
    """Mixtures (s, E) of anchors (k, E) with weights (s, k), which sum to 1; negative ones extrapolate.

    Raises:
        ValueError: the weights do not sum to 1.
    """
    if not torch.allclose(weights.sum(dim=1), torch.ones(len(weights)), atol=1e-4):
        raise UsageError("weights of a mixture sum to 1")
    return weights @ anchors


class Lattice(NamedTuple):
    """Mixtures spread evenly over a pad."""

    weights: Tensor
    """(s, k) of the anchors"""
    xy: Tensor
    """(s, 2) where they are on the pad, in [0, 1]^2 with y upwards"""


def triangle(side: int) -> Lattice:
    """Barycentric coordinates of three anchors, `side` mixtures along an edge; anchors left, right and at the top."""
    _check(side)
    n = side - 1
    weights = torch.tensor([[n - i - j, i, j] for j in range(side) for i in range(side - j)]) / n
    corners = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.5, 1.0]])
    return Lattice(weights, weights @ corners)


def square(side: int) -> Lattice:
    """Bilinear weights of four anchors, `side` mixtures along an edge; anchors left, right, top right and top left."""
    _check(side)
    u = torch.arange(side) / (side - 1)
    xy = torch.stack(torch.meshgrid(u, u, indexing="xy"), dim=-1).view(-1, 2)
    x, y = xy.mT
    return Lattice(torch.stack([(1 - x) * (1 - y), x * (1 - y), x * y, (1 - x) * y], dim=1), xy)


def _check(side: int) -> None:
    if side < 2:
        raise UsageError(f"a pad has at least 2 mixtures along an edge, got {side}")


class Spline(NamedTuple):
    """A smooth way through anchors."""

    z: Tensor
    """(s, E)"""
    at: Tensor
    """(k) steps at which it is at the anchors, which it passes exactly"""


def spline(anchors: Tensor, between: int = 8) -> Spline:
    """The natural cubic spline through anchors (k, E), chord lengths as its parameter; of two, the straight line.

    Args:
        between: steps from an anchor to the next.

    Raises:
        ValueError: fewer than 2 anchors, an anchor that is no number, or the same one twice in a row.
    """
    from scipy.interpolate import CubicSpline

    if len(anchors) < 2:
        raise UsageError(f"a way leads through at least 2 networks, got {len(anchors)}")
    if not finite(anchors).all():
        raise UsageError("a network with weights that are no numbers has no place on a way")
    chords = (anchors[1:] - anchors[:-1]).norm(dim=1).double()
    if not chords.min() > 0:
        raise UsageError("a way does not stand still: the same embedding comes twice in a row")
    knots = np.concatenate([[0.0], chords.cumsum(0).numpy()])
    steps = np.concatenate(
        [np.linspace(a, b, between, endpoint=False) for a, b in zip(knots, knots[1:], strict=False)] + [knots[-1:]]
    )
    z = CubicSpline(knots, anchors.double().numpy(), bc_type="natural")(steps)
    return Spline(torch.from_numpy(z).float(), torch.arange(len(anchors)) * between)
