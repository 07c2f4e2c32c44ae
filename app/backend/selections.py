"""The networks inside a polygon of a map: as a table, as a file, as a zoo of their own."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence

import numpy as np
import pandas as pd

from netspace.latent.directions import BOOKKEEPING
from netspace.zoo.store import select

from .catalogue import ROOT
from .charts import Chart
from .projections import Placed
from .visitors import not_for_visitors, seen_data

ZOOS = ROOT / "runs" / "zoos"
"""where selections are saved"""
DIFFERENCE = "difference, SD"
"""of the two means, in standard deviations of all networks"""
MOST_ROWS = 1000
"""of a table that is shown"""


def inside(polygon: Sequence[Sequence[float]], places: np.ndarray) -> np.ndarray:
    """Which places (b, 2) lie inside a polygon (n, 2), (b) bool: those from which a ray crosses it an odd number of
    times."""
    x, y = places[:, 0], places[:, 1]
    within = np.zeros(len(places), bool)
    corners = [tuple(map(float, corner)) for corner in polygon]
    for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True):
        if y0 != y1:
            within ^= ((y0 > y) != (y1 > y)) & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
    return within


def selected(where: Placed, polygon: Sequence[Sequence[float]], left: np.ndarray) -> np.ndarray:
    """Ids of the networks inside a polygon, of those that a filter leaves (b) bool."""
    return np.flatnonzero(inside(polygon, where.places) & left)


def selection_table(chart: Chart, ids: np.ndarray) -> pd.DataFrame:
    """The records of a selection, as many as are shown."""
    return _tidy(chart.records.iloc[ids[:MOST_ROWS]])


def _tidy(records: pd.DataFrame) -> pd.DataFrame:
    return seen_data(records.drop(columns=["row"], errors="ignore").dropna(axis="columns", how="all"))


def means(chart: Chart, ids: np.ndarray) -> pd.DataFrame:
    """Means of the columns of numbers, of the selection and of the whole map."""
    rows = []
    for column in chart.columns.values():
        if column.name in BOOKKEEPING or column.numbers is None or not np.isfinite(column.numbers[ids]).any():
            continue
        mean, spread = np.nanmean(column.numbers), np.nanstd(column.numbers)
        mine = np.nanmean(column.numbers[ids])
        rows.append((column.title, float(mine), float(mean), float((mine - mean) / spread) if spread else 0.0))
    return pd.DataFrame(rows, columns=["mean of", "selection", "all", DIFFERENCE])


def csv(chart: Chart, where: Placed, ids: np.ndarray) -> bytes:
    """The records of a selection and the places on the map as CSV."""
    rows = _tidy(chart.records.iloc[ids]).copy()
    for k, axis in enumerate(where.axes):
        rows[f"map {axis}"] = where.places[ids, k]
    return rows.to_csv(index=False, float_format="%.7g").encode()


def by_zoo(chart: Chart, ids: np.ndarray) -> dict[int, int]:
    """How many networks of the zoos on the map, by their order, are selected; without those of which none is."""
    counts = np.bincount(np.searchsorted(chart.starts, ids, side="right") - 1, minlength=len(chart.members))
    return {k: int(count) for k, count in enumerate(counts) if count}


_saving = threading.Lock()


@not_for_visitors
def save(chart: Chart, ids: np.ndarray, member: int, name: str) -> str:
    """Write the selected networks of one of the zoos as a zoo of its own; where it is.

    Raises:
        ValueError: the name is none, or taken; in a sentence.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise ValueError("A zoo's name is made of letters, digits, dots, dashes and underscores.")
    start, stop = int(chart.starts[member]), int(chart.starts[member + 1])
    local = [int(i) - start for i in ids if start <= i < stop]
    if not local:
        raise ValueError("No network of this zoo is selected.")
    folder = ZOOS / name
    with _saving:
        if folder.exists():
            raise ValueError(f"There is a zoo “{name}” already: choose another name.")
        select(chart.members[member].zoo, local, folder)
    return str(folder.relative_to(ROOT)) if folder.is_relative_to(ROOT) else str(folder)
