"""What is measured of SDF networks: surfaces, overlaps, and a network against what a space makes of it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from ..data.meshes import load_record
from ..data.shapes import Mesh
from ..data.solids import occupancy_points, sample_surface, solid_of
from ..errors import NoSurface
from ..geometry.mesh import Surface, components, surface_of, surface_or_none
from ..nets.network import Network
from ..space.losses import sdf_queries
from ..space.space import NetSpace
from ..zoo.store import Zoo
from .measures import AGREE_WITHIN, agreement, iou, measured_rows, not_finite


class SurfaceDistance(NamedTuple):
    """How far two surfaces lie apart, from points spread evenly over either to the other surface itself."""

    chamfer: float
    """mean distance from either surface to the other, averaged over the two directions; world units"""
    f_score: float
    """harmonic mean of the shares of points within 0.01 of the other surface"""


def surface_distance(a: Mesh, b: Mesh, points: int = 10_000, seed: int = 0) -> SurfaceDistance:
    """Chamfer distance and F-score of two meshes, from `points` points on each.

    Distances go to the other mesh, not to points on it: the measure is 0 for equal surfaces, however few the points.
    """
    import igl

    rng = np.random.Generator(np.random.PCG64(seed))

    def distances(source: Mesh, target: Mesh) -> np.ndarray:
        return np.sqrt(igl.point_mesh_squared_distance(sample_surface(source, points, rng), *target)[0])

    to_b, to_a = distances(a, b), distances(b, a)
    precision, recall = (to_b <= AGREE_WITHIN).mean(), (to_a <= AGREE_WITHIN).mean()
    f_score = 2 * precision * recall / max(precision + recall, 1e-12)
    return SurfaceDistance(float(to_b.mean() + to_a.mean()) / 2, float(f_score))


def surface_distance_or_worst(a: Mesh | None, b: Mesh | None, points: int = 10_000) -> SurfaceDistance:
    """As `surface_distance`; infinitely far apart where one of the surfaces does not exist."""
    return SurfaceDistance(math.inf, 0.0) if a is None or b is None else surface_distance(a, b, points)


class Reconstruction(NamedTuple):
    """A network of a zoo against what the space makes of it, and against the shape it was fitted to."""

    name: str
    split: str
    agreement: float = math.nan
    """share of the answers within 0.01 of the target network's, at the points of `sdf_queries`"""
    iou: float = math.nan
    """with the target network, on the grid"""
    chamfer: float = math.nan
    """to the target network's surface; infinite where the decoded network has none"""
    f_score: float = math.nan
    truth_iou: float = math.nan
    """with the shape the target was fitted to; not a number where its mesh is not at hand"""
    truth_chamfer: float = math.nan
    truth_f_score: float = math.nan
    problem: str = ""
    """why nothing was measured: weights or answers that are not finite; the figures are not numbers then"""


FIGURES = Reconstruction._fields[2:-1]
"""What is measured of a network, all numbers."""
AGREEMENT_POINTS = 4096
TRUTH_POINTS = 32_768


@torch.no_grad()
def reconstruct(space: NetSpace, zoo: Zoo, i: int, resolution: int = 64) -> Reconstruction:
    """Embed and decode network i of the zoo and measure the result."""
    target, record = zoo[i].to(space.device), zoo.records.loc[i]
    problem = not_finite(target)
    if not problem:
        predicted = space.networks(space.encode(target.prep.unsqueeze(0)))[0]
        problem = not_finite(predicted, "its decode has ")
    if problem:
        return Reconstruction(record["name"], record["split"], problem=problem)
    queries = sdf_queries(target, AGREEMENT_POINTS, seed=i)
    found = predicted.compiled()(queries.points)
    problem = not_finite(target, answers=queries.values) or not_finite(predicted, "its decode has ", found)
    if problem:
        return Reconstruction(record["name"], record["split"], problem=problem)
    agreed = agreement(found, queries.values).item()
    ours, theirs = (surface_or_none(network, resolution) for network in (predicted, target))
    overlap = iou(ours.inside, theirs.inside) if ours and theirs else 0.0
    distance = surface_distance_or_worst(ours and ours.mesh, theirs and theirs.mesh)
    truth: dict[str, Any] = {}
    try:
        solid = solid_of(load_record(record, zoo.folder)[0], record)
        points, inside = occupancy_points(solid, TRUTH_POINTS, seed=i)
        occupied = (predicted.compiled()(torch.from_numpy(points).to(target.prep.device)) < 0).cpu().numpy()
        chamfer, f_score = surface_distance_or_worst(ours and ours.mesh, solid.surface)
        truth = {"truth_iou": iou(occupied, inside), "truth_chamfer": chamfer, "truth_f_score": f_score}
    except (KeyError, ValueError):
        pass  # the shape's file is not here, or not to be read: its three figures stay not-a-number
    nothing = Reconstruction(record["name"], record["split"])
    return nothing._replace(agreement=agreed, iou=overlap, chamfer=distance.chamfer, f_score=distance.f_score, **truth)


def summarise_reconstruction(rows: Iterable[Reconstruction]) -> dict[str, dict]:
    """Medians by split; a median that is not finite (no surface, no ground truth) is None.

    Rows with a problem are named as `not_counted`, if there are any.
    """
    rows = list(rows)
    summary = {}
    for split in dict.fromkeys(row.split for row in rows):
        mine, others = measured_rows([row for row in rows if row.split == split])
        medians = {}
        for name in FIGURES:
            values = [getattr(row, name) for row in mine if not math.isnan(getattr(row, name))]
            median = statistics.median(values) if values else math.inf
            medians[f"{name}_median"] = round(median, 4) if math.isfinite(median) else None
        medians |= {"without_surface": sum(math.isinf(row.chamfer) for row in mine), "count": len(mine)}
        summary[split] = medians | others
    return summary


ANSWER_GRID = 24
"""points along each axis at which SDF networks are compared by their answers"""


# -- along a path ----------------------------------------------------------------------------------------------------


class Step(NamedTuple):
    """A network's surface and its measures; without a surface all of them but the overlaps are None."""

    surface: Surface | None
    volume: float | None
    """enclosed by the surface, world units"""
    area: float | None
    components: int
    """connected pieces of the surface, 0 where there is none"""
    iou_a: float
    """intersection over union with the original network A, on the grid"""
    iou_b: float


def measure(network: Network, a: Surface | None, b: Surface | None, resolution: int, preview: bool = False) -> Step:
    """Mesh a network of a path and compare it with the path's original ends on the same grid.

    A field that crosses zero nearly everywhere, as averaged weights may, is meshed at half the resolution.
    """
    try:
        surface = surface_of(network, resolution, preview, budget=(resolution + 1) ** 3 // 4)
    except NoSurface:
        return Step(None, None, None, 0, 0.0, 0.0)
    overlaps = [overlap(surface, end) if end is not None else 0.0 for end in (a, b)]
    mesh = surface.mesh
    return Step(surface, mesh.volume, mesh.area, components(mesh), *overlaps)


def overlap(a: Surface, b: Surface) -> float:
    """Intersection over union of two shapes on the coarser one's grid, whose points the finer one's contains."""
    coarse = min(a.resolution, b.resolution)
    inside = (s.inside[(slice(None, None, s.resolution // coarse),) * 3] for s in (a, b))
    return iou(*inside)


class PathSummary(NamedTuple):
    """What becomes of the surface along the paths between pairs of networks."""

    pairs: int
    steps: int
    """of each path, ends included"""
    whole: int
    """paths with a surface at every step"""
    broken_in_the_middle: int
    """paths without a surface at gamma 0.5"""
    components_median: float
    """over all steps of all paths; a step without a surface counts as 0"""
    components_median_worst_step: float
    """the median over paths at the gamma where it is highest"""


def summarise_paths(paths: Sequence[Sequence[int]]) -> PathSummary:
    """From the numbers of components at the steps of every path, 0 where there is no surface; all equally long."""
    everything = [count for path in paths for count in path]
    return PathSummary(
        len(paths),
        len(paths[0]),
        sum(all(path) for path in paths),
        sum(path[len(path) // 2] == 0 for path in paths),
        statistics.median(everything),
        max(statistics.median(step) for step in zip(*paths, strict=True)),
    )
