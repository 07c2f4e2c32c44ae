"""Whether a classifier is as often right as it says it is (Guo et al. 2017)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

BINS = 15
"""of confidence, equally wide: as Guo et al. 2017 have it"""
COLDEST, HOTTEST = 0.05, 20.0
"""temperatures among which one is fitted; that of a network that only guesses is infinite"""
HALVINGS = 40
"""of the interval between them: to 1 part in 10^11"""


def calibration_error(logits: Tensor, labels: Tensor, temperature: float = 1.0, bins: int = BINS) -> float:
    """Return the expected calibration error of logits (n, C) with labels (n): Guo et al. 2017, Eq. 3.

    The gap between confidence and accuracy in `bins` equally wide intervals of confidence, weighted by how many images
    fall into each. Not a number for logits that are not finite.
    """
    if not logits.isfinite().all():
        return math.nan
    confidence, answers = (logits.double() / temperature).softmax(dim=1).max(dim=1)
    right = (answers == labels.to(answers.device)).double()
    at = (confidence * bins).ceil().long().clamp(1, bins) - 1  # (n): ((m - 1) / M, m / M]
    gaps = torch.zeros(bins, dtype=torch.float64, device=at.device).index_add_(0, at, right - confidence)
    return (gaps.abs().sum() / len(labels)).item()


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """Return the temperature by which logits (n, C) are divided for the least cross-entropy with labels (n).

    Guo et al. 2017, section 4.2. The loss is convex in 1 / T: the sign of its slope says on which side the least lies.
    1 for logits that are not finite.
    """
    if not logits.isfinite().all():
        return 1.0
    z = logits.double()  # (n, C)
    true = z.gather(1, labels.to(z.device).unsqueeze(1)).mean()

    def falls(log_t: float) -> bool:
        """Whether the loss falls with a higher temperature: d/d(1/T) is mean E_p[z] - z_true."""
        p = (z / math.exp(log_t)).softmax(dim=1)
        return bool((p * z).sum(dim=1).mean() > true)

    low, high = math.log(COLDEST), math.log(HOTTEST)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if falls(middle) else (low, middle)
    return math.exp((low + high) / 2)
