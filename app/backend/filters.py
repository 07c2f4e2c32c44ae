"""Which networks of a map a search and a range of numbers leave."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from netspace.nets.archs import arch_title

from .caches import cached_object, cached_value
from .catalogue import SPLIT_WORDS
from .charts import Chart, Column
from .engine import feed

UNSEARCHED = ("row", "source")
"""columns that say nothing about a network"""


@dataclass(frozen=True)
class Filter:
    """A search and a range of a column; by default all networks are left."""

    search: str = ""
    column: str = ""
    bounds: tuple[float, float] | None = None
    """lowest and highest value of the column, both included; None for any, also where it is not known"""

    @property
    def key(self) -> str:
        """Empty where nothing is asked for."""
        bounds = self.bounds if self.column else None
        return json.dumps([self.search, self.column, bounds]) if self.search.strip() or bounds else ""


class SearchedColumn(NamedTuple):
    """A column as it is searched."""

    told: pd.Series
    """(b) its values as lower-case text, empty where not known"""
    kind: str
    """text, number or yes and no"""


@cached_object(max_entries=4)
def _searched_columns(key: str, _chart: Chart) -> dict[str, SearchedColumn]:
    """By the names by which they are searched: in lower case, without spaces."""
    found = {}
    for name, values in _chart.records.items():
        if name in UNSEARCHED:
            continue
        kind = pd.api.types.infer_dtype(values, skipna=True)
        kind = "yes and no" if kind == "boolean" else "number" if pd.api.types.is_numeric_dtype(values) else "text"
        if name == "arch":
            values = values.map(arch_title)
        elif name == "split":
            values = values.map(lambda split: SPLIT_WORDS.get(split, split))
        told = values.map(_text).astype(str).str.lower()
        found[str(name).lower().replace(" ", "_")] = SearchedColumn(told, kind)
    return found


def _text(value: object) -> str:
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, float | np.floating):
        return "" if math.isnan(value) else f"{value:.4g}"
    return "" if value is None else str(value)


@cached_object(max_entries=4)
def _all_text(key: str, _chart: Chart) -> pd.Series:
    """What a word is looked for in (b): the name and all columns of text, a line each."""
    first, *more = (column.told for column in _searched_columns(key, _chart).values() if column.kind == "text")
    return first.str.cat(more, sep="\n") if more else first


def searched(chart: Chart, search: str) -> np.ndarray:
    """Return which networks (b) have all words of a search in their name or in a column of text, as bool.

    A word like `legs:splayed` or `epochs:12` asks for a column's value: a part of a text, or a number as it is told.
    """
    columns, left = _searched_columns(chart.key, chart), np.ones(len(chart), bool)
    for word in search.lower().split():
        name, _, value = word.partition(":")
        column = columns.get(name)
        if column is None or not value:
            found = _all_text(chart.key, chart).str.contains(word, regex=False)
        elif column.kind == "text":
            found = column.told.str.contains(value, regex=False)
        else:
            found = column.told == value
        left &= found.to_numpy(bool)
    return left


# -- ranges ----------------------------------------------------------------------------------------------------------


class Extent(NamedTuple):
    """The values of a column on a slider, as round numbers around them all."""

    low: float
    high: float
    step: float
    digits: int


def extent_of(column: Column) -> Extent:
    """Return the extent of a column of numbers, in 50 to 500 steps."""
    known = column.numbers[np.isfinite(column.numbers)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    high = high if high > low else low + 1
    power = math.floor(math.log10((high - low) / 50))
    step, digits = 10.0**power, max(0, -power)
    least, most = (round(edge(v / step) * step, digits) for edge, v in ((math.floor, low), (math.ceil, high)))
    return Extent(least, most, step, digits)


def left_by(chart: Chart, columns: Mapping[str, Column], asked: Filter) -> np.ndarray:
    """Return which networks (b) a filter leaves, as bool; a column of which nothing is known yet leaves all."""
    left = searched(chart, asked.search)
    numbers = columns[asked.column].numbers if asked.column in columns else None
    if numbers is not None and np.isfinite(numbers).any() and asked.bounds:
        low, high = asked.bounds
        slack = 1e-6 * max(abs(low), abs(high))  # bounds are decimals, columns single precision
        left &= (numbers >= low - slack) & (numbers <= high + slack)
    return left


def filter_key(version: str, asked: Filter) -> str:
    """Which feed of filtered networks the map shows; empty for none. `version` says what is known of the networks."""
    return f"{version}|{asked.key}" if asked.key else ""


@cached_value(max_entries=16)
def filter_feed(view: str, key: str, _left: np.ndarray) -> bytes:
    """Return which networks are left (b), a byte each; `key` as `filter_key` has it."""
    header = {"view": view, "feed": "filter", "path": key, "count": len(_left), "left": int(_left.sum())}
    return feed(header, _left.astype(np.uint8).tobytes())
