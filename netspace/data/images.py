"""Image data sets as tensors: CIFAR-10, Tiny-ImageNet, digits and folders of one's own (Sec. IV, supplement IV).

A data set is three splits of `Images`; a batch is an index into one. Letters: n images, S x S pixels, C classes.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from ..errors import DataError, MissingData
from ..nets.inputs import IMAGE_SETS, MEAN, STD, ImageSpec

if TYPE_CHECKING:
    import pyarrow as pa


SPLITS = ("train", "validation", "test")

CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

TINY_IMAGENET = "http://cs231n.stanford.edu/tiny-imagenet-200.zip"
TINY_IMAGENET_MD5 = "90528d7ca1a48142e341f4ef8d21d0de"

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
FORMATS = ("PNG", "JPEG", "WEBP", "BMP")
"""What Pillow may take a file for: it reads others with programs that an unknown file should not reach."""
CHUNK = 256
"""Images that a thread decodes at a time."""

ARRAY_PARTS = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
    ("numpy._core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
}
"""All that a pickle of arrays has to name."""


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


def normalise(pixels: Tensor) -> Tensor:
    """What the networks see: uint8 (*b, 3, S, S) -> float32, minus MEAN over STD."""
    channels = [(pixels[..., c, :, :] / 255 - MEAN[c]) / STD[c] for c in range(3)]  # (*b, S, S) each
    return torch.stack(channels, dim=-3)


def augment(pixels: Tensor, pad: int, flip: bool, generator: torch.Generator) -> Tensor:
    """Random crops (n, 3, S, S) of images (n, 3, S, S) padded with zeros, half of them mirrored if `flip`.

    Supplement IV: "a standard data augmentation regime".
    """
    n, channels, size, _ = pixels.shape
    device, width = pixels.device, size + 2 * pad
    corner = torch.randint(2 * pad + 1, (2, n, 1), generator=generator, device=generator.device).to(device)
    mirrored = (torch.rand(n, 1, generator=generator, device=generator.device) < 0.5).to(device) & flip
    steps = torch.arange(size, device=device)
    rows = corner[0] + steps  # (n, S)
    columns = corner[1] + torch.where(mirrored, steps.flip(0), steps)  # (n, S)
    index = (rows[:, :, None] * width + columns[:, None, :]).view(n, 1, size * size)  # into a padded channel
    padded = F.pad(pixels, (pad, pad, pad, pad)).reshape(n, channels, width * width)
    return padded.gather(2, index.expand(-1, channels, -1)).view(pixels.shape)


# -- loading -------------------------------------------------------------------------------------------------------


def data_folders() -> list[Path]:
    """Where data sets are looked for: the folders named in NETSPACE_DATA, then data/ of the project and of here."""
    named = [Path(folder) for folder in os.environ.get("NETSPACE_DATA", "").split(os.pathsep) if folder]
    folders = [*named, Path(__file__).resolve().parents[2] / "data", Path.cwd() / "data"]
    return list(dict.fromkeys(folder.expanduser().resolve() for folder in folders))


def available(name: str) -> bool:
    """Whether one of IMAGE_SETS lies in the data folders; its images are not looked through."""
    return name == "digits" or (name in IMAGE_SETS and _find(name, None) is not None)


def load_images(name: str, split: str, folder: Path | None = None) -> Images:
    """A split of one of IMAGE_SETS, or under another name of the class folders or parquet files in `folder`.

    Raises:
        MissingData: it is in none of the data folders, or not in `folder`.
        DataError: it is there and broken, or there is no such data set or split.
    """
    if split not in SPLITS:
        raise DataError(f"unknown split {split!r}; known: {', '.join(SPLITS)}")
    if name not in IMAGE_SETS and folder is None:
        raise DataError(f"unknown data set {name!r}; known: {', '.join(IMAGE_SETS)}; any other name needs a folder")
    if name == "digits":
        return _digits(split)
    source = _open(name, folder)
    part, rows = _split(name, source, split)
    if not len(rows):
        raise DataError(f"the {split} split of {name} in {source.place} is empty")
    pixels, labels = torch.from_numpy(part.pixels(rows)), torch.from_numpy(part.labels[rows])
    flip = IMAGE_SETS[name].flip if name in IMAGE_SETS else True
    return Images(name, pixels, labels, source.classes, flip, source.ids)


def download(name: str, folder: Path) -> None:
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


class Part(NamedTuple):
    """The images that were published together, as train or as test; none is decoded yet."""

    labels: np.ndarray
    """(n,) int64"""
    pixels: Callable[[np.ndarray], np.ndarray]
    """rows (m,) -> (m, 3, S, S) uint8"""


class Source(NamedTuple):
    """A data set that was found."""

    place: Path
    classes: tuple[str, ...]
    parts: dict[str, Callable[[], Part]]
    """by split"""
    ids: tuple[str, ...] = ()
    """see `Images`"""


class Layout(NamedTuple):
    """A way in which data sets lie on disk."""

    holds: Callable[[Path, ImageSpec | None], bool]
    """whether a place, a folder or a zip, holds (that) one; a cheap look"""
    read: Callable[[Path, str], Source]
    """the data set of this name in this place"""


def _find(name: str, folder: Path | None) -> tuple[Path, Layout] | None:
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


def _open(name: str, folder: Path | None) -> Source:
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


def _split(name: str, source: Source, split: str) -> tuple[Part, np.ndarray]:
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
    return Images("digits", pixels, labels, tuple(str(digit) for digit in range(10)), spec.flip)


def _check_labels(labels: np.ndarray, classes: int, where: Callable[[int], str]) -> np.ndarray:
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(wrong):
        raise DataError(f"{where(int(wrong[0]))} has the label {labels[wrong[0]]}, there are {classes} classes")
    return labels


# -- decoding ------------------------------------------------------------------------------------------------------


class Encoded(NamedTuple):
    """Images as files hold them, by their position."""

    where: Callable[[int], str]
    """what messages call it"""
    read: Callable[[int], bytes]


class Need(NamedTuple):
    """The size that every image must have."""

    size: int
    because: str


def _need(name: str, encoded: Encoded) -> Need:
    """The size that the data set is known for, else that of its first image."""
    if name in IMAGE_SETS:
        size = IMAGE_SETS[name].size
        return Need(size, f"{name} needs {size}x{size}")
    height, width, _ = _rgb(encoded, 0, None).shape
    if height != width:
        raise DataError(f"{encoded.where(0)} is {width}x{height}, images must be square")
    return Need(width, f"{encoded.where(0)} is {width}x{width}")


def _rgb(encoded: Encoded, i: int, need: Need | None) -> np.ndarray:
    """An image (height, width, 3) uint8, grey made RGB; DataError where it is none or not what is needed."""
    from PIL import Image, UnidentifiedImageError

    Image.init()  # else only some formats can be named
    try:
        with Image.open(io.BytesIO(encoded.read(i)), formats=FORMATS) as image:
            width, height = image.size
            if need is not None and (width, height) != (need.size, need.size):
                raise DataError(f"{encoded.where(i)} is {width}x{height}, {need.because}")
            if image.mode not in ("RGB", "L", "P", "1"):  # P: the colours of a palette
                raise DataError(f"{encoded.where(i)} has the channels {image.mode}, it must be RGB or grey")
            return np.asarray(image.convert("RGB"))
    except DataError:
        raise
    except UnidentifiedImageError as error:
        raise DataError(f"{encoded.where(i)} is not an image") from error
    except Exception as error:  # Pillow and zipfile raise many kinds for damaged files
        raise DataError(f"{encoded.where(i)} cannot be decoded ({error})") from error


def _decode(encoded: Encoded, need: Need, rows: np.ndarray) -> np.ndarray:
    """Images (m, 3, S, S) uint8 of the rows (m,), decoded on all cores."""
    pixels = np.empty((len(rows), 3, need.size, need.size), np.uint8)

    def fill(start: int) -> None:
        for k in range(start, min(start + CHUNK, len(rows))):
            pixels[k] = _rgb(encoded, int(rows[k]), need).transpose(2, 0, 1)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(fill, range(0, len(rows), CHUNK)))
    return pixels


# -- CIFAR-10 as its makers publish it -----------------------------------------------------------------------------


class ArrayUnpickler(pickle.Unpickler):
    """Reads arrays and plain values; a pickle that names anything else, which could run code, is refused."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ARRAY_PARTS:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return ARRAY_PARTS[module, name]


def _holds_batches(place: Path, _spec: ImageSpec | None) -> bool:
    return (place / "data_batch_1").is_file() or (place / "test_batch").is_file()


def _read_batches(place: Path, _name: str) -> Source:
    def part(*names: str) -> Part:
        pixels, labels = zip(*(_read_batch(place / name) for name in names), strict=True)
        pixels = np.concatenate(pixels)  # (n, 3, 32, 32)
        return Part(np.concatenate(labels), lambda rows: pixels[rows])

    train = partial(part, *(f"data_batch_{i}" for i in range(1, 6)))
    return Source(place, CIFAR10_CLASSES, {"train": train, "test": partial(part, "test_batch")})


def _read_batch(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (n, 3, 32, 32) uint8 and labels (n,) of one of the pickles."""
    if not path.is_file():
        raise DataError(f"{path.parent} has no {path.name}")
    try:
        with path.open("rb") as file:
            batch = ArrayUnpickler(file, encoding="latin1").load()
        data, labels = np.asarray(batch["data"]), np.asarray(batch["labels"], np.int64)
    except Exception as error:  # a damaged pickle raises many kinds
        raise DataError(f"{path} is truncated or not a batch of CIFAR-10 ({error})") from error
    if data.shape != (len(labels), 3 * 32 * 32) or data.dtype != np.uint8:
        raise DataError(f"{path} holds {data.dtype} {data.shape}, CIFAR-10 needs uint8 ({len(labels)}, 3072)")
    return data.reshape(-1, 3, 32, 32), _check_labels(labels, len(CIFAR10_CLASSES), lambda i: f"{path}: image {i}")


# -- parquet as Hugging Face publishes it --------------------------------------------------------------------------

PARQUET_WORDS = {"train": "train", "validation": "val", "test": "test"}
IMAGE_COLUMNS, LABEL_COLUMNS = ("img", "image"), ("label", "labels", "fine_label")


def _parquet_files(place: Path) -> dict[str, list[Path]]:
    """A folder's parquet files by split, the shards in order."""
    files = sorted(place.glob("*.parquet"))
    parts = {split: [file for file in files if word in file.stem] for split, word in PARQUET_WORDS.items()}
    return {split: files for split, files in parts.items() if files}


def _holds_parquet(place: Path, spec: ImageSpec | None) -> bool:
    """Whether there are parquet files with images of the right size and, where they are named, the right classes.

    Broken ones count: reading will say what is wrong with them.
    """
    parts = _parquet_files(place)
    if not parts or spec is None:
        return bool(parts)
    try:
        names = _class_names(next(iter(parts.values()))[0])
        if names and (len(names) != spec.classes or (spec.name == "cifar10" and names != CIFAR10_CLASSES)):
            return False
        return _rgb(_first_image(parts), 0, None).shape[0] == spec.size
    except DataError:
        return True


def _read_parquet(place: Path, name: str) -> Source:
    parts = _parquet_files(place)
    if name == "tiny-imagenet" and "validation" in parts:
        parts["test"] = parts.pop("validation")
    labels = {split: [_labels(file) for file in files] for split, files in parts.items()}
    highest = max((int(column.max()) for columns in labels.values() for column in columns if len(column)), default=0)
    numbers = tuple(str(c) for c in range(IMAGE_SETS[name].classes if name in IMAGE_SETS else highest + 1))
    classes = _class_names(next(iter(parts.values()))[0]) or (CIFAR10_CLASSES if name == "cifar10" else numbers)

    def part(split: str) -> Part:
        files, starts = parts[split], np.cumsum([0, *map(len, labels[split])])

        def locate(i: int) -> tuple[int, int]:
            k = int(np.searchsorted(starts, i, side="right")) - 1
            return k, i - int(starts[k])  # file and row

        def where(i: int) -> str:
            k, row = locate(i)
            return f"{files[k]}: image {row}"

        def pixels(rows: np.ndarray) -> np.ndarray:
            columns = [_encoded(file) for file in files]

            def read(i: int) -> bytes:
                k, row = locate(i)
                return columns[k][row].as_py()

            return _decode(Encoded(where, read), _need(name, _first_image(parts)), rows)

        return Part(_check_labels(np.concatenate(labels[split]), len(classes), where), pixels)

    return Source(place, classes, {split: partial(part, split) for split in parts})


def _column(file: Path, wanted: tuple[str, ...], what: str, rows: int | None = None) -> pa.ChunkedArray:
    """The column with one of the wanted names, of the first rows or all; DataError where it is missing or damaged."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file, buffer_size=1 << 16) as table:  # buffered: a few rows do not read the whole file
            names = table.schema_arrow.names
            found = [name for name in wanted if name in names]
            if not found:
                raise DataError(f"{file} has no {what} column ({' or '.join(wanted)}), it has {', '.join(names)}")
            if rows is None:
                return table.read(columns=found[:1]).column(0)
            batches = islice(table.iter_batches(rows, columns=found[:1]), 1)
            return pa.chunked_array([b.column(0) for b in batches], table.schema_arrow.field(found[0]).type)
    except (pa.ArrowException, OSError) as error:
        reason = " ".join(str(error).split())  # Arrow's may have several lines
        raise DataError(f"{file} is truncated or not a parquet file ({reason})") from error


def _encoded(file: Path, rows: int | None = None) -> pa.ChunkedArray:
    """The bytes of a file's images."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column = _column(file, IMAGE_COLUMNS, "image", rows)
    if not pa.types.is_struct(column.type) or column.type.get_field_index("bytes") < 0:
        raise DataError(f"{file} has images of type {column.type}, they must be a struct with the encoded bytes")
    return pc.struct_field(column, "bytes")


def _first_image(parts: dict[str, list[Path]]) -> Encoded:
    file = next(iter(parts.values()))[0]
    column = _encoded(file, 1)
    return Encoded(lambda i: f"{file}: image {i}", lambda i: column[i].as_py())


def _labels(file: Path) -> np.ndarray:
    """A file's labels (n,) int64."""
    import pyarrow as pa

    column = _column(file, LABEL_COLUMNS, "label")
    if not pa.types.is_integer(column.type) or column.null_count:
        raise DataError(f"{file} has labels of type {column.type} with {column.null_count} missing, not whole numbers")
    return column.to_numpy().astype(np.int64)


def _class_names(file: Path) -> tuple[str, ...] | None:
    """The class names that Hugging Face's `datasets` wrote into a parquet file, where it did."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        about = json.loads((pq.read_schema(file).metadata or {}).get(b"huggingface", b"{}"))
        features = about.get("info", {}).get("features", {})
        names = next((features[column].get("names") for column in LABEL_COLUMNS if column in features), None)
    except (ValueError, AttributeError, TypeError, pa.ArrowException, OSError) as error:
        raise DataError(f"{file} has class names that cannot be read ({error})") from error
    return tuple(names) if names else None


# -- folders and zips ----------------------------------------------------------------------------------------------

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
        read, top = (lambda name: (place / name).read_bytes()), ""
    else:
        try:
            archive = zipfile.ZipFile(place)
        except (zipfile.BadZipFile, OSError) as error:
            raise DataError(f"{place} is truncated or not a zip ({error})") from error
        names = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX/")]
        tops = {name.partition("/")[0] for name in names}
        shared = len(tops) == 1 and not any(_is_image(name) and name.count("/") < 2 for name in names)
        top = f"{tops.pop()}/" if shared else ""
        names = [name.removeprefix(top) for name in names]
        read = lambda name: archive.read(top + name)  # noqa: E731
    return Files(place, sorted(name for name in names if not name.startswith(".") and "/." not in name), read)


def _is_image(name: str) -> bool:
    return name.lower().endswith(IMAGE_SUFFIXES)


def _encoded_files(files: Files, names: list[str]) -> Encoded:
    return Encoded(lambda i: str(files.place / names[i]), lambda i: files.read(names[i]))


def _holds_tiny(place: Path, spec: ImageSpec | None) -> bool:
    if place.suffix == ".zip":
        return place.is_file() and (spec is None or "imagenet" in place.stem.lower())
    return (place / "wnids.txt").is_file()


def _read_tiny(place: Path, name: str) -> Source:
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
        return Part(labels, partial(_decode, encoded, _need(name, encoded)))

    def train() -> Part:
        names = [n for n in files.names if n.startswith("train/") and n.count("/") == 3 and _is_image(n)]
        return part(names, [n.split("/")[1] for n in names])

    def test() -> Part:
        rows = [line.split("\t") for line in _lines(files, "val/val_annotations.txt")]
        return part([f"val/images/{row[0]}" for row in rows], [row[1] if len(row) > 1 else "" for row in rows])

    return Source(place, classes, {"train": train, "test": test}, tuple(wnids))


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
    parts = {split: [] for split in SPLITS}
    for path in paths:
        if len(path) == 3 and path[0] in FOLDER_PARTS:
            parts[FOLDER_PARTS[path[0]]].append("/".join(path))
    if not parts["train"]:
        parts = {"train": ["/".join(path) for path in paths if len(path) == 2]}
    return {split: names for split, names in parts.items() if names}


def _holds_class_folders(place: Path, _spec: ImageSpec | None) -> bool:
    return place.exists() and bool(_class_folders(_files(place)))


def _read_class_folders(place: Path, name: str) -> Source:
    files = _files(place)
    parts = _class_folders(files)
    classes = sorted({path.split("/")[-2] for path in parts["train"]})
    need = _need(name, _encoded_files(files, parts["train"]))

    def part(split: str) -> Part:
        names = parts[split]
        unknown = [path for path in names if path.split("/")[-2] not in classes]
        if unknown:
            raise DataError(f"{place / unknown[0]} is of a class that has no images in train")
        labels = np.array([classes.index(path.split("/")[-2]) for path in names], np.int64)
        return Part(labels, partial(_decode, _encoded_files(files, names), need))

    return Source(place, tuple(classes), {split: partial(part, split) for split in parts})


BATCHES = Layout(_holds_batches, _read_batches)
PARQUET = Layout(_holds_parquet, _read_parquet)
TINY = Layout(_holds_tiny, _read_tiny)
CLASS_FOLDERS = Layout(_holds_class_folders, _read_class_folders)

LAYOUTS = {"cifar10": (BATCHES, PARQUET), "tiny-imagenet": (TINY, PARQUET)}
OWN = (PARQUET, CLASS_FOLDERS)
"""the layouts of data sets under other names"""
