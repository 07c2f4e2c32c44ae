"""The files of a zoo: read while another process writes them, written so that a kill at any moment loses nothing.

    records.parquet               the commit point: in its header the name of the weights' file and all of zoo.json
    weights-<hash>.safetensors    a new name whenever they change; in its header a checksum for each row
    zoo.json                      written last; people and other programs read it

A reader takes the records first, so it never sees one version's records with another's weights. Zoos of format 1 have
`weights.safetensors`, and nothing in the headers.
"""

from __future__ import annotations

import base64
import json
import re
import time
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..errors import FormatError
from ..io import (
    MOST_READS,
    PAUSE,
    atomic_write,
    file_version,
    one_line,
    open_regular,
    read_bytes,
    read_json,
    read_safetensors,
    remove_leftovers,
    tensors_hash,
    write_tensors,
)

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow

ABOUT, RECORDS, OLD_WEIGHTS = "zoo.json", "records.parquet", "weights.safetensors"
HEADER = b"netspace"
"""Key in the header of the records."""
OWN_WEIGHTS = re.compile(r"weights(-[0-9a-f]{16})?\.safetensors")
"""The weights' files that `write_zoo_files` names, which it also removes."""


class ZooFiles(NamedTuple):
    """What one version of a zoo holds on disk."""

    about: dict
    """zoo.json"""
    records: pd.DataFrame
    weights: dict[str, Tensor]
    weights_path: Path
    checksums: dict[str, np.ndarray]
    """architecture -> checksum of each row (rows,) uint32; empty in format 1"""


def read_zoo(folder: Path) -> ZooFiles:
    """Read one version of a zoo, also while another process replaces it; FormatError if it cannot be read."""
    read_json(folder / ABOUT)
    path = folder / RECORDS
    if not path.is_file():
        raise FormatError(f"{folder} has no records.parquet: no network was finished yet")
    for attempt in range(MOST_READS):
        version = file_version(path)
        try:
            return _read_version(folder)
        except FormatError:
            if attempt == MOST_READS - 1 or file_version(path) == version:
                raise
        time.sleep(PAUSE)
    raise AssertionError


def _read_version(folder: Path) -> ZooFiles:
    import pandas as pd
    import pyarrow.parquet

    path = folder / RECORDS
    try:
        table = pyarrow.parquet.read_table(pyarrow.BufferReader(read_bytes(path)))
        records = table.to_pandas()
    except Exception as error:  # pyarrow raises many kinds for a damaged file
        raise FormatError(f"{path} cannot be read ({one_line(error)})") from error
    header = header_of(table.schema)
    about = read_json(folder / ABOUT)
    if header and about.get("weights") != header["weights"]:  # zoo.json is of the version before, or the one after
        about = header["about"]
    where = folder / header["weights"] if header else _only_weights(folder)
    weights, texts = read_safetensors(where)
    return ZooFiles(about, pd.DataFrame(records), weights, where, _checksums(where, weights, texts))


def _checksums(where: Path, weights: Mapping[str, Tensor], texts: Mapping[str, str]) -> dict[str, np.ndarray]:
    """Architecture -> checksums (rows,) from the header of the weights; FormatError unless each row has one."""
    try:
        found = {
            arch: np.frombuffer(base64.b64decode(text, validate=True), "<u4")
            for arch, text in json.loads(texts.get("rows", "{}")).items()
        }
        lengths = {arch: len(sums) for arch, sums in found.items()}
    except (AttributeError, TypeError, ValueError, RecursionError) as error:
        raise FormatError(f"{where} has no checksums that can be read in its header ({error})") from error
    for name, stack in weights.items():
        arch = name.rpartition("/")[0]
        if arch in lengths and (stack.ndim == 0 or len(stack) != lengths[arch]):
            raise FormatError(f"{where} has checksums of {lengths[arch]} rows of {arch}, but other rows of {name}")
    return found


def header_of(schema: pyarrow.Schema) -> dict:
    """Return what the records' header holds, "weights" and "about"; empty in format 1 and after other programs."""
    try:
        found = json.loads((schema.metadata or {})[HEADER])
        if OWN_WEIGHTS.fullmatch(found["weights"]) and isinstance(found["about"], dict):
            return found
    except (KeyError, TypeError, ValueError):
        pass
    return {}


def _only_weights(folder: Path) -> Path:
    """The weights of records that do not name them: another program may have written these records."""
    found = sorted(folder.glob("weights-*.safetensors"))
    return found[0] if len(found) == 1 else folder / OLD_WEIGHTS


def write_zoo_files(folder: Path, about: dict, records: pd.DataFrame, weights: Mapping[str, Tensor]) -> None:
    """Replace a zoo by a new version. OSError if the disk is full; the version before stays readable.

    Args:
        about: zoo.json.
        weights: "<arch>/<parameter>" -> (rows, *shape).
    """
    weights = {name: stack.contiguous() for name, stack in weights.items()}
    rows = {
        arch: base64.b64encode(row_checksums(weights, arch, None).astype("<u4").tobytes()).decode()
        for arch in dict.fromkeys(name.rpartition("/")[0] for name in weights)
    }
    name = f"weights-{tensors_hash(weights)}.safetensors"
    write_tensors(folder / name, weights, {"rows": json.dumps(rows)}, checksum=False)
    about = about | {"weights": name}
    write_records(folder, records, {"weights": name, "about": about})
    write_about_file(folder, about)
    remove_leftovers(folder, "weights*.safetensors")
    for other in folder.glob("weights*.safetensors"):
        if other.name != name and OWN_WEIGHTS.fullmatch(other.name):
            with suppress(OSError):  # held open by a reader, on systems that mind
                other.unlink()


def write_records(folder: Path, records: pd.DataFrame, header: dict | None = None) -> None:
    """Replace the records, under the header that they have unless another is given."""
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.Table.from_pandas(records, preserve_index=False)
    header = header if header is not None else read_records_header(folder)
    if header:
        table = table.replace_schema_metadata((table.schema.metadata or {}) | {HEADER: json.dumps(header)})
    with atomic_write(folder / RECORDS) as path:
        pyarrow.parquet.write_table(table, path)


def read_records_header(folder: Path) -> dict:
    """Return the header of a folder's records, as `header_of`; empty if there are none."""
    import pyarrow.parquet

    try:
        with open_regular(folder / RECORDS) as file:
            return header_of(pyarrow.parquet.read_schema(file))
    except Exception:  # missing or damaged: pyarrow raises many kinds
        return {}


def write_about_file(folder: Path, about: dict) -> None:
    """Write zoo.json alone."""
    with atomic_write(folder / ABOUT) as path:
        path.write_text(json.dumps(about, indent=2) + "\n")


def row_checksums(weights: Mapping[str, Tensor], arch: str, rows: np.ndarray | None) -> np.ndarray:
    """Return the CRC-32 (n,) uint32 of rows of an architecture's weights, all parameters in the order of their names.

    Args:
        rows: indices (n,); None for all.
    """
    found: np.ndarray | None = None
    for name in sorted(name for name in weights if name.rpartition("/")[0] == arch):
        stack = weights[name] if rows is None else weights[name][torch.from_numpy(rows)]
        flat = stack.reshape(len(stack), stack.shape[1:].numel()).contiguous()
        values = flat.view(torch.uint8).numpy()  # (n, bytes)
        found = np.zeros(len(values), np.uint32) if found is None else found
        for k, row in enumerate(values):
            found[k] = zlib.crc32(row, int(found[k]))
    return np.zeros(0, np.uint32) if found is None else found
