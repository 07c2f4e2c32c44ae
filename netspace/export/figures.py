"""Figures of paths in the paper's style, by matplotlib."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

TEAL, ORANGE, SLATE = "#0F9D8A", "#E8743B", "#64748B"
COLOURS = {"latent": TEAL, "weights": ORANGE}
"""Methods have the same colour everywhere; the target or the ground truth is slate."""

STROKES = {"latent": "-", "weights": "--"}
"""Colour is never the only carrier."""


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
    """Write a figure as Fig. 3b: accuracy over gamma, one curve a method, with the original networks and chance.

    Args:
        curves: method -> accuracies at the gammas; nan where one is not known.
        titles: method -> what the legend calls it.
        ends: name of the original networks at gamma 0 and at gamma 1 -> its accuracy.
        about: on which images it was measured; stands below the figure.
        kind: png or pdf.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.subplots()
    for gamma, (name, accuracy) in zip((0.0, 1.0), ends.items(), strict=True):
        axes.plot(gamma, accuracy, "o", mfc="none", color=SLATE, ms=8, clip_on=False, zorder=4)
        axes.annotate(
            f"{name}  {accuracy:.3f}".replace("$", r"\$"), (gamma, accuracy), xytext=(10 if gamma == 0 else -10, 7),
            textcoords="offset points", ha="left" if gamma == 0 else "right", color=SLATE, fontsize=9,
        )  # fmt: skip
    for method, accuracies in curves.items():
        axes.plot(
            gammas, accuracies, STROKES[method], color=COLOURS[method], marker=".", ms=4, lw=1.8, label=titles[method]
        )
    axes.axhline(chance, color=SLATE, lw=0.8, ls=":", label=f"chance, {chance:.3g}")
    axes.set(xlabel="gamma", ylabel="accuracy", xlim=(0, 1), ylim=(0, 1))
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, fontsize=9, loc="best")
    figure.supxlabel(about, fontsize=8, color=SLATE)
    figure.savefig(to, format=kind, dpi=200, metadata={"CreationDate": None} if kind == "pdf" else None)
