"""Networks of a path or of a family in a folder: each as its task writes it, the table path.csv, and a picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..latent.families import LatentFamily
from ..latent.paths import FIRST, METHODS, Look
from ..nets.network import Network
from ..space.space import NetSpace
from ..tasks.task import Task
from ..zoo.store import Zoo

FILM_SIZE, MOST_FRAMES = 240, 9
"""pixels along a side of a frame of a film strip, and its most frames"""
PAD_SIZE = 120
"""pixels along a side of a frame of a pad"""


@dataclass(frozen=True)
class StepsToWrite:
    """Networks one after another, and what is said of each."""

    networks: Sequence[Network]
    rows: Sequence[Mapping[str, Any]]
    """columns of the table that say where the step is"""
    words: Sequence[str]
    """the same for a terminal"""
    axis: str
    positions: Sequence[float]
    name: str
    """what the steps are, in the legend of a figure"""
    look: Look
    originals: Sequence[tuple[float, str, Network]]
    """networks of the zoo that the steps lead through: position, label, network"""
    compared: tuple[Network | None, Network | None]
    """networks of the zoo that every step is compared with"""
    column: str = ""
    """the column whose direction the steps follow"""
    xy: np.ndarray | None = None
    """(s, 2) places of mixtures on a pad, in [0, 1]^2 with y upwards"""


def steps_between(
    space: NetSpace, zoo: Zoo, a: str, b: str, gammas: Sequence[float], method: str = FIRST
) -> StepsToWrite:  # fmt: skip
    """Lead from network `a` of a zoo to `b` by a method of METHODS, also beyond both.

    Raises:
        UsageError: there is no path of this kind between the two.
    """
    ends, how = (zoo[a].to(space.device), zoo[b].to(space.device)), METHODS[method]
    networks = how.open(space, *ends).networks(gammas)
    originals = [(0.0, f"A: {a}", ends[0]), (1.0, f"B: {b}", ends[1])]
    words = [f"gamma {gamma:.3f}" for gamma in gammas]
    rows = [{"gamma": gamma} for gamma in gammas]
    return StepsToWrite(networks, rows, words, "gamma", gammas, how.title, how.look, originals, ends)


def steps_of(space: NetSpace, zoo: Zoo, family: LatentFamily) -> StepsToWrite:
    """Decode the networks of a family whose anchors are of a zoo."""
    with torch.inference_mode():
        networks = space.networks(family.z.to(space.device))
    through = {i: zoo[name].to(space.device) for i, name in family.through}
    labels = [f"{k}: {name}" if len(through) > 1 else name for k, (_, name) in enumerate(family.through, 1)]
    originals = [(family.positions[i], label, through[i]) for i, label in zip(through, labels, strict=True)]
    ends = list(through.values()) if family.weights is None else []
    compared = (ends[0] if ends else None, ends[-1] if len(ends) > 1 else None)
    steps, look = range(len(family)), METHODS[FIRST].look
    return StepsToWrite(
        networks, [family.row(i) for i in steps], [family.said(i) for i in steps], family.axis.replace("_", " "),
        family.positions, family.kind, look, originals, compared,
        family.axis if family.kind == "direction" else "", None if family.xy is None else family.xy.numpy(),
    )  # fmt: skip


def write_steps(
    steps: StepsToWrite, task: Task, folder: Path, data: Any = None, resolution: int = 128, suffix: str = "ply"
) -> Iterator[str]:
    """Write networks, path.csv and a picture to a folder; yields a line per network and one about all.

    Args:
        data, resolution: as `Task.measuring` has them.
        suffix: of mesh files.
    """
    import pandas as pd

    folder.mkdir(parents=True, exist_ok=True)
    measure, column = task.measuring(*steps.compared, data, resolution), task.columns.get(steps.column)
    table, shown = [], []
    for i, network in enumerate(steps.networks):
        step = measure(network)
        file = task.write(step, network, folder / f"{i:03d}", suffix)
        measured = {f"measured {steps.column}": column(network, resolution)} if column else {}
        table.append({**steps.rows[i], **step.row, **measured, task.file[0]: file})
        shown.append(step.shown)
        yield f"{steps.words[i]}: {step.words}"
    pd.DataFrame(table).to_csv(folder / "path.csv", index=False)
    try:
        draw = task.artist(FILM_SIZE if steps.xy is None else PAD_SIZE, steps.look.colour)
        if draw:
            pictures = _write_film(folder / "path.png", steps, shown, draw)
        else:
            ends = [(at, label, measure(network).row[task.score]) for at, label, network in steps.originals]
            pictures = _write_figures(folder, steps, [row[task.score] for row in table], ends, *task.scale(data))
    except ImportError as error:
        pictures = f" and no picture ({error.name} is not installed)"
    without = sum(not row[task.file[0]] for row in table)
    lacking = f"; {without} steps without a {task.lacking}" if task.lacking else ""
    yield f"wrote {len(table) - without} {task.file[1]}, path.csv{pictures} to {folder}{lacking}"


def _write_film(path: Path, steps: StepsToWrite, shown: Sequence, draw) -> str:
    """Write a picture of at most nine steps, or of a whole pad; returns what was written, in words."""
    from PIL import Image

    from .film import film_strip, pad_sheet

    if steps.xy is not None:
        sheet = pad_sheet([None if one is None else draw(one) for one in shown], steps.xy, PAD_SIZE)
    else:
        count = min(len(shown), MOST_FRAMES)
        some = [shown[round(k * (len(shown) - 1) / max(1, count - 1))] for k in range(count)]
        sheet = film_strip([None if one is None else draw(one) for one in some], FILM_SIZE)
    Image.fromarray(sheet).save(path)
    return f" and {path.name}"


def _write_figures(
    folder: Path, steps: StepsToWrite, scores: Sequence[float], originals: Sequence[tuple[float, str, float]],
    about: str, chance: float,
) -> str:  # fmt: skip
    """Write figures of a score along the steps or over a pad; returns what was written, in words."""
    from .figures import Original, PlotLine, pad_figure, score_figure

    if len(scores) == 1:
        return ""
    for kind in ("png", "pdf"):
        file = folder / f"path.{kind}"
        if steps.xy is not None:
            corners = [(steps.xy[round(at)], f"{label}  {score:.3f}") for at, label, score in originals]
            pad_figure(file, steps.xy, scores, corners, about, kind)
        else:
            line = PlotLine(steps.name, steps.look, scores)
            marked = [Original(*original) for original in originals]
            score_figure(file, steps.positions, [line], marked, chance, about, kind, axis=steps.axis)
    return ", path.png and path.pdf"
