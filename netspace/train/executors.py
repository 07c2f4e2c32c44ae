"""Where jobs run: in this process, spread over worker processes, or over the machines of a Ray cluster.

An executor does one kind of work on many jobs. It hands results over as they arrive, each with the index of its job;
`in_order` restores the order of the jobs. To add an executor, write the generator and put it into `EXECUTORS`.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from multiprocessing import active_children, get_context, parent_process
from typing import Any, Protocol

import torch

from ..errors import NetSpaceError, UnknownName
from ..threads import held_threads
from .cluster import Ray

JobFunction = Callable[[Any], Any]
"""job -> result; a function of a module, with arguments bound by `partial` if need be, so that it can be pickled"""
Arriving = Generator[tuple[int, Any], None, None]
"""(index of a job, its result), in the order in which results arrive"""


class Executor(Protocol):
    """A way to run jobs."""

    def __call__(self, work: JobFunction, jobs: Sequence[Any], workers: int) -> Arriving:
        """Run all jobs, `workers` of them at the same time; if closed, or if a job raises, leave no worker running."""


def in_this_process(work: JobFunction, jobs: Sequence[Any], workers: int = 1) -> Arriving:
    """Run one job after the other in this process, with one thread as in the others: to the same numbers."""
    for index, job in enumerate(jobs):
        with held_threads():
            result = work(job)
        yield index, result


def in_processes(work: JobFunction, jobs: Sequence[Any], workers: int) -> Arriving:
    """Run jobs in worker processes, one thread each: fastest on a CPU, where a network is too small for several."""
    others = active_children()
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_start_worker)
    try:
        with _ignoring_interrupts():
            futures = deque(pool.submit(work, job) for job in jobs)
        for index in range(len(jobs)):
            yield index, futures.popleft().result()
    except BaseException:
        pool.shutdown(wait=False)  # terminated workers make pending futures fail; cancelled ones could not
        for worker in set(active_children()) - set(others):
            worker.terminate()
        raise
    pool.shutdown()


EXECUTORS: dict[str, Executor] = {"here": in_this_process, "processes": in_processes, "ray": Ray()}
"""By name. Ray by its name alone is started on this machine; `Ray(address, shared, resources)` is a cluster."""


def executor_named(name: str) -> Executor:
    """Return the executor of this name; UnknownName if there is none."""
    if name not in EXECUTORS:
        raise UnknownName(f"no executor {name!r}, only {', '.join(EXECUTORS)}")
    return EXECUTORS[name]


def in_order(executor: Executor, work: JobFunction, jobs: Sequence[Any], workers: int) -> Iterator[Any]:
    """Yield the results of jobs in the order of the jobs, whatever the order in which an executor finishes them.

    A result that arrives before its turn is kept in memory until then.
    """
    early: dict[int, Any] = {}
    turn = 0
    with closing(executor(work, jobs, workers)) as arriving:
        for index, result in arriving:
            early[index] = result
            while turn in early:
                yield early.pop(turn)
                turn += 1
    if turn < len(jobs):
        raise NetSpaceError(f"the executor returned no result for job {turn + 1} of {len(jobs)}")


def _start_worker() -> None:
    torch.set_num_threads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this worker if the process that started it was killed; it would wait for jobs forever."""
    parent_process().join()
    os._exit(1)


@contextmanager
def _ignoring_interrupts() -> Iterator[None]:
    """Processes started inside never see Ctrl-C: handling it is up to the parent."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
