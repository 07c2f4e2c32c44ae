"""Work in the background, the newest request first, and the feeds that bring its results to the browser."""

from __future__ import annotations

import atexit
import ctypes
import gc
import itertools
import json
import math
import os
import queue
import struct
import sys
import threading
import time
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Any, Protocol, TypeVar

import torch

from .allocator import computing_threads, settle_allocator
from .caches import cached_object
from .visitors import is_visitor, seen_data, working_for

NOT_READ = (OSError, ValueError, EOFError, zipfile.BadZipFile)
"""raised by np.load of a file that is missing or damaged"""

MOST_WORKS = 12
"""works that an engine keeps for whoever asks for them again: of a path through shapes, tens of megabytes"""
LAST_WORKS, FORGOTTEN = 2, 60.0
"""of them, those that it keeps however long nobody asks; and the seconds after which the others are forgotten: whoever
still looks at one has all of it in the browser, and what is asked for later is done anew"""
NICE = 5
"""nicer than the app are its workers: clicks are answered before them, and a browser on the same machine draws"""

torch.set_num_threads(1)  # the work is spread over threads that run one network each


class Piece(Future):
    """A piece of work for an engine, which may be held back before it is begun."""

    def __init__(self, function: Callable, args: tuple) -> None:
        super().__init__()
        self.function, self.args = function, args
        self.held = False
        """whether nobody wants it for now: an engine passes it over until it is asked for `again`"""
        self.taken = False
        """whether an engine has begun it, or seen that it was cancelled"""


class Pausable(Protocol):
    """Work of many pieces."""

    def pause(self) -> None:
        """Hold back what is not begun; whoever looks at the work has it go on."""


Work = TypeVar("Work", bound=Pausable)


class Engine:
    """Worker threads that serve the newest work first; what an older one still wants is done when there is time."""

    def __init__(self, workers: int) -> None:
        self.queue: queue.PriorityQueue = queue.PriorityQueue()
        self.count = itertools.count()
        self.works: OrderedDict[tuple, Any] = OrderedDict()
        self.asked: dict[tuple, float] = {}
        """when each of them was asked for last"""
        self.lock = threading.Lock()
        self.worked = time.monotonic()
        """when a piece was last submitted or done"""
        self.workers = [threading.Thread(target=self._work, daemon=True) for _ in range(workers)]
        for worker in self.workers:
            worker.start()
        atexit.register(self.close)  # a thread inside torch while the interpreter goes down would abort it

    def submit(self, priority: tuple, function: Callable, *args: Any) -> Piece:
        return self.again(priority, Piece(partial(_run_for, is_visitor(), function), args))

    def again(self, priority: tuple, piece: Piece) -> Piece:
        """Have a piece done that was held back or is not begun yet; return it, or another one if it was cancelled."""
        if piece.cancelled():
            piece = Piece(piece.function, piece.args)
        piece.held, self.worked = False, time.monotonic()
        self.queue.put((priority, next(self.count), piece))  # where it stands in the queue already, once does nothing
        return piece

    def need(self, piece: Piece) -> Any:
        """Return the result of a piece that another one cannot go on without; called in a thread of this engine.

        A piece that no thread has begun is done here and now. Waited for, it could stand in the queue behind newer work
        that waits itself, and once the engine closes nobody would do it at all.
        """
        piece.held = False
        self._do(piece)
        return piece.result()

    def work(self, key: tuple, make: Callable[[Engine], Work]) -> Work:
        """The work known by this key, begun if it is not there yet; the last MOST_WORKS are kept."""
        with self.lock:
            if key not in self.works:
                self.works[key] = make(self)
                while len(self.works) > MOST_WORKS:
                    self._drop_oldest()
            self.works.move_to_end(key)
            self.asked[key] = time.monotonic()
            return self.works[key]

    def forget(self, seconds: float) -> None:
        """Drop works, all but LAST_WORKS, that nobody has asked for in so many seconds."""
        with self.lock:
            while len(self.works) > LAST_WORKS:
                if time.monotonic() - self.asked[next(iter(self.works))] < seconds:
                    return
                self._drop_oldest()

    def _drop_oldest(self) -> None:
        key, oldest = self.works.popitem(last=False)
        del self.asked[key]
        oldest.pause()  # else what nobody can find any more would still be done

    def close(self) -> None:
        """Finish what is under way, drop the rest, and end the workers."""
        for _ in self.workers:
            self.queue.put(((-math.inf,), next(self.count), None))
        for worker in self.workers:
            worker.join()

    def _work(self) -> None:
        torch.set_num_threads(1)
        if sys.platform == "linux":  # elsewhere a priority is that of the whole process
            me = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, me, os.getpriority(os.PRIO_PROCESS, me) + NICE)
        while True:
            _, _, piece = self.queue.get()
            if piece is None:
                return
            self._do(piece)
            del piece  # its result is not kept until there is more to do

    def _do(self, piece: Piece) -> None:
        if self._begun(piece):
            try:
                piece.set_result(piece.function(*piece.args))
            except Exception as error:  # handed on to whoever waits for the result
                piece.set_exception(error)
            self.worked = time.monotonic()
            piece.args = ()  # what it was made of is not kept with its result

    def _begun(self, piece: Piece) -> bool:
        """Whether this thread is to do a piece, which no other one begins then."""
        with self.lock:
            if piece.held or piece.taken:
                return False
            piece.taken = True
            return piece.set_running_or_notify_cancel()


def _run_for(visitor: bool, function: Callable, *args) -> Any:
    """Run what a session asked for: nothing is written for visitors."""
    with working_for(visitor):
        return function(*args)


@cached_object()
def shared() -> Engine:
    """The one that all sessions of the app share."""
    gc.freeze()  # Streamlit collects garbage after every run: the modules, most of all objects, are none of it
    settle_allocator()  # done already where the server has started the app
    engine = Engine(computing_threads())
    threading.Thread(target=_give_back, args=(engine,), daemon=True).start()
    return engine


_ending = threading.Event()

QUIET = 5.0
"""seconds without work after which memory that is no longer used is given back; then again after twice as many, and so
on: sessions that were left are forgotten later"""


Forgetting = Callable[[float], None]
_forgetting: list[Forgetting] = []


def at_rest(forget: Forgetting) -> None:
    """Have something called from time to time with the seconds after which what nobody asks for is to be dropped."""
    _forgetting.append(forget)


def _give_back(engine: Engine) -> None:
    """Forget works, and give memory that was freed back to the system, where its allocator would keep it for ever.

    Of glibc's heaps only the end shrinks by itself: after a hundred drags a third of the app's memory was free space in
    their midst. It takes up to half a second in which nothing else is allocated, so that it waits until all is quiet.
    """
    trim, again = None, QUIET
    if sys.platform == "linux":
        with suppress(AttributeError, OSError):
            trim = ctypes.CDLL(None).malloc_trim
    while not _ending.wait(QUIET):
        for forget in (engine.forget, *_forgetting):
            forget(FORGOTTEN)
        quiet = time.monotonic() - engine.worked
        if quiet < QUIET:
            again = QUIET
        elif trim and quiet >= again:
            again = 2 * quiet
            trim(0)


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


def unpacked_feed(payload: bytes) -> tuple[dict, bytes]:
    """Header and body of a feed."""
    (length,) = struct.unpack_from("<I", payload)
    return json.loads(payload[4 : 4 + length]), payload[4 + length :]


def seen_feed(payload: bytes) -> bytes:
    """A feed as whoever asks may read its header."""
    if not is_visitor():
        return payload
    header, body = unpacked_feed(payload)
    return feed(seen_data(header), body)
