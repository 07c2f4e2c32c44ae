"""Figures of a path within a family, to be kept: Fig. 5, centre, with the class head's probabilities below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import IO, Any

import numpy as np

from netspace.export.figures import SLATE, line_style
from netspace.latent.paths import METHODS

from .looks import arch_look


def family_figure(
    to: IO[bytes],
    gammas: Sequence[float],
    curves: Mapping[str, Sequence[float]],
    titles: Mapping[str, str],
    ends: Mapping[str, float],
    chance: float,
    about: str,
    kind: str,
    *,
    archs: Sequence[str],
    predicted: Sequence[int],
    of_ends: Sequence[int],
    probabilities: np.ndarray,
    stars: Sequence[tuple[float, int]],
) -> None:
    """As `accuracy_figure`, with the latent path's networks marked by architecture, and what the class head says.

    Args:
        archs: names of the family's architectures (A).
        predicted: ClassIds of the latent path's networks at the gammas.
        of_ends: ClassIds of A and B.
        probabilities: of the architectures at the gammas (s, A).
        stars: where the interpolation loss asks for an architecture: gamma, ClassId.
    """
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    figure = Figure(figsize=(6.4, 5.4), layout="constrained")
    above, below = figure.subplots(2, sharex=True, height_ratios=[3, 1])
    for gamma, arch, (name, accuracy) in zip((0.0, 1.0), of_ends, ends.items(), strict=True):
        above.plot(
            gamma, accuracy, arch_look(archs[arch]).marker, mfc="none", color=SLATE, ms=9, clip_on=False, zorder=4
        )
        above.annotate(
            f"{name}  {accuracy:.3f}", (gamma, accuracy), xytext=(10 if gamma == 0 else -10, 7),
            textcoords="offset points", ha="left" if gamma == 0 else "right", color=SLATE, fontsize=9,
        )  # fmt: skip
    for method, accuracies in curves.items():
        style = line_style(METHODS[method].look) | {"marker": ""}
        above.plot(gammas, accuracies, **style, lw=1.5, label=titles[method])
    lowest = np.nanmin([1.0, *ends.values(), *np.ravel(list(curves.values()))])
    base = np.floor(20 * lowest - 0.2) / 20 if lowest > 0.5 else 0.0  # good networks of different sizes are close
    if chance >= base:
        above.axhline(chance, color=SLATE, lw=0.8, ls=":", label=f"chance, {chance:.3g}")
    along = np.asarray(curves.get("latent", [np.nan] * len(gammas)))
    looks, handles = [arch_look(name) for name in archs], above.get_legend_handles_labels()[0]
    for k, how in enumerate(looks):
        mine = np.asarray(predicted) == k
        spot: dict[str, Any] = {"marker": how.marker, "color": how.colour, "ls": "", "ms": 4.5}
        handles.append(Line2D([0], [0], label=how.title, **spot))  # also where none is on the path
        if mine.any():
            above.plot(np.asarray(gammas)[mine], along[mine], clip_on=False, **spot)
    above.set(ylabel="accuracy", xlim=(0, 1), ylim=(base, 1))
    above.spines[["top", "right"]].set_visible(False)
    above.grid(alpha=0.25)
    above.legend(handles=handles, frameon=False, fontsize=9, loc="best", ncols=2).set_in_layout(False)
    below.stackplot(
        gammas, probabilities.T, colors=[how.colour for how in looks], hatch=[2 * how.hatch for how in looks],
        edgecolor="white", lw=0.3,
    )  # fmt: skip
    for gamma, arch in stars:
        below.plot(gamma, 1.12, "*", color=looks[arch].colour, mec="black", mew=0.5, ms=10, clip_on=False)
    below.set(xlabel="gamma", ylabel="architecture", ylim=(0, 1), yticks=(0, 1))
    figure.supxlabel(about, fontsize=8, color=SLATE)
    figure.savefig(to, format=kind, dpi=200, metadata={"CreationDate": None} if kind == "pdf" else None)
