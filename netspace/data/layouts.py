"""How image data sets lie on disk: CIFAR-10's batches, Tiny-ImageNet, folders and zips of class folders."""

from __future__ import annotations

import os
import pickle
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import DataError, FormatError
from ..io import open_regular, read_bytes
from ..nets.inputs import ImageSpec
from .decoding import IMAGE_SUFFIXES, Encoded, decode_images, required_size

IMAGE_SPLITS = ("train", "validation", "test")

CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

ARRAY_PARTS = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
    ("numpy._core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
}
"""All that a pickle of arrays has to name."""


class Part(NamedTuple):
    """The images that were published together, as train or as test; none is decoded yet."""

    labels: np.ndarray
    """(n,) int64"""
    pixels: Callable[[np.ndarray], np.ndarray]
    """rows (m,) -> (m, 3, S, S) uint8"""


class Dataset(NamedTuple):
    """A data set that was found."""

    place: Path
    classes: tuple[str, ...]
    parts: dict[str, Callable[[], Part]]
    """by split"""
    ids: tuple[str, ...] = ()
    """see `Images`"""


class DiskLayout(NamedTuple):
    """A way in which data sets lie on disk."""

    holds: Callable[[Path, ImageSpec | None], bool]
    """whether a place, a folder or a zip, holds (that) one; a cheap look"""
    read: Callable[[Path, str], Dataset]
    """the data set of this name in this place"""


def check_labels(labels: np.ndarray, classes: int, where: Callable[[int], str]) -> np.ndarray:
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(wrong):
        raise DataError(f"{where(int(wrong[0]))} has the label {labels[wrong[0]]}, there are {classes} classes")
    return labels


class ArrayUnpickler(pickle.Unpickler):
    """Reads arrays and plain values; a pickle that names anything else, which could run code, is refused."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ARRAY_PARTS:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return ARRAY_PARTS[module, name]


def _holds_batches(place: Path, _spec: ImageSpec | None) -> bool:
    return (place / "data_batch_1").is_file() or (place / "test_batch").is_file()


def _read_batches(place: Path, _name: str) -> Dataset:
    def part(*names: str) -> Part:
        pixels, labels = zip(*(_read_batch(place / name) for name in names), strict=True)
        pixels = np.concatenate(pixels)  # (n, 3, 32, 32)
        return Part(np.concatenate(labels), lambda rows: pixels[rows])

    train = partial(part, *(f"data_batch_{i}" for i in range(1, 6)))
    return Dataset(place, CIFAR10_CLASSES, {"train": train, "test": partial(part, "test_batch")})


def _read_batch(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (n, 3, 32, 32) uint8 and labels (n,) of one of the pickles."""
    if not path.is_file():
        raise DataError(f"{path.parent} has no {path.name}")
    try:
        with open_regular(path) as file:
            batch = ArrayUnpickler(file, encoding="latin1").load()
        data, labels = np.asarray(batch["data"]), np.asarray(batch["labels"], np.int64)
    except Exception as error:  # a damaged pickle raises many kinds
        raise DataError(f"{path} is truncated or not a batch of CIFAR-10 ({error})") from error
    if data.shape != (len(labels), 3 * 32 * 32) or data.dtype != np.uint8:
        raise DataError(f"{path} holds {data.dtype} {data.shape}, CIFAR-10 needs uint8 ({len(labels)}, 3072)")
    return data.reshape(-1, 3, 32, 32), check_labels(labels, len(CIFAR10_CLASSES), lambda i: f"{path}: image {i}")


FOLDER_PARTS = {
    "train": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
}


class Files(NamedTuple):
    """The files of a folder or of a zip that was not unpacked."""

    place: Path
    names: list[str]
    """paths below the place, in order; of a zip, below the folder that everything in it shares"""
    read: Callable[[str], bytes]


def _files(place: Path) -> Files:
    """All files of a place but hidden ones; DataError where a zip is broken."""
    if place.is_dir():
        names = []
        for top, _, inside in os.walk(place):
            below = Path(top).relative_to(place).as_posix()
            names += inside if below == "." else [f"{below}/{name}" for name in inside]
        read, top = (lambda name: read_bytes(place / name)), ""
    else:
        try:
            archive = zipfile.ZipFile(open_regular(place))
        except (FormatError, NotImplementedError, ValueError, zipfile.BadZipFile, OSError) as error:
            raise DataError(f"{place} is truncated or not a zip ({error})") from error
        names = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX/")]
        tops = {name.partition("/")[0] for name in names}
        shared = len(tops) == 1 and not any(_is_image(name) and name.count("/") < 2 for name in names)
        top = f"{tops.pop()}/" if shared else ""
        names = [name.removeprefix(top) for name in names]
        read = lambda name: _unpacked(archive, top + name)  # noqa: E731
    return Files(place, sorted(name for name in names if not name.startswith(".") and "/." not in name), read)


MOST_IMAGE_BYTES = 256 * 1024**2
"""of one image in a zip, unpacked"""


def _unpacked(archive: zipfile.ZipFile, name: str) -> bytes:
    """A file of a zip; DataError if it would be larger than an image is."""
    size = archive.getinfo(name).file_size
    if size > MOST_IMAGE_BYTES:
        raise DataError(f"{name} would unpack to {size / 1e6:.0f} MB, {MOST_IMAGE_BYTES / 1e6:.0f} MB at most are read")
    return archive.read(name)


def _is_image(name: str) -> bool:
    return name.lower().endswith(IMAGE_SUFFIXES)


def _encoded_files(files: Files, names: list[str]) -> Encoded:
    return Encoded(lambda i: str(files.place / names[i]), lambda i: files.read(names[i]))


def _holds_tiny(place: Path, spec: ImageSpec | None) -> bool:
    if place.suffix == ".zip":
        return place.is_file() and (spec is None or "imagenet" in place.stem.lower())
    return (place / "wnids.txt").is_file()


def _read_tiny(place: Path, name: str) -> Dataset:
    """Tiny-ImageNet as its makers publish it; their validation images are the paper's test set."""
    files = _files(place)
    wnids = _lines(files, "wnids.txt")
    words = dict(line.split("\t", 1) for line in _lines(files, "words.txt") if "\t" in line)
    classes = tuple(words.get(wnid, wnid).split(",")[0] for wnid in wnids)

    def part(names: list[str], of: list[str]) -> Part:
        unknown = sorted(set(of) - set(wnids))
        if unknown:
            raise DataError(
                f"{place} has images of {unknown[0]}, which is not one of the {len(wnids)} in its wnids.txt"
            )
        missing = sorted(set(names) - set(files.names))
        if missing:
            raise DataError(f"{place} has no {missing[0]}")
        encoded, position = _encoded_files(files, names), {wnid: c for c, wnid in enumerate(wnids)}
        labels = np.array([position[wnid] for wnid in of], np.int64)
        return Part(labels, partial(decode_images, encoded, required_size(name, encoded)))

    def train() -> Part:
        names = [n for n in files.names if n.startswith("train/") and n.count("/") == 3 and _is_image(n)]
        return part(names, [n.split("/")[1] for n in names])

    def test() -> Part:
        rows = [line.split("\t") for line in _lines(files, "val/val_annotations.txt")]
        return part([f"val/images/{row[0]}" for row in rows], [row[1] if len(row) > 1 else "" for row in rows])

    return Dataset(place, classes, {"train": train, "test": test}, tuple(wnids))


def _lines(files: Files, name: str) -> list[str]:
    """The lines of a text file that are not empty."""
    if name not in files.names:
        raise DataError(f"{files.place} has no {name}")
    try:
        text = files.read(name).decode(errors="replace")
    except (OSError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{files.place / name} cannot be read ({error})") from error
    return [line for line in text.splitlines() if line.strip()]


def _class_folders(files: Files) -> dict[str, list[str]]:
    """The images of train/<class>/, val/<class>/ and test/<class>/ by split, or those of <class>/ as train."""
    paths = [name.split("/") for name in files.names if _is_image(name)]
    parts: dict[str, list[str]] = {split: [] for split in IMAGE_SPLITS}
    for path in paths:
        if len(path) == 3 and path[0] in FOLDER_PARTS:
            parts[FOLDER_PARTS[path[0]]].append("/".join(path))
    if not parts["train"]:
        parts = {"train": ["/".join(path) for path in paths if len(path) == 2]}
    return {split: names for split, names in parts.items() if names}


def _holds_class_folders(place: Path, _spec: ImageSpec | None) -> bool:
    return place.exists() and bool(_class_folders(_files(place)))


def _read_class_folders(place: Path, name: str) -> Dataset:
    files = _files(place)
    parts = _class_folders(files)
    classes = sorted({path.split("/")[-2] for path in parts["train"]})
    need = required_size(name, _encoded_files(files, parts["train"]))

    def part(split: str) -> Part:
        names = parts[split]
        unknown = [path for path in names if path.split("/")[-2] not in classes]
        if unknown:
            raise DataError(f"{place / unknown[0]} is of a class that has no images in train")
        labels = np.array([classes.index(path.split("/")[-2]) for path in names], np.int64)
        return Part(labels, partial(decode_images, _encoded_files(files, names), need))

    return Dataset(place, tuple(classes), {split: partial(part, split) for split in parts})


BATCHES = DiskLayout(_holds_batches, _read_batches)
TINY = DiskLayout(_holds_tiny, _read_tiny)
CLASS_FOLDERS = DiskLayout(_holds_class_folders, _read_class_folders)
