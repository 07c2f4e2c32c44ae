"""The map of a zoo at print size: a mark per network, filled if it is for training, hollow if it is held out."""

from __future__ import annotations

from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import pandas as pd

from ..errors import UsageError, required_for
from ..io import atomic_write
from ..zoo.store import TRAIN, Zoo
from .figures import save_figure

MAP_SIZE, MAP_DPI = (5.5, 4.4), 300
"""inches: the width of a page's text; and pixels per inch of a PNG"""
MAP_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#1F2933", "#8A8A8A")
MAP_KINDS = ("png", "svg", "pdf")
MAP_MARKS = ("o", "s", "D", "^", "v", "P", "X", "*")
"""of categories: Okabe and Ito's colours, which the colour-blind tell apart, and matplotlib's marks beside them"""


class MapPoints(NamedTuple):
    """Networks on a map."""

    places: np.ndarray
    """(n, 2); a network whose place is not finite is left out"""
    filled: np.ndarray
    """(n) bool"""
    values: pd.Series
    """(n) what colours them: a number or a category each, named"""


def zoo_map_figure(
    to: Path, zoo: Zoo, places: np.ndarray, way: str, about: str, kind: str, behind: np.ndarray | None = None,
    column: str = "arch",
) -> None:  # fmt: skip
    """Write the map of a zoo, atomically.

    Args:
        places: (n, 2), of its networks.
        column: of its table, which colours them.
        way, about, kind, behind: as `map_figure` has them.

    Raises:
        MissingPackage: matplotlib is not installed.
    """
    records = zoo.records.reset_index(drop=True)
    points = MapPoints(places, (records.split == TRAIN).to_numpy(), records[column])
    with required_for("a figure"), atomic_write(to) as path:
        map_figure(path, points, places[:0] if behind is None else behind, way, about, kind)


def map_figure(to: Path | IO[bytes], points: MapPoints, behind: np.ndarray, way: str, about: str, kind: str) -> None:
    """Write a map; two alike are equal byte for byte.

    Args:
        behind: (m, 2) places of other networks, drawn in grey.
        way: how the places were found, such as "PCA"; names the axes.
        about: stands below the figure.
        kind: png, svg or pdf.

    Raises:
        UsageError: there are more categories than can be told apart.
    """
    from matplotlib.figure import Figure

    numbers = pd.api.types.is_numeric_dtype(points.values) and points.values.nunique() > len(MAP_MARKS)
    figure = Figure(figsize=MAP_SIZE, layout="constrained")
    axes = figure.subplots()
    axes.plot(*behind.T, ".", color="#D5DAE1", ms=3, zorder=1)
    if numbers:
        _draw_numbers(figure, axes, points)
        about += "" if points.filled.all() else "; hollow: held out"
    else:
        _draw_categories(axes, points)
    axes.set(xlabel=f"{way} 1", ylabel=f"{way} 2", xticks=(), yticks=(), aspect="equal")
    axes.spines[["top", "right"]].set_visible(False)
    save_figure(figure, to, about, kind, MAP_DPI)


def _draw_numbers(figure, axes, points: MapPoints) -> None:
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    values = points.values.to_numpy(float)
    scale = ScalarMappable(Normalize(np.nanmin(values), np.nanmax(values)), colormaps["viridis"])
    colours = np.where(np.isnan(values)[:, None], (0.82, 0.85, 0.88, 1), scale.to_rgba(values))  # (n, 4)
    for filled in (True, False):
        mine = points.filled == filled
        faces = colours[mine] if filled else "none"
        axes.scatter(*points.places[mine].T, s=14, c=faces, edgecolors=colours[mine], lw=0.9, zorder=2)
    figure.colorbar(scale, ax=axes, label=points.values.name)


def _draw_categories(axes, points: MapPoints) -> None:
    values = points.values.fillna("unknown").astype(str)
    titles = sorted(values.unique())
    if len(titles) > len(MAP_MARKS):
        raise UsageError(
            f"column {points.values.name!r} has {len(titles)} different values: a figure tells {len(MAP_MARKS)} apart"
        )
    for k, title in enumerate(titles):
        for filled in (True, False):
            mine = (values == title).to_numpy() & (points.filled == filled)
            if mine.any():
                face = MAP_COLOURS[k] if filled else "none"
                label = title if filled else f"{title}, held out"
                axes.scatter(
                    *points.places[mine].T, s=14, marker=MAP_MARKS[k], c=face, edgecolors=MAP_COLOURS[k], lw=0.9,
                    label=label, zorder=2,
                )  # fmt: skip
    axes.legend(title=points.values.name, frameon=False, fontsize=8, title_fontsize=8, loc="best")
