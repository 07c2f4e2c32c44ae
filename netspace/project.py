"""Embeddings of a zoo, and their projection to a plane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from .model import NetSpace
from .zoo import Zoo


@torch.no_grad()
def embed(space: NetSpace, zoo: Zoo, ids: Sequence[int]) -> Tensor:
    """Embeddings (b, E) of networks of a zoo."""
    parts = [space.encode(zoo.preps(ids[k : k + 16]).to(space.device)) for k in range(0, len(ids), 16)]
    return torch.cat(parts)


class Plane(NamedTuple):
    """The plane in which embeddings spread most: their principal components (Pearson 1901)."""

    mean: Tensor
    """(E)"""
    axes: Tensor
    """(2, E), of length 1"""
    shares: tuple[float, float]
    """of the embeddings' variance along either axis"""

    @classmethod
    def of(cls, z: Tensor) -> Plane:
        """Of embeddings (b, E); the largest entry of an axis is positive, so that it does not flip at random.

        Raises:
            ValueError: fewer than 3 embeddings span no plane.
        """
        if len(z) < 3:
            raise ValueError(f"{len(z)} embeddings span no plane, 3 are needed")
        mean = z.mean(dim=0)
        _, sizes, axes = torch.linalg.svd(z - mean, full_matrices=False)
        axes = axes[:2]
        largest = axes.gather(1, axes.abs().argmax(dim=1, keepdim=True))  # (2, 1)
        shares = sizes.square() / sizes.square().sum().clamp(min=1e-30)
        return cls(mean, axes * largest.sign(), (float(shares[0]), float(shares[1])))

    def place(self, z: Tensor) -> Tensor:
        """Embeddings (*b, E) -> their place in the plane (*b, 2)."""
        return (z - self.mean) @ self.axes.mT

    def lift(self, xy: Tensor) -> Tensor:
        """Places (*b, 2) -> the embeddings (*b, E) that lie in the plane there."""
        return self.mean + xy @ self.axes
