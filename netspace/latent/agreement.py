"""How far two spaces agree on which networks are near each other."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ..errors import UsageError
from .embeddings import finite, nearest

MOST_ASKED = 2000
"""networks whose neighbourhoods are compared; of more, as many at even steps"""


class Agreement(NamedTuple):
    """How the neighbourhoods of networks in two spaces agree."""

    share: float
    """of the k nearest neighbours that are the same in both spaces, mean over the networks, 0 to 1"""
    chance: float
    """what that share would be if neighbours were drawn at random: k / (n - 1)"""
    k: int
    networks: int
    """n, those with an embedding in both spaces"""


def neighbourhood_agreement(z: Tensor, other: Tensor, k: int = 10) -> Agreement:
    """Compare the k nearest neighbours of the same networks in two spaces, by Euclidean distance in each.

    Only these networks count as neighbours. Scale and rotation of a space change nothing. The share is the overlap
    that manifold learning knows as Q_NX(k) (Lee and Verleysen 2009).

    Args:
        z: (n, E) embeddings in one space.
        other: (n, F) embeddings of the same networks in another; those not finite in either are left out.

    Raises:
        UsageError: the numbers of embeddings differ, or there are not more than k + 1 networks.
    """
    if len(z) != len(other):
        raise UsageError(f"{len(z)} and {len(other)} embeddings are not of the same networks")
    both = finite(z) & finite(other)
    n = int(both.sum())
    if n < k + 2:
        raise UsageError(f"{n} networks have embeddings in both spaces, {k + 2} are needed to compare {k} neighbours")
    asked = torch.arange(0, n, -(-n // MOST_ASKED))
    near = [_neighbours(each[both].double(), asked, k) for each in (z, other)]  # (a, k) each
    same = (near[0].unsqueeze(2) == near[1].unsqueeze(1)).any(dim=2)  # (a, k)
    return Agreement(float(same.double().mean()), k / (n - 1), k, n)


def _neighbours(z: Tensor, asked: Tensor, k: int) -> Tensor:
    """Ids of the k nearest (a, k) of some of the embeddings (n, E), without themselves."""
    ids = nearest(z[asked], z, k + 1).ids  # (a, k + 1)
    own = ids == asked.unsqueeze(1)
    own[~own.any(dim=1), -1] = True  # more than k others are at the same place
    return ids[~own].view(len(asked), k)
