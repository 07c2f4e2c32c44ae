"""Accuracy along paths between image classifiers (Figs. 3b and d, 5)."""

from __future__ import annotations

import itertools
import random
import statistics
from collections.abc import Sequence
from typing import NamedTuple

from ..data.images import Images
from ..errors import UsageError
from ..latent.paths import METHODS, PATH_STEPS, gammas
from ..space import NetSpace
from ..space.losses import boundary_gammas
from ..zoo.store import HELDOUT, SPLITS, TRAIN, Zoo
from .measures import accuracy, classify, correlation
from .path_measures import barrier


class Pair(NamedTuple):
    """Two networks between which a path is measured."""

    kind: str
    """how it was chosen"""
    a: int
    b: int


WEAK_TO_STRONG, RANDOM, SMALL_TO_LARGE = "weakest to strongest", "random", "smallest to largest"
WALK_STEPS = 100
"""Networks along a walk through a family: 99 steps as in Fig. 5, and the positions of Eq. 12 among them for A = 4."""


def curve_pairs(zoo: Zoo, count: int, seed: int = 0) -> list[Pair]:
    """Pairs of classifiers to measure paths between, at most `count` of every kind, by split.

    Weakest to strongest, by test accuracy: the k-th weakest with the k-th strongest of its split. Random: drawn among
    training networks. Of several architectures instead, smallest to largest: the k-th best of the smallest architecture
    with the k-th best of the largest.

    Raises:
        ValueError: the zoo's records do not say how accurate its networks are.
    """
    if "test_accuracy" not in zoo.records:
        raise UsageError(f"{zoo.folder / 'records.parquet'} has no column 'test_accuracy' to choose pairs by")
    pairs, broken = [], set(zoo.not_finite)
    for split in (TRAIN, HELDOUT):
        order = sorted((i for i in zoo.ids(split) if i not in broken), key=lambda i: zoo.records.test_accuracy[i])
        if len(zoo.family.archs) > 1:
            ends = [[i for i in order[::-1] if zoo.records.arch[i] == zoo.family.names[k]] for k in (0, -1)]
            pairs += [Pair(f"{split}, {SMALL_TO_LARGE}", *pair) for pair in zip(*ends, strict=False)][:count]
            continue
        half = min(count, len(order) // 2)
        pairs += [Pair(f"{split}, {WEAK_TO_STRONG}", order[k], order[-1 - k]) for k in range(half)]
    train, draw = [i for i in zoo.ids(TRAIN) if i not in broken], random.Random(seed)
    if len(train) > 1 and len(zoo.family.archs) == 1:
        pairs += [Pair(f"{TRAIN}, {RANDOM}", *draw.sample(train, 2)) for _ in range(count)]
    return pairs


class Curve(NamedTuple):
    """Accuracy along the path between two classifiers of a zoo."""

    kind: str
    method: str
    a: str
    b: str
    ends: tuple[float, float]
    """accuracies of the original networks"""
    accuracies: tuple[float, ...]
    """at the positions of `gammas`"""
    archs: tuple[str, ...]
    """of the networks there"""

    @property
    def spearman(self) -> float | None:
        """Rank correlation of accuracy with gamma, positive towards the better end; None where accuracy is constant."""
        rank = correlation(gammas(len(self.accuracies)), self.accuracies, rank=True)
        return rank if rank is None or self.ends[1] >= self.ends[0] else -rank

    @property
    def barrier(self) -> float:
        """How far accuracy falls below the straight line between the path's own ends, at most (Frankle et al. 2020)."""
        return barrier([-accuracy for accuracy in self.accuracies])

    def rows(self, count: int) -> list[dict]:
        """Rows of a table: a row a step, measured on `count` images."""
        about = {"kind": self.kind, "method": self.method, "a": self.a, "b": self.b, "count": count}
        steps = zip(gammas(len(self.accuracies)), self.accuracies, self.archs, strict=True)
        return [about | {"gamma": gamma, "accuracy": a, "arch": arch} for gamma, a, arch in steps]

    def in_order(self, names: Sequence[str]) -> bool:
        """Whether the walk passes through all of these architectures one after the other, none of them twice."""
        passed = [arch for arch, _ in itertools.groupby(self.archs)]
        return passed == list(names)


def accuracy_curve(
    space: NetSpace, zoo: Zoo, pair: Pair, method: str, images: Images, steps: int = PATH_STEPS
) -> Curve:
    """Walk a path between two classifiers and measure every step on the images."""
    ends = [zoo[i].to(space.device) for i in (pair.a, pair.b)]
    a, b = (zoo.records.name[i] for i in (pair.a, pair.b))
    path = METHODS[method].path_between(space, ends[0], ends[1]).networks(gammas(steps))
    of_ends, of_path = ([accuracy(classify(n, images), images.labels) for n in ns] for ns in (ends, path))
    return Curve(pair.kind, method, a, b, (of_ends[0], of_ends[1]), tuple(of_path), tuple(n.arch.name for n in path))


def summarise_curves(curves: Sequence[Curve]) -> dict[str, dict[str, float | int | None]]:
    """By kind of pair and method: monotonicity, the middle and the barrier, with their spread over pairs."""

    def spread(values: Sequence[float]) -> float:
        return statistics.stdev(values) if len(values) > 1 else 0.0

    summary = {}
    for kind, method in dict.fromkeys((curve.kind, curve.method) for curve in curves):
        mine = [curve for curve in curves if (curve.kind, curve.method) == (kind, method)]
        ranks = sorted(curve.spearman for curve in mine if curve.spearman is not None)
        middle = [curve.accuracies[len(curve.accuracies) // 2] for curve in mine]
        barriers = [curve.barrier for curve in mine]
        figures = {
            "spearman_median": statistics.median(ranks) if ranks else None,
            "spearman_lowest": ranks[0] if ranks else None,
            "spearman_highest": ranks[-1] if ranks else None,
            "middle_accuracy_mean": statistics.mean(middle),
            "middle_accuracy_std": spread(middle),
            "barrier_mean": statistics.mean(barriers),
            "barrier_std": spread(barriers),
            "barrier_highest": max(barriers),
        }
        rounded = {name: None if value is None else round(value, 4) for name, value in figures.items()}
        summary[f"{kind}, {method}"] = {"pairs": len(mine)} | rounded
    return summary


def summarise_walks(zoo: Zoo, curves: Sequence[Curve]) -> dict[str, dict]:
    """By kind of pair: how many walks from the smallest to the largest architecture pass through all in order.

    And what the networks at the positions of Eq. 12 and at the ends are worth against the zoo's own networks of that
    architecture, which were trained directly (Fig. 5, center and right).
    """
    names, summary = zoo.family.names, {}
    trained = zoo.records[zoo.records.split.isin(SPLITS)].groupby("arch").test_accuracy.mean().to_dict()
    for kind in dict.fromkeys(curve.kind for curve in curves):
        mine = [curve for curve in curves if curve.kind == kind]
        positions = {}
        for gamma, name in zip((0.0, *boundary_gammas(len(names)), 1.0), names, strict=True):
            at = [round(gamma * (len(curve.accuracies) - 1)) for curve in mine]
            found = [curve.accuracies[i] for curve, i in zip(mine, at, strict=True)]
            right = [curve.archs[i] == name for curve, i in zip(mine, at, strict=True)]
            figures = {
                "gamma": gamma,
                "architecture_right": statistics.mean(right),
                "accuracy_mean": statistics.mean(found),
                "accuracy_std": statistics.stdev(found) if len(found) > 1 else 0.0,
            }
            if name in trained:
                figures |= {"trained_mean": trained[name], "ratio": figures["accuracy_mean"] / trained[name]}
            positions[name] = {key: round(value, 4) for key, value in figures.items()}
        in_order = sum(curve.in_order(names) for curve in mine)
        summary[kind] = {"pairs": len(mine), "in_order": in_order, "steps": len(mine[0].accuracies), "at": positions}
    return summary
