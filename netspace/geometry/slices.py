"""A field and its Eikonal error in one plane of its cube: it shows a field also where there is no surface.

The path between two SDFs in weight space often has none: its fields are positive everywhere, and flat.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..errors import UsageError
from ..nets.fields import SDF
from ..nets.network import Network

SLICE_AXES = ("x", "y", "z")
SLICE_POINTS = 97
"""along each side of a slice: 96 cells"""


class SlicePlane(NamedTuple):
    """A plane across an axis of the cube."""

    axis: str
    """one of SLICE_AXES"""
    at: float
    """where it crosses the axis, world units, from -1 to 1"""


class FieldSlice(NamedTuple):
    """A field at n x n points of a plane, spread evenly over [-1, 1] along the two other axes, in their order."""

    values: np.ndarray
    """(n, n) float32, world units of a signed distance"""
    error: np.ndarray | None
    """(n, n) float32, | |grad f| - 1 |, no unit; None of an occupancy, of which only the sign means anything"""

    @property
    def inside(self) -> float:
        """Share of the plane that is inside; not a number if a value is not finite."""
        return float((self.values < 0).mean()) if np.isfinite(self.values).all() else math.nan

    @property
    def mean_error(self) -> float:
        """Mean Eikonal error in the plane; not a number where that is not defined."""
        return math.nan if self.error is None else float(self.error.mean())


def eikonal_errors(field: Callable[[Tensor], Tensor], points: Tensor) -> tuple[Tensor, Tensor]:
    """Return the values (n) of a field at points (n, 3), and | |grad f| - 1 | there (n) (Gropp et al. 2020, Eq. 2).

    Args:
        field: points (n, 3) -> (n) or (n, 1), differentiable.
    """
    with torch.inference_mode(False), torch.enable_grad():
        x = points.clone().requires_grad_()
        values = field(x).flatten()  # (n)
        (gradient,) = torch.autograd.grad(values.sum(), x)  # (n, 3)
    return values.detach(), (gradient.norm(dim=1) - 1).abs()


def differentiable(network: Network) -> Network:
    """Return the same network, also if it was made in inference mode: such a one has no gradient."""
    with torch.inference_mode(False):
        return Network(network.arch, network.prep.clone())


def slice_points(plane: SlicePlane, n: int = SLICE_POINTS, device: torch.device | str = "cpu") -> Tensor:
    """Return the points (n, n, 3) of a plane.

    Raises:
        UsageError: there is no such axis, the plane lies outside of the cube, or n is below 2.
    """
    if plane.axis not in SLICE_AXES:
        raise UsageError(f"axis {plane.axis!r} is not one of {', '.join(SLICE_AXES)}")
    if not -1 <= plane.at <= 1:
        raise UsageError(f"a plane lies at -1 to 1 of its axis, got {plane.at:g}")
    if n < 2:
        raise UsageError(f"a slice has at least 2 points along a side, got {n}")
    side, normal = torch.linspace(-1, 1, n, device=device), SLICE_AXES.index(plane.axis)
    others = torch.cartesian_prod(side, side).view(n, n, 2)
    across = torch.full((n, n), plane.at, device=device)
    return torch.stack([*others[..., :normal].unbind(-1), across, *others[..., normal:].unbind(-1)], dim=-1)


def slice_field(
    field: Callable[[Tensor], Tensor], plane: SlicePlane, n: int = SLICE_POINTS, device: torch.device | str = "cpu"
) -> FieldSlice:
    """Return a differentiable field, points (m, 3) -> (m) or (m, 1), and its Eikonal error in a plane.

    Raises:
        UsageError: as `slice_points`.
    """
    found = eikonal_errors(field, slice_points(plane, n, device).view(-1, 3))
    return FieldSlice(*(part.view(n, n).cpu().numpy() for part in found))


def slice_of(network: Network, plane: SlicePlane, n: int = SLICE_POINTS) -> FieldSlice:
    """Return the field of an SDF network or an occupancy in a plane; raises as `slice_points`."""
    found = slice_field(differentiable(network), plane, n, network.prep.device)
    return found if network.arch.field == SDF else found._replace(error=None)
