"""What the map is sent of its points: places, looks, names, and pictures for the tooltips."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from app.tasks import app_task
from netspace.zoo.store import TRAIN

from . import behaviour, likeness, looks, manifold, placements, projections
from .caches import cached_value
from .catalogue import SPLIT_WORDS, Loaded, cards
from .charts import MARKS, PALETTE, Chart, Column
from .embeddings import embedding_work
from .engine import feed
from .pictures import png
from .projections import Placed, Projection
from .thumbnails import read_thumbnails

MOST_TILES = 2000
"""networks of which pictures of the weights are made for the map's tooltips"""
COMMON = (1, 99)
"""percentiles of a column between which its colours and sizes differ; it is not cut where there are few networks"""
MOST_WORDED = 20_000
"""networks of a zoo whose tooltips say what they are, beside their names"""


@cached_value(max_entries=8)
def points_feed(view: str, key: str, _placed: Placed) -> bytes:
    """The places of all networks, sent once."""
    header = {"view": view, "feed": "points", "path": key, "count": len(_placed.places)}
    return feed(header, np.ascontiguousarray(_placed.places, np.float32).tobytes())


@cached_value(max_entries=4)
def names_feed(view: str, points: str, key: str, _chart: Chart) -> bytes:
    """Names, words and splits of all networks, for the tooltips."""
    words: dict[str, list[str]] = {"names": [], "words": [], "splits": []}
    for member in _chart.members:
        records = member.zoo.records
        words["names"] += records.name.tolist()
        words["splits"] += records.split.map(lambda split: SPLIT_WORDS.get(split, split)).tolist()
        large = len(records) > MOST_WORDED
        words["words"] += [""] * len(records) if large else [card.words for card in cards(member)]
    body = gzip.compress(json.dumps(words).encode(), compresslevel=1, mtime=0)
    return feed({"view": view, "feed": "names", "path": points, "count": len(_chart)}, body)


def version(chart: Chart, columns: Sequence[str] = ()) -> str:
    """Differs where more is known of the networks on the map, also of what columns wait for."""
    works = [placements.placements_of(chart, member) for member in placements.imported(chart)]
    measured = manifold.manifold_of(chart).far is not None
    answered = "".join(f"{work.answers is not None:d}" for work in behaviour.asking(chart, columns))
    answered += likeness.version_of(chart, columns)
    return f"{measured:d}{answered}{','.join(f'{len(w.rows) // 16}{w.future.done():d}' for w in works)}"


def pending(chart: Chart, asked: Projection, guests: Sequence[Loaded], columns: Sequence[str]) -> bool:
    """Whether something is computed that will change the map."""
    where = projections.placed(chart, asked)
    works = [manifold.manifold_of(chart).future, *(embedding_work(guest).future for guest in guests)]
    works += [placements.placements_of(chart, member).future for member in placements.imported(chart)]
    answers = behaviour.asking(chart, columns)
    asked_on = any(work.answers is None and not work.problem and not work.missing for work in answers)
    asked_on |= likeness.is_waiting(chart, columns)
    return bool(where.waiting) or asked_on or not all(work.done() for work in works)


# -- looks -----------------------------------------------------------------------------------------------------------


def known_columns(chart: Chart, asked: Sequence[str]) -> dict[str, Column]:
    """Return the columns by which points can be told apart, with those about classes and files that are asked for."""
    return behaviour.map_columns(chart, asked) | likeness.likeness_columns(chart, asked)


def usual_colour(chart: Chart) -> str:
    """The column that the map opens with."""
    first = ("arch", app_task(chart.loaded).map_colour, "split")
    return next((name for name in first if name in chart.columns), next(iter(chart.columns), ""))


def told_apart_by(columns: Mapping[str, Column], colour: str, shape: str) -> Column | None:
    """Return the column whose categories the points show as colours; None if they show none, or numbers."""
    told = columns.get(colour)
    return None if told is None or (told.numbers is not None and colour != shape) else told


def look_key(chart: Chart, colour: str, size: str, shape: str) -> str:
    return "|".join((chart.key, colour, size, shape, version(chart, (colour, size))))


def look_feed(view: str, key: str, chart: Chart, colour: str, size: str, shape: str) -> bytes:
    """How the points look; `key` as `look_key` has it."""
    return _look_feed(view, key, chart, colour, size, shape)


@cached_value(max_entries=16)
def _look_feed(view: str, path: str, _chart: Chart, colour: str, size: str, shape: str) -> bytes:
    count, columns = len(_chart), known_columns(_chart, (colour, size))
    header: dict[str, Any] = {
        "view": view,
        "feed": "look",
        "path": path,
        "filled": "training networks",
        "hollow": "other networks",
    }
    tints, marks = np.zeros(count, np.float32), np.zeros(count, np.uint8)
    told, named = columns.get(colour), told_apart_by(columns, colour, shape)
    if told is None:
        header["colour"] = None
    elif named is None:
        scale, tints = _shares(told.numbers)
        missing = int(np.isnan(tints).sum())
        header["colour"] = {"title": told.title, "kind": "number", "missing": missing} | scale
    else:
        header["colour"], tints = _categories(_chart, told)
        if not shape:  # colour is never the only carrier
            marks = np.where(told.codes < 0, 0, _mark_codes(_chart, told)[told.codes]).astype(np.uint8)
    formed = columns.get(shape)
    header["mark"] = None
    if formed is not None:
        marks = np.where(formed.codes < 0, len(MARKS) - 1, formed.codes % len(MARKS)).astype(np.uint8)
        header["mark"] = {"title": formed.title, "names": list(formed.categories[: len(MARKS)])}
    sizes, header["size"] = np.full(count, 128, np.uint8), None
    scaled = columns.get(size)
    if scaled is not None:
        scale, shares = _shares(scaled.numbers)
        sizes = (np.nan_to_num(shares).clip(0, 1) * 255).astype(np.uint8)
        header["size"] = {"title": scaled.title} | scale
    flags = (_chart.records.split != TRAIN).to_numpy().astype(np.uint8)
    flags[int(_chart.starts[1]) :] |= 4
    off = manifold.off(_chart)
    flags |= np.where(off, 2, 0).astype(np.uint8)
    header |= {"warned": "off manifold" if off.any() else "", "count": count}
    parts = (np.ascontiguousarray(tints, np.float32), sizes, marks, flags)
    return feed(header, b"".join(part.tobytes() for part in parts))


def _shares(numbers: np.ndarray) -> tuple[dict[str, Any], np.ndarray]:
    """A scale that outliers do not stretch, and where numbers (b) are on it: 0 to 1, beyond them where they are cut.

    It reaches over COMMON percentiles; `cut` says whether there are numbers below and above it.
    """
    known = numbers[np.isfinite(numbers)]
    if not len(known):
        return {"low": None, "high": None, "cut": [False, False]}, np.full(len(numbers), np.nan, np.float32)
    least, most = float(known.min()), float(known.max())
    low = float(np.percentile(known, COMMON[0], method="lower"))
    high = float(np.percentile(known, COMMON[1], method="higher"))
    if low == high:
        low, high = least, most
    scale = {"low": low, "high": high, "cut": [least < low, most > high]}
    return scale, ((numbers - low) / ((high - low) or 1)).astype(np.float32)


def _mark_codes(chart: Chart, column: Column) -> np.ndarray:
    """The mark of every category."""
    if column.name == "arch":
        return np.array([MARKS.index(looks.arch_look(name).mark) for name in chart.loaded.zoo.family.names])
    return np.arange(len(column.categories)) % len(MARKS)


def _categories(chart: Chart, column: Column) -> tuple[dict, np.ndarray]:
    """The legend of a column of categories, and the index of every network into it."""
    counts = np.bincount(column.codes[column.codes >= 0], minlength=len(column.categories)).tolist()
    marks = _mark_codes(chart, column)
    colours = [*PALETTE]
    if column.name == "arch":
        colours = [looks.arch_look(name).colour for name in chart.loaded.zoo.family.names]
    entries = [
        {"name": name, "colour": colours[k], "mark": MARKS[marks[k]], "count": counts[k]}
        for k, name in enumerate(column.categories)
    ]
    tints = np.where(column.codes < 0, np.nan, column.codes).astype(np.float32)
    missing = int((column.codes < 0).sum())
    return {"title": column.title, "kind": "category", "categories": entries, "missing": missing}, tints


# -- pictures for the tooltips --------------------------------------------------------------------------------------


def atlas_feed(view: str, points: str, chart: Chart) -> bytes | None:
    """A feed with a picture of every network; None where there are none."""
    return _atlas_feed(view, points, chart.key, chart)


@cached_value(max_entries=8)
def _atlas_feed(view: str, points: str, key: str, _chart: Chart) -> bytes | None:
    header = {"view": view, "feed": "atlas", "path": points}
    found = read_thumbnails(_chart.loaded)
    if found:
        grid, own = found[0], int(_chart.starts[1])
        cells = None if len(_chart) == own else [*range(own), *[-1] * (len(_chart) - own)]
        told = {"columns": grid["columns"], "rows": grid["rows"], "cells": cells, "tile": [grid["size"]] * 2}
        return feed(header | told, found[1])
    kind = app_task(_chart.loaded)
    if kind.tile is None or len(_chart) > MOST_TILES:
        return None
    height, width = kind.tile
    columns = 32
    rows = math.ceil(len(_chart) / columns)
    sheet = np.zeros((rows * height, columns * width, 3), np.uint8)
    for k in range(len(_chart)):
        member, local = _chart.of(k)
        row, column = divmod(k, columns)
        place = np.s_[row * height : (row + 1) * height, column * width : (column + 1) * width]
        sheet[place] = kind.tile_picture(member.zoo[local])
    return feed(header | {"columns": columns, "rows": rows, "cells": None, "tile": [width, height]}, png(sheet))
