"""A mesh or picture that was handed in, and how much every network on the map is like it."""

from __future__ import annotations

import re
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import NamedTuple

import numpy as np
import torch

from app.tasks import AppTask, app_task
from netspace.errors import UsageError, message_of
from netspace.io import content_hash
from netspace.nets.archs import Arch

from .behaviour import answers_of
from .caches import cached_object
from .catalogue import Loaded
from .charts import Chart, Column
from .engine import patient
from .inspection import ByFunction
from .visitors import not_for_visitors

FILES_KEPT, LARGEST_HANDED = 8, 100 << 20
"""files whose answers are kept, the last ones handed in; and bytes of one"""
MOST_ALIKE = 5
"""networks that are told to be most like it"""
LIKE = "like"


class Handed(NamedTuple):
    """A file that was handed in."""

    name: str
    answers: Future
    """what it would answer as a network (n), as `Task.outputs` has it"""


class Alike(NamedTuple):
    """A network on the map."""

    id: int
    distance: float


_files: OrderedDict[str, Handed] = OrderedDict()
_lock = threading.Lock()


def kinds_of(loaded: Loaded) -> tuple[str, ...]:
    """Return the suffixes of files that networks of this kind can be compared with, without the dot; none for some."""
    return tuple(suffix.removeprefix(".") for suffix in app_task(loaded).task.files_compared)


@not_for_visitors
def hand_in(loaded: Loaded, name: str, content: bytes) -> str:
    """Have a file read in the background, and return the key by which it is known.

    Raises:
        UsageError: it is too large, or no file that networks of this kind are compared with.
    """
    suffix, kinds = PurePath(name).suffix.lower(), kinds_of(loaded)
    if suffix.removeprefix(".") not in kinds:
        raise UsageError(f"{name} is none of {', '.join(kinds)}")
    if len(content) > LARGEST_HANDED:
        raise UsageError(f"{name} has {len(content) / 1e6:.0f} MB, {LARGEST_HANDED >> 20} are read at most")
    arch = loaded.zoo.family.archs[0]
    key = content_hash(np.frombuffer(bytearray(content), np.uint8), f"{suffix} {arch.name}")
    with _lock:
        if key not in _files:
            _files[key] = Handed(name, patient().submit((0,), _read, app_task(loaded), arch, suffix, content))
        _files.move_to_end(key)
        while len(_files) > FILES_KEPT:
            _files.popitem(last=False)
    return key


def _read(kind: AppTask, arch: Arch, suffix: str, content: bytes) -> torch.Tensor:
    """Read it from a folder that is there for no longer than that."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / f"file{suffix}"
        path.write_bytes(content)
        try:
            return kind.task.outputs_of_file(path, arch)
        except (ValueError, OSError) as error:
            raise UsageError(message_of(error).replace(str(path), "the file").replace(str(scratch), "")) from error


def is_file_kept(key: str) -> bool:
    """Whether a file is kept."""
    return key in _files


def key_of(column: str) -> str:
    """Return the key of the file that a column of the map is about; empty for any other column."""
    found = re.fullmatch(rf"{LIKE} ([0-9a-f]+)", column)
    return found[1] if found and found[1] in _files else ""


def column_of(key: str) -> str:
    return f"{LIKE} {key}"


@dataclass(frozen=True)
class LikenessToFile:
    """How much the networks on a map are like a file."""

    distances: np.ndarray
    """(b) float32, as `Task.distance` has them; NaN where it is not known yet"""
    waiting: bool
    problem: str
    """why it is not known, in words; empty where it is, or will be"""
    words: str = ""
    """what the distances are, and of which networks if not of all"""

    @property
    def most(self) -> list[Alike]:
        """The networks that are most like it, the first first."""
        order = np.argsort(self.distances, kind="stable")[:MOST_ALIKE]
        return [Alike(int(i), float(self.distances[i])) for i in order if np.isfinite(self.distances[i])]


def likeness(chart: Chart, key: str) -> LikenessToFile:
    """Return how much networks are like a file that was handed in, as far as it is known."""
    distances = np.full(len(chart), np.nan, np.float32)
    handed = _files.get(key)
    if handed is None:
        return LikenessToFile(distances, False, "the file is not kept any more: hand it in again")
    if handed.answers.done() and handed.answers.exception():
        return LikenessToFile(distances, False, message_of(handed.answers.exception()))
    works = [answers_of(member) for member in chart.members]
    problem = next((work.problem for work in works if work.problem), "")
    if problem or not handed.answers.done() or any(work.answers is None for work in works):
        return LikenessToFile(distances, not problem, problem)
    return _compared(f"{chart.key}|{key}", chart, works, handed.answers.result())


@cached_object(max_entries=8)
def _compared(key: str, _chart: Chart, _works: Sequence[ByFunction], _answers: torch.Tensor) -> LikenessToFile:
    """Compare networks with a file once; every run of the page asks several times."""
    kind, distances = app_task(_chart.loaded), np.full(len(_chart), np.nan, np.float32)
    for k, work in enumerate(_works):
        distances[int(_chart.starts[k]) + np.array(work.ids)] = kind.task.distance(work.answers, _answers).numpy()
    asked, total = sum(len(work.ids) for work in _works), sum(work.total for work in _works)
    some = f"; of {asked:,} of the {total:,} networks, drawn at random" if asked < total else ""
    return LikenessToFile(distances, False, "", f"{kind.function_words}{some}")


def likeness_columns(chart: Chart, asked: Sequence[str]) -> dict[str, Column]:
    """Return the columns about files, of those that are asked for."""
    found = {}
    for name in asked:
        key = key_of(name)
        if key:
            title = f"{app_task(chart.loaded).function_words.rpartition(', ')[2]} to {_files[key].name}"
            found[name] = Column(name, title, likeness(chart, key).distances, (), None)
    return found


def version_of(chart: Chart, asked: Sequence[str]) -> str:
    """Differs when more is known of what columns about files show."""
    return "".join(str(int(np.isfinite(likeness(chart, key).distances).sum())) for key in map(key_of, asked) if key)


def is_waiting(chart: Chart, asked: Sequence[str]) -> bool:
    """Whether a column about a file is not known yet."""
    return any(likeness(chart, key).waiting for key in map(key_of, asked) if key)
