"""Columns added to a zoo's table from a file: what was measured or noted of its networks elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ..errors import InUse, UsageError
from ..io import read_json
from ..zoo.files import write_records
from ..zoo.store import Zoo
from .columns import read_table, tidy
from .discover import plain_stem
from .states import scalar

FIXED_COLUMNS = ("name", "arch", "row", "split")
"""columns of a zoo that say which weights are whose: no table changes them"""


class Annotated(NamedTuple):
    """What a table brought to a zoo."""

    key: str
    """the table's column that names networks"""
    columns: list[str]
    """columns added or filled in"""
    matched: int
    """networks that have a row"""
    missing: int
    """networks without one: what they had before stays"""
    unmatched: list[str]
    """names in the table that no network has"""
    skipped: list[str]
    """columns of the table that were left out, for `FIXED_COLUMNS` are not changed"""


def annotate(folder: Path, table: Path, key: str = "") -> Annotated:
    """Add the columns of a CSV, TSV or Parquet file to the table of a zoo; the records are replaced in one step.

    Args:
        key: column of the table that names the networks; empty: `name`, or else the one that names most of them.

    Raises:
        ValueError: the table cannot be read, names a network twice, names none, or has nothing to add.
        FormatError: the folder holds no zoo, or a job is writing it.
    """
    import pandas as pd
    from filelock import FileLock, Timeout

    rows = read_table(table)
    read_json(folder / "zoo.json")
    try:
        with FileLock(folder / ".lock", timeout=2):  # a job's own
            zoo = Zoo.load(folder)
            names = zoo.records.name.tolist()
            key = _key(rows, names, key, table)
            by_name = _by_name(rows, key, names, table)
            heads = list(dict.fromkeys(head for row in rows for head in row if head != key))
            skipped = [head for head in heads if head in FIXED_COLUMNS]
            heads = [head for head in heads if head not in FIXED_COLUMNS]
            if not heads:
                raise UsageError(f"{table.name} has no column beside {', '.join([key, *skipped])}: nothing to add")
            matched = [by_name.get(name) for name in names]
            if not any(row is not None for row in matched):
                raise UsageError(
                    f"no value of {table.name}'s column {key!r} is the name of a network of {folder}, "
                    f"such as {names[0]!r}"
                )
            records = zoo.records.copy()
            before = records.reindex(columns=heads).astype(object)
            before = before.where(before.notna(), None).to_dict("records")
            filled = [
                {head: scalar(row[head]) if row and head in row else old[head] for head in heads}
                for row, old in zip(matched, before, strict=True)
            ]
            fresh = pd.DataFrame(tidy(filled), index=records.index)
            for head in fresh:
                records[head] = fresh[head]
            write_records(folder, records)
    except Timeout:
        raise InUse(f"{folder} is being written by a job; try again when it has ended") from None
    count = sum(row is not None for row in matched)
    unmatched = [name for name in by_name if name not in set(names)]
    return Annotated(key, list(fresh), count, len(names) - count, unmatched, skipped)


def _key(rows: list[dict], names: list[str], key: str, table: Path) -> str:
    """The column of a table that names networks."""
    heads = list(dict.fromkeys(head for row in rows for head in row))
    if key:
        if key not in heads:
            raise UsageError(f"{table.name} has no column {key!r}, only {', '.join(map(repr, heads[:8]))}")
        return key
    if "name" in heads:
        return "name"
    known = set(names)
    hits = {head: sum(_called(row.get(head), known) in known for row in rows) for head in heads}
    best = max(hits, key=hits.get)
    if not hits[best]:
        raise UsageError(
            f"no column of {table.name} names networks of the zoo, such as {names[0]!r}; say which one does: --key"
        )
    return best


def _called(value, names: set[str]) -> str:
    """A value as a network's name: as it is, or without a suffix and with its folders joined as import joins them."""
    text = "" if value is None else str(value)
    short = plain_stem(text.removeprefix("./")).replace("/", "-")
    return text if text in names or short not in names else short


def _by_name(rows: list[dict], key: str, names: list[str], table: Path) -> dict[str, dict]:
    found: dict[str, dict] = {}
    known = set(names)
    for row in rows:
        name = _called(row.get(key), known)
        if name in found and name in known:
            raise UsageError(f"{table.name} names {name!r} twice in its column {key!r}")
        if name:
            found[name] = row
    return found
