"""Pictures that image fields are fitted to: Fashion-MNIST, digits, or a folder of image files.

Fashion-MNIST (Xiao et al. 2017) is read from its makers' four IDX files, as Debian's package dataset-fashion-mnist or
torchvision lays them out.
"""

from __future__ import annotations

import functools
import gzip
import math
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from ..errors import DataError, MissingData, UsageError
from ..io import open_regular, read_bytes
from .decoding import IMAGE_SUFFIXES, PILLOW_FORMATS
from .images import data_folders

FASHION, DIGITS = "fashion-mnist", "digits"
FASHION_CLASSES = (
    "T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip
FASHION_PLACES = ("fashion-mnist", "FashionMNIST/raw", "FashionMNIST")
"""folders in a data folder that may hold it"""
SYSTEM = Path("/usr/share/datasets")
"""where Debian's package puts it"""
DIGIT_SIZE = 32
"""scikit-learn's digits have 8 pixels: they are enlarged, as those that classifiers are trained on"""
MOST_SIDE, LARGEST = 256, 64
"""pixels along a side: at most of a picture to fit, and of one as a target in latent space"""


@dataclass(frozen=True)
class Pictures:
    """Square pictures of one size, in a fixed order: `source` and a place in it name one."""

    source: str
    """fashion-mnist, digits, or the path of a folder or file"""
    pixels: Tensor
    """(n, C, S, S) uint8, C is 1 or 3"""
    names: tuple[str, ...]
    """(n) of the pictures"""
    labels: tuple[str, ...] | None
    """(n) names of their classes; None if they have none"""

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def size(self) -> int:
        """S"""
        return self.pixels.shape[-1]


def load_pictures(source: str, channels: int = 1, size: int = 0) -> Pictures:
    """Load all pictures of a source.

    Args:
        source: "fashion-mnist" (70,000 of 28 pixels: training and test images), "digits" (1,797 of 8 pixels, enlarged
            to 32), or the path of an image file or a folder of such, or of folders named by class.
        channels: 1 for grey (of colours: their luminance), 3 for red, green and blue.
        size: of a file or folder: pictures are cut to a square and scaled to this size; 0: they must be equal squares.

    Raises:
        MissingData: it is not here; the message says what to install, or where to put it.
        DataError: it is here and damaged, or the pictures are no squares of one size.
    """
    if source == FASHION:
        found = _fashion()
    elif source == DIGITS:
        found = _digits()
    else:
        return _folder(source, channels, size)
    pixels = found.pixels.expand(-1, channels, -1, -1)
    return Pictures(found.source, pixels, found.names, found.labels)


def load_picture(where: str, channels: int = 1) -> Tensor:
    """Load one picture (C, S, S) uint8: "digits:INDEX", "fashion-mnist:INDEX" or an image file.

    A file is cut to a square and scaled down to 64 pixels, if it is larger.

    Raises:
        MissingData, DataError: as `load_pictures`.
        UsageError: there is no picture of this index.
    """
    source, colon, index = where.rpartition(":")
    if not colon or source not in (FASHION, DIGITS):
        if not Path(where).is_file():
            raise MissingData(f"no image file {where!r}; others are named as {DIGITS}:7 or {FASHION}:7")
        return torch.from_numpy(_read(Path(where), channels, None)).permute(2, 0, 1)
    found = load_pictures(source, channels)
    if not (index.isascii() and index.isdecimal() and len(index) < 10) or int(index) >= len(found):
        raise UsageError(f"{source} has the pictures 0 to {len(found) - 1}, got {index[:40]!r}")
    return found.pixels[int(index)]


# -- Fashion-MNIST ---------------------------------------------------------------------------------------------------


def read_idx(path: Path, dims: int) -> np.ndarray:
    """Read an IDX file of unsigned bytes, compressed if it ends in .gz; DataError if it is damaged or another."""
    try:
        data = gzip.decompress(read_bytes(path)) if path.suffix == ".gz" else read_bytes(path)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read ({error})") from error
    head = 4 + 4 * dims
    if len(data) < head or data[:4] != bytes((0, 0, 8, dims)):
        raise DataError(f"{path} is no IDX file of unsigned bytes with {dims} dimensions")
    shape = np.frombuffer(data, ">u4", dims, offset=4).astype(int).tolist()
    if len(data) - head != math.prod(shape):
        raise DataError(f"{path} is truncated: it should hold {math.prod(shape)} values and has {len(data) - head}")
    return np.frombuffer(data, np.uint8, offset=head).reshape(shape)


def _fashion_file(folder: Path, name: str) -> Path | None:
    """A file of Fashion-MNIST in a folder, plain or compressed."""
    return next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)


@functools.cache
def _fashion() -> Pictures:
    """Training and test images, in this order."""
    places = [folder / place for folder in (*data_folders(), SYSTEM) for place in FASHION_PLACES]
    folder = next((place for place in places if _fashion_file(place, "train-images-idx3-ubyte")), None)
    if folder is None:
        raise MissingData(
            f"no Fashion-MNIST here: install Debian's package dataset-fashion-mnist, or put its IDX files into "
            f"{data_folders()[-1] / FASHION_PLACES[0]} (or a folder named in NETSPACE_DATA)"
        )
    parts = []
    for part in ("train", "t10k"):
        files = [_fashion_file(folder, f"{part}-{what}") for what in ("images-idx3-ubyte", "labels-idx1-ubyte")]
        if None in files:
            raise DataError(f"{folder} has not all four files of Fashion-MNIST")
        images, labels = read_idx(files[0], 3), read_idx(files[1], 1)
        if len(images) != len(labels) or images.shape[1:] != (28, 28) or labels.max(initial=0) > 9:
            raise DataError(
                f"{folder} holds images {images.shape} and labels {labels.shape}, which are not its makers'"
            )
        parts.append((images, labels))
    images, labels = (np.concatenate(side) for side in zip(*parts, strict=True))
    names = tuple(f"fashion-{i:05d}" for i in range(len(images)))
    return Pictures(FASHION, torch.from_numpy(images)[:, None], names, tuple(FASHION_CLASSES[c] for c in labels))


@functools.cache
def _digits() -> Pictures:
    """scikit-learn's handwritten digits in their order there."""
    from sklearn.datasets import load_digits

    data = load_digits()
    grey = torch.from_numpy(data.images).float()[:, None] * (255 / 16)  # (n, 1, 8, 8)
    grey = F.interpolate(grey, size=(DIGIT_SIZE, DIGIT_SIZE), mode="bilinear")  # (n, 1, S, S)
    names = tuple(f"digit-{i:04d}" for i in range(len(grey)))
    return Pictures(DIGITS, grey.round().to(torch.uint8), names, tuple(str(c) for c in data.target))


# -- image files -----------------------------------------------------------------------------------------------------


def _folder(source: str, channels: int, size: int) -> Pictures:
    """One image file, or those in a folder and in the folders in it, which are classes."""
    place = Path(source)
    if not place.exists():
        raise MissingData(f"no folder or image file {source!r}, and it is neither {FASHION} nor {DIGITS}")
    inside = [place] if place.is_file() else sorted(p for p in place.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES)
    paths = [p for p in inside if not any(part.startswith(".") for part in p.relative_to(place).parts)]
    if not paths:
        raise MissingData(f"{source} holds no image files ({', '.join(IMAGE_SUFFIXES)})")
    pixels = [_read(path, channels, size) for path in paths]
    odd = next((k for k, p in enumerate(pixels) if p.shape != pixels[0].shape), None)
    if odd is not None:
        first, other = (f"{p.shape[1]} x {p.shape[0]}" for p in (pixels[0], pixels[odd]))
        raise DataError(
            f"{paths[0]} has {first} pixels and {paths[odd]} {other}: name a size to scale all to, by --size"
        )
    below = [path.relative_to(place) for path in paths] if place.is_dir() else [Path(place.name)]
    labels = tuple(path.parent.as_posix() for path in below)
    names = tuple(path.with_suffix("").as_posix().replace("/", "-") for path in below)
    if len(set(names)) < len(names):
        names = tuple(path.as_posix().replace("/", "-") for path in below)
    stack = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).contiguous()  # (n, C, S, S)
    return Pictures(str(place.resolve()), stack, names, labels if len(set(labels)) > 1 else None)


def _read(path: Path, channels: int, size: int | None) -> np.ndarray:
    """A picture (S, S, C) uint8; cut and scaled to a size, 0: as it is, None: to LARGEST if it is larger."""
    from PIL import Image, ImageOps

    Image.init()  # else only some formats can be named
    try:
        with open_regular(path) as file, Image.open(file, formats=PILLOW_FORMATS) as image:
            picture = image.convert("RGB" if channels == 3 else "L")
            size = min(LARGEST, *picture.size) if size is None else size
            if size:
                picture = ImageOps.fit(picture, (size, size), Image.Resampling.LANCZOS)
    except Exception as error:  # Pillow raises many kinds for damaged files
        raise DataError(f"{path} cannot be decoded ({error})") from error
    if picture.width != picture.height or picture.width > MOST_SIDE:
        raise DataError(
            f"{path} has {picture.width} x {picture.height} pixels, a picture is a square of at most {MOST_SIDE}: name "
            "a size to scale all to, by --size"
        )
    return np.array(picture).reshape(picture.height, picture.width, channels)
