"""What image classifiers read: sizes and classes of the named data sets, and the normalisation of the paper."""

from __future__ import annotations

from dataclasses import dataclass

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""ImageNet's, of red, green and blue; the paper takes them for every data set."""


@dataclass(frozen=True)
class ImageSpec:
    """What is known of a data set without reading it."""

    name: str
    size: int
    """S, pixels"""
    classes: int
    flip: bool = True
    """whether a mirror image is still one of its class"""


IMAGE_SETS = {
    spec.name: spec
    for spec in (
        ImageSpec("cifar10", 32, 10),
        ImageSpec("tiny-imagenet", 64, 200),
        ImageSpec("digits", 32, 10, flip=False),
    )
}
