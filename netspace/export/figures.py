"""Figures of paths and of families in the paper's style, by matplotlib."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from ..latent.paths import METHODS, Look

SLATE = "#64748B"
"""colour of originals, targets and ground truth; methods have theirs in `Method.look`"""
MATPLOTLIB_MARKS = {"circle": "o", "square": "s", "triangle": "^", "diamond": "D", "pentagon": "p", "star": "*"}
"""marks of a `Look`, as matplotlib names them"""


class PlotLine(NamedTuple):
    """Values along a path, drawn as a line."""

    title: str
    """in the legend"""
    look: Look
    values: Sequence[float]
    """NaN where one is not known"""


class Original(NamedTuple):
    """A network of the zoo that a path leads through."""

    position: float
    label: str
    score: float


def line_style(look: Look) -> dict[str, Any]:
    """Return a look as keywords of matplotlib's `plot`: colour, dashes and mark."""
    dash = (0, tuple(length / 2 for length in look.dash)) if look.dash else "-"  # in widths of the line, of 2 pixels
    return {"color": look.colour, "ls": dash, "marker": MATPLOTLIB_MARKS[look.mark]}


def score_figure(
    to: Path | IO[bytes],
    positions: Sequence[float],
    lines: Sequence[PlotLine],
    originals: Sequence[Original],
    chance: float,
    about: str,
    kind: str = "png",
    *,
    axis: str = "gamma",
) -> None:
    """Write a figure as Fig. 3b: accuracy along a path or a family, with the original networks and chance.

    Args:
        about: on which images it was measured; stands below the figure.
        kind: png or pdf.
        axis: what the positions are.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.subplots()
    low, high = min(positions), max(positions)
    for position, label, accuracy in originals:
        axes.plot(position, accuracy, "o", mfc="none", color=SLATE, ms=8, clip_on=False, zorder=4)
        share = (position - low) / (high - low)
        place = "left" if share < 0.3 else "right" if share > 0.7 else "center"
        axes.annotate(
            f"{label}  {accuracy:.3f}".replace("$", r"\$"), (position, accuracy),
            xytext=({"left": 10, "center": 0, "right": -10}[place], 7), textcoords="offset points", ha=place,
            color=SLATE, fontsize=9,
        )  # fmt: skip
    for title, look, values in lines:
        axes.plot(positions, values, **line_style(look), ms=2.5, lw=1.8, label=title)
    axes.axhline(chance, color=SLATE, lw=0.8, ls=":", label=f"chance, {chance:.3g}")
    axes.set(xlabel=axis, ylabel="accuracy", xlim=(low, high), ylim=(0, 1))
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, fontsize=9, loc="best")
    _save(figure, to, about, kind)


def accuracy_figure(
    to: Path | IO[bytes],
    gammas: Sequence[float],
    curves: Mapping[str, Sequence[float]],
    titles: Mapping[str, str],
    ends: Mapping[str, float],
    chance: float,
    about: str,
    kind: str = "png",
) -> None:
    """Write a `score_figure` of a path from A to B with one line per method, drawn as `Method.look` says.

    Args:
        curves: accuracies at the gammas, by the method's name in METHODS; NaN where one is not known.
        titles: what the legend calls the methods.
        ends: accuracies of the original networks at gamma 0 and at gamma 1, by name.
    """
    lines = [PlotLine(titles[name], METHODS[name].look, values) for name, values in curves.items()]
    originals = [Original(gamma, *end) for gamma, end in zip((0.0, 1.0), ends.items(), strict=True)]
    score_figure(to, gammas, lines, originals, chance, about, kind)


def pad_figure(
    to: Path | IO[bytes],
    xy: np.ndarray,
    values: Sequence[float],
    corners: Sequence[tuple[Sequence[float], str]],
    about: str,
    kind: str = "png",
) -> None:
    """Write a figure of the accuracy of mixtures over a pad.

    Args:
        xy: places of the mixtures (s, 2), in [0, 1]^2 with y upwards.
        corners: places and labels of the networks that are mixed.
        about: on which images it was measured; stands below the figure.
        kind: png or pdf.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 5.2), layout="constrained")
    axes = figure.subplots()
    points = axes.scatter(xy[:, 0], xy[:, 1], c=values, s=180, vmin=0, vmax=1, cmap="viridis", edgecolors=SLATE, lw=0.4)
    for (x, y), label in corners:
        axes.annotate(
            label.replace("$", r"\$"), (x, y), xytext=(0, 14 if y > 0.5 else -22), textcoords="offset points",
            ha="center", color=SLATE, fontsize=9,
        )  # fmt: skip
    figure.colorbar(points, label="accuracy")
    axes.set(xlim=(-0.15, 1.15), ylim=(-0.15, 1.15), aspect="equal")
    axes.axis("off")
    _save(figure, to, about, kind)


def _save(figure, to: Path | IO[bytes], about: str, kind: str) -> None:
    """Save a figure with a line below it; two alike are equal byte for byte."""
    figure.supxlabel(about, fontsize=8, color=SLATE)
    figure.savefig(to, format=kind, dpi=200, metadata={"CreationDate": None} if kind == "pdf" else None)
