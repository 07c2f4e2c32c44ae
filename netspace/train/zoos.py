"""Make a zoo of many networks: groups of them are trained side by side, and what is finished is kept.

`fit_sdf` and `fit_cnn` say how one group is trained; `executors` says where. On a CPU one network per process is
fastest, so groups are spread over processes; on a GPU a group is trained at once in this one.
"""

from __future__ import annotations

import math
import os
import platform
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypedDict

import torch
from torch import Tensor

from ..errors import FormatError, UsageError
from ..nets.archs import Arch, Family
from ..outputs import check_folder
from ..zoo.family import family_to_json
from ..zoo.store import Zoo, write_about
from ..zoo.writer import ShardWriter
from .executors import Executor, executor_named, in_order
from .parts import Made

FLUSH_SECONDS = 20.0
"""seconds between writes of a growing zoo"""


class ZooItem(Protocol):
    """What one network is trained from; hashable, and sent to worker processes."""

    @property
    def name(self) -> str:
        """name of the network in the zoo"""


def as_stored(params: Mapping[str, Tensor], dtype: str) -> dict[str, Tensor] | None:
    """Round parameters to the precision of a zoo; return None if one of them is not finite in it."""
    rounded = {name: p.to(getattr(torch, dtype)) for name, p in params.items()}
    return rounded if all(p.isfinite().all() for p in rounded.values()) else None


GroupJob = tuple[Sequence[ZooItem], Any, str]
"""items of a group, config, device"""


@dataclass(frozen=True)
class ZooPlan:
    """A zoo to be made."""

    arch: Arch
    items: Sequence[ZooItem]
    """in the order in which networks are trained and stored"""
    config: Any
    """a config dataclass; kept in the zoo"""
    work: Callable[[Any], list[Made]]
    """trains a group; a function of a module, so that processes find it"""
    splits: Mapping[str, str]
    """name of a network -> its split"""
    made_by: str
    """the command; kept in the zoo"""


class RunOptions(TypedDict, total=False):
    """How the making of a zoo runs; the networks do not depend on it."""

    resume: bool
    """continue a zoo that has some of the networks already; default: False"""
    workers: int
    """jobs at the same time; default: 1"""
    group: int
    """networks trained at once, in one job; 1, the default, is fastest on a CPU"""
    device: str
    """default: cpu"""
    executor: str | Executor
    """an executor, or a name of `executors.EXECUTORS`; default: processes on a CPU with workers, else here"""


class Progress(NamedTuple):
    """One line of a zoo being made."""

    done: int
    total: int
    name: str
    record: dict
    """of the network; empty if it was skipped"""
    seconds_left: float
    problem: str


def make_zoo(
    folder: Path,
    plan: ZooPlan,
    *,
    resume: bool = False,
    workers: int = 1,
    group: int = 1,
    device: str = "cpu",
    executor: str | Executor = "",
) -> Generator[Progress, None, None]:
    """Train a network for every item and keep the zoo in `folder` readable all along; a generator of progress lines.

    Networks are stored in the order of the items, whatever the executor. Keyword arguments: see `RunOptions`.

    Raises:
        FormatError: the folder holds a zoo and `resume` is off, or it was made with another config.
        UnknownName: there is no such executor.
        OSError: the disk is full; what was finished before stays readable.
    """
    if isinstance(executor, str):
        executor = executor_named(executor or ("processes" if workers and device == "cpu" else "here"))
    new, refused = not (folder / "zoo.json").exists(), False
    zoo = _GrowingZoo(folder, plan, device, resume)
    finished = zoo.names()
    groups = [plan.items[i : i + group] for i in range(0, len(plan.items), group)]
    left = [g for g in groups if any(item.name not in finished for item in g)]  # a group is trained whole or not
    jobs: list[GroupJob] = [(list(g), plan.config, device) for g in left]
    start, flushed = time.perf_counter(), -math.inf
    total = len(plan.items)
    before = sum(item.name in finished for item in plan.items)
    done = 0
    try:
        for results in in_order(executor, plan.work, jobs, max(1, workers)):
            lines = []
            for made in results:
                if made.name in finished:
                    continue
                done += 1
                zoo.add(made)
                seconds_left = (time.perf_counter() - start) / done * (total - before - done)
                lines.append(Progress(before + done, total, made.name, made.record, seconds_left, made.problem))
            if time.perf_counter() - flushed > FLUSH_SECONDS:
                zoo.flush()  # before the lines are yielded: whoever reads of the first networks finds them
                flushed = time.perf_counter()
            yield from lines
    except UsageError:  # the executor cannot be used: the folder stays as it was
        refused = new and not done
        raise
    finally:
        zoo.close()
        if refused:
            zoo.withdraw()


class _GrowingZoo:
    """A zoo under way: its records, and as many of its networks readable as were there at the last flush."""

    def __init__(self, folder: Path, plan: ZooPlan, device: str, resume: bool) -> None:
        """Read what a zoo to be resumed has already; FormatError if the folder cannot be used."""
        check_folder(folder, "zoo", resume=resume)
        self.folder, self.plan, self.family = folder, plan, Family.of(plan.arch.name)
        self.records: list[dict] = []
        before = None
        if (folder / "zoo.json").exists() and (folder / "records.parquet").exists():
            zoo = Zoo.load(folder)
            made, now = zoo.about.get("config"), asdict(plan.config)
            if made is None or {k: v for k, v in now.items() if k in made} != made:  # an older one has fewer fields
                raise FormatError(f"{folder} was made with another configuration: {zoo.about.get('config')}")
            self.records, before = zoo.records.to_dict("records"), zoo.weights
        self.writer = ShardWriter(folder, before=before)
        self.written = len(self.records)
        self.about: dict[str, Any] = {
            "made_by": plan.made_by,
            "config": asdict(plan.config),
            "machine": f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}, {device}",
            "skipped": [],
            "warnings": [
                f"{r['name']}: {r['warnings']}"
                for r in self.records
                if isinstance(r.get("warnings"), str) and r["warnings"]
            ],
        }

        if not self.records:
            write_about(folder, self.family, self.about)  # the folder is a zoo's before anything else lies in it

    def names(self) -> set[str]:
        """Names of the networks that it has."""
        return {record["name"] for record in self.records}

    def add(self, made: Made) -> None:
        """Append a network, or note why it was skipped."""
        if made.params is None:
            self.about["skipped"].append(made.problem)
            return
        params = {key: torch.from_numpy(p).unsqueeze(0) for key, p in made.params.items()}
        (row,) = self.writer.append(self.plan.arch.name, params)
        record = {"name": made.name, "arch": self.plan.arch.name, "row": row}
        self.records.append(record | {"split": self.plan.splits[made.name]} | made.record)
        if made.record.get("warnings"):
            self.about["warnings"].append(f"{made.name}: {made.record['warnings']}")

    def flush(self) -> None:
        """Write what is not on disk yet."""
        import pandas as pd

        if len(self.records) > self.written:
            about = {"family": family_to_json(self.family)} | self.about
            self.writer.commit(about, pd.DataFrame(self.records))
            self.written = len(self.records)
        else:
            write_about(self.folder, self.family, self.about)

    def withdraw(self) -> None:
        """Remove what a zoo without networks has written, so that the same command can be given once more."""
        with suppress(OSError):
            (self.folder / "zoo.json").unlink()
            self.folder.rmdir()  # unless it holds something else

    def close(self) -> None:
        """Write what is not on disk yet, and leave nothing else."""
        with self.writer.closing():
            self.flush()
