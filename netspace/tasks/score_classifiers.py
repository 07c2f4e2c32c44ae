"""What a scorecard and an audit measure of image classifiers: accuracy, loss and calibration along a path, errors."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..data.images import Images
from ..errors import UsageError
from ..latent.paths import gammas
from ..nets.network import Network
from ..space.losses import task_loss
from .calibration import calibration_error, fit_temperature
from .measures import accuracy, classify, correlation
from .path_measures import area_under, barrier, mean
from .task import Resemblance, ScoreColumn

CLASSIFIER_COLUMNS: Mapping[str, ScoreColumn] = {
    "ends": ScoreColumn("ends", "higher", "Accuracy of the path's own ends, mean of both."),
    "ends_lost": ScoreColumn("lost at ends", "lower", "Accuracy of the originals less that of the path's ends."),
    "middle": ScoreColumn("middle", "higher", "Accuracy of the network half-way."),
    "barrier": ScoreColumn(
        "barrier", "lower", "Largest rise of the error above the line between the path's ends (Entezari et al. 2022)."
    ),
    "barrier_loss": ScoreColumn("barrier, nats", "lower", "The same of the cross-entropy with the labels."),
    "monotonicity": ScoreColumn(
        "monotonicity", "higher", "Rank correlation of accuracy with gamma, positive towards the better original."
    ),
    "area": ScoreColumn("area", "higher", "Area under accuracy over gamma."),
    "ece": ScoreColumn(
        "ECE", "lower", "Expected calibration error of the network half-way, in 15 bins (Guo et al. 2017)."
    ),
    "ece_scaled": ScoreColumn(
        "ECE at T", "lower", "The same with this network's temperature, which is fitted on training images."
    ),
}  # fmt: skip
ERRORS_OVERLAP = ScoreColumn(
    "overlap of errors", "lower",
    "Test images that both this network and a training network get wrong, over those that either does; the greatest "
    "of all training networks (Zeng et al. 2026).",
)  # fmt: skip
CLASSIFIER_QUALITIES = {"accuracy": ScoreColumn("accuracy", "higher", "Accuracy on the test images.")}
MOST_FITTING = 512
"""training images on which a temperature is fitted"""


class ScoringImages(NamedTuple):
    """Images of a scorecard: none of `fitting` is one of `tested`."""

    tested: Images
    """test images: what is reported"""
    fitting: Images
    """training images: temperatures are fitted on them"""

    def to(self, device: torch.device | str) -> ScoringImages:
        return ScoringImages(self.tested.to(device), self.fitting.to(device))


def drawn(images: Images, most: int) -> Images:
    """Return at most so many images, drawn with a fixed seed, in their order; all for 0."""
    if not most or len(images) <= most:
        return images
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))[:most]
    return images.take(order.sort().values)


class PathOfClassifiers:
    """Measures whole paths between two classifiers."""

    def __init__(self, a: Network, b: Network, data: ScoringImages | None) -> None:
        if data is None:
            raise UsageError("image classifiers are scored on images, and none are given")
        self.data = data
        self.originals = [accuracy(classify(n, data.tested), data.tested.labels) for n in (a, b)]

    def __call__(self, networks: Sequence[Network]) -> dict[str, float | None]:
        """Return the measures of CLASSIFIER_COLUMNS."""
        labels, half = self.data.tested.labels, len(networks) // 2
        answers = [classify(network, self.data.tested) for network in networks]
        shares = [accuracy(logits, labels) for logits in answers]
        losses = [task_loss(logits, labels.to(logits.device)).item() for logits in answers]
        temperature = fit_temperature(classify(networks[half], self.data.fitting), self.data.fitting.labels)
        ends = mean([shares[0], shares[-1]])
        rank = correlation(gammas(len(shares)), shares, rank=True)
        rises = self.originals[1] >= self.originals[0]
        return {
            "ends": ends,
            "ends_lost": mean(self.originals) - ends,
            "middle": shares[half],
            "barrier": barrier([1 - share for share in shares]),
            "barrier_loss": barrier(losses) if all(map(math.isfinite, losses)) else math.nan,
            "monotonicity": rank if rank is None or rises else -rank,
            "area": area_under(shares),
            "ece": calibration_error(answers[half], labels),
            "ece_scaled": calibration_error(answers[half], labels, temperature),
        }


def overlap_of_errors(wrong: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return intersection over union of the images (n) that one network gets wrong and those (N, n) that others do.

    1 where neither gets any wrong: they cannot be told apart.
    """
    both, either = np.count_nonzero(wrong & others, axis=1), np.count_nonzero(wrong | others, axis=1)
    return np.where(either > 0, both / np.maximum(either, 1), 1.0)


def is_wrong(logits: Tensor, labels: Tensor) -> np.ndarray:
    """Return which images (n) bool a network gets wrong; logits (n, C) that are not finite are wrong."""
    right = (logits.argmax(dim=1) == labels.to(logits.device)) & logits.isfinite().all(dim=1)
    return ~right.cpu().numpy()


def errors_audit(known: Sequence[Network], data: ScoringImages | None) -> Callable[[Network, int | None], Resemblance]:
    """Return what finds the classifier of the known ones whose wrong answers overlap most with a network's."""
    if data is None:
        raise UsageError("image classifiers are compared on images, and none are given")
    images = data.tested
    theirs = np.stack([is_wrong(classify(network, images), images.labels) for network in known])  # (N, n)

    def of(network: Network, without: int | None = None) -> Resemblance:
        wrong = is_wrong(classify(network, images), images.labels)
        overlap = overlap_of_errors(wrong, theirs)
        if without is not None:
            overlap[without] = -1
        nearest = tuple(np.flatnonzero(overlap == overlap.max()).tolist())
        return Resemblance(nearest, float(overlap.max()), {"accuracy": float(1 - wrong.mean())})

    return of
