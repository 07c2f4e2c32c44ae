"""Figures of paths and of families in the paper's style, by matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from ..latent.paths import Look

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


class Walk(NamedTuple):
    """The architectures along a path through a family."""

    looks: Sequence[Any]
    """how the architectures (A) are told apart: title, colour, and matplotlib's marker and hatch of each"""
    predicted: Sequence[int]
    """(s) ClassIds of the latent path's networks"""
    scores: Sequence[float]
    """(s) of these networks; NaN if one is not known"""
    of_ends: Sequence[int]
    """ClassIds of A and B"""
    probabilities: np.ndarray
    """(s, A) that the class head gives the architectures"""
    stars: Sequence[tuple[float, int]]
    """where the interpolation loss asks for an architecture: gamma, ClassId"""


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
    save_figure(figure, to, about, kind)


def walk_figure(
    to: Path | IO[bytes],
    positions: Sequence[float],
    lines: Sequence[PlotLine],
    originals: Sequence[Original],
    chance: float,
    about: str,
    kind: str,
    walk: Walk,
) -> None:
    """Write a figure as Fig. 5, center: as `score_figure`, networks marked by architecture, the class head below."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    figure = Figure(figsize=(6.4, 5.4), layout="constrained")
    above, below = figure.subplots(2, sharex=True, height_ratios=[3, 1])
    for arch, (gamma, name, accuracy) in zip(walk.of_ends, originals, strict=True):
        above.plot(gamma, accuracy, walk.looks[arch].marker, mfc="none", color=SLATE, ms=9, clip_on=False, zorder=4)
        above.annotate(
            f"{name}  {accuracy:.3f}", (gamma, accuracy), xytext=(10 if gamma == 0 else -10, 7),
            textcoords="offset points", ha="left" if gamma == 0 else "right", color=SLATE, fontsize=9,
        )  # fmt: skip
    for title, look, accuracies in lines:
        above.plot(positions, accuracies, **line_style(look) | {"marker": ""}, lw=1.5, label=title)
    known = [original.score for original in originals]
    lowest = np.nanmin([1.0, *known, *(value for line in lines for value in line.values)])
    base = np.floor(20 * lowest - 0.2) / 20 if lowest > 0.5 else 0.0  # good networks of different sizes are close
    if chance >= base:
        above.axhline(chance, color=SLATE, lw=0.8, ls=":", label=f"chance, {chance:.3g}")
    along, looks, handles = np.asarray(walk.scores), walk.looks, above.get_legend_handles_labels()[0]
    for k, how in enumerate(looks):
        mine, style = np.asarray(walk.predicted) == k, {"marker": how.marker, "color": how.colour, "ls": "", "ms": 4.5}
        handles.append(Line2D([0], [0], label=how.title, **style))  # also where none is on the path
        if mine.any():
            above.plot(np.asarray(positions)[mine], along[mine], clip_on=False, **style)
    above.set(ylabel="accuracy", xlim=(0, 1), ylim=(base, 1))
    above.spines[["top", "right"]].set_visible(False)
    above.grid(alpha=0.25)
    above.legend(handles=handles, frameon=False, fontsize=9, loc="best", ncols=2).set_in_layout(False)
    below.stackplot(
        positions, walk.probabilities.T, colors=[how.colour for how in looks], hatch=[2 * how.hatch for how in looks],
        edgecolor="white", lw=0.3,
    )  # fmt: skip
    for gamma, arch in walk.stars:
        below.plot(gamma, 1.12, "*", color=looks[arch].colour, mec="black", mew=0.5, ms=10, clip_on=False)
    below.set(xlabel="gamma", ylabel="architecture", ylim=(0, 1), yticks=(0, 1))
    save_figure(figure, to, about, kind)


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
    save_figure(figure, to, about, kind)


def save_figure(figure, to: Path | IO[bytes], about: str, kind: str, dpi: int = 200) -> None:
    """Save a figure with a line below it; two alike are equal byte for byte.

    Args:
        kind: png, svg or pdf.
        dpi: pixels per inch, of a PNG.
    """
    from matplotlib import rc_context

    figure.supxlabel(about, fontsize=8, color=SLATE)
    undated = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}.get(kind)
    with rc_context({"svg.hashsalt": "netspace"}):  # else an SVG names its parts at random
        figure.savefig(to, format=kind, dpi=dpi, metadata=undated)
