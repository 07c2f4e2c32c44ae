"""What is measured of image classifiers: a network against what a space makes of it (Fig. 3a and c, Fig. 5 left)."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import torch

from ..data.images import Images
from ..space.losses import classifier_distillation
from ..space.space import NetSpace
from ..zoo.store import Zoo
from .measures import accuracy, classify, correlation, measured_rows, not_finite


class Recognition(NamedTuple):
    """A classifier of a zoo against what the space makes of it, on the same images (Fig. 3a and c)."""

    name: str
    split: str
    target_accuracy: float = math.nan
    predicted_accuracy: float = math.nan
    same_answer: float = math.nan
    """share of images that both put into the same class"""
    kl: float = math.nan
    """Eq. 1 between both"""
    arch: str = ""
    predicted_arch: str = ""
    """the architecture that the class head predicts"""
    problem: str = ""
    """why nothing was measured: weights or answers that are not finite; the figures are not numbers then"""


def recognise(space: NetSpace, zoo: Zoo, i: int, images: Images) -> Recognition:
    """Embed and decode classifier i of the zoo and measure the result."""
    target, record = zoo[i].to(space.device), zoo.records.loc[i]
    nothing = Recognition(record["name"], record["split"], arch=target.arch.name)
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
    return nothing._replace(
        target_accuracy=accuracy(t, images.labels),
        predicted_accuracy=accuracy(p, images.labels),
        same_answer=same,
        kl=classifier_distillation(p, t).item(),
        predicted_arch=predicted.arch.name,
    )


def summarise_recognition(rows: Iterable[Recognition]) -> dict[str, dict]:
    """By split: how far the predicted networks' accuracies are from the targets' and how well the two correlate.

    Of several architectures also the share predicted right, and the same by architecture (Fig. 5, left). Rows with a
    problem are named as `not_counted`, if there are any.
    """
    rows = list(rows)
    archs = list(dict.fromkeys(row.arch for row in rows))
    summary: dict[str, dict[str, Any]] = {}
    for split in dict.fromkeys(row.split for row in rows):
        mine, others = measured_rows([row for row in rows if row.split == split])
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
