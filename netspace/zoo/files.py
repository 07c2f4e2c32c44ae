"""The files of a zoo: read while another process writes them, written so that a kill at any moment loses nothing.

    records.parquet               the commit point: in its header the shards of the weights and all of zoo.json
    weights-<hash>.safetensors    a shard, which never changes; in its header a checksum for each row
    zoo.json                      written last; people and other programs read it

A reader takes the records first, so it never sees one version's records with another's weights. Rows of an architecture
are counted through all shards. Zoos of format 3 have several shards, listed as "shards" in zoo.json with the number of
rows of each; those of format 2 have one, "weights"; those of format 1 have `weights.safetensors` and no headers.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from torch import Tensor

from ..errors import FormatError, one_line
from ..io import (
    FORMATS,
    MOST_READS,
    PAUSE,
    atomic_write,
    file_version,
    open_regular,
    read_bytes,
    read_json,
    read_safetensors,
    remove_leftovers,
)
from .weights import Shard, Weights, row_checksums

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow

ABOUT, RECORDS, OLD_WEIGHTS = "zoo.json", "records.parquet", "weights.safetensors"
HEADER = b"netspace"
"""Key in the header of the records."""
OWN_WEIGHTS = re.compile(r"weights(-[0-9a-f]{16})?\.safetensors")
"""The shards that are written here, and also removed."""


class ZooFiles(NamedTuple):
    """What one version of a zoo holds on disk."""

    about: dict
    """zoo.json"""
    records: pd.DataFrame
    weights: Weights


class Entry(NamedTuple):
    """A shard as the index of a zoo lists it."""

    file: str
    """its name, one of OWN_WEIGHTS"""
    rows: dict[str, int] | None
    """architecture -> its number of rows; None if the zoo has one shard, which says so itself"""


def index_of(entries: Sequence[Entry]) -> dict:
    """Return how zoo.json and the records' header list these shards; a zoo of one is as in format 2."""
    if len(entries) == 1:
        return {"weights": entries[0].file}
    return {"shards": [{"file": entry.file, "rows": entry.rows} for entry in entries]}


def index_in(found: Mapping) -> dict:
    """Return the part of zoo.json, or of the records' header, that lists the shards."""
    return {key: found[key] for key in ("weights", "shards") if key in found}


def entries_in(found: Mapping) -> list[Entry]:
    """Return the shards that zoo.json or the records' header lists, in order; ValueError if it lists none."""
    if "shards" in found:
        entries = [Entry(each["file"], dict(each["rows"])) for each in found["shards"]]
    else:
        entries = [Entry(found["weights"], None)]
    counts = [count for entry in entries for count in (entry.rows or {}).values()]
    if not all(type(count) is int and 0 <= count < LARGEST_COUNT for count in counts):
        raise ValueError("a shard has a whole number of rows")
    if not entries or not all(OWN_WEIGHTS.fullmatch(entry.file) for entry in entries):
        raise ValueError("shards have names of their own")
    return entries


LARGEST_COUNT = 2**40
"""above every number of rows"""


def read_zoo(folder: Path) -> ZooFiles:
    """Read one version of a zoo, also while another process replaces it; FormatError if it cannot be read.

    Of several shards some may be missing or damaged: these have a `problem`, the others are read.
    """
    read_json(folder / ABOUT)
    path = folder / RECORDS
    if not path.is_file():
        raise FormatError(f"{folder} has no records.parquet: no network was finished yet")
    for attempt in range(MOST_READS):
        version = file_version(path)
        try:
            found = _read_version(folder)
        except FormatError:
            if attempt == MOST_READS - 1 or file_version(path) == version:
                raise
        else:
            whole = not any(shard.problem for shard in found.weights.shards)
            if whole or attempt == MOST_READS - 1 or file_version(path) == version:
                return found
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
    if header and index_in(about) != index_in(header):  # zoo.json is of the version before, or the one after
        about = header["about"]
    return ZooFiles(about, pd.DataFrame(records), Weights(_open_shards(folder, _entries(folder, header, about))))


def _entries(folder: Path, header: dict, about: dict) -> list[Entry]:
    """The shards of a zoo. Records without a header were written by another program."""
    if header:
        return entries_in(header)
    with suppress(KeyError, TypeError, ValueError):
        if "shards" in about:
            return entries_in(about)
    found = sorted(folder.glob("weights-*.safetensors"))
    return [Entry(found[0].name if len(found) == 1 else OLD_WEIGHTS, None)]


def _open_shards(folder: Path, entries: Sequence[Entry]) -> list[Shard]:
    """Map all shards at once: one that is replaced later stays readable. FormatError if none can be read."""
    shards: list[Shard] = []
    for entry in entries:
        path = folder / entry.file
        try:
            tensors, texts = read_safetensors(path)
            shard = Shard.of(tensors, path, _checksums(path, tensors, texts))
            if entry.rows is not None and {arch: n for arch, n in shard.rows.items() if n} != entry.rows:
                raise FormatError(f"{path} has {shard.rows} rows of weights, the zoo's index says {entry.rows}")
        except FormatError as error:
            if entry.rows is None:
                raise
            shard = Shard({}, entry.rows, path, problem=str(error))
        shards.append(shard)
    if all(shard.problem for shard in shards):
        raise FormatError(shards[0].problem)
    return shards


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


def checksums_text(stacks: Mapping[str, Tensor]) -> dict[str, str]:
    """Return the texts for the header of a shard that `_checksums` reads."""
    archs = dict.fromkeys(name.rpartition("/")[0] for name in stacks)
    mine = {arch: {name: t for name, t in stacks.items() if name.rpartition("/")[0] == arch} for arch in archs}
    rows = {
        arch: base64.b64encode(row_checksums(params).astype("<u4").tobytes()).decode() for arch, params in mine.items()
    }
    return {"rows": json.dumps(rows)}


def header_of(schema: pyarrow.Schema) -> dict:
    """Return what the records' header holds, the shards and "about"; empty in format 1 and after other programs."""
    try:
        found = json.loads((schema.metadata or {})[HEADER])
        entries_in(found)
        if isinstance(found["about"], dict):
            return found
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        pass
    return {}


def write_version(folder: Path, about: dict, records: pd.DataFrame, entries: Sequence[Entry]) -> None:
    """Make shards that lie in a folder, and records, its new version, and remove shards that only others had.

    Args:
        about: zoo.json, without the format and the shards.
    """
    index = index_of(entries)
    kept = {key: value for key, value in about.items() if key not in ("format", "weights", "shards")}
    about = {"format": ONE_SHARD if "weights" in index else FORMATS["zoo"]} | kept | index
    write_records(folder, records, index | {"about": about})
    write_about_file(folder, about)
    remove_unlisted(folder, entries)


def remove_unlisted(folder: Path, entries: Sequence[Entry]) -> None:
    """Remove shards that a zoo does not list, of versions before or of writers that were killed."""
    remove_leftovers(folder, "weights*.safetensors")
    listed = {entry.file for entry in entries}
    for other in folder.glob("weights*.safetensors"):
        if other.name not in listed and OWN_WEIGHTS.fullmatch(other.name):
            with suppress(OSError):  # held open by a reader, on systems that mind
                other.unlink()


ONE_SHARD = 2
"""Format of a zoo whose weights are one file: programs that know no shards read it."""


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
