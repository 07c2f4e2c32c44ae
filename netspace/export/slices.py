"""Slices of an SDF network as a picture: its field and Eikonal error in the three planes through the middle."""

from __future__ import annotations

import io
from typing import NamedTuple

import numpy as np

from ..errors import required_for
from ..geometry.slices import SLICE_AXES, SlicePlane, slice_of
from .figures import SLATE
from .table import NetworkSubject


class SliceLook(NamedTuple):
    """How values in a plane are drawn."""

    words: str
    colours: str
    """of matplotlib"""
    low: float
    high: float
    """beyond which colours saturate"""
    beyond: str
    """at which ends that happens, as matplotlib's colour bars have it"""
    line: float = 0.0
    """between isolines, the one at 0 being thick; 0: none"""


FIELD_LOOK = SliceLook("field, lines every 0.1 (world units)", "RdBu_r", -0.5, 0.5, "both", 0.1)
ERROR_LOOK = SliceLook("Eikonal error (no unit)", "viridis", 0, 1, "max")
LEVELS = 30
"""isolines on either side of 0 at most"""
UPWARDS = {"x": ("z", "y"), "y": ("x", "z"), "z": ("x", "y")}
"""by the axis that a plane crosses: what points right and what up, as the viewer has them where that can be"""


def write_slices(subject: NetworkSubject) -> bytes:
    """Write a PNG file: the field above, its Eikonal error below, which an occupancy has not.

    Raises:
        MissingPackage: matplotlib is not installed.
    """
    with required_for("a figure"):
        from matplotlib.figure import Figure

    found = [slice_of(subject.network, SlicePlane(axis, 0.0)) for axis in SLICE_AXES]
    rows = [(FIELD_LOOK, [one.values for one in found], [f"{100 * one.inside:.1f} % inside" for one in found])]
    errors = [one.error for one in found if one.error is not None]
    if errors:
        rows.append((ERROR_LOOK, errors, [f"mean {one.mean_error:.3f}" for one in found]))
    figure = Figure(figsize=(8.4, 0.4 + 2.7 * len(rows)), layout="constrained")
    for row, (look, values, words) in zip(figure.subplots(len(rows), 3, squeeze=False), rows, strict=True):
        for axes, axis, shown, said in zip(row, SLICE_AXES, values, words, strict=True):
            drawn = _draw(axes, axis, shown, look)
            axes.set_title(f"{axis} = 0: {said}", fontsize=9)
        figure.colorbar(drawn, ax=row, label=look.words, extend=look.beyond)
    figure.supxlabel("inside and mean: of the plane that is shown", fontsize=8, color=SLATE)
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=150)
    return content.getvalue()


def _draw(axes, axis: str, values: np.ndarray, look: SliceLook):
    """Draw values (n, n) of a plane across an axis; return what a colour bar is made of."""
    across, up = UPWARDS[axis]
    shown = values if across > up else values.T  # rows go up
    drawn = axes.imshow(
        shown, cmap=look.colours, vmin=look.low, vmax=look.high, origin="lower", extent=(-1, 1, -1, 1),
        interpolation="bilinear",
    )  # fmt: skip
    axes.set(xlabel=across, ylabel=up, xticks=(-1, 0, 1), yticks=(-1, 0, 1))
    side = np.linspace(-1, 1, len(values))
    for level in look.line * np.arange(-LEVELS, LEVELS + 1) if look.line else ():
        if np.nanmin(values) <= level <= np.nanmax(values):
            thick = {"linewidths": 0.4, "alpha": 0.5} if level else {"linewidths": 1.8}
            axes.contour(side, side, shown, [level], colors="black", **thick)
    return drawn
