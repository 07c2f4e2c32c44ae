"""Plain measures that tasks share: from outputs of networks and data to numbers."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ..data.images import Images
from ..data.transforms import normalise
from ..nets.network import Network
from .task import Compared

AGREE_WITHIN = 0.01
"""Answers this close count as agreeing (supplement V); also the distance below which the F-score counts a point."""


def agreement(predicted: Tensor, target: Tensor, within: float = AGREE_WITHIN) -> Tensor:
    """Share of answers (*b, n) within 0.01 of the target's, (*b): the figure the paper stops training at."""
    return ((predicted - target).abs() <= within).float().mean(dim=-1)


def iou(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two occupancies, any equal shape, bool; 1 where both are empty."""
    union = np.count_nonzero(a | b)
    return float(np.count_nonzero(a & b) / union) if union else 1.0


def not_finite(network: Network, prefix: str = "it has ", answers: Tensor | None = None) -> str:
    """Say that the weights of a network, or answers that it gave, are not finite; empty if all are."""
    if not network.prep.isfinite().all():
        return f"{prefix}weights that are not finite"
    if answers is not None and not answers.isfinite().all():
        return f"{prefix}answers that are not finite"
    return ""


def measured_rows(rows: Sequence[Compared]) -> tuple[list, dict[str, list[str]]]:
    """The rows that were measured, and, if there are others, their names as a part of a summary."""
    problems = {
        id(row): getattr(row, "problem", "") for row in rows
    }  # recorded rows of older spaces have no such column
    others = [row.name for row in rows if problems[id(row)]]
    return [row for row in rows if not problems[id(row)]], {"not_counted": others} if others else {}


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


def correlation(x: Sequence[float], y: Sequence[float], rank: bool = False) -> float | None:
    """Pearson's correlation, or Spearman's of the ranks; None where it is not defined: all values of a side equal."""
    from scipy.stats import pearsonr, spearmanr

    if len(x) < 2 or len(set(x)) == 1 or len(set(y)) == 1:
        return None
    return float((spearmanr if rank else pearsonr)(x, y).statistic)


def count_true(x: Tensor) -> Tensor:
    """How many of the last axis are true, (*b, n) -> (*b), on the CPU: NumPy counts ten times as fast as PyTorch."""
    return torch.as_tensor(np.count_nonzero(x.cpu().numpy(), axis=-1))
