"""Figures of a scorecard: one per measure, medians with quartiles over pairs, by kind of pair and method."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import required_for
from ..io import atomic_write
from ..latent.paths import METHODS
from .figures import MATPLOTLIB_MARKS, SLATE

APART = 0.16
"""between the marks of two methods; kinds of pair are 1 apart"""


def write_score_figures(card: Mapping[str, Any], folder: Path) -> Iterator[Path]:
    """Write score-<measure>.png for each measure of a scorecard, and yield their paths.

    Raises:
        MissingPackage: matplotlib is not installed.
    """
    for column in card["columns"]:
        to = folder / f"score-{column['name']}.png"
        with required_for("a figure"), atomic_write(to) as path:
            draw_measure(card, column, path)
        yield to


def draw_measure(card: Mapping[str, Any], column: Mapping[str, str], to: Path) -> None:
    """Write the figure of one measure, as a PNG; two alike are equal byte for byte.

    A median that is not defined is left out; how often a measure was not stands in the table.
    """
    from matplotlib.figure import Figure

    kinds = list(dict.fromkeys((part["split"], part["kind"]) for part in card["summary"]))
    figure = Figure(figsize=(1.5 + 1.3 * len(kinds), 3.6), layout="constrained")
    axes, methods = figure.subplots(), list(card["methods"])
    for k, method in enumerate(methods):
        found = [part for part in card["summary"] if part["method"] == method]
        known = {(part["split"], part["kind"]): part["measures"].get(column["name"]) for part in found}
        look, x, middle, below, above = METHODS[method].look, [], [], [], []
        for place, kind in enumerate(kinds):
            spread = known.get(kind)
            if spread is None or spread["median"] is None:
                continue
            x.append(place + (k - (len(methods) - 1) / 2) * APART)
            middle.append(spread["median"])
            below.append(0 if spread["q1"] is None else spread["median"] - spread["q1"])
            above.append(0 if spread["q3"] is None else spread["q3"] - spread["median"])
        if x:
            style: dict[str, Any] = {
                "fmt": MATPLOTLIB_MARKS[look.mark],
                "color": look.colour,
                "capsize": 3,
                "ms": 5,
                "lw": 1.4,
            }
            axes.errorbar(x, middle, [below, above], label=card["methods"][method], **style)
    labels = [f"{card['splits'][split]}\n{kind}" for split, kind in kinds]
    axes.set_xticks(range(len(kinds)), labels, fontsize=8)
    better = f" ({column['better']} is better)" if column["better"] else ""
    axes.set(ylabel=column["title"], xlim=(-0.5, len(kinds) - 0.5), title=f"{column['title']}{better}")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.25)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, fontsize=8)
    figure.supxlabel(f"median and quartiles over pairs; {card['space']['folder']}", fontsize=8, color=SLATE)
    figure.savefig(to, format="png", dpi=160)
