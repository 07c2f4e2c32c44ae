"""Image data sets as tensors: CIFAR-10, Tiny-ImageNet, digits and folders of one's own (Sec. IV, supplement IV).

A data set is three splits of `Images`; a batch is an index into one. Letters: n images, S x S pixels, C classes.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from ..errors import DataError, MissingData
from ..folders import HOME
from ..nets.inputs import IMAGE_SETS
from .layouts import BATCHES, CLASS_FOLDERS, IMAGE_SPLITS, TINY, Dataset, DiskLayout, Part
from .parquet import PARQUET

TINY_IMAGENET = "http://cs231n.stanford.edu/tiny-imagenet-200.zip"
TINY_IMAGENET_MD5 = "90528d7ca1a48142e341f4ef8d21d0de"


@dataclass(frozen=True)
class Images:
    """A split of a data set."""

    name: str
    pixels: Tensor
    """(n, 3, S, S) uint8"""
    labels: Tensor
    """(n,) int64"""
    classes: tuple[str, ...]
    """the C classes' names"""
    flip: bool
    ids: tuple[str, ...] = ()
    """identifiers of the classes if they have others than their names: WordNet's in Tiny-ImageNet"""

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def size(self) -> int:
        return self.pixels.shape[-1]

    @property
    def pad(self) -> int:
        """Pixels of padding for random crops: 4 at 32 x 32, 8 at 64 x 64."""
        return self.size // 8

    def to(self, device: torch.device | str) -> Images:
        return replace(self, pixels=self.pixels.to(device), labels=self.labels.to(device))

    def take(self, index: Tensor | slice) -> Images:
        """The images of an index."""
        return replace(self, pixels=self.pixels[index], labels=self.labels[index])


def data_folders() -> list[Path]:
    """Where data sets are looked for: the folders named in NETSPACE_DATA, then data/ of the project and of here."""
    named = [Path(folder) for folder in os.environ.get("NETSPACE_DATA", "").split(os.pathsep) if folder]
    folders = [*named, HOME / "data", Path.cwd() / "data"]
    return list(dict.fromkeys(folder.expanduser().resolve() for folder in folders))


def available(name: str) -> bool:
    """Whether one of IMAGE_SETS lies in the data folders; its images are not looked through."""
    return name == "digits" or (name in IMAGE_SETS and _find(name, None) is not None)


def image_classes(name: str) -> tuple[str, ...]:
    """Return the classes of one of IMAGE_SETS, without decoding its images; raises as `load_images`."""
    if name not in IMAGE_SETS:
        raise DataError(f"unknown data set {name!r}; known: {', '.join(IMAGE_SETS)}")
    return DIGIT_CLASSES if name == "digits" else _open(name, None).classes


def load_images(name: str, split: str, folder: Path | None = None) -> Images:
    """A split of one of IMAGE_SETS, or under another name of the class folders or parquet files in `folder`.

    Raises:
        MissingData: it is in none of the data folders, or not in `folder`.
        DataError: it is there and broken, there is no such data set or split, or it is read from no folder.
    """
    if split not in IMAGE_SPLITS:
        raise DataError(f"unknown split {split!r}; known: {', '.join(IMAGE_SPLITS)}")
    if name not in IMAGE_SETS and folder is None:
        raise DataError(f"unknown data set {name!r}; known: {', '.join(IMAGE_SETS)}; any other name needs a folder")
    if name == "digits":
        if folder is not None:
            raise DataError(f"digits come with scikit-learn: nothing is read from {folder}, leave it out")
        return _digits(split)
    source = _open(name, folder)
    part, rows = _split(name, source, split)
    if not len(rows):
        raise DataError(f"the {split} split of {name} in {source.place} is empty")
    pixels, labels = torch.from_numpy(part.pixels(rows)), torch.from_numpy(part.labels[rows])
    flip = IMAGE_SETS[name].flip if name in IMAGE_SETS else True
    return Images(name, pixels, labels, source.classes, flip, source.ids)


def download_images(name: str, folder: Path) -> None:
    """Fetch a data set from its makers into a folder; DataError where that fails or nobody offers it."""
    from torchvision.datasets import CIFAR10
    from torchvision.datasets.utils import download_url

    if name == "digits":
        return  # it comes with scikit-learn
    try:
        if name == "cifar10":
            CIFAR10(folder, download=True)
        elif name == "tiny-imagenet":
            download_url(TINY_IMAGENET, folder, md5=TINY_IMAGENET_MD5)
        else:
            raise DataError(f"{name!r} cannot be downloaded; known: {', '.join(IMAGE_SETS)}")
    except (OSError, RuntimeError) as error:
        raise DataError(f"{name} could not be downloaded to {folder} ({error})") from error


def _find(name: str, folder: Path | None) -> tuple[Path, DiskLayout] | None:
    """The first place that holds a data set, of a folder or of the data folders, and its layout."""
    for top in data_folders() if folder is None else [folder]:
        inside = sorted(top.iterdir()) if top.is_dir() else []
        inside = [p for p in inside if not p.name.startswith(".") and (p.is_dir() or p.suffix == ".zip")]
        for place in (top, *inside):
            spec = IMAGE_SETS.get(name) if place != folder else None  # a folder that the user names is not doubted
            for layout in LAYOUTS.get(name, OWN):
                if layout.holds(place, spec):
                    return place, layout
    return None


def _open(name: str, folder: Path | None) -> Dataset:
    """The data set of this name, not decoded; MissingData where there is none, DataError where it is another."""
    found = _find(name, folder)
    if found is None and name in IMAGE_SETS:
        places = ", ".join(map(str, data_folders() if folder is None else [folder]))
        raise MissingData(
            f"no {name} in {places}: run `python -m netspace images {name} --download`, "
            "or name the folder that holds it in NETSPACE_DATA"
        )
    if found is None and not folder.exists():
        raise MissingData(f"no folder {folder}")
    if found is None:
        raise MissingData(
            f"no images in {folder}: put them there as train/<class>/*.png, as <class>/*.png, "
            "as a zip of these, or as train and test parquet files"
        )
    place, layout = found
    source = layout.read(place, name)
    c = len(source.classes)
    if name in IMAGE_SETS and c != IMAGE_SETS[name].classes:
        raise DataError(f"{place} has {c} classes, {name} has {IMAGE_SETS[name].classes}")
    if c < 2:
        raise DataError(f"{place} has one class only, {source.classes[0]!r}; a classifier needs two")
    return source


def _split(name: str, source: Dataset, split: str) -> tuple[Part, np.ndarray]:
    """The part that a split lies in, and its rows there.

    What was not published is cut from the end of train: of CIFAR-10 the last fifth for validation, as the paper does;
    of others the last fifth of every class, and before it a tenth for test.
    """
    owed = ("validation",) if name in IMAGE_SETS else ("validation", "test")
    unpublished = [s for s in owed if s not in source.parts]
    published = "train" if split in unpublished else split
    if published not in source.parts:
        raise DataError(f"{source.place} has no {published} images of {name}")
    part = source.parts[published]()
    every = np.arange(len(part.labels))
    if published != "train":
        return part, every
    groups = [every] if name == "cifar10" else [every[part.labels == c] for c in range(len(source.classes))]
    cut = []
    for group in groups:
        validation = len(group) - (-(-len(group) // 5) if "validation" in unpublished else 0)
        test = max(validation - (-(-len(group) // 10) if "test" in unpublished else 0), 0)
        pieces = {"train": group[:test], "validation": group[validation:], "test": group[test:validation]}
        cut.append(pieces[split])
    return part, np.sort(np.concatenate(cut))


def _digits(split: str) -> Images:
    """scikit-learn's 1,797 handwritten digits, 8 x 8 in grey, enlarged to 32 x 32."""
    from sklearn.datasets import load_digits

    data, spec = load_digits(), IMAGE_SETS["digits"]
    order = np.random.Generator(np.random.PCG64(0)).permutation(len(data.target))
    train, validation, test = np.split(order, [-720, -360])
    rows = {"train": train, "validation": validation, "test": test}[split]
    grey = torch.from_numpy(data.images[rows]).float()[:, None] * (255 / 16)  # (n, 1, 8, 8)
    grey = F.interpolate(grey, size=(spec.size, spec.size), mode="bilinear")  # (n, 1, S, S)
    pixels = grey.round().to(torch.uint8).repeat(1, 3, 1, 1)  # (n, 3, S, S)
    labels = torch.from_numpy(data.target[rows]).long()
    return Images("digits", pixels, labels, DIGIT_CLASSES, spec.flip)


DIGIT_CLASSES = tuple(str(digit) for digit in range(10))
LAYOUTS = {"cifar10": (BATCHES, PARQUET), "tiny-imagenet": (TINY, PARQUET)}
OWN = (PARQUET, CLASS_FOLDERS)
"""the layouts of data sets under other names"""
