"""What a scorecard and an audit measure of SDF networks: surfaces, fields and how new a shape is."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from ..data.shapes import Mesh
from ..geometry.mesh import Surface, components, pieces, surface_or_none
from ..geometry.slices import differentiable, eikonal_errors
from ..nets.fields import SDF
from ..nets.network import Network
from .measures import iou
from .path_measures import drift, evenness, mean
from .surfaces import surface_distance_or_worst
from .task import Resemblance, ScoreColumn

SHAPE_COLUMNS: Mapping[str, ScoreColumn] = {
    "surface": ScoreColumn("surface", "higher", "Share of the path's networks that have a surface."),
    "components": ScoreColumn("pieces", "lower", "Connected pieces, mean over the networks that have a surface."),
    "volume_drift": ScoreColumn(
        "volume drift", "lower",
        "Distance of the volume from the line between the originals' volumes, mean along the path, over the mean of "
        "both; a network without a surface has no volume.",
    ),
    "area_drift": ScoreColumn("area drift", "lower", "The same of the area."),
    "iou_ends": ScoreColumn("IoU, ends", "higher", "Overlap of the path's ends with the originals, mean of both."),
    "chamfer_ends": ScoreColumn(
        "Chamfer, ends", "lower", "Chamfer distance of the path's ends to the originals, mean of both, world units."
    ),
    "evenness": ScoreColumn(
        "evenness", "lower",
        "Longest step over mean step, 1 if all are equal; a step is the mean difference of distances clamped to 0.1.",
    ),
    "eikonal": ScoreColumn(
        "Eikonal", "lower", "Mean of ||gradient| - 1| in the cube, along the path: 0 of an exact distance."
    ),
}  # fmt: skip
CHAMFER_NEAREST = ScoreColumn(
    "Chamfer, nearest", "higher", "Chamfer distance to the nearest training shape, world units."
)
SHAPE_QUALITIES = {
    "whole": ScoreColumn("whole", "higher", "Share of the surface's area in its largest piece; 0 without a surface."),
    "eikonal": ScoreColumn("Eikonal", "lower", "Mean of ||gradient| - 1| in the cube: 0 of an exact distance."),
}
FIELD_POINTS, SLOPE_POINTS_OF_FIELD = 4096, 1024
"""points of the cube at which fields are compared, and at which their gradient is taken"""
CHAMFER_POINTS = 4096
"""on either surface"""
CLAMPED = 0.1
"""distances beyond it count as it: DeepSDF's delta (Park et al. 2019, Eq. 4)"""
SHORTLIST = 5
"""known shapes, of greatest overlap, to which the Chamfer distance is measured"""


def points_of_cube(count: int, device: torch.device | str = "cpu") -> Tensor:
    """Return points (n, 3) spread evenly over [-1, 1]^3, always the same."""
    return (torch.quasirandom.SobolEngine(3, scramble=True, seed=0).draw(count) * 2 - 1).to(device)


def eikonal_error(field: Callable[[Tensor], Tensor], points: Tensor) -> float:
    """Return the mean of | |grad f| - 1 | at points (n, 3): 0 of a distance (Gropp et al. 2020, Eq. 2)."""
    return eikonal_errors(field, points)[1].mean().item()


def eikonal_of(network: Network, points: Tensor) -> float:
    """Return the Eikonal error of a network; not a number for an occupancy, of which only the sign means anything."""
    return eikonal_error(differentiable(network), points) if network.arch.field == SDF else math.nan


def chamfer(a: Mesh | None, b: Mesh | None) -> float:
    """Return the Chamfer distance of two surfaces, world units; infinite if one of them does not exist."""
    return surface_distance_or_worst(a, b, CHAMFER_POINTS).chamfer


def largest_share(mesh: Mesh) -> float:
    """Return the area of the largest connected piece of a mesh, over that of all."""
    v, f = mesh
    doubled = np.linalg.norm(
        np.cross(v[f[:, 1]] - v[f[:, 0]], v[f[:, 2]] - v[f[:, 0]]), axis=1
    )  # (faces) twice the area
    areas = np.bincount(pieces(mesh)[f[:, 0]], doubled)
    return float(areas.max() / areas.sum())


class PathOfShapes:
    """Measures whole paths between two SDF networks."""

    def __init__(self, a: Network, b: Network, resolution: int) -> None:
        self.resolution = resolution
        self.originals = [surface_or_none(network, resolution) for network in (a, b)]
        self.points = points_of_cube(FIELD_POINTS, a.prep.device)

    def __call__(self, networks: Sequence[Network]) -> dict[str, float | None]:
        """Return the measures of SHAPE_COLUMNS."""
        surfaces = [surface_or_none(network, self.resolution) for network in networks]
        fields = [network.compiled()(self.points).clamp(-CLAMPED, CLAMPED) for network in networks]
        lengths = [(f - g).abs().mean().item() for f, g in zip(fields, fields[1:], strict=False)]
        ends = list(zip((surfaces[0], surfaces[-1]), self.originals, strict=True))
        volumes, areas = ([measured(s, name) for s in surfaces] for name in ("volume", "area"))
        first, last = self.originals
        return {
            "surface": mean([surface is not None for surface in surfaces]),
            "components": mean([components(s.mesh) for s in surfaces if s]),
            "volume_drift": drift(volumes, measured(first, "volume"), measured(last, "volume")),
            "area_drift": drift(areas, measured(first, "area"), measured(last, "area")),
            "iou_ends": mean([iou(s.inside, o.inside) if s and o else 0.0 for s, o in ends]),
            "chamfer_ends": mean([chamfer(s and s.mesh, o and o.mesh) for s, o in ends]),
            "evenness": evenness(lengths) if all(map(math.isfinite, lengths)) else math.nan,
            "eikonal": mean([eikonal_of(network, self.points[:SLOPE_POINTS_OF_FIELD]) for network in networks]),
        }


def measured(surface: Surface | None, name: str) -> float:
    """Return the volume or the area of a surface; 0 if there is none."""
    return getattr(surface.mesh, name) if surface else 0.0


def shapes_audit(
    known: Sequence[Network], outputs: Callable[[Network], Tensor], distance: Callable[[Tensor, Tensor], Tensor],
    resolution: int,
) -> Callable[[Network, int | None], Resemblance]:  # fmt: skip
    """Return what finds the nearest of the known shapes, by Chamfer distance, among the five of greatest overlap.

    Args:
        outputs, distance: as `Task` has them: occupancies, and 1 - IoU.
    """
    theirs = torch.stack([outputs(network) for network in known])  # (N, n)
    points, meshes = points_of_cube(SLOPE_POINTS_OF_FIELD, theirs.device), dict[int, Mesh | None]()

    def mesh_of(place: int) -> Mesh | None:
        if place not in meshes:
            surface = surface_or_none(known[place], resolution)
            meshes[place] = surface and surface.mesh
        return meshes[place]

    def of(network: Network, without: int | None = None) -> Resemblance:
        surface = surface_or_none(network, resolution)
        apart = distance(outputs(network).expand_as(theirs), theirs)  # (N)
        if without is not None:
            apart[without] = math.inf
        some = [i for i in apart.argsort(stable=True)[:SHORTLIST].tolist() if i != without]
        error = eikonal_of(network, points)
        if surface is None:
            return Resemblance((some[0],), math.nan, {"whole": 0.0, "eikonal": error})
        found = {i: chamfer(surface.mesh, mesh) for i in some if (mesh := mesh_of(i)) is not None}
        nearest = min(found, key=found.get, default=some[0])
        qualities = {"whole": largest_share(surface.mesh), "eikonal": error}
        return Resemblance((nearest,), found.get(nearest, math.nan), qualities)

    return of
