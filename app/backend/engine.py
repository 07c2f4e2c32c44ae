"""Work in the background, the newest request first, and the feeds that bring its results to the browser."""

from __future__ import annotations

import atexit
import gc
import itertools
import json
import math
import os
import queue
import struct
import sys
import threading
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

import torch

from .caches import cached_object
from .visitors import is_visitor, seen_data, working_for

Work = TypeVar("Work")

NOT_READ = (OSError, ValueError, EOFError, zipfile.BadZipFile)
"""raised by np.load of a file that is missing or damaged"""

NICE = 5
"""nicer than the app are its workers: clicks are answered before them, and a browser on the same machine draws"""

torch.set_num_threads(1)  # the work is spread over threads that run one network each


class Engine:
    """Worker threads that serve the newest work first; what an older one still wants is done when there is time."""

    def __init__(self, workers: int) -> None:
        self.queue: queue.PriorityQueue = queue.PriorityQueue()
        self.count = itertools.count()
        self.works: OrderedDict[tuple, Any] = OrderedDict()
        self.lock = threading.Lock()
        self.workers = [threading.Thread(target=self._work, daemon=True) for _ in range(workers)]
        for worker in self.workers:
            worker.start()
        atexit.register(self.close)  # a thread inside torch while the interpreter goes down would abort it

    def submit(self, priority: tuple, function, *args) -> Future:
        future: Future = Future()
        self.queue.put((priority, next(self.count), future, partial(_run_for, is_visitor(), function), args))
        return future

    def work(self, key: tuple, make: Callable[[Engine], Work]) -> Work:
        """The work known by this key, begun if it is not there yet; the last 24 are kept."""
        with self.lock:
            if key not in self.works:
                self.works[key] = make(self)
                while len(self.works) > 24:
                    self.works.popitem(last=False)
            self.works.move_to_end(key)
            return self.works[key]

    def close(self) -> None:
        """Finish what is under way, drop the rest, and end the workers."""
        for _ in self.workers:
            self.queue.put(((-math.inf,), next(self.count), None, None, ()))
        for worker in self.workers:
            worker.join()

    def _work(self) -> None:
        torch.set_num_threads(1)
        if sys.platform == "linux":  # elsewhere a priority is that of the whole process
            me = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, me, os.getpriority(os.PRIO_PROCESS, me) + NICE)
        while True:
            _, _, future, function, args = self.queue.get()
            if function is None:
                return
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(function(*args))
            except Exception as error:  # handed on to whoever waits for the result
                future.set_exception(error)


def _run_for(visitor: bool, function: Callable, *args) -> Any:
    """Run what a session asked for: nothing is written for visitors."""
    with working_for(visitor):
        return function(*args)


@cached_object()
def shared() -> Engine:
    """The one that all sessions of the app share."""
    gc.freeze()  # Streamlit collects garbage after every run: the modules, most of all objects, are none of it
    return Engine(max(1, min(8, os.cpu_count() or 1)))


_ending = threading.Event()


def go_on() -> None:
    """Called between the parts of what takes long; RuntimeError where the app ends."""
    if _ending.is_set():
        raise RuntimeError("the app ends")


@cached_object()
def patient() -> Engine:
    """For what takes long: a thread of its own, so that what a page waits for does not queue behind it."""
    engine = Engine(1)
    atexit.register(_ending.set)
    return engine


def feed(header: dict, body: bytes) -> bytes:
    """Bytes for the feed component: the header's length, the header as JSON, the body."""
    head = json.dumps(header).encode()
    return struct.pack("<I", len(head)) + head + body


def seen_feed(payload: bytes) -> bytes:
    """A feed as whoever asks may read its header."""
    if not is_visitor():
        return payload
    (length,) = struct.unpack_from("<I", payload)
    return feed(seen_data(json.loads(payload[4 : 4 + length])), payload[4 + length :])
