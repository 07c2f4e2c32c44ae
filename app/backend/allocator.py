"""How the system's allocator is to treat the app, which runs for days and has a new thread for every run of a page."""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import suppress

M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8
"""of glibc's mallopt"""
MOST_COMPUTING = 8
LARGE_BLOCK = 4 << 20
"""bytes from which a block is the system's own and goes back to it once it is free"""


def computing_threads() -> int:
    """Return how many threads compute at a time, and so how many heaps threads share."""
    return max(1, min(MOST_COMPUTING, os.cpu_count() or 1))


def settle_allocator() -> None:
    """Have threads share few heaps, and large blocks not lie in them; call it before threads begin.

    By itself glibc gives threads up to eight heaps a core, and after the first large block that is freed takes further
    ones of up to 32 MB from them: what stays of a run of a page keeps the free space around it. Does nothing where the
    system has another allocator.
    """
    if sys.platform == "linux":
        with suppress(AttributeError, OSError):
            mallopt = ctypes.CDLL(None).mallopt
            mallopt(M_ARENA_MAX, computing_threads())
            mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK)
