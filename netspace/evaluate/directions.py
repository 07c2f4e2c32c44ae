"""What moving along a direction of a column does to decoded networks."""

from __future__ import annotations

import torch
from torch import Tensor

from ..latent.directions import Direction
from ..space.space import NetSpace
from ..tasks import task_of


@torch.no_grad()
def measured_along(
    space: NetSpace, direction: Direction, z: Tensor, steps: int = 9, resolution: int = 64
) -> list[tuple[float, float]]:
    """A shape's embedding (E), moved along a direction of a column that can be measured, by its reach either way.

    Returns:
        by how much it is moved, in units of the column, and what is measured of the decoded mesh: not a number where
        there is no surface.
    """
    measure = task_of(space).columns[direction.column]
    by = torch.linspace(-direction.reach, direction.reach, steps)
    found = []
    for step, moved in zip(by.tolist(), direction.move(z, by), strict=True):
        (network,) = space.networks(moved.unsqueeze(0).to(space.device))
        found.append((step, measure(network, resolution)))
    return found
