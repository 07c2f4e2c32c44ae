"""Inputs on which the units of two networks are compared: of training images, since what selects is never reported."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from ..data.images import available, load_images
from ..data.transforms import normalise
from ..errors import UsageError
from ..nets.archs import Arch

MOST_IMAGES, POINTS = 400, 1000
SEED = 0
"""the same inputs for every pair"""


def reads_images(arch: Arch) -> bool:
    """Return whether networks of an architecture are asked about images, not about points."""
    return arch.skeleton.points(1, torch.Generator()) is None


def can_calibrate(arch: Arch) -> bool:
    """Return whether there are inputs for networks of an architecture where no folder of images is named."""
    return not reads_images(arch) or available(arch.data)


def calibration_inputs(arch: Arch, folder: Path | None = None) -> Tensor | None:
    """Return inputs (n, ...) as networks of an architecture read them; None if its training images are not at hand.

    Args:
        folder: of the images; None: looked for.

    Raises:
        DataError: the images cannot be read.
        UsageError: they are of another size.
    """
    points = arch.skeleton.points(POINTS, torch.Generator().manual_seed(SEED))
    if points is not None:
        return points
    if folder is None and not can_calibrate(arch):
        return None
    images = _training_images(arch.data, folder)
    if images.shape[-1] != arch.skeleton.size:
        raise UsageError(f"{arch.name} reads images of {arch.skeleton.size} pixels, those are of {images.shape[-1]}")
    return images


@lru_cache(maxsize=4)
def _training_images(name: str, folder: Path | None) -> Tensor:
    """Read some training images (n, 3, S, S) once, as networks are given them."""
    images = load_images(name, "train", folder)
    some = torch.randperm(len(images), generator=torch.Generator().manual_seed(SEED))[:MOST_IMAGES]
    return normalise(images.pixels[some])
