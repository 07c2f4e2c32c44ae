"""The skeleton of whatever trains: a folder, steps of an optimizer, a log, a checkpoint, and the way back into it.

`train_space` and `optimise` hand a `Learner` to `learn`. The folder of a run holds its description (train.json or
lso.json), metrics.jsonl (a `LogEntry` per line) and checkpoint.safetensors, the commit point: what was logged after it
is dropped when the run is resumed. An interrupted run (Ctrl-C, a full disk, kill -9) loses the steps since the last
checkpoint and nothing else. A checkpoint needs no generator's state: what is random in step i is drawn from a generator
seeded with the run's seed and i, so a resumed run equals an uninterrupted one bit for bit.
"""

from __future__ import annotations

import json
import time
from collections.abc import Generator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from torch import Tensor

from ..errors import FormatError
from ..io import (
    METRICS_FILE,
    append_line,
    atomic_write,
    check_types,
    read_json,
    read_safetensors,
    truncate_log,
    write_tensors,
)
from ..outputs import HOLDINGS, check_folder
from ..places import check_own
from .world import ALONE, World

CHECKPOINT = "checkpoint.safetensors"


@dataclass(frozen=True)
class LogEntry:
    """One line of a log: what was measured after a step."""

    step: int
    terms: dict[str, float]
    """loss terms by name, averaged over the steps since the last entry; empty at step 0"""
    measures: dict[str, float]
    """measures by name: "heldout_agreement", "validation_iou", "moved" ..."""
    best: bool
    """whether this step is the best so far"""
    seconds: float
    """since the start of the run, earlier parts of a resumed run included"""
    architecture: str | None = None
    """predicted architecture; latent space optimization only"""

    def as_json(self) -> dict[str, Any]:
        """The entry as a line of the log has it; None is left out."""
        return {name: value for name, value in asdict(self).items() if value is not None}


class Measured(NamedTuple):
    """What a learner measured after a step."""

    score: float
    """the higher the better"""
    measures: dict[str, float]
    eligible: bool = True
    """whether this step may become the best"""
    architecture: str | None = None


@dataclass
class RunState:
    """Where a run stands; kept in the checkpoint."""

    step: int = 0
    """steps done"""
    best: float = -1.0
    """highest score so far; -1: none yet"""
    best_step: int = 0
    since: int = 0
    """measurements since the best one"""
    seconds: float = 0.0


class Learner(Protocol):
    """What is trained, as far as `learn` needs to know."""

    measures_start: bool
    """whether a fresh run is measured at step 0 too"""

    def advance(self, step: int) -> Mapping[str, Tensor]:
        """Take the optimizer's step after `step` steps and return its loss terms; Diverged if it cannot go on."""

    def measure(self, step: int, terms: Mapping[str, float]) -> Measured:
        """Measure what `step` steps have led to; `terms` are the mean loss terms since the last time."""

    def keep(self, step: int, measured: Measured) -> None:
        """Write the best so far to the folder."""

    def enough(self, state: RunState) -> bool:
        """Tell whether the run ends before its last step."""

    def tensors(self) -> dict[str, Tensor]:
        """Return everything that `restore` needs: weights, moments of the optimizer ..."""

    def notes(self) -> dict[str, Any]:
        """Return what else a checkpoint keeps, as JSON has it."""


class Checkpoint(NamedTuple):
    """What is left of a run to be resumed."""

    state: RunState
    notes: dict[str, Any]
    tensors: dict[str, Tensor]


class RunFolder:
    """The folder of a run."""

    def __init__(self, path: Path, kind: str) -> None:
        """Name a folder; nothing is written.

        Args:
            kind: what is made, a key of HOLDINGS; its first mark is the JSON file that tells what was asked for.
        """
        self.path, self.kind, self.description = path, kind, path / HOLDINGS[kind].marks[0]

    def open(self, resume: bool) -> bool:
        """Tell whether the folder holds a run to go on with; InUse if it holds one and `resume` is off, or a zoo ..."""
        check_own(self.path, METRICS_FILE)
        check_folder(self.path, self.kind, resume=resume)
        return self.description.exists()

    def described(self) -> dict[str, Any]:
        """Return what was asked for."""
        return read_json(self.description)

    def describe(self, about: Mapping[str, Any]) -> None:
        """Write what is asked for."""
        with atomic_write(self.description) as path:
            path.write_text(json.dumps(about, indent=2) + "\n")

    def checkpoint(self) -> Checkpoint | None:
        """Return the last checkpoint; None if there is none, FormatError if it is damaged."""
        path = self.path / CHECKPOINT
        return read_checkpoint(path) if path.exists() else None

    def commit(self, entry: LogEntry, state: RunState, learner: Learner) -> None:
        """Log an entry and save the checkpoint that belongs to it."""
        append_line(self.path / METRICS_FILE, entry.as_json())
        write_checkpoint(self.path / CHECKPOINT, state, learner.notes(), learner.tensors())


def learn(
    learner: Learner,
    folder: RunFolder,
    state: RunState,
    *,
    steps: int,
    every: int,
    fresh: bool,
    world: World = ALONE,
) -> Generator[LogEntry, None, None]:
    """Train from where `state` stands to the last step, measuring every `every` steps; a generator of log entries.

    `state` is kept up to date. Whoever loops over the entries may stop at any of them.

    Args:
        fresh: no checkpoint was restored.
        world: the processes that train together, of which the first measures and writes.

    Raises:
        Diverged: as the learner has it; log and checkpoint stay as of the last entry.
        OSError: the disk is full; the last checkpoint stays readable.
    """
    if world.first:
        truncate_log(folder.path / METRICS_FILE, -1 if fresh else state.step)
    began = time.perf_counter() - state.seconds
    if fresh and learner.measures_start:
        yield _measured(learner, folder, state, 0, {}, began, world)
    step = state.step
    sums: dict[str, float] = {}
    while step < steps and not learner.enough(state):
        for name, term in learner.advance(step).items():
            sums[name] = sums.get(name, 0.0) + float(term.detach())
        step += 1
        if step % every and step != steps:
            continue
        count = (step - 1) % every + 1  # steps since the last entry
        means = {name: total / count for name, total in sums.items()}
        entry = _measured(learner, folder, state, step, means, began, world)
        sums = {}
        yield entry


def _measured(
    learner: Learner,
    folder: RunFolder,
    state: RunState,
    step: int,
    terms: dict[str, float],
    began: float,
    world: World,
) -> LogEntry:
    """Measure a step, keep it if it is the best, and commit it."""
    found = world.from_first(lambda: learner.measure(step, terms))
    best = found.eligible and found.score > state.best
    state.since = 0 if best or state.best < 0 else state.since + 1
    state.step, state.seconds = step, time.perf_counter() - began
    if best:
        state.best, state.best_step = found.score, step
    entry = LogEntry(step, terms, found.measures, best, state.seconds, found.architecture)
    if world.first:
        if best:
            learner.keep(step, found)
        folder.commit(entry, state, learner)
    return entry


def changed_settings(before: Mapping[str, Any], config: Any) -> list[str]:
    """Names of the fields in which a config dataclass differs from the settings that a run was started with.

    A field that the run does not know yet had its default.
    """
    return [f.name for f in fields(config) if before.get(f.name, f.default) != getattr(config, f.name)]


def write_checkpoint(path: Path, state: RunState, notes: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    """Write a checkpoint, atomically: state and notes in the header of a safetensors file."""
    write_tensors(path, tensors, {"state": json.dumps(asdict(state) | dict(notes))})


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint; FormatError if it is damaged or something else."""
    tensors, texts = read_safetensors(path)
    try:
        known = json.loads(texts["state"])
        mine = {f.name for f in fields(RunState)}
        check_types(asdict(RunState()) | known, path, STATE_TYPES)
        state = replace(RunState(), **{name: value for name, value in known.items() if name in mine})
        return Checkpoint(state, {name: value for name, value in known.items() if name not in mine}, tensors)
    except FormatError:
        raise
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise FormatError(f"{path} is not a checkpoint of a run ({error})") from error


STATE_TYPES: dict[str, Any] = {f.name: {"int": int, "float": int | float}[str(f.type)] for f in fields(RunState)}
