"""Make a zoo of many networks: groups of them are trained side by side, and what is finished is kept.

What one group's training is, `fit_sdf` and `fit_cnn` say. On a CPU one network a process is fastest, so groups are
spread over processes; on a GPU a group is trained at once in this one.
"""

from __future__ import annotations

import math
import os
import platform
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from multiprocessing import active_children, get_context, parent_process
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch

from ..errors import FormatError, InUse
from ..io import refuse_others
from ..nets.archs import Arch, Family
from ..zoo.store import Zoo, write_about, write_zoo

FLUSH_SECONDS = 20.0


class Item(Protocol):
    """What one network is trained from; hashable, and sent to worker processes."""

    name: str
    """of the network in the zoo"""


class Made(NamedTuple):
    """A trained network, or why there is none."""

    name: str
    params: Mapping[str, np.ndarray] | None
    """parameter name -> values as stored; None where it could not be made"""
    record: dict
    problem: str


Work = Callable[[tuple[Sequence[Item], Any, str]], list[Made]]
"""Trains the networks of a group, given (items, config, device); a function of a module, so that processes find it."""


class Progress(NamedTuple):
    """One line of a zoo being made."""

    done: int
    total: int
    name: str
    record: dict
    """of the network; empty where it was skipped"""
    seconds_left: float
    problem: str


def make_zoo(
    folder: Path,
    arch: Arch,
    groups: Sequence[Sequence[Item]],
    config: Any,
    work: Work,
    splits: Mapping[str, str],
    *,
    made_by: str,
    resume: bool = False,
    workers: int = 1,
    device: str = "cpu",
) -> Iterator[Progress]:
    """Train a network for every item and keep the zoo in `folder` readable all along; a generator of progress lines.

    Args:
        splits: name of a network -> its split.
        made_by: the command, kept in the zoo.
        resume: go on with a zoo that holds some of the networks already.
        workers: processes (CPU); with 0, and on another device, everything runs in this one.

    Raises:
        FormatError: the folder holds a zoo and `resume` is off, or it was made with another config.
        OSError: the disk is full; what was finished before stays readable.
    """
    import pandas as pd

    refuse_others(folder, "zoo.json")
    family = Family.of(arch.name)
    names = [f"{arch.name}/{k}" for k in arch.shapes]
    records: list[dict] = []
    rows: dict[str, list[np.ndarray]] = {name: [] for name in names}
    if (folder / "zoo.json").exists():
        if not resume:
            raise InUse(f"{folder} holds a zoo already; add --resume to go on with it, or choose another folder")
        if (folder / "records.parquet").exists():
            zoo = Zoo.load(folder)
            made, now = zoo.about.get("config"), asdict(config)
            if made is None or {k: v for k, v in now.items() if k in made} != made:  # an older one has fewer fields
                raise FormatError(f"{folder} was made with another configuration: {zoo.about.get('config')}")
            records = [record | {"row": k} for k, record in enumerate(zoo.records.to_dict("records"))]
            rows = {name: list(zoo.weights[name][zoo.records.row.tolist()].numpy()) for name in names}
    finished = {record["name"] for record in records}
    items = [item for group in groups for item in group]
    left = [g for g in groups if any(item.name not in finished for item in g)]  # a group is trained whole or not
    jobs = [(list(g), config, device) for g in left]
    about = {
        "made_by": made_by,
        "config": asdict(config),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}, {device}",
        "skipped": [],
        "warnings": [
            f"{r['name']}: {r['warnings']}" for r in records if isinstance(r.get("warnings"), str) and r["warnings"]
        ],
    }
    written = len(records)

    def flush() -> None:
        nonlocal written
        if len(records) > written:
            stacks = {name: torch.from_numpy(np.stack(stack)) for name, stack in rows.items()}
            write_zoo(folder, family, pd.DataFrame(records), stacks, about)
            written = len(records)
        else:
            write_about(folder, family, about)

    start, flushed = time.perf_counter(), -math.inf
    before = sum(item.name in finished for item in items)
    done, wanted = 0, len(items) - before
    try:
        for results in _run(jobs, work, workers if device == "cpu" else 0):
            lines = []
            for result in results:
                if result.name in finished:
                    continue
                done += 1
                if result.params is None:
                    about["skipped"].append(result.problem)
                else:
                    for k, p in result.params.items():
                        rows[f"{arch.name}/{k}"].append(p)
                    record = {"name": result.name, "arch": arch.name, "row": len(records)}
                    records.append(record | {"split": splits[result.name]} | result.record)
                    if result.record.get("warnings"):
                        about["warnings"].append(f"{result.name}: {result.record['warnings']}")
                seconds_left = (time.perf_counter() - start) / done * (wanted - done)
                line = (before + done, len(items), result.name, result.record, seconds_left, result.problem)
                lines.append(Progress(*line))
            if time.perf_counter() - flushed > FLUSH_SECONDS:
                flush()  # before it is told: whoever hears of the first networks finds them
                flushed = time.perf_counter()
            yield from lines
    finally:
        flush()


def _start_worker() -> None:
    torch.set_num_threads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A worker waits for work for ever where the process that made it was killed."""
    parent_process().join()
    os._exit(1)


def _run(jobs: list, work: Work, workers: int) -> Iterator[list[Made]]:
    """Results in the order of the jobs, from worker processes or, with 0 workers, from this one."""
    if workers == 0:
        yield from map(work, jobs)
        return
    others = active_children()
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_start_worker)
    try:
        with _uninterrupted():
            futures = deque(pool.submit(work, job) for job in jobs)
        while futures:
            yield futures.popleft().result()
    except BaseException:
        pool.shutdown(wait=False)  # none is cancelled: ending the workers makes all fail, which cancelled ones cannot
        for worker in set(active_children()) - set(others):
            worker.terminate()
        raise
    pool.shutdown()


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Processes started inside never see Ctrl-C: it is the parent's to handle."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
