"""What a kind of file is, what files are made of, and how the command line and the app look them up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import UnknownName, UsageError, missing_words
from ..latent.paths import Look
from ..nets.network import Network
from ..tasks.task import PathStep, Task
from .figures import Original, PlotLine, Walk

if TYPE_CHECKING:
    import pandas as pd

NETWORK, SURFACE, PATH, CURVE = "network", "surface", "path", "curve"
"""What a file holds: a network, its surface, the networks along a path as pictures, or what was measured of them."""
FPS = 20
"""frames per second of an animation unless asked otherwise"""


@dataclass(frozen=True)
class NetworkSubject:
    """A network, or its surface."""

    network: Network
    about: Mapping[str, Any] = field(default_factory=dict)
    """where it comes from"""
    resolution: int = 128
    """cells along an axis of the grid that a surface is taken from"""
    shown: Any = None
    """its `PathStep.shown` if that is at hand: the mesh or the picture; else it is computed"""

    @property
    def card(self) -> dict[str, Any]:
        """What travels with the file if the format has room for it: what it is, where from, what to compute with it."""
        return {"architecture": self.network.arch.name, **self.about, "evaluate": self.network.arch.formula}


@dataclass(frozen=True)
class PathSubject:
    """Networks one after another, as they are drawn: along a path, or of a family."""

    task: Task
    name: str
    """what they are, such as "latent path" """
    look: Look
    positions: Sequence[float]
    """gamma along a path"""
    steps: Sequence[PathStep]
    """what is shown at the positions; kinds without a picture need their score in the row, NaN if it is not known"""
    axis: str = "gamma"
    """what the positions are"""
    through: Sequence[tuple[float, str]] = ()
    """networks of the zoo that the steps lead through: position, and label such as "A: chair-0000" """
    chance: float = 0.0
    """score of a guess, for kinds without a picture"""
    xy: np.ndarray | None = None
    """(s, 2) places of mixtures on a pad, in [0, 1]^2 with y upwards"""
    fps: int = FPS
    """frames per second of an animation, one per step"""


@dataclass(frozen=True)
class CurveSubject:
    """What was measured of networks one after another, in one way or several."""

    table: pd.DataFrame
    """one row per network"""
    positions: Sequence[float] = ()
    lines: Sequence[PlotLine] = ()
    """scores at the positions"""
    originals: Sequence[Original] = ()
    chance: float = 0.0
    about: str = ""
    """on which data it was measured"""
    axis: str = "gamma"
    """what the positions are"""
    walk: Walk | None = None
    """for a path through a family of architectures"""
    xy: np.ndarray | None = None
    """as `PathSubject` has it"""
    float_format: str | None = None
    """of the table's numbers in a text file, such as "%.6g"; None for all digits"""


@dataclass(frozen=True)
class Export:
    """A kind of file."""

    title: str
    """for a button"""
    suffix: str
    """without the dot"""
    of: str
    """NETWORK, SURFACE, PATH or CURVE"""
    words: str
    """what the file is, for a help text"""
    write: Callable[[Any], bytes]
    """makes the file of a NetworkSubject (NETWORK, SURFACE), a PathSubject or a CurveSubject; NoSurface if a network
    has none, MissingPackage if an optional package is not installed"""
    tasks: tuple[str, ...] = ()
    """names of the kinds of network that it is for; empty for all"""
    needs: tuple[str, ...] = ()
    """modules of `errors.OPTIONAL` without which nothing is written, beside those that show this kind of network"""
    usual: bool = False
    """whether `netspace path` and `interpolate` write it unasked"""
    remark: Callable[[Any], str] = lambda subject: ""
    """says in what the file of a subject is other than asked for; empty if it is not"""

    def suits(self, task: Task) -> bool:
        """Return whether networks of a kind can be exported so."""
        return not self.tasks or task.name in self.tasks

    @property
    def lacking(self) -> str:
        """A sentence that names the package of `needs` that is not installed; empty if all are."""
        missing = next((module for module in self.needs if find_spec(module) is None), "")
        return missing and missing_words(self.words, missing)


def exports_of(table: Mapping[str, Export], task: Task, *of: str) -> dict[str, Export]:
    """Return the exports, by name, for a kind of network; only those of the subjects `of` if any are given."""
    return {name: each for name, each in table.items() if each.suits(task) and (not of or each.of in of)}


def export_named(table: Mapping[str, Export], name: str, task: Task, *of: str) -> Export:
    """Return an export by its name.

    Raises:
        UnknownName: there is none of this name.
        UsageError: it is not for this kind of network, or not of these subjects.
    """
    found = exports_of(table, task, *of)
    if name in found:
        return found[name]
    choices = f"choose from {', '.join(found)}" if found else "there are none for these"
    if name not in table:
        raise UnknownName(f"this version has no export {name!r} of {task.networks}; {choices}")
    wrong = f"of a {table[name].of}" if table[name].suits(task) else f"not for {task.networks}"
    raise UsageError(f"the export {name!r} is {wrong}; {choices}")
