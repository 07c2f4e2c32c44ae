"""Executors: results reach the zoo in the order of its items, and nothing is left running."""

import dataclasses
import functools
import multiprocessing
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

import pytest
import torch
from conftest import TINY_FIT

from netspace import Zoo
from netspace.errors import NetSpaceError, UnknownName
from netspace.train import EXECUTORS, chair_sources, fit_sdf_zoo
from netspace.train.executors import in_order

FAST = dataclasses.replace(TINY_FIT, steps=5)
REAL = ("here", "processes")


def threads(work, jobs, workers):
    """An executor that hands the last job's result over first; all of it that a new one needs."""
    with ThreadPoolExecutor(workers) as pool:
        futures = {pool.submit(work, job): index for index, job in enumerate(jobs)}
        for future in sorted(as_completed(futures), key=futures.get, reverse=True):
            yield futures[future], future.result()


def twice(number: int) -> int:
    return 2 * number


def fails_at(bad: int, number: int) -> int:
    if number == bad:
        raise OSError("the disk is full")
    return number


def slow(number: int) -> int:
    time.sleep(0 if number == 0 else 600)
    return os.getpid()


def test_a_new_executor_is_one_function_and_one_line(tmp_path, monkeypatch):
    """It makes the zoo that is made in this process: the same networks in the same order, records too."""
    ran = []

    def named(*words):
        ran.append(threading.current_thread().name)
        yield from threads(*words)

    monkeypatch.setitem(EXECUTORS, "threads", named)
    lines = {
        name: list(fit_sdf_zoo(tmp_path / name, chair_sources(4), FAST, workers=2, executor=name))
        for name in ("here", "threads")
    }
    here, there = (Zoo.load(tmp_path / name) for name in lines)
    assert ran and [line.name for line in lines["threads"]] == [line.name for line in lines["here"]]
    assert torch.equal(here.preps(range(4)), there.preps(range(4)))
    assert here.records.drop(columns="seconds").equals(there.records.drop(columns="seconds"))


def test_an_unknown_executor_is_refused(tmp_path):
    with pytest.raises(UnknownName, match="no executor 'ray2', only here, processes, ray"):
        list(fit_sdf_zoo(tmp_path / "zoo", chair_sources(1), FAST, executor="ray2"))
    assert not (tmp_path / "zoo").exists()


@pytest.mark.parametrize("name", REAL)
def test_every_job_is_done_once_and_in_order(name):
    assert list(in_order(EXECUTORS[name], twice, range(5), 2)) == [0, 2, 4, 6, 8]
    assert list(in_order(EXECUTORS[name], twice, [], 2)) == []


@pytest.mark.parametrize("name", REAL)
def test_a_job_that_fails_ends_the_work_and_leaves_no_worker(name):
    results, before = [], set(multiprocessing.active_children())
    with pytest.raises(OSError, match="the disk is full"):
        for result in in_order(EXECUTORS[name], functools.partial(fails_at, 2), range(4), 2):
            results.append(result)
    assert results == [0, 1]
    assert workers_end(before)


def test_a_stop_ends_workers_in_the_middle_of_a_job():
    before = set(multiprocessing.active_children())
    results = in_order(EXECUTORS["processes"], slow, range(3), 2)
    assert next(results) != os.getpid()
    results.close()
    assert workers_end(before)


def workers_end(before: set) -> bool:
    """Whether all processes that were started since end within a while."""
    until = time.monotonic() + 60
    while set(multiprocessing.active_children()) - before:
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def test_an_executor_that_loses_a_job_is_told():
    def loses(work, jobs, workers):
        yield from ((index, work(job)) for index, job in enumerate(jobs) if index != 1)

    results = in_order(loses, twice, range(3), 1)
    assert next(results) == 0
    with pytest.raises(NetSpaceError, match="no result for job 2 of 3"):
        next(results)
