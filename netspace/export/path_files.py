"""Networks of a path or of a family in a folder: each as its task writes it, the table path.csv, and a picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from ..errors import MissingPackage, NoSurface, UsageError
from ..io import atomic_write
from ..latent.families import LatentFamily
from ..latent.paths import FIRST, METHODS, Look
from ..nets.network import Network
from ..space.space import NetSpace
from ..tasks.task import PathStep, Task
from ..threads import held_threads
from ..zoo.store import Zoo
from . import EXPORTS
from .figures import Original, PlotLine
from .table import (
    CURVE,
    FPS,
    NETWORK,
    PATH,
    SURFACE,
    CurveSubject,
    Export,
    NetworkSubject,
    PathSubject,
    exports_of,
)  # fmt: skip


@dataclass(frozen=True)
class StepsToWrite:
    """Networks one after another, and what is said of each."""

    networks: Sequence[Network]
    rows: Sequence[Mapping[str, Any]]
    """columns of the table that say where the step is"""
    words: Sequence[str]
    """the same for a terminal"""
    made: Sequence[Mapping[str, Any]]
    """how each network was made; travels with its file"""
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
    notes: Sequence[str] = ()
    """what the user should know of how they were made"""


def steps_between(
    space: NetSpace, zoo: Zoo, a: str, b: str, gammas: Sequence[float], method: str = FIRST,
    images: Path | None = None,
) -> StepsToWrite:  # fmt: skip
    """Lead from network `a` of a zoo to `b` by a method of METHODS, also beyond both.

    Args:
        images: folder of the images that a method is prepared by; None: looked for.

    Raises:
        UsageError: there is no path of this kind between the two.
    """
    ends, how = (zoo[a].to(space.device), zoo[b].to(space.device)), METHODS[method]
    path = how.path_between(space, *ends, images)
    networks = path.networks(gammas)
    originals = [(0.0, f"A: {a}", ends[0]), (1.0, f"B: {b}", ends[1])]
    words = [f"gamma {gamma:.3f}" for gamma in gammas]
    rows = [{"gamma": gamma} for gamma in gammas]
    ended = {0.0: how.ends, 1.0: how.ends}
    made = [
        {"method": method, "gamma": gamma, "a": a, "b": b}
        | {"is": ended.get(gamma, how.between if 0 < gamma < 1 else how.beyond)}
        for gamma in gammas
    ]
    return StepsToWrite(
        networks, rows, words, made, "gamma", gammas, how.title, how.look, originals, ends, notes=path.notes
    )


def steps_of(space: NetSpace, zoo: Zoo, family: LatentFamily) -> StepsToWrite:
    """Decode the networks of a family whose anchors are of a zoo."""
    with torch.inference_mode(), held_threads():
        networks = space.networks(family.z.to(space.device))
    through = {i: zoo[name].to(space.device) for i, name in family.through}
    labels = [f"{k}: {name}" if len(through) > 1 else name for k, (_, name) in enumerate(family.through, 1)]
    originals = [(family.positions[i], label, through[i]) for i, label in zip(through, labels, strict=True)]
    ends = list(through.values()) if family.weights is None else []
    compared = (ends[0] if ends else None, ends[-1] if len(ends) > 1 else None)
    steps, look = range(len(family)), METHODS[FIRST].look
    return StepsToWrite(
        networks, [family.row(i) for i in steps], [family.said(i) for i in steps], family.made,
        family.axis.replace("_", " "),
        family.positions, family.kind, look, originals, compared,
        family.axis if family.kind == "direction" else "", None if family.xy is None else family.xy.numpy(),
    )  # fmt: skip


def write_steps(
    steps: StepsToWrite, task: Task, folder: Path, data: Any = None, resolution: int = 128, suffix: str = "ply",
    exports: Sequence[Export] = (), where: Mapping[str, str] = MappingProxyType({}), fps: int = FPS,
    lenient: bool = False,
) -> Iterator[str]:  # fmt: skip
    """Write networks, path.csv and a picture to a folder; yields notes, a line per network and one about all.

    Args:
        data, resolution: as `Task.measuring` has them.
        suffix: of mesh files.
        exports: what else is written: of all as path.*, or of every network that has it.
        where: what travels with networks beside how they were made, such as the space and the zoo.
        fps: frames per second of animations.
        lenient: leave out, and say so, what needs a package that is not installed.

    Raises:
        MissingPackage: a package is not installed that `exports` need; what is written unasked is left out instead.
    """
    folder.mkdir(parents=True, exist_ok=True)
    yield from steps.notes
    of_steps = [export for export in exports if export.of in (NETWORK, SURFACE)]
    measure, column = task.measuring(*steps.compared, data, resolution), task.columns.get(steps.column)
    table, found, counts = [], [], [0] * len(of_steps)
    for i, network in enumerate(steps.networks):
        step, path = measure(network), folder / f"{i:03d}"
        file = task.write(step, network, path, suffix)
        subject = NetworkSubject(network, {**steps.made[i], **where}, resolution, step.shown)
        for k, export in enumerate(of_steps):
            counts[k] += _write_network(export, subject, path)
        measured = {f"measured {steps.column}": column(network, resolution)} if column else {}
        table.append({**steps.rows[i], **step.row, **measured, task.file[0]: file})
        found.append(step)
        yield f"{steps.words[i]}: {step.words}"
    without = sum(not row[task.file[0]] for row in table)
    written = [f"{len(table) - without} {task.file[1]}"]
    written += [f"{count} .{export.suffix} files" for count, export in zip(counts, of_steps, strict=True)]
    subjects = _subjects(steps, task, found, table, measure, *task.scale(data), fps)
    for export in exports_of(EXPORTS, task, *subjects).values():
        if export.usual or export in exports:
            written += _write_whole(export, subjects[export.of], folder, export in exports and not lenient)
    lacking = f"; {without} steps without a {task.lacking}" if task.lacking else ""
    yield f"wrote {', '.join(written[:-1])} and {written[-1]} to {folder}{lacking}"


def _subjects(
    steps: StepsToWrite, task: Task, found: Sequence[PathStep], table: Sequence[Mapping[str, Any]],
    measure: Callable[[Network], PathStep], about: str, chance: float, fps: int,
) -> dict[str, PathSubject | CurveSubject]:  # fmt: skip
    """Return what is exported of all steps together; `about` is empty for kinds without a score along a path."""
    import pandas as pd

    path = PathSubject(
        task, steps.name, steps.look, steps.positions, found, steps.axis,
        [(at, label) for at, label, _ in steps.originals], chance, steps.xy, fps,
    )  # fmt: skip
    lines = [PlotLine(steps.name, steps.look, [row[task.score] for row in table])] if about else []
    marked = [Original(at, label, measure(end).row[task.score]) for at, label, end in steps.originals if about]
    curves = CurveSubject(
        pd.DataFrame(table), steps.positions, lines, marked, chance, about, steps.axis, xy=steps.xy
    )  # fmt: skip
    return {PATH: path, CURVE: curves}


def _write_network(export: Export, subject: NetworkSubject, path: Path) -> bool:
    """Write a network to `path`, which has no suffix; False if it has nothing to write."""
    try:
        content = export.write(subject)
    except NoSurface:
        return False
    with atomic_write(path.with_suffix(f".{export.suffix}")) as temporary:
        temporary.write_bytes(content)
    return True


def _write_whole(export: Export, subject: PathSubject | CurveSubject, folder: Path, asked: bool) -> list[str]:
    """Write a file of all steps, and return what was written, in words; errors only if it was asked for."""
    path = folder / f"path.{export.suffix}"
    try:
        content = export.write(subject)
    except UsageError as error:
        if asked:
            raise
        return [f"no {path.name} ({error})"] if isinstance(error, MissingPackage) else []
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)
    remark = export.remark(subject)
    return [f"{path.name} ({remark})" if remark else path.name]
