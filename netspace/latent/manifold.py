"""Where in the space training networks are, and what is too far from all of them to be a network that works."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..errors import UsageError
from .embeddings import finite, nearest

SAMPLED = 2048
"""maximum number of training networks whose nearest neighbour is searched"""


class Reach(NamedTuple):
    """How far training networks are from each other: a nearest-neighbour test for outliers (Sun et al. 2022)."""

    training: Tensor
    """(b, E)"""
    median_nn: float
    """median distance from a training network to the nearest other one"""
    p99_nn: float
    """99th percentile of these distances"""

    @classmethod
    def of(cls, training: Tensor) -> Reach:
        """Measure the embeddings (b, E) of training networks; of many, a fixed sample of 2,048.

        Raises:
            UsageError: there are not two different ones.
        """
        training = training[finite(training)]
        if len(training) < 2:
            raise UsageError(f"{len(training)} networks have no distance from each other")
        some = training[torch.randperm(len(training), generator=torch.Generator().manual_seed(0))[:SAMPLED]]
        distances = torch.cat([nearest(part, training, 2).distances[:, 1] for part in some.split(256)])
        distances = distances[distances > 0]  # copies of a network say nothing about how far networks are apart
        if not len(distances):
            raise UsageError("all training networks have one and the same embedding")
        return cls(training, float(distances.median()), float(np.quantile(distances.numpy(), 0.99)))

    def ratio(self, distances: Tensor) -> Tensor:
        """Divide distances to the nearest training network by the 99th percentile: above 1 is off the manifold."""
        return distances / max(self.p99_nn, 1e-30)

    def score(self, z: Tensor) -> Tensor:
        """Return the distances from embeddings (n, E) to the nearest training network, as `ratio` has them (n)."""
        return self.ratio(nearest(z, self.training, 1).distances[:, 0])

    def is_off(self, z: Tensor) -> Tensor:
        """Return whether embeddings (n, E) are off the manifold, as far as distance tells (n); NaN is."""
        return ~(self.score(z) <= 1)
