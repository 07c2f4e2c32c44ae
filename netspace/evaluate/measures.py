"""From networks and data to numbers: accuracy of classifiers; agreement, IoU, Chamfer distance, F-score of SDFs."""

from __future__ import annotations

import math
import statistics
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..data.images import Images, normalise
from ..data.meshes import load_record
from ..data.shapes import MEASURES, Mesh
from ..data.solids import occupancy_points, sample_surface, solid_of
from ..errors import UsageError
from ..geometry.mesh import surface_or_none
from ..latent.directions import Direction
from ..latent.mixing import Reach
from ..latent.project import embed, nearest
from ..nets.network import Network
from ..space.losses import classifier_distillation, sdf_queries
from ..space.model import NetSpace
from ..zoo.store import Zoo

# -- signed distance functions -------------------------------------------------------------------------------------

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
    problem: str = ""
    """why nothing was measured: weights or answers that are not finite; the figures are not numbers then"""


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
        return Reconstruction(record["name"], record["split"], *[math.nan] * 7, problem)
    queries = sdf_queries(target, AGREEMENT_POINTS, seed=i)
    found = predicted.compiled()(queries.points)
    problem = not_finite(target, answers=queries.values) or not_finite(predicted, "its decode has ", found)
    if problem:
        return Reconstruction(record["name"], record["split"], *[math.nan] * 7, problem)
    agreed = agreement(found, queries.values).item()
    ours, theirs = (surface_or_none(network, resolution) for network in (predicted, target))
    overlap = iou(ours.inside, theirs.inside) if ours and theirs else 0.0
    distance = surface_distance_or_worst(ours and ours.mesh, theirs and theirs.mesh)
    truth = [math.nan] * 3
    try:
        solid = solid_of(load_record(record)[0], record)
        points, inside = occupancy_points(solid, TRUTH_POINTS, seed=i)
        occupied = (predicted.compiled()(torch.from_numpy(points).to(target.prep.device)) < 0).cpu().numpy()
        truth = [iou(occupied, inside), *surface_distance_or_worst(ours and ours.mesh, solid.surface)]
    except (KeyError, ValueError):
        pass  # the shape's file is not here: its three figures stay not-a-number
    return Reconstruction(record["name"], record["split"], agreed, overlap, *distance, *truth)


def not_finite(network: Network, prefix: str = "it has ", answers: Tensor | None = None) -> str:
    """Say that the weights of a network, or answers that it gave, are not finite; empty if all are."""
    if not network.prep.isfinite().all():
        return f"{prefix}weights that are not finite"
    if answers is not None and not answers.isfinite().all():
        return f"{prefix}answers that are not finite"
    return ""


def _counted(rows: Sequence[Reconstruction] | Sequence[Recognition]) -> tuple[list, dict[str, list[str]]]:
    """The rows that were measured, and, if there are others, their names as a part of a summary."""
    problems = {
        id(row): getattr(row, "problem", "") for row in rows
    }  # recorded rows of older spaces have no such column
    others = [row.name for row in rows if problems[id(row)]]
    return [row for row in rows if not problems[id(row)]], {"not_counted": others} if others else {}


def summarise_reconstruction(rows: Iterable[Reconstruction]) -> dict[str, dict]:
    """Medians by split; a median that is not finite (no surface, no ground truth) is None.

    Rows with a problem are named as `not_counted`, if there are any.
    """
    rows = list(rows)
    summary = {}
    for split in dict.fromkeys(row.split for row in rows):
        mine, others = _counted([row for row in rows if row.split == split])
        medians = {}
        for name in Reconstruction._fields[2:-1]:
            values = [getattr(row, name) for row in mine if not math.isnan(getattr(row, name))]
            median = statistics.median(values) if values else math.inf
            medians[f"{name}_median"] = round(median, 4) if math.isfinite(median) else None
        medians |= {"without_surface": sum(math.isinf(row.chamfer) for row in mine), "count": len(mine)}
        summary[split] = medians | others
    return summary


# -- image classifiers ---------------------------------------------------------------------------------------------


@torch.inference_mode()
def classify(network: Network, images: Images, dtype: torch.dtype | None = None, rows: int = 0) -> Tensor:
    """Logits (n, C) float32 of a classifier on images; where GPU memory runs out, in batches of half the size.

    Args:
        dtype: precision between inputs and logits, for previews; None keeps that of the network.
        rows: images a batch; 0: as many as the device likes.
    """
    device = network.prep.device
    rows = rows or (256 if device.type == "cpu" else 4096)
    run = network.compiled(dtype)
    parts, done = [], 0
    while done < len(images):
        try:
            parts.append(run(normalise(images.pixels[done : done + rows].to(device))))
            done += rows
        except torch.OutOfMemoryError:
            if rows == 1:
                raise
            rows //= 2
            warnings.warn(f"out of GPU memory: going on with {rows} images at once", stacklevel=2)
    return torch.cat(parts)


def accuracy(logits: Tensor, labels: Tensor) -> float:
    """Share of images whose largest logit is that of their class: logits (n, C), labels (n).

    Logits that are not finite are no answer: argmax would take them for class 0.
    """
    right = (logits.argmax(dim=-1) == labels.to(logits.device)) & logits.isfinite().all(dim=-1)
    return right.float().mean().item()


def wilson(correct: int, count: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's interval of a share measured on `count` samples, 95 % at z = 1.96 (Wilson 1927)."""
    share, half = correct / count, z * z / (2 * count)
    spread = z * math.sqrt(share * (1 - share) / count + (z / (2 * count)) ** 2)
    return (share + half - spread) / (1 + 2 * half), (share + half + spread) / (1 + 2 * half)


class Recognition(NamedTuple):
    """A classifier of a zoo against what the space makes of it, on the same images (Fig. 3a and c)."""

    name: str
    split: str
    target_accuracy: float
    predicted_accuracy: float
    same_answer: float
    """share of images that both put into the same class"""
    kl: float
    """Eq. 1 between both"""
    arch: str = ""
    predicted_arch: str = ""
    """the architecture that the class head predicts"""
    problem: str = ""
    """why nothing was measured: weights or answers that are not finite; the figures are not numbers then"""


def recognise(space: NetSpace, zoo: Zoo, i: int, images: Images) -> Recognition:
    """Embed and decode classifier i of the zoo and measure the result."""
    target, record = zoo[i].to(space.device), zoo.records.loc[i]
    nothing = Recognition(record["name"], record["split"], *[math.nan] * 4, target.arch.name)
    problem = not_finite(target)
    if problem:
        return nothing._replace(problem=problem)
    with torch.inference_mode():
        predicted = space.networks(space.encode(target.prep.unsqueeze(0)))[0]
    t, p = classify(target, images), classify(predicted, images)
    problem = not_finite(target, answers=t) or not_finite(predicted, "its decode has ", p)
    if problem:
        return nothing._replace(problem=problem, predicted_arch=predicted.arch.name)
    same = (t.argmax(dim=1) == p.argmax(dim=1)).float().mean().item()
    figures = accuracy(t, images.labels), accuracy(p, images.labels), same, classifier_distillation(p, t).item()
    return nothing._replace(
        **dict(zip(Recognition._fields[2:6], figures, strict=True)), predicted_arch=predicted.arch.name
    )


def correlation(x: Sequence[float], y: Sequence[float], rank: bool = False) -> float | None:
    """Pearson's correlation, or Spearman's of the ranks; None where it is not defined: all values of a side equal."""
    from scipy.stats import pearsonr, spearmanr

    if len(x) < 2 or len(set(x)) == 1 or len(set(y)) == 1:
        return None
    return float((spearmanr if rank else pearsonr)(x, y).statistic)


def summarise_recognition(rows: Iterable[Recognition]) -> dict[str, dict]:
    """By split: how far the predicted networks' accuracies are from the targets' and how well the two correlate.

    Of several architectures also the share predicted right, and the same by architecture (Fig. 5, left). Rows with a
    problem are named as `not_counted`, if there are any.
    """
    rows = list(rows)
    archs = list(dict.fromkeys(row.arch for row in rows))
    summary = {}
    for split in dict.fromkeys(row.split for row in rows):
        mine, others = _counted([row for row in rows if row.split == split])
        summary[split] = _recognition(mine) | others
        if len(archs) > 1 and mine:
            parts = {arch: [row for row in mine if row.arch == arch] for arch in archs}
            of_each = {
                a: _recognition(part) | {"architecture_right": _right(part)} for a, part in parts.items() if part
            }
            summary[split] |= {"architecture_right": _right(mine), "by_architecture": of_each}
    return summary


def _right(rows: Sequence[Recognition]) -> float:
    """Share of networks whose architecture is predicted right."""
    return round(statistics.mean(row.arch == row.predicted_arch for row in rows), 4)


def _recognition(rows: Sequence[Recognition]) -> dict[str, float | int | None]:
    target, predicted = [row.target_accuracy for row in rows], [row.predicted_accuracy for row in rows]
    figures = {
        "accuracy_mae": statistics.mean(abs(t - p) for t, p in zip(target, predicted, strict=True)) if rows else None,
        "pearson": correlation(target, predicted),
        "spearman": correlation(target, predicted, rank=True),
        "same_answer": statistics.mean(row.same_answer for row in rows) if rows else None,
        "target_accuracy_min": min(target, default=None),
        "target_accuracy_max": max(target, default=None),
    }
    rounded = {name: None if value is None else round(value, 4) for name, value in figures.items()}
    return rounded | {"count": len(rows)}


# -- networks by what they do --------------------------------------------------------------------------------------

ANSWER_GRID = 24
"""points along each axis at which SDF networks are compared by their answers"""


def answers(network: Network, images: Images | None = None) -> Tensor:
    """What networks are compared by: whether points of a grid are inside (n) bool, or the classes of images (n).

    Raises:
        ValueError: an image classifier is asked without images.
    """
    if network.arch.kind == "images":
        if images is None:
            raise UsageError("image classifiers are compared on images, and none are given")
        return classify(network, images).argmax(dim=1)
    steps = torch.linspace(-1, 1, ANSWER_GRID, device=network.prep.device)
    points = torch.stack(torch.meshgrid(steps, steps, steps, indexing="ij"), dim=-1).view(-1, 3)
    return network.compiled()(points) < 0


def disagreement(a: Tensor, b: Tensor) -> Tensor:
    """Between answers (*b, n) of two networks: 1 - IoU of occupancies (bool), else the share of different classes."""
    if a.dtype != torch.bool:
        return _count(a != b) / max(a.shape[-1], b.shape[-1])
    union = _count(a | b)
    return 1 - torch.where(union > 0, _count(a & b) / union.clamp(min=1), 1.0)


def _count(x: Tensor) -> Tensor:
    """How many of the last axis are true, (*b, n) -> (*b), on the CPU: NumPy counts ten times as fast as PyTorch."""
    return torch.as_tensor(np.count_nonzero(x.cpu().numpy(), axis=-1))


@torch.no_grad()
def measured_along(
    space: NetSpace, direction: Direction, z: Tensor, steps: int = 9, resolution: int = 64
) -> list[tuple[float, float]]:
    """A shape's embedding (E), moved along a direction of a column that can be measured, by its reach either way.

    Returns:
        by how much it is moved, in units of the column, and what is measured of the decoded mesh: not a number where
        there is no surface.
    """
    by = torch.linspace(-direction.reach, direction.reach, steps)
    found = []
    for step, moved in zip(by.tolist(), direction.move(z, by), strict=True):
        surface = surface_or_none(space.networks(moved.unsqueeze(0).to(space.device))[0], resolution)
        found.append((step, MEASURES[direction.column](surface.mesh) if surface else math.nan))
    return found


OFF_IOU, OFF_SAME, OFF_ACCURACY = 0.5, 0.5, 0.1
"""A network is off the manifold where its decode overlaps it less, gives fewer of its answers, or differs more."""


class Placement(NamedTuple):
    """A network from elsewhere among those that a space was trained on."""

    name: str
    error: float
    """of its decode: 1 - IoU of shapes, else the share of different answers; not a number where it is not known"""
    figures: Reconstruction | Recognition | None
    """None where there are no images to test a classifier on"""
    nearest: str
    """training network with the nearest embedding; empty if the network has no embedding"""
    distance: float
    """to it, in the space"""
    off: bool
    """off the manifold: the decode and the original disagree, or no training network is near"""
    why: str
    """in a few words; empty where it is not off"""


def place_networks(
    space: NetSpace, zoo: Zoo, ids: Sequence[int], training: Tensor, names: Sequence[str], images: Images | None = None
) -> Iterator[Placement]:
    """Reconstruct networks of a zoo and find the nearest training network of each.

    Args:
        training: embeddings (b, E) of training networks.
        names: of these networks.
        images: test images, on which classifiers are compared with what is decoded.
    """
    reach = Reach.of(training)
    for i in ids:
        z = embed(space, zoo, [i]).cpu()
        found = nearest(z, training, 1)
        distance, far = float(found.distances), float(reach.far(z))
        figures, error, reasons = None, math.nan, []
        if space.family.archs[0].kind == "sdf":
            figures = reconstruct(space, zoo, i)
            error = 1 - figures.iou
            reasons = [f"its decode overlaps it by {figures.iou:.2f}"] if figures.iou < OFF_IOU else []
        elif images is not None:
            figures = recognise(space, zoo, i, images)
            error = 1 - figures.same_answer
            reasons = _off_reasons(figures)
        problem = (figures and figures.problem) or ("" if z.isfinite().all() else "it has no embedding")
        if problem:
            reasons = [problem]
        elif not far <= 1:
            reasons.append(f"{far:.1f} times as far from training networks as 99 of 100 of these from each other")
        name, near = str(zoo.records.name[i]), names[int(found.ids)] if math.isfinite(distance) else ""
        yield Placement(name, error, figures, near, distance, bool(reasons), "; ".join(reasons))


def _off_reasons(figures: Recognition) -> list[str]:
    """Why the decode of a classifier does not count as it."""
    reasons = []
    if figures.predicted_arch and figures.arch != figures.predicted_arch:
        reasons.append(f"decoded as {figures.predicted_arch}")
    if figures.same_answer < OFF_SAME:
        reasons.append(f"its decode gives {figures.same_answer:.0%} of its answers")
    if abs(figures.target_accuracy - figures.predicted_accuracy) > OFF_ACCURACY:
        reasons.append(f"accuracy {figures.target_accuracy:.2f}, decoded {figures.predicted_accuracy:.2f}")
    return reasons
