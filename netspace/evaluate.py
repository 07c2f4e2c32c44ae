"""From networks and data to numbers: agreement, IoU, Chamfer distance and F-score of SDF networks."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from .losses import sdf_queries
from .mesh import surface_or_none
from .model import NetSpace
from .shapes import Mesh, Solid, load_source, occupancy_points, sample_surface
from .zoo import Zoo

WITHIN = 0.01
"""Answers this close count as agreeing (supplement V); also the distance below which the F-score counts a point."""


def agreement(predicted: Tensor, target: Tensor, within: float = WITHIN) -> Tensor:
    """Share of answers (*b, n) within 0.01 of the target's, (*b): the figure the paper stops training at."""
    return ((predicted - target).abs() <= within).float().mean(dim=-1)


def iou(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two occupancies, any equal shape, bool; 1 where both are empty."""
    union = np.count_nonzero(a | b)
    return float(np.count_nonzero(a & b) / union) if union else 1.0


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
    precision, recall = (to_b <= WITHIN).mean(), (to_a <= WITHIN).mean()
    f_score = 2 * precision * recall / max(precision + recall, 1e-12)
    return SurfaceDistance(float(to_b.mean() + to_a.mean()) / 2, float(f_score))


def surface_distance_or_worst(a: Mesh | None, b: Mesh | None) -> SurfaceDistance:
    """As `surface_distance`; infinitely far apart where one of the surfaces does not exist."""
    return SurfaceDistance(math.inf, 0.0) if a is None or b is None else surface_distance(a, b)


class Reconstruction(NamedTuple):
    """A network of a zoo against what the space makes of it, and against the shape it was fitted to."""

    name: str
    split: str
    agreement: float
    """share of the answers within 0.01 of the target network's, at the points of `sdf_queries`"""
    iou: float
    """with the target network, on the grid"""
    chamfer: float
    """to the target network's surface; infinite where the decoded network has none"""
    f_score: float
    truth_iou: float
    """with the shape the target was fitted to; not a number where its mesh is not at hand"""
    truth_chamfer: float
    truth_f_score: float


AGREEMENT_POINTS = 4096
TRUTH_POINTS = 32_768


@torch.no_grad()
def reconstruct(space: NetSpace, zoo: Zoo, i: int, resolution: int = 64) -> Reconstruction:
    """Embed and decode network i of the zoo and measure the result."""
    target = zoo[i].to(space.device)
    predicted = space.networks(space.encode(target.prep.unsqueeze(0)))[0]
    queries = sdf_queries(target, AGREEMENT_POINTS, seed=i)
    agreed = agreement(predicted.compiled()(queries.points), queries.values).item()
    ours, theirs = (surface_or_none(network, resolution) for network in (predicted, target))
    overlap = iou(ours.inside, theirs.inside) if ours and theirs else 0.0
    distance = surface_distance_or_worst(ours and ours.mesh, theirs and theirs.mesh)
    record = zoo.records.loc[i]
    truth = [math.nan] * 3
    try:
        mesh, _ = load_source(record["source"])
        points, inside = occupancy_points(mesh, TRUTH_POINTS, seed=i)
        occupied = (predicted.compiled()(torch.from_numpy(points).to(target.prep.device)) < 0).cpu().numpy()
        truth = [iou(occupied, inside), *surface_distance_or_worst(ours and ours.mesh, Solid(mesh).surface)]
    except (KeyError, ValueError):
        pass  # the shape's file is not here: its three figures stay not-a-number
    return Reconstruction(record["name"], record["split"], agreed, overlap, *distance, *truth)


def summarise(rows: Iterable[Reconstruction]) -> dict[str, dict[str, float | int | None]]:
    """Medians by split; a median that is not finite (no surface, no ground truth) is None."""
    rows = list(rows)
    summary = {}
    for split in dict.fromkeys(row.split for row in rows):
        mine = [row for row in rows if row.split == split]
        medians = {}
        for name in Reconstruction._fields[2:]:
            values = [getattr(row, name) for row in mine if not math.isnan(getattr(row, name))]
            median = statistics.median(values) if values else math.inf
            medians[f"{name}_median"] = round(median, 4) if math.isfinite(median) else None
        summary[split] = medians | {"without_surface": sum(math.isinf(row.chamfer) for row in mine), "count": len(mine)}
    return summary
