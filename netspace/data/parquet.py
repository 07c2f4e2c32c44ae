"""Image data sets as parquet files, as Hugging Face publishes them."""

from __future__ import annotations

import json
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import DataError, FormatError, one_line
from ..io import open_regular
from ..nets.inputs import IMAGE_SETS, ImageSpec
from .decoding import Encoded, decode_image, decode_images, required_size
from .layouts import CIFAR10_CLASSES, Dataset, DiskLayout, Part, check_labels

if TYPE_CHECKING:
    import pyarrow as pa


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
        return decode_image(_first_image(parts), 0, None).shape[0] == spec.size
    except DataError:
        return True


def _read_parquet(place: Path, name: str) -> Dataset:
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

            return decode_images(Encoded(where, read), required_size(name, _first_image(parts)), rows)

        return Part(check_labels(np.concatenate(labels[split]), len(classes), where), pixels)

    return Dataset(place, classes, {split: partial(part, split) for split in parts})


def _column(file: Path, wanted: tuple[str, ...], what: str, rows: int | None = None) -> pa.ChunkedArray:
    """The column with one of the wanted names, of the first rows or all; DataError where it is missing or damaged."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with (
            open_regular(file) as opened,
            pq.ParquetFile(opened, buffer_size=1 << 16) as table,
        ):  # buffered: a few rows do not read the whole file
            names = table.schema_arrow.names
            found = [name for name in wanted if name in names]
            if not found:
                raise DataError(f"{file} has no {what} column ({' or '.join(wanted)}), it has {', '.join(names)}")
            if rows is None:
                return table.read(columns=found[:1]).column(0)
            batches = islice(table.iter_batches(rows, columns=found[:1]), 1)
            return pa.chunked_array([b.column(0) for b in batches], table.schema_arrow.field(found[0]).type)
    except (pa.ArrowException, FormatError, OSError) as error:
        raise DataError(f"{file} is truncated or not a parquet file ({one_line(error)})") from error


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
        with open_regular(file) as opened:
            about = json.loads((pq.read_schema(opened).metadata or {}).get(b"huggingface", b"{}"))
        features = about.get("info", {}).get("features", {})
        names = next((features[column].get("names") for column in LABEL_COLUMNS if column in features), None)
    except (ValueError, AttributeError, TypeError, RecursionError, pa.ArrowException, OSError) as error:
        raise DataError(f"{file} has class names that cannot be read ({one_line(error)})") from error
    return tuple(names) if names else None


PARQUET = DiskLayout(_holds_parquet, _read_parquet)
